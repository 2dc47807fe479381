"""When batches run: Spark's triggers.

`ProcessingTime` aligns to multiples of its interval since 1970 and skips those that a long batch missed.
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError


@dataclass(frozen=True)
class ProcessingTime:
    """A batch every `interval_ms`; 0: as soon as the last one is done."""

    interval_ms: int = 0

    def __post_init__(self) -> None:
        _not_negative(self.interval_ms)

    def next_after(self, now_ms: int) -> int:
        """When the trigger after one at `now_ms` is due: the next multiple of the interval, at least 1 ms later."""
        return now_ms // self.interval_ms * self.interval_ms + self.interval_ms


@dataclass(frozen=True)
class Once:
    """One batch with everything that is there, whatever the sources' limits; no batch without data afterwards."""


@dataclass(frozen=True)
class AvailableNow:
    """What is there at the start, in as many batches as the sources' limits make of it, and one to emit the rest."""


@dataclass(frozen=True)
class Continuous:
    """Rows as they come; what was read is committed every `interval_ms`."""

    interval_ms: int

    def __post_init__(self) -> None:
        _not_negative(self.interval_ms)


@dataclass(frozen=True)
class RealTime:
    """Rows as they come, in batches that last `duration_ms` each."""

    duration_ms: int


Trigger = ProcessingTime | Once | AvailableNow | Continuous | RealTime


def _not_negative(interval_ms: int) -> None:
    if interval_ms < 0:
        message = (
            "requirement failed: the interval of trigger should not be negative, "
            f"but it is {interval_ms} ms. Give an interval of zero or more."
        )
        raise SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])  # Spark has no condition for it
