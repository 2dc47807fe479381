"""The query's watermark: from the event times seen at every withWatermark of the plan to one point in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from penstock.core.errors import illegal_argument
from penstock.runtime.execution import EventTimeStats

POLICY_KEY = "spark.sql.streaming.multipleWatermarkPolicy"
_POLICIES: dict[str, Callable[[Iterable[int]], int]] = {"min": min, "max": max}


class WatermarkTracker:
    """Keeps the watermark of each withWatermark and the query's, which is their minimum or maximum and never goes back.
    An operator that has seen nothing counts as 0, as in Spark.  Milliseconds since 1970."""

    def __init__(self, policy: str = "min", watermark_ms: int = 0) -> None:
        if policy.lower() not in _POLICIES:
            message = f'{POLICY_KEY} is "{policy}": use "min" or "max".'
            params = {"confName": POLICY_KEY, "confValue": policy, "confOptions": ", ".join(_POLICIES)}
            raise illegal_argument("INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS", message, "22022", **params)
        self._choose = _POLICIES[policy.lower()]
        self._operators: dict[int, int] = {}
        self.watermark_ms = watermark_ms

    def advance_to(self, watermark_ms: int) -> None:
        """The watermark is at least this (from the logs)."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)

    def update(self, event_times: Sequence[EventTimeStats | None]) -> int:
        """Take in what a batch saw; returns the watermark for the next batch."""
        for index, stats in enumerate(event_times):
            seen = 0 if stats is None or not stats.count else stats.max_ms - stats.delay_ms
            self._operators[index] = max(self._operators.get(index, 0), seen)
        if self._operators:
            self.advance_to(self._choose(self._operators.values()))
        return self.watermark_ms
