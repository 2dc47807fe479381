"""A full copy of keyed state that cannot be written: changes go on, nothing is left of it, the next one succeeds."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.core.files import Buffer, LocalFiles
from penstock.streaming import state_files
from penstock.streaming.map_with_state import State, StateSpec
from tests.rdd.conftest import until
from tests.streaming.conftest import Run
from tests.streaming.programs import SEEN, checkpoint_of, collect

START = 1_000_000_000


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    yield
    SEEN.clear()


def running(key: Any, value: Any, state: State) -> Any:
    state.update((state.getOption() or 0) + value)
    return key, state.get()


class FullOnce(LocalFiles):
    """A disk that has no room for the second part of the first full copy."""

    def __init__(self) -> None:
        self.refused = 0

    def write_atomic(self, path: Path, data: Buffer, *, overwrite: bool = True, durable: bool = True) -> None:
        if "-full-" in path.parent.name and path.name == "part-00001" and not self.refused:
            self.refused += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        super().write_atomic(path, data, overwrite=overwrite, durable=durable)


def full_copies(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("state-*-full-*"))


def test_a_full_copy_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FullOnce()
    monkeypatch.setattr(state_files, "fs", disk)
    monkeypatch.setattr(state_files, "_LEAST_CHANGES", 0)
    run = Run(str(tmp_path))
    pairs = run.ssc.generatedStream(lambda ms: [("a", 1), ("b", 2)])
    mapped = pairs.mapWithState(StateSpec.function(running).numPartitions(2))
    mapped._states.checkpoint(1)
    mapped.stateSnapshots().foreachRDD(collect)
    writer = mapped._states

    def batch() -> None:
        run.batches(1)
        copying = writer._writer._compacting if writer._writer is not None else None
        if copying is not None:
            copying.join()

    while not disk.refused:
        batch()
    assert full_copies(tmp_path) == [] and "Could not write a full copy of a state" in caplog.text
    while not full_copies(tmp_path):
        batch()
    batch()
    until(lambda: any("-full-" in path for path in checkpoint_of(tmp_path).directories()))
    run.stop()
    count = len(SEEN)
    again = Run(str(tmp_path), again=START + count * 1000 + 500)
    again.batches(1)
    again.stop()
    assert [(when, sorted(found)) for when, found in SEEN] == [
        (n, [("a", n), ("b", 2 * n)]) for n in range(1, count + 2)
    ]
