"""Keyed state that follows from batch to batch: its cost is that of the changes, not that of the keys.

All versions of one state share a dict per partition, which holds the latest; older versions that may still be read are
the latest and what has to be undone.
"""

from __future__ import annotations

import copy
import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from penstock.rdd.nodes import Elements, Node
from penstock.rdd.partitioning import Partitioner
from penstock.rdd.storage import by_value

if TYPE_CHECKING:
    from penstock.rdd.tasks import Task


class _Deleted:
    def __repr__(self) -> str:
        return "DELETED"


#: The value of a key that is not there.
DELETED: Any = _Deleted()

#: How many versions back can be read without computing them anew.
KEPT_VERSIONS = 8

_SAFE = frozenset({str, int, float, bool, bytes, complex, type(None), _Deleted})


class KeyedState:
    """One partition of a keyed state: its latest version and some before."""

    def __init__(self, version: int, values: dict[Any, Any]) -> None:
        self.version = version
        self._values = values
        self._undo: deque[tuple[int, dict[Any, Any]]] = deque(maxlen=KEPT_VERSIONS)
        #: Keys by the time of their last pair; made when somebody asks for it.
        self.order: OrderedDict[Any, int] | None = None

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Any) -> Any:
        """A key's value in the latest version, or DELETED.  What can be changed in place is a copy."""
        value = self._values.get(key, DELETED)
        return value if type(value) in _SAFE else copy.deepcopy(value)

    def advance(self, version: int, changes: dict[Any, Any]) -> None:
        """Make the next version: `changes` are new values, or DELETED."""
        values = self._values
        self._undo.append((self.version, {key: values.get(key, DELETED) for key in changes}))
        for key, value in changes.items():
            if value is DELETED:
                values.pop(key, None)
            else:
                values[key] = value
        self.version = version

    def knows(self, version: int) -> bool:
        """Whether a version can be read."""
        return version == self.version or any(v == version for v, _ in self._undo)

    def items(self, version: int) -> list[tuple[Any, Any]]:
        """All pairs of a version that is known."""
        if version == self.version:
            return list(self._values.items())
        overlay: dict[Any, Any] = {}
        for older, undo in reversed(self._undo):
            overlay.update(undo)
            if older == version:
                break
        kept = ((k, overlay.get(k, v)) for k, v in self._values.items())
        back = ((k, v) for k, v in overlay.items() if k not in self._values)
        return [(k, v) for k, v in itertools.chain(kept, back) if v is not DELETED]


class Change(Protocol):
    """What one batch does to a state."""

    def __call__(self, state: KeyedState, inputs: list[Elements]) -> tuple[dict[Any, Any], list[Any]]:
        """The keys that change with their new values (or DELETED), and what the batch gives besides.  The state
        itself is only read."""
        ...


class _Shared:
    """What all versions of one state share."""

    def __init__(self, partitions: int) -> None:
        self.states: list[KeyedState | None] = [None] * partitions
        self.locks = [threading.RLock() for _ in range(partitions)]


class StateNode(Node):
    """One version of a keyed state, made from the version before and the batch's inputs, which are partitioned like it.

    The version before is a StateNode too, or any other node with the same partitioner: then it is read whole, once.
    """

    kind = "StateRDD"
    held_by_driver = True

    def __init__(self, before: Node, inputs: tuple[Node, ...], partitioner: Partitioner, change: Change) -> None:
        super().__init__((before, *inputs), partitioner.numPartitions, partitioner)
        self._change = change
        self._shared: _Shared = before._shared if isinstance(before, StateNode) else _Shared(self.partitions)
        self.outputs: dict[int, list[Any]] = {}
        #: By partition: the keys that this version has changed, with their values.
        self.changes: dict[int, dict[Any, Any]] = {}

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        """The versions before are not computed inside one another."""
        return [(parent, index) for parent in self.parents if not isinstance(parent, StateNode)]

    def is_ready(self, index: int, task: Task) -> bool:
        state = self._shared.states[index]
        return super().is_ready(index, task) or (state is not None and state.knows(self.id))

    def elements(self, index: int, task: Task) -> Elements:
        """From memory if this version is there, also when it has been written to files."""
        with self._shared.locks[index]:
            state = self._shared.states[index]
            if state is not None and state.knows(self.id):
                return iter(by_value(state.items(self.id)))
        return super().elements(index, task)

    def snapshot(self, index: int) -> list[tuple[Any, Any]] | None:
        """All pairs of a partition of this version; None when memory does not reach back to it."""
        with self._shared.locks[index]:
            state = self._shared.states[index]
            return state.items(self.id) if state is not None and state.knows(self.id) else None

    def compute(self, index: int, task: Task) -> Elements:
        with self._shared.locks[index]:
            return iter(by_value(self._state(index, task).items(self.id)))

    def given(self, index: int, task: Task) -> list[Any]:
        """What the batch gave besides the state."""
        with self._shared.locks[index]:
            if index not in self.outputs:
                self._state(index, task)
            return by_value(self.outputs[index])

    def _state(self, index: int, task: Task) -> KeyedState:
        """A state that knows this version; the shared one, unless this version is older than what that remembers."""
        state = self._shared.states[index]
        if state is not None and state.knows(self.id):
            return state
        if state is not None and state.version == self.parents[0].id:
            self._bring(state, index, task)
            return state
        return self._rebuilt(state, index, task)

    def _bring(self, state: KeyedState, index: int, task: Task) -> None:
        changes, self.outputs[index] = self._change(state, [p.elements(index, task) for p in self.parents[1:]])
        state.advance(self.id, changes)
        self.changes[index] = changes

    def _rebuilt(self, state: KeyedState | None, index: int, task: Task) -> KeyedState:
        """From the nearest version that is known, or whose elements are kept, on."""
        chain: list[StateNode] = [self]
        node = self.parents[0]
        while isinstance(node, StateNode) and not (state is not None and state.knows(node.id)):
            parents = node.parents  # before `saved`, which is set first when another thread cuts the node
            if node.saved is not None:
                break
            chain.append(node)
            node = parents[0]
        fresh = KeyedState(node.id, dict(node.elements(index, task)))
        for later in reversed(chain):
            later._bring(fresh, index, task)
        if state is None or state.version < self.id:
            self._shared.states[index] = fresh
        return fresh


class GivenNode(Node):
    """What the batches gave besides the state: the mapped elements of mapWithState."""

    kind = "MapWithStateRDD"
    held_by_driver = True

    def __init__(self, state: StateNode) -> None:
        super().__init__((state,), state.partitions)

    def compute(self, index: int, task: Task) -> Elements:
        (state,) = self.parents
        assert isinstance(state, StateNode)
        return iter(state.given(index, task))
