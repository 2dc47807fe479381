"""The lineage: what an RDD is computed from.  A node knows its parents and computes one partition at a time, lazily.

Chains of narrow steps are one node (`Pipeline`), so that a thousand `map`s are a loop and not a recursion.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from penstock.rdd.partitioning import Partitioner

if TYPE_CHECKING:
    from penstock.rdd.storage import Saved
    from penstock.rdd.tasks import Task

Elements = Iterator[Any]
#: From the partition's index and its elements to new elements.
Step = Callable[[int, Elements], Iterable[Any]]

_ids = itertools.count()
_numbers = itertools.count()

#: How many steps of a pipeline are generators inside one another; then there is a list.
CHAINED = 50


class Node:
    """One point of the lineage.

    `parents` are what it reads; `partitions` how many it has; `partitioner` says where a key is, if that is known.
    `saved` is where its elements are kept after the first time (persist, checkpoint).  `depth` says how much of
    Python's stack computing it takes at most (deep.py).
    """

    kind = "RDD"
    #: What one node adds to the depth.
    level = 3
    #: Whether its elements are in this process alone, so that tasks elsewhere ask for them.
    held_by_driver = False

    def __init__(self, parents: tuple[Node, ...], partitions: int, partitioner: Partitioner | None = None) -> None:
        self.id = next(_ids)
        self._number: int | None = None
        self.parents = parents
        self.partitions = partitions
        self.partitioner = partitioner
        self.saved: Saved | None = None
        self.name: str | None = None
        self.barrier = False
        self.depth: int = self.level + max((parent.depth for parent in parents), default=0)

    @property
    def number(self) -> int:
        """What users see: given when it is first asked for, as steps that nobody asks about have none in Spark."""
        if self._number is None:
            self._number = next(_numbers)
        return self._number

    def compute(self, index: int, task: Task) -> Elements:
        """The elements of one partition."""
        raise NotImplementedError

    def elements(self, index: int, task: Task) -> Elements:
        """The elements of one partition, from where they are kept if they are."""
        if task.found and (found := task.found.get((self.id, index))) is not None:
            return iter(found.read())
        if self.saved is None:
            return self.compute(index, task)
        return self.saved.elements(self, index, task)

    def reads(self) -> tuple[Node, ...]:
        """The nodes that computing this one reads."""
        return self.parents

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        """The partitions of other nodes that computing one partition reads, inside the same task."""
        return [(parent, index) for parent in self.parents]

    def is_ready(self, index: int, task: Task) -> bool:
        """Whether the elements of a partition are there and need not be computed."""
        return (self.id, index) in task.found or (self.saved is not None and self.saved.holds(index))

    def bare(self) -> Node:
        """A copy that keeps nothing, for tasks elsewhere."""
        found = copy.copy(self)
        found.saved = None
        return found

    def cut(self, saved: Saved) -> None:
        """From now on the elements come from `saved` alone; what they were computed from is let go."""
        self.saved = saved
        self.parents = ()
        self.depth = self.level


class Collection(Node):
    """Elements that the driver holds, already cut into partitions."""

    kind = "ParallelCollectionRDD"
    held_by_driver = True

    def __init__(self, slices: Sequence[Sequence[Any]]) -> None:
        super().__init__((), len(slices))
        self._slices = slices

    def compute(self, index: int, task: Task) -> Elements:
        return iter(self._slices[index])


class Generated(Node):
    """Elements that a function makes, a partition at a time: ranges, files."""

    def __init__(
        self, partitions: int, make: Callable[[int], Iterable[Any]], kind: str = "PythonRDD", *, held: bool = False
    ) -> None:
        super().__init__((), partitions)
        self.held_by_driver = held
        self._make = make
        self.kind = kind

    def compute(self, index: int, task: Task) -> Elements:
        return iter(self._make(index))


class Pipeline(Node):
    """Narrow steps, one after the other, over the partitions of one parent."""

    kind = "PythonRDD"

    def __init__(self, parent: Node, step: Step, *, keeps_partitioning: bool = False) -> None:
        super().__init__((parent,), parent.partitions, parent.partitioner if keeps_partitioning else None)
        self._steps: tuple[Step, ...] = (step,)
        parents = parent.parents  # before `saved`, which is set first when another thread cuts the parent
        if type(parent) is Pipeline and parent.saved is None and not parent.barrier:
            self.parents = parents
            self._steps = (*parent._steps, step)
            #: Kept so that persisting the parent later still counts.
            self._through: Pipeline | None = parent
        else:
            self._through = None
        self.barrier = parent.barrier
        self.level = Node.level + min(len(self._steps), CHAINED)
        self.depth = Node.level + len(self._steps) + self.parents[0].depth

    def _start(self) -> tuple[Node, tuple[Step, ...]]:
        """The nearest node whose elements are kept or that is not a pipeline, and the steps from there."""
        return self._start_from(self.parents)

    def _start_from(self, parents: tuple[Node, ...]) -> tuple[Node, tuple[Step, ...]]:
        through: Pipeline | None = self._through
        while through is not None:
            before, following = through.parents, through._through  # before `saved`, as above
            if through.saved is not None:
                return through, self._steps[len(through._steps) :]
            parents, through = before, following
        return parents[0], self._steps

    def compute(self, index: int, task: Task) -> Elements:
        node, steps = self._start()
        found: Iterable[Any] = node.elements(index, task)
        for i, step in enumerate(steps):
            if i and i % CHAINED == 0:
                found = list(found)
            found = step(index, iter(found))
        return iter(found)

    def reads(self) -> tuple[Node, ...]:
        parents = self.parents
        return (self._start_from(parents)[0],) if parents else ()

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        return [(self._start()[0], index)]

    def bare(self) -> Node:
        found = copy.copy(self)
        found.saved = found._through = None
        start, found._steps = self._start()
        found.parents = (start,)
        return found

    def cut(self, saved: Saved) -> None:
        super().cut(saved)
        self._through = None


class Union(Node):
    """The partitions of several parents, one after the other.

    A union of unions is one list of places, made when a job asks for it: a program that adds to a union in a loop
    pays for each addition, and not for all that were before."""

    kind = "UnionRDD"

    def __init__(self, parents: Sequence[Node]) -> None:
        super().__init__(tuple(parents), sum(parent.partitions for parent in parents))
        self._places: list[tuple[Node, int]] | None = None

    def _flat(self) -> tuple[Node, ...]:
        """The parents, with unions whose elements are not kept replaced by theirs."""
        found: list[Node] = []
        stack = list(reversed(self.parents))
        while stack:
            parent = stack.pop()
            if type(parent) is Union and parent.saved is None:
                stack.extend(reversed(parent.parents))
            else:
                found.append(parent)
        return tuple(found)

    def _place(self, index: int) -> tuple[Node, int]:
        places = self._places
        if places is None:
            places = self._places = [(parent, i) for parent in self._flat() for i in range(parent.partitions)]
        return places[index]

    def reads(self) -> tuple[Node, ...]:
        self._places = None  # a job begins: what is kept may have changed
        return self._flat()

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        return [self._place(index)]

    def compute(self, index: int, task: Task) -> Elements:
        parent, i = self._place(index)
        return parent.elements(i, task)

    def bare(self) -> Node:
        found = copy.copy(self)
        found.saved = found._places = None
        found.parents = self._flat()
        return found


class AlignedUnion(Node):
    """The union of parents that are partitioned alike: it stays partitioned, and moves nothing."""

    kind = "PartitionerAwareUnionRDD"

    def __init__(self, parents: Sequence[Node]) -> None:
        super().__init__(tuple(parents), parents[0].partitions, parents[0].partitioner)

    def compute(self, index: int, task: Task) -> Elements:
        return itertools.chain.from_iterable(parent.elements(index, task) for parent in self.parents)


class Coalesced(Node):
    """Neighbouring partitions put together, without a shuffle."""

    kind = "CoalescedRDD"

    def __init__(self, parent: Node, partitions: int) -> None:
        count = min(partitions, parent.partitions)
        super().__init__((parent,), count)
        edges = [i * parent.partitions // count for i in range(count + 1)] if count else [0]
        self._ranges = [range(a, b) for a, b in itertools.pairwise(edges)]

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        return [(parent, i) for parent in self.parents for i in self._ranges[index]]

    def compute(self, index: int, task: Task) -> Elements:
        (parent,) = self.parents
        return itertools.chain.from_iterable(parent.elements(i, task) for i in self._ranges[index])


class Cartesian(Node):
    """Every pair of an element here and an element there."""

    kind = "CartesianRDD"

    def __init__(self, left: Node, right: Node) -> None:
        super().__init__((left, right), left.partitions * right.partitions)

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        if not self.parents:
            return ()
        left, right = self.parents
        i, j = divmod(index, right.partitions)
        return [(left, i), (right, j)]

    def compute(self, index: int, task: Task) -> Elements:
        left, right = self.parents
        i, j = divmod(index, right.partitions)
        others = list(right.elements(j, task))
        return ((a, b) for a in left.elements(i, task) for b in others)


class Zipped(Node):
    """Elements at the same place of two parents that have the same partitions."""

    kind = "ZippedPartitionsRDD2"

    def __init__(self, left: Node, right: Node) -> None:
        super().__init__((left, right), left.partitions)

    def compute(self, index: int, task: Task) -> Elements:
        left, right = self.parents
        return _in_step(left.elements(index, task), right.elements(index, task))


def _in_step(left: Elements, right: Elements) -> Elements:
    missing = object()
    for a, b in itertools.zip_longest(left, right, fillvalue=missing):
        if a is missing or b is missing:
            raise ValueError("Can only zip with RDD which has the same number of elements in each partition")
        yield a, b
