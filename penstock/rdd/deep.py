"""Deep lineages, such as a program makes that joins its last result with each batch: computed from below, so that they
do not need more of Python's stack than shallow ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.rdd.nodes import Node
from penstock.rdd.storage import Block

if TYPE_CHECKING:
    from penstock.rdd.nodes import Elements
    from penstock.rdd.tasks import Task

#: Nodes deeper than this are not computed inside one another; about two frames of the stack for each unit.
DEEPEST = 150


def elements(node: Node, index: int, task: Task) -> Elements:
    """A partition's elements, as `node.elements` gives them.  Of a deep lineage some partitions below are computed
    before and kept, by value, as long as the task runs."""
    if node.depth > DEEPEST:
        _prepare(node, index, task)
    return node.elements(index, task)


def lineage(node: Node, parents: Callable[[Node], tuple[Node, ...]]) -> list[Node]:
    """The nodes below a deep one, each after those that it is made of, so that pickling them in this order needs
    little of the stack; none for a shallow one."""
    found: dict[int, Node] = {}
    stack = [(node, False)] if node.depth > DEEPEST else []
    while stack:
        at, visited = stack.pop()
        if at.id in found:
            continue
        if visited:
            found[at.id] = at
        else:
            stack.append((at, True))
            stack.extend((parent, False) for parent in parents(at))
    return list(found.values())


def _prepare(node: Node, index: int, task: Task) -> None:
    """Walk what the partition needs, what is needed first: whatever has grown too high is computed there."""
    heights: dict[tuple[int, int], int] = {}
    stack = [(node, index, False)]
    while stack:
        at, i, visited = stack.pop()
        key = (at.id, i)
        if key in heights:
            continue
        if at.depth <= DEEPEST // 2:
            heights[key] = at.depth
            continue
        if at.is_ready(i, task):
            heights[key] = Node.level
            continue
        needed = at.needs(i)
        if not visited:
            stack.append((at, i, True))
            stack.extend((parent, j, False) for parent, j in needed)
            continue
        height = at.level + max((heights[parent.id, j] for parent, j in needed), default=0)
        if height > DEEPEST and at is not node:
            _keep(at, i, task)
            height = Node.level
        heights[key] = height


def _keep(node: Node, index: int, task: Task) -> None:
    """Compute a partition now.  One that is persisted is kept there anyway."""
    found = node.elements(index, task)
    if not node.is_ready(index, task):
        task.found[node.id, index] = Block(list(found))
