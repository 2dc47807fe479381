"""Output operations: what makes a batch do something."""

# The names and parameters are Spark's.
# ruff: noqa: N802

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from penstock.rdd.rdd import RDD
from penstock.streaming.times import as_datetime, from_user, takes_time
from penstock.streaming.transformations import Transformations

if TYPE_CHECKING:
    from penstock.streaming.dstream import Stream


class Outputs(Transformations):
    """What a program does with each batch."""

    def foreachRDD(self, func: Callable[..., None]) -> None:
        """Call `func(rdd)` or `func(time, rdd)` for each batch."""
        timed = takes_time(func, 1)

        def run(time_ms: int, rdd: RDD) -> None:
            if timed:
                func(as_datetime(time_ms), rdd)
            else:
                func(rdd)

        name = getattr(func, "__name__", type(func).__name__)
        self.ssc.graph.add_output(Output(self, run, f"foreachRDD {name}"))  # type: ignore[arg-type]

    def pprint(self, num: int = 10) -> None:
        """Print the first `num` elements of each batch."""

        def show(time: datetime, rdd: RDD) -> None:
            taken = rdd.take(num + 1)
            _print(sys.stdout, time, taken[:num], len(taken) > num)

        self.foreachRDD(show)

    def saveAsTextFiles(self, prefix: str, suffix: str | None = None) -> None:
        """A directory of text files per batch: `prefix-TIME_IN_MS[.suffix]`.  A batch that runs again after a
        restart finds its directory there and leaves it as it is when it is whole."""

        def save(time_ms: int, rdd: RDD) -> None:
            from penstock.streaming.text_files import save_once

            save_once(rdd, batch_path(prefix, suffix, time_ms))

        self.ssc.graph.add_output(Output(self, save, "saveAsTextFiles"))  # type: ignore[arg-type]

    def slice(self, begin: datetime | float, end: datetime | float) -> list[RDD]:
        """The RDDs of the batches from begin to end, both included."""
        found: list[RDD] = self.slice_ms(from_user(begin), from_user(end))  # type: ignore[attr-defined]
        return found


class Output:
    """One output operation of the graph."""

    def __init__(self, parent: Stream, function: Callable[[int, RDD], None], name: str) -> None:
        self.parent = parent
        self.name = name
        self._function = function

    def job(self, time_ms: int) -> Callable[[], None] | None:
        """What is to be done for one batch, if there is an RDD."""
        rdd = self.parent.get_or_compute(time_ms)
        if rdd is None:
            return None
        return lambda: self._function(time_ms, rdd)


def batch_path(prefix: str, suffix: str | None, time_ms: int) -> str:
    """prefix-time[.suffix]."""
    name = f"{prefix}-{time_ms}" if prefix else str(time_ms)
    return f"{name}.{suffix}" if suffix else name


def _print(out: TextIO, time: datetime, elements: list[Any], more: bool) -> None:
    line = "-" * 43
    print(line, f"Time: {time}", line, *elements, *(["..."] if more else []), "", sep="\n", file=out, flush=True)
