"""What programs that a test goes on with in another context share with it: functions of a module are in a checkpoint by
name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.streaming.checkpoint_files import Metadata, latest
from penstock.streaming.receiver import Receiver

#: (seconds since the start, elements) of the batches that `collect` has seen.
SEEN: list[tuple[int, list[Any]]] = []
#: Called by `collect` with the seconds before it does anything.
BEFORE: list[Callable[[int], None]] = []


def collect(when: Any, rdd: Any) -> None:
    """An output operation."""
    second = round(when.timestamp()) - 1_000_000
    for call in BEFORE:
        call(second)
    SEEN.append((second, rdd.collect()))


def checkpoint_of(directory: Path) -> Metadata:
    """What a restart would begin with."""
    found = latest(directory)
    assert found is not None
    return found


class Given(Receiver):
    """Stores what the test gives it."""

    def onStart(self) -> None:
        """Nothing to start."""
