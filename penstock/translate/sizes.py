"""How many rows a plan can yield, where that is known without running it.

Spark's order is part of what people see of a few rows: a cross join goes through its left side, a window's rows come
sorted.  DuckDB keeps neither.  Results that are known to be small are put into Spark's order; for others a sort would
cost more than the query.
"""

from __future__ import annotations

from penstock.plan.nodes import (
    Filter,
    Hint,
    Join,
    Limit,
    LocalData,
    Node,
    OneRow,
    Project,
    Range,
    Repartition,
    SetOperation,
    Sort,
    SubqueryAlias,
)

SMALL = 10_000
_NO_MORE = (Filter, Hint, Project, Repartition, Sort, SubqueryAlias)


def is_small(node: Node) -> bool:
    """Whether the node yields at most SMALL rows, for certain."""
    most = most_rows(node)
    return most is not None and most <= SMALL


def most_rows(node: Node) -> int | None:
    """An upper bound, or None."""
    while isinstance(node, _NO_MORE):
        node = node.child
    if isinstance(node, LocalData):
        return int(node.table.num_rows)
    if isinstance(node, Range):
        return max(0, -((node.start - node.end) // node.step))
    if isinstance(node, OneRow):
        return 1
    if isinstance(node, Limit):
        most = most_rows(node.child)
        return node.count if most is None else min(most, node.count)
    if isinstance(node, (Join, SetOperation)):
        left, right = most_rows(node.left), most_rows(node.right)
        if left is None or right is None:
            return None
        return left + right if isinstance(node, SetOperation) else max(left, 1) * max(right, 1)
    return None
