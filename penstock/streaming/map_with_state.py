"""mapWithState: a function of every new pair and the state of its key.  In Spark for Scala and Java only."""

# The names are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from penstock.rdd.nodes import Elements
from penstock.rdd.partitioning import Partitioner
from penstock.rdd.rdd import RDD
from penstock.streaming.dstream import DStream
from penstock.streaming.keyed_state import DELETED, GivenNode, KeyedState, StateNode
from penstock.streaming.state import partitioned
from penstock.streaming.stateful import StatefulStream
from penstock.streaming.times import as_datetime, milliseconds
from penstock.streaming.transformed import TransformedDStream


class StateSpec:
    """What mapWithState does.

    `StateSpec.function(f)` with `f(key, value, state)`, which gives an element for each pair, or `f(time, key,
    value, state)`, which may give None for no element.  `state` is a `State`.  When a key times out, `f` is called
    with the value None."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._timed = function.__code__.co_argcount == 4 if hasattr(function, "__code__") else False
        self.partitions: int | None = None
        self.initial: RDD | Iterable[tuple[Any, Any]] | None = None
        self.timeout_ms: int | None = None

    @classmethod
    def function(cls, mappingFunction: Callable[..., Any]) -> StateSpec:
        """A spec of this function."""
        return cls(mappingFunction)

    def initialState(self, rdd: RDD | Iterable[tuple[Any, Any]]) -> StateSpec:
        """(key, state) pairs to begin with; the spec itself."""
        self.initial = rdd
        return self

    def numPartitions(self, numPartitions: int) -> StateSpec:
        """How many partitions the state has; the spec itself."""
        self.partitions = numPartitions
        return self

    def timeout(self, idleDuration: float) -> StateSpec:
        """Forget keys that had no pair for so many seconds; the spec itself."""
        self.timeout_ms = milliseconds(idleDuration)
        return self

    def call(self, time_ms: int, key: Any, value: Any, state: State, out: list[Any]) -> None:
        """Call the function; what it gives goes to `out`."""
        if self._timed:
            found = self._function(as_datetime(time_ms), key, value, state)
            if found is None:
                return
        else:
            found = self._function(key, value, state)
        out.append(found)


class State:
    """The state of one key, inside the function of mapWithState."""

    __slots__ = ("_changed", "_timing_out", "_value")

    def __init__(self, value: Any, timing_out: bool = False) -> None:
        self._value = value
        self._changed = False
        self._timing_out = timing_out

    def exists(self) -> bool:
        """Whether the key has a state."""
        return self._value is not DELETED

    def get(self) -> Any:
        """The state.  Without one: KeyError."""
        if self._value is DELETED:
            raise KeyError("State is not set")
        return self._value

    def getOption(self) -> Any:
        """The state, or None."""
        return None if self._value is DELETED else self._value

    def update(self, newState: Any) -> None:
        """Set the state.  Not allowed when it is timing out."""
        self._check("update")
        self._value, self._changed = newState, True

    def remove(self) -> None:
        """Forget the key.  Not allowed when it is timing out."""
        self._check("remove")
        self._value, self._changed = DELETED, True

    def isTimingOut(self) -> bool:
        """Whether the key is forgotten after this call, because it was idle too long."""
        return self._timing_out

    def _check(self, what: str) -> None:
        if self._timing_out:
            raise ValueError(f"Cannot {what} the state that is timing out")


class MapWithStateStream(DStream):
    """The elements that the function gives."""

    def __init__(self, parent: DStream, spec: StateSpec, partitions: int) -> None:
        self._states = _StateStream(parent, spec, partitions)
        super().__init__(parent.ssc, (self._states,), parent.slide_ms)

    def compute(self, time_ms: int) -> RDD | None:
        states = self._states.get_or_compute(time_ms)
        if states is None:
            return None
        assert isinstance(states._node, StateNode)
        return RDD(GivenNode(states._node), self.ssc.sparkContext)

    def stateSnapshots(self) -> DStream:
        """(key, state) of all keys, every batch."""
        return TransformedDStream((self._states,), lambda _, rdds: rdds[0].mapValues(lambda entry: entry[0]))


class _StateStream(StatefulStream):
    """(key, (state, time of the last pair)) of all keys."""

    follows_itself = True

    def __init__(self, parent: DStream, spec: StateSpec, partitions: int) -> None:
        super().__init__(parent.ssc, (parent,), parent.slide_ms)
        self._spec = spec
        self._count = partitions

    def initialize(self, zero_ms: int) -> None:
        if self.checkpoint_ms is None:
            self.checkpoint_ms = 10 * self.slide_ms
        super().initialize(zero_ms)

    def compute(self, time_ms: int) -> RDD | None:
        context = self.ssc.sparkContext
        before = self.get_or_compute(time_ms - self.slide_ms)
        begin = before if before is not None else self._initial(time_ms)
        batch = self.parents[0].get_or_compute(time_ms)
        inputs = (partitioned(batch if batch is not None else context.emptyRDD(), self._count),)
        partitioner = Partitioner(self._count)
        node = begin._node if isinstance(begin._node, StateNode) else partitioned(begin, self._count)
        return RDD(StateNode(node, inputs, partitioner, functools.partial(self._change, time_ms)), context)

    def _initial(self, time_ms: int) -> RDD:
        initial: Any = self._spec.initial if self._spec.initial is not None else ()
        rdd = initial if isinstance(initial, RDD) else self.ssc.sparkContext.parallelize(list(initial))
        return rdd.mapValues(lambda state: (state, time_ms))

    def _change(self, time_ms: int, state: KeyedState, inputs: list[Elements]) -> tuple[dict[Any, Any], list[Any]]:
        """Each new pair in turn, then the keys that were idle too long."""
        changes: dict[Any, Any] = {}
        out: list[Any] = []
        for key, value in inputs[0]:
            entry = changes[key] if key in changes else state.get(key)
            held = State(DELETED if entry is DELETED else entry[0])
            self._spec.call(time_ms, key, value, held, out)
            changes[key] = DELETED if held._value is DELETED else (held._value, time_ms)
        if self._spec.timeout_ms is not None:
            self._time_out(time_ms - self._spec.timeout_ms, time_ms, state, changes, out)
        return changes, out

    def _time_out(
        self, limit_ms: int, time_ms: int, state: KeyedState, changes: dict[Any, Any], out: list[Any]
    ) -> None:
        try:
            for key in idle_keys(state, changes, limit_ms):
                held = State(state.get(key)[0], timing_out=True)
                self._spec.call(time_ms, key, None, held, out)
                changes[key] = DELETED
        except BaseException:
            state.order = None  # keys have been taken out of it
            raise


def idle_keys(state: KeyedState, changes: dict[Any, Any], limit_ms: int) -> list[Any]:
    """The keys whose last pair came at or before the limit, oldest first.  Looks only at those: keys are kept in the
    order of their last pair."""
    order = state.order
    if order is None:
        entries = sorted(state.items(state.version), key=lambda item: item[1][1])
        order = state.order = OrderedDict((key, entry[1]) for key, entry in entries)
    for key, entry in changes.items():
        if entry is not DELETED:
            order[key] = entry[1]
            order.move_to_end(key)
    found = []
    while order:
        key, touched = next(iter(order.items()))
        if touched > limit_ms:
            break
        del order[key]
        entry = changes[key] if key in changes else state.get(key)
        if entry is not DELETED and entry[1] <= limit_ms:
            found.append(key)
    return found
