"""Calls of functions that SQL defined: the body takes the place of the call, its parameters those of the arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from penstock.core.errors import SparkError, analysis_error
from penstock.plan.expressions import (
    Alias,
    Cast,
    Expression,
    NamedArgument,
    SubqueryExpression,
    UnresolvedAttribute,
    field_names,
)
from penstock.plan.nodes import Node, Project, SubqueryAlias
from penstock.plan.sql_functions import JavaFunction, Parameter, SqlFunction, UserFunction

Values = Mapping[str, Expression]


def inlined_value(function: UserFunction, args: tuple[Expression, ...]) -> Expression:
    """The body with the arguments in it, unresolved."""
    called = _callable(function)
    if called.value is None:
        raise _not_that_kind(called, "TABLE function", "SCALAR function")
    body = _substituted(called.value, _values(called, args))
    return body if called.returns is None else Cast(body, called.returns)


def inlined_query(function: UserFunction, args: tuple[Expression, ...]) -> Node:
    """The query with the arguments in it, under the function's name."""
    called = _callable(function)
    if called.query is None:
        raise _not_that_kind(called, "SCALAR function", "TABLE function")
    plan = _substituted_plan(called.query, _values(called, args))
    if called.columns is None:
        return SubqueryAlias(called.name, plan)
    named = SubqueryAlias(called.name, plan, tuple(called.columns.names))
    casts = tuple(Alias(Cast(UnresolvedAttribute((f.name,)), f.dataType), (f.name,)) for f in called.columns)
    return SubqueryAlias(called.name, Project(casts, named))


def _callable(function: UserFunction) -> SqlFunction:
    if isinstance(function, JavaFunction):
        message = (
            f"The class {function.class_name} of the function `{function.name}` cannot be loaded: there is no JVM."
        )
        raise analysis_error(
            "CANNOT_LOAD_FUNCTION_CLASS", message, "46103", className=function.class_name,
            functionName=_quoted(function.parts),
        )  # fmt: skip
    return function


def _not_that_kind(function: SqlFunction, found: str, expected: str) -> SparkError:
    name = _quoted(function.parts)
    message = f"{name} is a {found} and cannot be used as a {expected}."
    if expected.startswith("TABLE"):
        return analysis_error("NOT_A_TABLE_FUNCTION", message, "42887", functionName=name)
    return analysis_error("NOT_A_SCALAR_FUNCTION", message, "42887", functionName=name)


def _values(function: SqlFunction, args: tuple[Expression, ...]) -> Values:
    """Each parameter's value by its name, and by `function.parameter`."""
    given = given_values(function, args)
    missing = [p for p in function.parameters if p.name.lower() not in given and p.default is None]
    if missing or len(args) > len(function.parameters):
        raise _wrong_count(function, len(args))
    values: dict[str, Expression] = {}
    for parameter in function.parameters:
        value = _as(parameter, given.get(parameter.name.lower(), parameter.default))
        values[parameter.name.lower()] = values[f"{function.name}.{parameter.name}".lower()] = value
    return values


def given_values(function: SqlFunction, args: tuple[Expression, ...]) -> dict[str, Expression]:
    """The arguments by their parameters' names, in the order of the parameters."""
    given: dict[str, Expression] = {}
    for parameter, arg in zip(function.parameters, args, strict=False):
        if not isinstance(arg, NamedArgument):
            given[parameter.name.lower()] = arg
    given.update((arg.name.lower(), arg.value) for arg in args if isinstance(arg, NamedArgument))
    return {p.name.lower(): given[p.name.lower()] for p in function.parameters if p.name.lower() in given}


def _as(parameter: Parameter, value: Expression | None) -> Expression:
    assert value is not None
    return Cast(value, parameter.type)


def _wrong_count(function: SqlFunction, found: int) -> SparkError:
    expected, name = len(function.parameters), _quoted(function.parts)
    return analysis_error(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", f"The function {name} takes {expected} arguments, not {found}.",
        "42605", functionName=name, expectedNum=expected, actualNum=found,
    )  # fmt: skip


def _quoted(parts: tuple[str, ...]) -> str:
    return ".".join(f"`{part}`" for part in parts)


def _substituted(e: Expression, values: Values) -> Expression:
    def one(part: Expression) -> Expression:
        if isinstance(part, UnresolvedAttribute):
            return values.get(".".join(part.parts).lower(), part)
        if isinstance(part, SubqueryExpression):
            return replace(part, plan=_substituted_plan(part.plan, values))
        return part

    return e.transform(one)


def _substituted_plan(plan: Node, values: Values) -> Node:
    """The arguments in every expression of a plan."""
    return plan.transform(lambda node: map_expressions(node, lambda e: _substituted(e, values)))


def map_expressions(node: Node, function: Callable[[Expression], Expression]) -> Node:
    """The node with `function` applied to each of its expressions (tuples of tuples included)."""

    def mapped(value: Any) -> Any:
        if isinstance(value, Expression):
            return function(value)
        return tuple(mapped(v) for v in value) if isinstance(value, tuple) else value

    changed = {}
    for name in field_names(type(node)):
        value = getattr(node, name)
        if isinstance(value, (Expression, tuple)) and (new := mapped(value)) != value:
            changed[name] = new
    return replace(node, **changed) if changed else node
