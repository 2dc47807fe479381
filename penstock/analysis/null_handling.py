"""df.na.fill and df.na.drop."""

from __future__ import annotations

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id
from penstock.analysis.scope import Scope
from penstock.functions import resolve
from penstock.functions.coercion import is_numeric, is_string
from penstock.plan.expressions import Alias, Attribute, Cast, Expression, Literal, UnresolvedAttribute, fresh_id
from penstock.plan.nodes import DropNa, FillNa, Filter, Node, Project
from penstock.plan.types import INTEGER, BooleanType, DataType, DoubleType, FloatType
from penstock.sql.identifiers import split_identifier


def resolve_fill(node: FillNa, context: AnalysisContext) -> Node:
    """na.fill: NULL (and NaN) replaced in the columns whose type fits the value's."""
    values = [v for v in node.values if isinstance(v, Literal)]
    chosen = {a.id: i for i, a in enumerate(_columns(node.column_names, node.child, context))}
    columns = tuple(_filled(a, values, chosen, context) for a in node.child.output)
    return Project(columns, node.child)


def _filled(a: Attribute, values: list[Literal], chosen: dict[int, int], context: AnalysisContext) -> Expression:
    if chosen and a.id not in chosen:
        return a
    value = values[chosen[a.id]] if len(values) > 1 else values[0]
    if not _fits(value.type, a.type):
        return a
    cast = Cast(value, a.type, "ansi" if context.conf.ansi else "legacy", implicit=True)
    source: Expression = a
    if isinstance(a.type, (FloatType, DoubleType)):
        source = resolve("nanvl", (a, Literal(None, a.type)), conf=context.conf)
    return Alias(resolve("coalesce", (source, cast), conf=context.conf), (a.name,), fresh_id(), a.metadata or None)


def _fits(value: DataType, column: DataType) -> bool:
    if is_numeric(value):
        return is_numeric(column)
    if isinstance(value, BooleanType):
        return isinstance(column, BooleanType)
    return is_string(value) and is_string(column)


def resolve_drop_na(node: DropNa, context: AnalysisContext) -> Node:
    """na.drop: rows that have at least `min_non_nulls` values that are neither NULL nor NaN."""
    columns = _columns(node.column_names, node.child, context) or node.child.output
    present = [_present(a, context) for a in columns]
    least = len(present) if node.min_non_nulls is None else node.min_non_nulls
    if not present or least <= 0:
        return Project(node.child.output, node.child)
    return Filter(_at_least(least, present, context), node.child)


def _at_least(least: int, present: list[Expression], context: AnalysisContext) -> Expression:
    if least == len(present):
        condition = present[0]
        for e in present[1:]:
            condition = resolve("and", (condition, e), conf=context.conf)
        return condition
    total: Expression | None = None
    for e in present:
        one = resolve("when", (e, Literal(1, INTEGER), Literal(0, INTEGER)), conf=context.conf)
        total = one if total is None else resolve("+", (total, one), conf=context.conf)
    assert total is not None
    return resolve(">=", (total, Literal(least, INTEGER)), conf=context.conf)


def _present(a: Attribute, context: AnalysisContext) -> Expression:
    not_null = resolve("isnotnull", (a,), conf=context.conf)
    if not isinstance(a.type, (FloatType, DoubleType)):
        return not_null
    is_nan = resolve("isnan", (a,), conf=context.conf)
    return resolve("and", (not_null, resolve("not", (is_nan,), conf=context.conf)), conf=context.conf)


def _columns(names: tuple[str, ...], child: Node, context: AnalysisContext) -> tuple[Attribute, ...]:
    scope = Scope(context, child)
    return tuple(_column(name, scope) for name in names)


def _column(name: str, scope: Scope) -> Attribute:
    unresolved = UnresolvedAttribute(split_identifier(name))
    found = scope.resolve_here(unresolved)
    if found is None:
        proposal = ", ".join(sql_id([a.name]) for a in scope.attributes)
        raise fail("UNRESOLVED_COLUMN.WITH_SUGGESTION", objectName=sql_id(unresolved.parts), proposal=proposal)
    if not isinstance(found, Attribute):
        raise fail("INVALID_COLUMN_OR_FIELD_DATA_TYPE", name=sql_id([name]), type="nested", expectedType="a column")
    return found
