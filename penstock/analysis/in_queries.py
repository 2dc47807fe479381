"""IN over a query, outside of conditions."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.expressions import Expression, FunctionCall, Literal, SubqueryExpression
from penstock.plan.types import BOOLEAN


def never_null(e: Expression) -> Expression:
    """`e` with each IN over a query false where SQL says NULL, and NOT IN as well: what Spark makes of them outside of
    conditions, where it looks for an equal row and nothing else."""
    return e.transform(_never_null)


def _never_null(e: Expression) -> Expression:
    if isinstance(e, SubqueryExpression) and e.kind == "in" and e.nullable:
        return _or_false(e)
    if isinstance(e, FunctionCall) and e.name == "not" and (inner := _within_or_false(e.args[0])) is not None:
        return _or_false(replace(e, args=(inner,)))
    return e


def _or_false(e: Expression) -> Expression:
    return FunctionCall("coalesce", (e, Literal(False, BOOLEAN)), BOOLEAN, True)


def _within_or_false(e: Expression) -> Expression | None:
    if isinstance(e, FunctionCall) and e.name == "coalesce" and isinstance(e.args[0], SubqueryExpression):
        return e.args[0] if e.args[0].kind == "in" and e.args[1:] == (Literal(False, BOOLEAN),) else None
    return None
