"""spark_partition_id() and monotonically_increasing_id(): which partition of Spark's a row would be in.

Rows are in no partitions here.  Where a plan asks for their numbers, what the user said about partitions below
(`range(..., numPartitions)`, repartition, coalesce) becomes a column, computed as Spark places rows: ranges of rows in
order, `pmod(hash(...), n)`, round robin, ranges of keys.  All other rows are in partition 0.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.build import Build, literal, named
from penstock.analysis.carrying import KEEPING, calls, carried, is_call, with_calls_replaced
from penstock.analysis.context import AnalysisContext
from penstock.plan.expressions import (
    Attribute,
    Expression,
    SortOrder,
    WindowExpression,
    fresh_id,
)
from penstock.plan.nodes import (
    Node,
    Project,
    Range,
    Repartition,
    SetOperation,
    Sort,
)
from penstock.plan.types import INTEGER, LONG

_ID, _NUMBER = frozenset(("spark_partition_id",)), frozenset(("monotonically_increasing_id", "$place"))


def place_partitions(plan: Node, context: AnalysisContext) -> Node:
    """The plan with the two functions replaced by columns, where the user spoke of partitions; streams have none."""
    if not any(_has_partitions(node) for node in plan.walk()) or plan.is_streaming:
        return plan
    if not any(calls(node, _ID | _NUMBER) for node in plan.walk()):
        return plan
    return plan.transform(lambda node: _placed(node, Build(context)))


def _has_partitions(node: Node) -> bool:
    return isinstance(node, Repartition) or (isinstance(node, Range) and (node.partitions or 1) > 1)


def _placed(node: Node, build: Build) -> Node:
    if len(node.children) != 1 or not calls(node, _ID | _NUMBER):
        return node
    (child,) = node.children
    located, partition = _located(child, build)
    if partition is None:
        return node
    located, number = _numbered(located, partition, build)

    def column(e: Expression) -> Expression:
        return partition if is_call(e, _ID) else number if is_call(e, _NUMBER) else e

    return with_calls_replaced(node, located, column)


def _numbered(child: Node, partition: Attribute, build: Build) -> tuple[Node, Expression]:
    """The rows, and monotonically_increasing_id(): the partition in the upper 31 bits, the row's place in the lower."""
    indexed, index = _indexed(child, build)
    order = (SortOrder(index),)
    place = named(WindowExpression(build.call("row_number"), (partition,), order), "place")
    rows = Sort(order, Project((*indexed.output, place), indexed))
    first = build.call("*", build.cast(partition, LONG), literal(1 << 33))
    within = build.call("-", build.cast(place.to_attribute(), LONG), literal(1))
    return rows, build.call("+", first, within)


def _indexed(child: Node, build: Build) -> tuple[Node, Attribute]:
    """The rows with their number from 1 on, in the order in which they come."""
    index = named(WindowExpression(build.call("row_number")), "index")
    return Project((*child.output, index), child), index.to_attribute()


# ---------------------------------------------------------------- where rows are


def _located(node: Node, build: Build) -> tuple[Node, Attribute | None]:
    """The node with one more column, its rows' partition; the node as it is when all rows are in partition 0."""
    if partitions_of(node) == 1:
        return node, None
    if isinstance(node, Range):
        return _located_range(node, build)
    if isinstance(node, Repartition):
        return _located_again(node, build)
    if isinstance(node, SetOperation):
        return _located_union(node, build)
    below, partition = _located(node.children[0], build)
    assert partition is not None
    return carried(node, below, partition), partition


def _with(child: Node, value: Expression, build: Build) -> tuple[Node, Attribute]:
    column = named(build.cast(value, INTEGER), "partition")
    return Project((*child.output, column), child), column.to_attribute()


def _slice(index: Expression, count: int, total: Expression, build: Build) -> Expression:
    """The part of `count` parts of `total` rows that a row is in."""
    return build.call("$slice", index, literal(count), total)


def _located_range(node: Range, build: Build) -> tuple[Node, Attribute]:
    total = max(0, -((node.start - node.end) // node.step))
    distance = build.call("-", node.columns[0], literal(node.start))
    index = build.call("div", distance, literal(node.step))
    return _with(node, _slice(index, node.partitions or 1, literal(total), build), build)


def _located_again(node: Repartition, build: Build) -> tuple[Node, Attribute]:
    """After repartition, coalesce, repartitionByRange or repartitionById."""
    child, count = node.child, literal(node.count or 1)
    if node.kind == "coalesce":
        below, old = _located(child, build)
        assert old is not None
        rows, new = _with(below, _slice(old, partitions_of(node), literal(partitions_of(child)), build), build)
        return Project((*node.output, new), rows), new
    if node.kind == "id":
        return _with(child, build.call("pmod", node.expressions[0], count), build)
    if node.kind == "range":
        return _located_by_range(node, build)
    if node.expressions:
        return _with(child, build.call("pmod", build.call("hash", *node.expressions), count), build)
    indexed, index = _indexed(child, build)
    return _with(indexed, build.call("pmod", build.call("-", index, literal(1)), count), build)


def _located_by_range(node: Repartition, build: Build) -> tuple[Node, Attribute]:
    """Bounds at equal distances in the sorted keys; rows come in the order of the partitions."""
    indexed, index = _indexed(node.child, build)
    order = tuple(e if isinstance(e, SortOrder) else SortOrder(e) for e in node.expressions)
    rank = named(WindowExpression(build.call("rank"), (), order), "rank")
    total = named(WindowExpression(build.call("count", literal(1))), "total")
    ranked = Project((*indexed.output, rank, total), indexed)
    before = build.call("-", build.cast(rank.to_attribute(), LONG), literal(1))
    share = build.call("div", build.call("*", before, literal(node.count or 1)), total.to_attribute())
    rows, partition = _with(ranked, share, build)
    return Project((*node.output, partition), Sort((SortOrder(partition), SortOrder(index)), rows)), partition


def _located_union(node: SetOperation, build: Build) -> tuple[Node, Attribute]:
    """The right side's partitions come after the left side's."""
    sides, shift = [], 0
    for side in (node.left, node.right):
        below, partition = _located(side, build)
        value = literal(shift) if partition is None else build.call("+", partition, literal(shift))
        rows, moved = _with(below, value, build)
        sides.append(Project((*side.output, moved), rows))
        shift += partitions_of(side)
    column = Attribute("partition", INTEGER, False, fresh_id())
    left, right = sides
    return replace(node, left=left, right=right, columns=(*node.columns, column)), column


def partitions_of(node: Node) -> int:
    """How many partitions the rows of a resolved node are in: what the user said, else one."""
    if isinstance(node, Range):
        return node.partitions or 1
    if isinstance(node, Repartition):
        count = node.count or 1
        return min(count, partitions_of(node.child)) if node.kind == "coalesce" else count
    if isinstance(node, SetOperation) and node.kind == "union" and node.is_all:
        return partitions_of(node.left) + partitions_of(node.right)
    if isinstance(node, KEEPING) or (isinstance(node, Sort) and not node.is_global):
        return partitions_of(node.children[0])
    return 1
