"""The keys of GROUP BY: expressions over the input, positions and aliases of the select list, ALL."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.errors import fail, sql_expr, sql_id
from penstock.analysis.expressions import resolve_expression
from penstock.analysis.kinds import contains_aggregate
from penstock.analysis.scope import Scope
from penstock.core.errors import SparkError
from penstock.functions.names import display_name
from penstock.plan.expressions import Alias, Expression, Literal, UnresolvedAttribute
from penstock.plan.nodes import Aggregate
from penstock.plan.types import IntegerType


def resolve_keys(node: Aggregate, columns: Sequence[Expression], scope: Scope) -> list[Expression]:
    """The resolved keys, some still under the Alias that the user gave."""
    if _is_all(node, scope):
        return _all_keys(columns)
    grouping_scope = _GroupingScope(scope, columns)
    return [_key(g, node, columns, grouping_scope) for g in node.grouping]


def _key(g: Expression, node: Aggregate, columns: Sequence[Expression], scope: Scope) -> Expression:
    by_position = not node.include_grouping and scope.context.conf.get("spark.sql.groupByOrdinal", "true") == "true"
    if by_position and isinstance(g, Literal) and isinstance(g.type, IntegerType) and g.value is not None:
        return _at_position(g.value, columns)
    return resolve_expression(g, scope)


def _at_position(position: int, columns: Sequence[Expression]) -> Expression:
    if not 1 <= position <= len(columns):
        raise fail("GROUP_BY_POS_OUT_OF_RANGE", index=position, size=len(columns))
    column = columns[position - 1]
    if contains_aggregate(column):
        raise fail("GROUP_BY_POS_AGGREGATE", index=position, aggExpr=_with_name(column))
    return _bare(column)


class _GroupingScope(Scope):
    """The input's columns, then the aliases of the select list."""

    def __init__(self, scope: Scope, columns: Sequence[Expression]) -> None:
        super().__init__(scope.context, *scope.plans)
        self.missing = scope.missing
        self._columns = columns

    def resolve_here(self, name: UnresolvedAttribute) -> Expression | None:
        return super().resolve_here(name) or self._alias(name)

    def _alias(self, name: UnresolvedAttribute) -> Expression | None:
        key = self.context.key
        for column in self._columns if len(name.parts) == 1 else ():
            if isinstance(column, Alias) and key(column.name) == key(name.parts[0]):
                if contains_aggregate(column):
                    raise fail("GROUP_BY_AGGREGATE", sqlExpr=sql_expr(column.child))
                return column.child
        return None


def _is_all(node: Aggregate, scope: Scope) -> bool:
    if node.include_grouping or len(node.grouping) != 1:
        return False
    (only,) = node.grouping
    if not isinstance(only, UnresolvedAttribute) or only.parts[0].upper() != "ALL" or len(only.parts) > 1:
        return False
    try:
        return scope.resolve_here(only) is None
    except SparkError:
        return False


def _all_keys(columns: Sequence[Expression]) -> list[Expression]:
    """The columns without aggregates."""
    return list(dict.fromkeys(_bare(column) for column in columns if not contains_aggregate(column)))


def _bare(e: Expression) -> Expression:
    return e.child if isinstance(e, Alias) else e


def _with_name(column: Expression) -> str:
    shown = display_name(_bare(column))
    return f"{shown} AS {sql_id([column.name])}" if isinstance(column, Alias) else shown
