"""What a streaming query is made of: everything that `writeStream.start()` decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from penstock.core.clock import Clock, SystemClock
from penstock.core.config import Conf
from penstock.plan.nodes import Node
from penstock.runtime.async_progress import AsyncProgress
from penstock.runtime.trigger import ProcessingTime, Trigger
from penstock.sinks.base import Sink, SinkContext

#: Sinks that may run without a checkpoint location: theirs is temporary, deleted when the query stops without error.
ONE_TIME_SINKS = frozenset({"memory", "console", "noop", "foreach", "foreachbatch"})


@dataclass(frozen=True)
class QuerySpec:
    """One query to start.

    plan: resolved, and checked for streaming.  output_mode: "append", "update" or "complete".  make_sink opens the
    sink.  temporary_checkpoint: whether the query may run without a checkpoint location (see ONE_TIME_SINKS).
    recoverable: False refuses a checkpoint that has batches already (Spark: the memory sink, except in complete mode).
    async_progress: how the logs are written, if not before and after every batch.
    """

    plan: Node
    make_sink: Callable[[SinkContext], Sink]
    output_mode: str = "append"
    trigger: Trigger = field(default_factory=ProcessingTime)
    name: str | None = None
    checkpoint_location: str | None = None
    conf: Conf = field(default_factory=Conf)
    sink_options: Mapping[str, str] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    clock: Clock = field(default_factory=SystemClock)
    temporary_checkpoint: bool = True
    recoverable: bool = True
    async_progress: AsyncProgress | None = None
