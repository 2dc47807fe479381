"""What a SparkContext's serializer and profiler do to the tasks of its stages."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

from pyspark.serializers import CPickleSerializer, Serializer

from penstock.rdd.nodes import Elements, Node, Pipeline
from penstock.rdd.tasks import Task
from penstock.rdd.work import MapWork, ResultWork, Work

#: One task is profiled at a time: threads that share the interpreter would measure each other, and Python from 3.12 on
#: has one profiler for all threads.
_profiling = threading.Lock()


@dataclass(frozen=True)
class Profiled:
    """Work that a `pyspark.profiler.Profiler` measures."""

    work: Work
    profiler: Any

    def __call__(self, index: int, task: Task) -> Any:
        with _profiling:
            return self.profiler.profile(self.work, index, task)

    def remote(self, index: int, task: Task) -> Any:
        """The same in another process; what is measured comes back by the profiler's accumulator."""
        return self.profiler.profile(self.work.remote, index, task)

    def from_remote(self, result: Any) -> Any:
        """As the work itself."""
        return self.work.from_remote(result)


@dataclass(frozen=True)
class RoundTrip:
    """Elements as a serializer gives them back: what it cannot write fails, what it changes is changed."""

    serializer: Serializer

    def __call__(self, value: Any) -> Any:
        return self.serializer.loads(self.serializer.dumps(value))

    def around(self, work: Work) -> Work:
        """What the stage reads from a shuffle or gives to the driver goes through the serializer."""
        if isinstance(work, MapWork):
            return replace(work, parent=Pipeline(work.parent, self._step))
        if isinstance(work, ResultWork):
            action = work.action
            return replace(work, action=lambda index, elements: self(action(index, elements)))
        return work

    def _step(self, _: int, elements: Elements) -> Elements:
        return iter(self(list(elements)))


def round_trip(serializer: Serializer) -> RoundTrip | None:
    """None for the serializer that changes nothing."""
    return None if type(serializer) is CPickleSerializer else RoundTrip(serializer)


def profiled(work: Work, node: Node, collector: Any, context: Any) -> Work:
    """The work, measured by a profiler of its own that the collector shows under the number of the RDD."""
    if node.barrier:  # its tasks wait for each other
        return work
    profiler = collector.new_profiler(context)
    collector.add_profiler(node.number, profiler)
    return Profiled(work, profiler)
