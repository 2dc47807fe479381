"""Binding of lambda parameters: names in the body become `LambdaVariable`s with the parameter's id."""

from __future__ import annotations

from penstock.plan.expressions import (
    Expression,
    Lambda,
    LambdaVariable,
    Literal,
    UnresolvedAttribute,
    UnresolvedExtract,
    fresh_id,
)
from penstock.plan.types import STRING


def bind_lambda(names: tuple[str, ...], body: Expression) -> Lambda:
    """`(names) -> body`: each name in the body that starts with a parameter's (in any case) refers to the parameter,
    the rest of a dotted name takes fields out of it.  Inner lambdas are bound already, so they win."""
    variables = {name.lower(): LambdaVariable(name, fresh_id()) for name in names}

    def bind(expression: Expression) -> Expression:
        if not isinstance(expression, UnresolvedAttribute) or expression.plan_id is not None:
            return expression
        variable = variables.get(expression.parts[0].lower())
        if variable is None:
            return expression
        found: Expression = variable
        for part in expression.parts[1:]:
            found = UnresolvedExtract(found, Literal(part, STRING))
        return found

    return Lambda(tuple(variables[name.lower()] for name in names), body.transform(bind))
