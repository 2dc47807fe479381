"""Streams that data comes in by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from penstock.rdd.rdd import RDD
from penstock.streaming import events
from penstock.streaming.dstream import DStream

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext


class InputStream(DStream):
    """A source.  `prepare`, `start` and `stop` are called with the context's."""

    def __init__(self, context: StreamingContext, name: str) -> None:
        super().__init__(context, (), context.batch_ms)
        self.id = context.next_input_id()
        self.name = name

    def prepare(self) -> None:
        """Before the first checkpoint is written, or after `restore`: what `describe` tells of is there."""

    def start(self) -> None:
        """Begin to take in data."""

    def stop(self) -> None:
        """End."""

    def close(self) -> None:
        """The context has ended: let go of what is open."""

    def allocate(self, time_ms: int) -> None:
        """Decide which data the batch has, before its jobs are made."""

    def batch_done(self, info: events.BatchInfo, records: int) -> None:
        """A batch has ended."""

    def describe(self) -> Any:
        """What it needs to make its batches again, as JSON has it: a dict with `batches` by time; None for nothing."""
        return

    def describe_batch(self, time_ms: int) -> Any:
        """What is under `batches` for one of them; None for nothing."""
        return

    def restore(self, described: Any) -> None:
        """After a restart: what describe gave."""

    def mark(self) -> Any:
        """What is needed now, for let_go."""
        return

    def let_go(self, mark: Any) -> None:
        """A checkpoint is durable that was written after `mark` was taken: what is not needed by it can go."""

    def info(self, time_ms: int) -> dict[str, Any]:
        """What listeners are told of the batch's data."""
        return {}

    def records(self, time_ms: int) -> int | None:
        """How many records the batch has; None where that is not known without computing it."""
        return None


class QueueStream(InputStream):
    """RDDs that the program has made, one or all of them per batch.

    Cannot be recovered from a checkpoint: the data is only in this process.
    """

    def __init__(self, context: StreamingContext, queue: list[Any], one_at_a_time: bool, default: RDD | None) -> None:
        super().__init__(context, "queueStream")
        self._queue = queue
        self._one_at_a_time = one_at_a_time
        self._default = default

    def compute(self, time_ms: int) -> RDD | None:
        taken = self._queue[: 1 if self._one_at_a_time else None]
        del self._queue[: len(taken)]
        spark = self.ssc.sparkContext
        rdds = [entry if isinstance(entry, RDD) else spark.parallelize(entry) for entry in taken]
        if len(rdds) == 1:
            return rdds[0]
        if rdds:
            union: RDD = spark.union(rdds)
            return union
        return self._default if self._default is not None else spark.emptyRDD()

    def __reduce__(self) -> Any:
        """Programs with a queue may have a checkpoint directory for their state, but cannot go on from it."""
        return _no_queue, ()


def _no_queue() -> None:
    raise TypeError("queueStream doesn't support checkpointing: its data was only in the process that has ended")


class GeneratedStream(InputStream):
    """Elements that a function of the batch time makes: a rate source, a test's data.  Replayed after a restart."""

    def __init__(self, context: StreamingContext, make: Callable[[int], Iterable[Any]], name: str) -> None:
        super().__init__(context, name)
        self._make = make

    def compute(self, time_ms: int) -> RDD | None:
        made: RDD = self.ssc.sparkContext.parallelize(list(self._make(time_ms)))
        return made
