"""Compact files of long logs, prepared beside the batches: byte for byte what the batch itself would have written."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from penstock.checkpoint import compactible_log, compaction
from penstock.checkpoint.compactible_log import CompactibleLog, interval_of
from penstock.checkpoint.compaction import NAME, Preparation
from penstock.core import files
from penstock.core.errors import SparkError
from penstock.testing.failing_files import FailingFiles


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every log counts as a long one; pieces are short."""
    monkeypatch.setattr(compactible_log, "LEAST_BYTES", 0)
    monkeypatch.setattr(compaction, "_PIECE_BYTES", 7)
    monkeypatch.setattr(compaction, "_SYNC_BYTES", 20)


def lines(batch_id: int) -> list[str]:
    return [f'{{"n":{batch_id},"i":{i}}}' for i in range(batch_id % 4)]


def fill(directory: Path, batches: int, **options: object) -> dict[str, bytes]:
    """The files of a log of so many batches."""
    log = CompactibleLog(directory, interval=5, **options)
    for batch_id in range(batches):
        assert log.add(batch_id, lines(batch_id))
    log.close()
    return {name: (directory / name).read_bytes() for name in os.listdir(directory) if not name.endswith(".tmp")}


def test_the_same_files_as_without_preparation(tmp_path: Path, ahead: None) -> None:
    prepared = fill(tmp_path / "ahead", 37)
    compaction_off = pytest.MonkeyPatch()
    compaction_off.setattr(compactible_log, "LEAST_BYTES", 1 << 40)
    plain = fill(tmp_path / "plain", 37)
    compaction_off.undo()
    assert prepared == plain
    expected = [line for batch_id in range(35) for line in lines(batch_id)]
    assert plain["34.compact"].decode().split("\n") == ["v1", *expected]


def test_after_a_restart_what_a_killed_process_left_is_overwritten(tmp_path: Path, ahead: None) -> None:
    log = CompactibleLog(tmp_path, interval=5)
    for batch_id in range(7):
        log.add(batch_id, [f'{{"n":{batch_id}}}'])
    log.close()
    (tmp_path / NAME).write_bytes(b"v1\n{half of a li")
    log = CompactibleLog(tmp_path, interval=5)
    for batch_id in range(7, 10):
        log.add(batch_id, [f'{{"n":{batch_id}}}'])
    log.close()
    text = (tmp_path / "9.compact").read_text()
    assert text.split("\n") == ["v1", *(f'{{"n":{i}}}' for i in range(10))]


def test_a_copy_that_fails_is_made_by_the_batch(tmp_path: Path, ahead: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(compaction, "write_all", fail)
    assert fill(tmp_path / "failing", 12)["9.compact"].count(b"\n") == sum(len(lines(i)) for i in range(10))


def test_a_disk_that_fails_at_the_end_is_the_batchs_error(
    tmp_path: Path, ahead: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CompactibleLog(tmp_path, interval=5)
    for batch_id in range(4):
        log.add(batch_id, [f'{{"n":{batch_id}}}'])
    monkeypatch.setattr(files, "fs", FailingFiles("*/4.compact", operations=("write", "sync"), times=None))
    monkeypatch.setattr(files.fs, "rename", lambda source, target: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="full"):
        log.add(4, ['{"n":4}'])
    monkeypatch.setattr(files, "fs", files.LocalFiles())
    assert CompactibleLog(tmp_path, interval=5).latest == 3
    assert log.add(4, ['{"n":4}'])
    assert (tmp_path / "4.compact").read_text().count("\n") == 5
    log.close()


def test_a_batch_does_not_wait_for_the_copy(tmp_path: Path, ahead: None, monkeypatch: pytest.MonkeyPatch) -> None:
    log, pieces, write_all = CompactibleLog(tmp_path, interval=40), [], compaction.write_all
    begun = threading.Event()

    def stands_still(descriptor: int, data: bytes) -> None:
        pieces.append(data)
        begun.set()
        deadline = time.monotonic() + 120
        while log._ahead is None or not log._ahead._cancelled:
            assert time.monotonic() < deadline, "nobody stops it"
            time.sleep(0.001)
        write_all(descriptor, data)

    monkeypatch.setattr(compaction, "write_all", stands_still)
    log.add(0, ['{"n":1}' * 20] * 3)
    for batch_id in range(1, 20):
        log.add(batch_id, ['{"n":1}'])
    assert log._ahead is not None and log._ahead._thread.is_alive(), "the copy of the first batch is still being made"
    assert begun.wait(120), "the copy is never begun"
    log.close()
    assert len(pieces) == 1, "and it stops where it is"


def test_what_is_too_old_is_left_out(tmp_path: Path) -> None:
    kept = fill(tmp_path, 12, rewrite=lambda _, lines: [line for line in lines if b'"i":0' not in line])
    expected = [line for batch_id in range(10) for line in lines(batch_id) if '"i":0' not in line]
    assert kept["9.compact"].decode().split("\n") == ["v1", *expected]
    assert kept["11"] == "\n".join(["v1", *lines(11)]).encode(), "only a compaction leaves out"


def test_thousands_of_batches_leave_few_files(tmp_path: Path) -> None:
    log = CompactibleLog(tmp_path, cleanup_delay_ms=0)
    fsync, os.fsync = os.fsync, lambda descriptor: None
    try:
        for batch_id in range(2_000):
            log.add(batch_id, ['{"n":1}'])
    finally:
        os.fsync = fsync
    assert len(os.listdir(tmp_path)) <= 2 * log.interval + 4


@pytest.mark.parametrize(("text", "condition"), [("x", "INVALID_CONF_VALUE.TYPE_MISMATCH"), ("0", ""), ("-1", "")])
def test_the_interval_must_be_positive(text: str, condition: str) -> None:
    key = "spark.sql.streaming.fileSource.log.compactInterval"
    with pytest.raises(SparkError, match=key) as caught:
        interval_of({key: text}, key)
    assert caught.value.condition == condition


def test_a_copy_counts_its_lines(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"v1\na\nb")
    (tmp_path / "1").write_bytes(b"v1")
    (tmp_path / "2").write_bytes(b"v1\nc\n")
    copy = Preparation(tmp_path, [tmp_path / str(i) for i in range(3)], 2)
    assert copy.complete([b"d\ne", b""], tmp_path / "3.compact")
    assert (tmp_path / "3.compact").read_bytes() == b"v1\na\nb\nc\nd\ne"
    assert copy.lines == 5
