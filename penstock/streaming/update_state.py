"""updateStateByKey: a function of every key, every batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.rdd.nodes import Elements, Node
from penstock.rdd.partitioning import Partitioner
from penstock.rdd.rdd import RDD
from penstock.rdd.tasks import Task
from penstock.streaming.dstream import DStream
from penstock.streaming.state import partitioned


class UpdatedStateStream(DStream):
    """(key, state) of every key."""

    must_checkpoint = True
    follows_itself = True

    def __init__(
        self,
        parent: DStream,
        update: Callable[[list[Any], Any], Any],
        partitions: int,
        initial: RDD | None,
    ) -> None:
        super().__init__(parent.ssc, (parent,), parent.slide_ms)
        self._update = update
        self._count = partitions
        self._initial = initial
        self.persist()

    def compute(self, time_ms: int) -> RDD | None:
        before = self.get_or_compute(time_ms - self.slide_ms)
        if before is None and time_ms - self.slide_ms == self.zero_ms:
            before = self._initial
        batch = self.parents[0].get_or_compute(time_ms)
        if batch is None and before is None:
            return None
        context = self.ssc.sparkContext
        states = partitioned(before if before is not None else context.emptyRDD(), self._count)
        values = partitioned(batch if batch is not None else context.emptyRDD(), self._count)
        return RDD(_UpdateNode(states, values, Partitioner(self._count), self._update), context)


class _UpdateNode(Node):
    kind = "UpdateStateRDD"

    def __init__(
        self, states: Node, values: Node, partitioner: Partitioner, update: Callable[[list[Any], Any], Any]
    ) -> None:
        super().__init__((states, values), partitioner.numPartitions, partitioner)
        self._update = update

    def compute(self, index: int, task: Task) -> Elements:
        states, values = self.parents
        new: dict[Any, list[Any]] = {}
        for key, value in values.elements(index, task):
            if key in new:
                new[key].append(value)
            else:
                new[key] = [value]
        return self._updated(states.elements(index, task), new)

    def _updated(self, states: Elements, new: dict[Any, list[Any]]) -> Elements:
        update = self._update
        take = new.pop
        for key, state in states:
            state = update(take(key, []), state)
            if state is not None:
                yield key, state
        for key, values in new.items():
            state = update(values, None)
            if state is not None:
                yield key, state
