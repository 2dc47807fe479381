"""VALUES: inline tables."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail
from penstock.analysis.expressions import resolve_value
from penstock.analysis.scope import Scope
from penstock.functions.coercion import cast_if_needed, common_type, is_string
from penstock.plan.expressions import Alias, Attribute, Expression, fresh_id
from penstock.plan.nodes import Node, OneRow, Project, SetOperation, Values
from penstock.plan.types import DataType, NullType

Row = tuple[Expression, ...]


def resolve_values(node: Values, context: AnalysisContext) -> Node:
    """A union of one-row Projects with columns col1, col2, ... of common types."""
    rows = [tuple(resolve_value(e, Scope(context)) for e in row) for row in node.rows]
    width = len(rows[0])
    for i, row in enumerate(rows):
        if len(row) != width:
            raise fail(
                "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", expectedNumCols=width, actualNumCols=len(row), rowIndex=i
            )
    types = [_column_type(i, rows, context) for i in range(width)]
    nullable = [any(row[i].nullable for row in rows) for i in range(width)]
    plans = [_one_row(row, types, context) for row in rows]
    return _union(plans, types, nullable)


def _column_type(index: int, rows: Sequence[Row], context: AnalysisContext) -> DataType:
    types = [row[index].type for row in rows]
    common = common_type(types, context.conf)
    texts = [is_string(t) for t in types if not isinstance(t, NullType)]
    if common is None or (texts and any(texts) != all(texts)):  # a string does not turn into a number here
        raise fail("INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE", colName=f"`col{index + 1}`")
    return common


def _one_row(row: Row, types: Sequence[DataType], context: AnalysisContext) -> Node:
    columns = (
        Alias(cast_if_needed(e, t, context.conf), (f"col{i + 1}",), fresh_id())
        for i, (e, t) in enumerate(zip(row, types, strict=True))
    )
    return Project(tuple(columns), OneRow())


def _union(plans: list[Node], types: Sequence[DataType], nullable: Sequence[bool]) -> Node:
    """A balanced tree, so that a long list of rows does not make a deep plan."""
    if len(plans) == 1:
        return plans[0]
    middle = len(plans) // 2
    left, right = _union(plans[:middle], types, nullable), _union(plans[middle:], types, nullable)
    columns = tuple(
        Attribute(f"col{i + 1}", t, n, fresh_id()) for i, (t, n) in enumerate(zip(types, nullable, strict=True))
    )
    return SetOperation(left, right, "union", columns=columns)
