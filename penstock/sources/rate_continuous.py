"""The rate source row by row, for the continuous trigger: a row every 1 / rowsPerSecond seconds, at its very moment.

An offset is Spark's: for each partition the last value and its time, `{"0":{"value":22,"runTimeMs":1795261737883}}`.
Partition i of n gives every n-th number, so that together they give all.  A new query has numPartitions partitions (1
if that is not given); one that goes on has those of its checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.checkpoint.errors import foreign_offset
from penstock.sources.base import Scan, StreamContext
from penstock.sources.rate import RateRelation, describe, rate_table


@dataclass(frozen=True)
class _Partition:
    """The last value that a partition gave, and when it was due."""

    value: int
    time_ms: int


_Offset = dict[str, _Partition]


class ContinuousRateSource:
    """One running rate source.  Its first offset is where it stands when it is first asked."""

    def __init__(self, relation: RateRelation, context: StreamContext) -> None:
        self._relation = relation
        self._clock = context.clock
        count = relation.partitions or 1
        now_ms = context.clock.now_ms()
        self._first = {str(i): _Partition(i - count, now_ms) for i in range(count)}

    @property
    def description(self) -> str:
        return describe(self._relation)

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        begin, now_ms = self._parse(start), self._clock.now_ms()
        end = {key: self._after(last, self._due(last, now_ms, len(begin)), len(begin)) for key, last in begin.items()}
        return start if end == begin else _text(end)

    def look_after_ms(self) -> int | None:
        return max(1, 1000 // self._relation.rows_per_second)

    def prepare_for_available_now(self) -> None:
        """Not with this trigger."""

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        begin, until = self._parse(start), self._parse(end)
        rows = [self._rows(begin[key], last, len(until)) for key, last in until.items()]
        values = np.concatenate([v for v, _ in rows])
        times = np.concatenate([t for _, t in rows])
        order = np.argsort(values, kind="stable")
        return Scan(table=rate_table(times[order], values[order], columns))

    def row_count(self, start: str | None, end: str) -> int | None:
        begin, until = self._parse(start), self._parse(end)
        return sum((last.value - begin[key].value) // len(until) for key, last in until.items())

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        """Nothing is kept."""

    def stop(self) -> None:
        """Nothing to release."""

    # ------------------------------------------------------------ arithmetic

    def _interval_ms(self, partitions: int) -> float:
        """The time between two rows of a partition."""
        return 1000 * partitions / self._relation.rows_per_second

    def _due(self, last: _Partition, now_ms: int, partitions: int) -> int:
        return max(0, int((now_ms - last.time_ms) / self._interval_ms(partitions)))

    def _after(self, last: _Partition, rows: int, partitions: int) -> _Partition:
        time_ms = last.time_ms + int(rows * self._interval_ms(partitions))
        return _Partition(last.value + rows * partitions, time_ms)

    def _rows(self, begin: _Partition, end: _Partition, partitions: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The values after `begin` up to `end`, and their milliseconds."""
        count = (end.value - begin.value) // partitions
        steps = np.arange(1, count + 1, dtype=np.int64)
        times = begin.time_ms + (steps * self._interval_ms(partitions)).astype(np.int64)
        return begin.value + steps * partitions, times

    def _parse(self, offset: str | None) -> _Offset:
        if offset is None:
            return self._first
        try:
            found = json.loads(offset)
            return {key: _Partition(int(p["value"]), int(p["runTimeMs"])) for key, p in sorted(found.items())}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise foreign_offset(self.description, offset) from None


def _text(offset: _Offset) -> str:
    parts = {key: {"value": p.value, "runTimeMs": p.time_ms} for key, p in offset.items()}
    return json.dumps(parts, separators=(",", ":"))
