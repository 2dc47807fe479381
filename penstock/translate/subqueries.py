"""Queries used as values."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.plan.expressions import SubqueryExpression
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import to_sql


def subquery_sql(subquery: SubqueryExpression, values: Sequence[str], context: TranslateContext) -> str:
    """SQL of a subquery; `values` is the left-hand side of IN."""
    query = to_sql(subquery.plan, context)
    if subquery.kind == "scalar":
        return f"({query})"
    if subquery.kind == "exists":
        return f"EXISTS ({query})"
    if len(values) == 1:
        return f"({values[0]} IN ({query}))"
    return _row_in(subquery, query, values)


def _row_in(subquery: SubqueryExpression, query: str, values: Sequence[str]) -> str:
    """`(a, b) IN (SELECT x, y ...)`: true for an equal row; NULL when some row could be equal but for a NULL."""
    columns = [attribute.sql_name for attribute in subquery.plan.output]
    equal = [f"{value} = {column}" for value, column in zip(values, columns, strict=True)]
    certain = " AND ".join(f"({condition})" for condition in equal)
    possible = " AND ".join(f"(({condition}) IS NOT FALSE)" for condition in equal)
    return (
        f"(CASE WHEN EXISTS (SELECT 1 FROM ({query}) WHERE {certain}) THEN true "
        f"WHEN EXISTS (SELECT 1 FROM ({query}) WHERE {possible}) THEN CAST(NULL AS BOOLEAN) ELSE false END)"
    )
