"""`penstock checkpoint`: what it says of whole, unfinished and damaged checkpoints."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import functions as F

import penstock
from penstock.cli import main
from penstock.core import files
from penstock.core.files import LocalFiles

Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a stateful query over three files, one a batch, then a batch without data."""
    work = tmp_path_factory.mktemp("original")
    (work / "in").mkdir()
    for i in range(3):
        row = {"t": f"2026-03-01T10:00:{i * 20:02d}Z", "k": "a"}
        (work / "in" / f"{i}.json").write_text(json.dumps(row) + "\n")
    spark = penstock.session()
    events = spark.readStream.schema("t timestamp, k string").option("maxFilesPerTrigger", 1).json(str(work / "in"))
    counts = events.withWatermark("t", "10 seconds").groupBy(F.window("t", "10 seconds"), "k").count()
    writer = counts.writeStream.format("noop").option("checkpointLocation", str(work / "checkpoint"))
    writer.trigger(availableNow=True).start().awaitTermination()
    return work / "checkpoint"


@pytest.fixture
def checkpoint(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "checkpoint"))


def test_show(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", "show", str(checkpoint)]) == 0
    shown = capsys.readouterr().out
    query_id = json.loads((checkpoint / "metadata").read_text())["id"]
    for expected in (
        f"query id     {query_id}",
        "in use       no",
        "planned      up to batch 3",
        "committed    up to batch 3",
        "2026-03-01 10:00:30.000Z in the newest planned batch",
        'source 0     {"logOffset":2}',
        "3 files assigned in 3 entries of its log",
        "setting      spark.sql.shuffle.partitions = 200",
        "state 0      stateStoreSave",
        "partition 0: versions 1 to 4 (4 changes, 0 snapshots",
        "restart      goes on with batch 4, watermark 2026-03-01 10:00:30.000Z",
    ):
        assert expected in shown
    assert "DAMAGED" not in shown


def test_looking_changes_nothing(checkpoint: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in checkpoint.rglob("*") if path.is_file()}

    (checkpoint / "offsets" / ".9.x.tmp").write_text("left behind")
    before = contents()
    for arguments in (["show", str(checkpoint)], ["verify", str(checkpoint)], ["diff", *[str(checkpoint)] * 2]):
        assert main(["checkpoint", *arguments]) == 0
    assert contents() == before


def test_an_unfinished_batch_and_a_running_query(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkpoint / "commits" / "3").unlink()
    with (checkpoint / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["checkpoint", "show", checkpoint.as_uri()]) == 0
    shown = capsys.readouterr().out
    assert "in use       yes" in shown
    assert "restart      runs batch 3 again, exactly as planned" in shown


def test_a_whole_checkpoint_passes(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", "verify", str(checkpoint)]) == 0
    assert "is whole (4 planned batches, 4 commits, 1 states)" in capsys.readouterr().out


def flip(name: str) -> Damage:
    """Change a byte in the middle of a file."""

    def damage(root: Path) -> None:
        data = bytearray((root / name).read_bytes())
        data[len(data) // 2] ^= 0xFF
        (root / name).write_bytes(data)

    return damage


@pytest.mark.parametrize(
    ("name", "damage", "fault"),
    [
        ("offsets/3", lambda root: (root / "offsets/3").write_text(""), "incomplete"),
        ("offsets/1", lambda root: (root / "offsets/1").write_text("v1\n{"), "does not parse"),
        ("commits/3", lambda root: (root / "commits/3").write_text("v7\n{}"), "v7"),
        ("offsets/3", lambda root: (root / "offsets/3").unlink(), "batch 3 is committed"),
        ("metadata", lambda root: (root / "metadata").unlink(), "missing"),
        ("metadata", lambda root: (root / "metadata").write_text("{}"), "no id"),
        ("sources/0/1", lambda root: (root / "sources/0/1").unlink(), "Cannot find"),
        ("sources/0/2", lambda root: (root / "sources/0/2").write_text("v1\n{}"), "lacks"),
        ("sources/0/2", lambda root: (root / "sources/0/2").unlink(), "missing"),
        ("state/0/0/2.delta", flip("state/0/0/2.delta"), "checksum"),
        ("state/0/0/4.delta", lambda root: (root / "state/0/0/4.delta").unlink(), "needs version 4"),
        ("state/0", lambda root: shutil.rmtree(root / "state/0/0"), "missing"),
        ("state/0/_metadata", lambda root: (root / "state/0/_metadata/metadata").write_text("v1\n{}"), "no operator"),
    ],
)  # fmt: skip
def test_damage_is_named(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], name: str, damage: Damage, fault: str
) -> None:
    damage(checkpoint)
    assert main(["checkpoint", "verify", str(checkpoint)]) == 1
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("DAMAGED")]
    assert any(name in line and fault in line for line in told), told


def test_what_a_restart_will_do_is_told_in_spite_of_damage(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkpoint / "offsets/3").write_text("")
    main(["checkpoint", "show", str(checkpoint)])
    assert "restart      fails: a file that it needs is damaged" in capsys.readouterr().out
    (checkpoint / "offsets/3").unlink()
    main(["checkpoint", "show", str(checkpoint)])
    assert "restart      fails: batch 3 is committed, but the newest planned batch is 2" in capsys.readouterr().out


class GoesOn(LocalFiles):
    """While a checkpoint is read its query does a batch at every look at the logs, and keeps the last five."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.newest = 3

    def list(self, path: Path) -> list[str]:
        found = super().list(path)
        if path.parent == self.root:
            self._batch()
        return found

    def _batch(self) -> None:
        for log in ("offsets", "commits"):
            content = (self.root / log / str(self.newest)).read_bytes()
            (self.root / log / str(self.newest + 1)).write_bytes(content)
        for partition in (self.root / "state" / "0").glob("[0-9]*"):
            shutil.copy(partition / f"{self.newest + 1}.delta", partition / f"{self.newest + 2}.delta")
        self.newest += 1
        for log in ("offsets", "commits"):
            (self.root / log / str(self.newest - 5)).unlink(missing_ok=True)


def test_a_query_that_goes_on_meanwhile_is_not_damaged(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "fs", GoesOn(checkpoint))
    with (checkpoint / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in ("show", "verify"):
            assert main(["checkpoint", command, str(checkpoint)]) == 0
            shown = capsys.readouterr().out
            assert "DAMAGED" not in shown
            assert re.search(r"restart +(goes on with|runs) batch", shown), shown


def test_damage_of_a_running_query_is_told(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip("state/0/0/2.delta")(checkpoint)
    with (checkpoint / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["checkpoint", "verify", str(checkpoint)]) == 1
    assert re.search(r"DAMAGED .*2\.delta: .*checksum", capsys.readouterr().out)


def test_a_log_of_some_batches_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of asynchronous progress tracking."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.json").write_text('{"n": 1}')
    reader = penstock.session().readStream.schema("n long").json(str(tmp_path / "in"))
    writer = reader.writeStream.format("noop").option("checkpointLocation", str(tmp_path / "checkpoint"))
    writer = writer.option("asyncProgressTrackingEnabled", True)
    query = writer.option("asyncProgressTrackingCheckpointIntervalMs", 600_000).start()
    for number in range(1, 4):
        query.processAllAvailable()
        (tmp_path / "in" / f"{number}.json").write_text('{"n": 1}')
    query.processAllAvailable()
    query.stop()
    assert sorted(os.listdir(tmp_path / "checkpoint" / "offsets")) == ["0", "3"]
    assert main(["checkpoint", "verify", str(tmp_path / "checkpoint")]) == 0
    assert "A restart goes on with batch 4" in capsys.readouterr().out
    (tmp_path / "checkpoint" / "commits" / "3").unlink()
    assert main(["checkpoint", "verify", str(tmp_path / "checkpoint")]) == 0
    assert "A restart runs batch 3 again" in capsys.readouterr().out


def test_diff(original: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", "diff", str(original), str(checkpoint)]) == 0
    assert "say the same" in capsys.readouterr().out
    for directory in ("commits", "offsets"):
        (checkpoint / directory / "3").unlink()
    assert main(["checkpoint", "diff", str(original), str(checkpoint)]) == 1
    told = capsys.readouterr().out
    assert "planned up to batch\n  - 3\n  + 2\n" in told
    assert "a restart\n  - goes on with batch 4" in told
    assert "query id" not in told


def test_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for location in (str(tmp_path), str(tmp_path / "missing"), "s3://bucket/x"):
        assert main(["checkpoint", "show", location]) == 2
        assert "penstock checkpoint: " in capsys.readouterr().err
