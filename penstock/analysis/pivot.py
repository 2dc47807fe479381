"""Pivot: values of one column become columns.  Aggregated twice, as in Spark: by keys and pivot column, then spread; a
combination without rows is therefore NULL, even for count."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.distinct_values import distinct_values
from penstock.analysis.errors import fail, sql_expr, sql_type
from penstock.analysis.expressions import resolve_value
from penstock.analysis.scope import Scope
from penstock.analysis.time_windows import expand_windows
from penstock.core.errors import SparkError
from penstock.functions import resolve
from penstock.functions.cast_checks import check_cast
from penstock.functions.coercion import cast_if_needed, same_type
from penstock.functions.names import display_name
from penstock.plan.expressions import Alias, Attribute, Cast, Expression, FunctionCall, Literal, fresh_id
from penstock.plan.nodes import Aggregate, Node


def resolve_pivot(node: Aggregate, keys: Sequence[Expression], aggregates: Sequence[Expression], scope: Scope) -> Node:
    """GROUP BY keys, one column for each pivot value and aggregate."""
    assert node.pivot is not None
    column, values = node.pivot
    pivot = Alias(resolve_value(column, scope), ("__pivot",), fresh_id())
    values = values or tuple(distinct_values(pivot.child, node.child, scope.context))
    every, child = expand_windows([*keys, *aggregates, pivot], node.child)
    keys, aggregates = every[: len(keys)], every[len(keys) : -1]
    inner = Aggregate(tuple(_bare(e) for e in (*keys, every[-1])), (*keys, every[-1], *aggregates), child)
    shown = inner.output
    outer_keys = shown[: len(keys)]
    columns = [
        _spread(a, shown[len(keys)], value, aggregate, len(aggregates) == 1, scope)
        for value in values
        for a, aggregate in zip(shown[len(keys) + 1 :], aggregates, strict=True)
    ]
    return Aggregate(outer_keys, (*outer_keys, *columns), inner)


def _spread(
    a: Attribute, pivot: Attribute, value: Expression, aggregate: Expression, alone: bool, scope: Scope
) -> Expression:
    conf = scope.context.conf
    name, literal = _value(value, pivot, scope)
    condition = resolve("<=>", (pivot, literal), conf=conf)
    call = resolve("first", (a,), conf=conf, filter=condition)
    suffix = aggregate.name if isinstance(aggregate, (Alias, Attribute)) else display_name(aggregate)
    return Alias(call, (name if alone else f"{name}_{suffix}",), fresh_id())


def _value(value: Expression, pivot: Attribute, scope: Scope) -> tuple[str, Expression]:
    resolved = resolve_value(value, scope)
    if not _is_constant(_uncast(resolved)):
        raise fail("NON_LITERAL_PIVOT_VALUES", expression=sql_expr(resolved))
    name = value.name if isinstance(value, Alias) else _text(resolved)
    if same_type(resolved.type, pivot.type):
        return name, resolved
    try:
        check_cast(Cast(resolved, pivot.type, "ansi"))
    except SparkError as error:
        shown = {"valueType": sql_type(resolved.type), "pivotType": sql_type(pivot.type)}
        raise fail("PIVOT_VALUE_DATA_TYPE_MISMATCH", value=name, **shown) from error
    return name, cast_if_needed(resolved, pivot.type, scope.context.conf)


def _text(value: Expression) -> str:
    """The value as a column name: what CAST(value AS STRING) gives, `null` for NULL."""
    literal = _uncast(value)
    if isinstance(literal, FunctionCall):
        return f"{{{', '.join(_text(part) for part in _members(literal))}}}"
    assert isinstance(literal, Literal)
    return "null" if literal.value is None else display_name(literal)


def _is_constant(e: Expression) -> bool:
    """A literal, or a struct of literals (for a pivot by several columns)."""
    if isinstance(e, FunctionCall) and e.name in ("named_struct", "struct"):
        return all(_is_constant(_uncast(part)) for part in e.args)
    return isinstance(e, Literal)


def _members(struct: FunctionCall) -> Sequence[Expression]:
    return struct.args[1::2] if struct.name == "named_struct" else struct.args


def _uncast(e: Expression) -> Expression:
    return e.child if isinstance(e, Cast) else e


def _bare(e: Expression) -> Expression:
    return e.child if isinstance(e, Alias) else e
