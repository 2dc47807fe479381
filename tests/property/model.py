"""Which rows count: a model of the watermark over batches, independent of the engine.

A batch drops what is at or before the watermark of the batch before it; the watermark then follows the greatest event
time of each stream less its delay, and is the least of the streams'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tests.property.schedule import Row, Run

#: The second at which a row of a stream is done, None if it never is: it is late once the watermark has reached that.
Deadline = Callable[[Row], float | None]
#: Whether a row of a stream gets as far as its withWatermark: filters that can go below it keep rows from moving it.
Reaches = Callable[[Row], bool]


@dataclass
class Watermark:
    """Seconds; `now` is that of the next batch, `before` that of the last one."""

    delays: Sequence[float]
    reaches: Sequence[Reaches]
    now: float = 0
    before: float = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """What the streams have seen is forgotten when a query stops, but not the watermark that came of it."""
        self._seen = [0.0] * len(self.delays)

    def batch(self, rows: Sequence[Sequence[Row]]) -> None:
        """A batch has run with these rows of each stream."""
        for i, stream in enumerate(rows):
            times = [row[0] for row in stream if row[0] is not None and self.reaches[i](row)]
            if times:
                # Spark's watermark is in whole milliseconds
                self._seen[i] = max(self._seen[i], round(max(times) * 1000) / 1000 - self.delays[i])
        self.before, self.now = self.now, max(self.now, min(self._seen))

    def no_data(self) -> None:
        """A batch without data has run."""
        self.before = self.now


@dataclass(frozen=True)
class Batch:
    """The rows of one batch that were not late, by stream; the watermark that evicts after them."""

    rows: tuple[list[Row], ...]
    evicts: float


def kept_batches(
    runs: Sequence[Run],
    delays: Sequence[float],
    deadlines: Sequence[Deadline],
    reaches: Sequence[Reaches],
    has_no_data_batches: bool,
) -> list[Batch]:
    """Every batch of all runs."""
    watermark, batches = Watermark(delays, reaches), []
    for run in runs:
        watermark.restart()
        for additions in zip_longest(*run.additions, fillvalue=[]):
            late = watermark.before
            kept = tuple(
                [row for row in rows if not _is_late(deadline(row), late)]
                for rows, deadline in zip(additions, deadlines, strict=True)
            )
            batches.append(Batch(kept, watermark.now))
            watermark.batch(additions)
        if run.no_data_batches and has_no_data_batches and watermark.now > watermark.before:
            batches.append(Batch(tuple([] for _ in delays), watermark.now))
            watermark.no_data()
    return batches


def _is_late(deadline: float | None, watermark: float) -> bool:
    return deadline is not None and watermark > 0 and deadline <= watermark + 1e-7
