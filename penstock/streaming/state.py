"""Running state by key."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from penstock.rdd.nodes import Node
from penstock.rdd.rdd import RDD
from penstock.streaming.transformations import Transformations

if TYPE_CHECKING:
    from penstock.streaming.dstream import DStream
    from penstock.streaming.map_with_state import MapWithStateStream, StateSpec


class States(Transformations):
    """What remembers a value for each key from batch to batch.  Needs a checkpoint directory."""

    def updateStateByKey(
        self,
        updateFunc: Callable[[list[Any], Any], Any],
        numPartitions: int | None = None,
        initialRDD: RDD | Iterable[tuple[Any, Any]] | None = None,
    ) -> DStream:
        """(key, state) of all keys, every batch.  `updateFunc(new_values, state)` is called for every key that has a
        state or values; it gives the new state, or None to forget the key."""
        from penstock.streaming.update_state import UpdatedStateStream

        if initialRDD is not None and not isinstance(initialRDD, RDD):
            initialRDD = self.ssc.sparkContext.parallelize(list(initialRDD))  # noqa: N806
        partitions = self._partitions(numPartitions)
        return UpdatedStateStream(self, updateFunc, partitions, initialRDD)  # type: ignore[arg-type]

    def mapWithState(self, spec: StateSpec) -> MapWithStateStream:
        """What `spec`'s function gives for each pair, with a state by key whose cost is that of the batch: keys
        without new values are not touched.  `.stateSnapshots()` is the state of all keys."""
        from penstock.streaming.map_with_state import MapWithStateStream

        return MapWithStateStream(self, spec, self._partitions(spec.partitions))  # type: ignore[arg-type]


def partitioned(rdd: RDD, partitions: int) -> Node:
    """The node of an RDD of pairs, partitioned by key."""
    return rdd.partitionBy(partitions)._node
