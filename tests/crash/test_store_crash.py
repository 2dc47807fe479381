"""SIGKILL inside the state store: between the files of one commit, in a snapshot, while state moves to scratch files,
while old files are removed.  The resumed query gives what an undisturbed one gives, and leaves no scratch files."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import matrix
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

WHOLE = int(os.environ.get("PENSTOCK_CRASH_KILLS", "0")) >= 100
BATCHES, KEYS, ROWS = 8, 6_000, 3_000
KILLS = [
    f"{point}:{count}"
    for point, counts in (
        ("between_state_files", (1, 2, 5, 8)),
        ("before_snapshot", (1, 3)),
        ("during_snapshot", (1, 2, 4)),
        ("after_snapshot", (1, 2, 3)),
        ("during_spill", (1, 2, 4, 8)),
        ("during_purge", (1, 2)),
    )
    for count in counts
]
PART = ("between_state_files:5", "during_spill:4", "during_purge:2")


@pytest.fixture(scope="module")
def host() -> Iterator[matrix.Host]:
    made = matrix.Host()
    yield made
    made.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of rows with long texts."""
    place, rng = tmp_path_factory.mktemp("store") / "in", np.random.default_rng(20261121)
    place.mkdir()
    for number in range(BATCHES):
        keys = rng.integers(0, KEYS, ROWS)
        texts = [f"{value:09d} of {key} " * 12 for key, value in zip(keys, rng.integers(0, 10**9, ROWS), strict=True)]
        path = place / f"{number}.parquet"
        pq.write_table(pa.table({"k": pa.array(keys), "text": texts}), path)
        os.utime(path, (1_700_000_000 + number,) * 2)
    return place


def run(host: matrix.Host, root: Path, source: Path, kill: str = "") -> int:
    root.mkdir(exist_ok=True)
    if not (root / "in").exists():
        (root / "in").symlink_to(source)
    arguments = [str(matrix.HERE / "store_job.py"), str(root)]
    return host.start(arguments, {"PENSTOCK_CRASH_AT": kill}, root / "log")


def content(root: Path) -> list[list[tuple[object, ...]]]:
    """The rows of each batch."""
    found = []
    for number in range(BATCHES):
        table = ds.dataset(root / "out" / str(number), exclude_invalid_files=True).to_table()
        found.append(sorted(zip(*table.to_pydict().values(), strict=True)))
    return found


@pytest.fixture(scope="module")
def wanted(host: matrix.Host, source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[object, ...]]]:
    root = tmp_path_factory.mktemp("undisturbed")
    assert run(host, root, source) == 0, (root / "log").read_text()
    return content(root)


def test_the_undisturbed_run_is_right(wanted: list[list[tuple[object, ...]]], source: Path) -> None:
    largest: dict[int, tuple[int, str]] = {}
    for number in range(BATCHES):
        rows = pq.read_table(source / f"{number}.parquet").to_pydict()
        for key, text in zip(rows["k"], rows["text"], strict=True):
            times, before = largest.get(key, (0, ""))
            largest[key] = times + 1, max(before, text)
        assert wanted[number] == sorted((key, *largest[key]) for key in set(rows["k"]))


@pytest.mark.parametrize("kill", KILLS if WHOLE else PART)
def test_killed_in_the_store(
    host: matrix.Host, wanted: list[list[tuple[object, ...]]], source: Path, tmp_path: Path, kill: str
) -> None:
    root = tmp_path / "run"
    code = run(host, root, source, kill)
    assert code == -signal.SIGKILL, f"{kill} was not passed: {code}\n{(root / 'log').read_text()}"
    if WHOLE:  # and again while it recovers
        assert run(host, root, source, f"{kill.partition(':')[0]}:1") in (0, -signal.SIGKILL)
    assert run(host, root, source) == 0, (root / "log").read_text()
    assert content(root) == wanted
    assert not list(root.glob("penstock-state-*"))
