"""SQL's PIVOT, whose keys are what it does not name, and UNPIVOT of groups of columns."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.build import literal
from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr, sql_id, sql_type
from penstock.analysis.expressions import resolve_value
from penstock.analysis.kinds import contains_aggregate
from penstock.analysis.pivot import resolve_pivot
from penstock.analysis.project import resolve_project
from penstock.analysis.scope import Scope
from penstock.analysis.select_list import resolve_select_list
from penstock.functions import resolve
from penstock.functions.coercion import cast_if_needed, common_type, is_string
from penstock.plan.expressions import Alias, Attribute, Expression, UnresolvedFunction
from penstock.plan.nodes import Aggregate, Filter, Node, Project
from penstock.plan.statistic_nodes import SqlPivot, SqlUnpivot
from penstock.plan.types import DataType, NullType


def resolve_sql_pivot(node: SqlPivot, context: AnalysisContext) -> Node:
    """The GROUP BY with pivot that the clause stands for."""
    scope = Scope(context, node.child)
    aggregates = resolve_select_list(node.aggregates, scope)
    for aggregate in aggregates:
        if not contains_aggregate(aggregate):
            raise fail("_LEGACY_ERROR_TEMP_1006", sql=sql_expr(aggregate).strip('"'))
    columns = [resolve_value(column, scope) for column in node.columns]
    named = _ids([*aggregates, *columns])
    keys = [a for a in node.child.output if a.id not in named]
    column = node.columns[0] if len(columns) == 1 else UnresolvedFunction("struct", node.columns)
    values = tuple(_pivot_value(name, parts) for name, parts in node.values)
    return resolve_pivot(Aggregate((), (), node.child, pivot=(column, values)), keys, aggregates, scope)


def _pivot_value(name: str, parts: Sequence[Expression]) -> Expression:
    value = parts[0] if len(parts) == 1 else UnresolvedFunction("struct", tuple(parts))
    return Alias(value, (name,)) if name else value


def _ids(expressions: Sequence[Expression]) -> set[int]:
    return {a.id for e in expressions for a in e.walk() if isinstance(a, Attribute)}


def resolve_sql_unpivot(node: SqlUnpivot, context: AnalysisContext) -> Node:
    """A row for each group of columns: the ids, the group's name, its values (each cast to its common type)."""
    scope = Scope(context, node.child)
    groups = [(name, [_column(e, scope) for e in columns]) for name, columns in node.groups]
    widths = {len(columns) for _, columns in groups}
    if widths != {len(node.value_names)}:
        raise fail("UNPIVOT_VALUE_SIZE_MISMATCH", names=str(len(node.value_names)))
    taken = _ids([e for _, columns in groups for e in columns])
    ids = tuple(a for a in node.child.output if a.id not in taken)
    shared = [_shared([columns[i] for _, columns in groups], context) for i in range(len(node.value_names))]
    rows = tuple(_row(name, columns, shared, context) for name, columns in groups)
    generator = UnresolvedFunction("inline", (UnresolvedFunction("array", rows),))
    shown = (node.variable_name, *node.value_names)
    plan = resolve_project(Project((*ids, Alias(generator, shown)), node.child), context)
    return plan if node.keeps_nulls else _without_nulls(plan, len(shown) - 1, context)


def _column(e: Expression, scope: Scope) -> Attribute:
    found = resolve_value(e, scope)
    if not isinstance(found, Attribute):
        raise fail("UNPIVOT_REQUIRES_ATTRIBUTES", given="value", empty="id", expressions=sql_expr(found))
    return found


def _shared(columns: Sequence[Attribute], context: AnalysisContext) -> DataType:
    found = common_type(tuple(c.type for c in columns), context.conf)
    if found is None or len({is_string(c.type) for c in columns if not isinstance(c.type, NullType)}) > 1:
        types = sorted({f"{sql_type(c.type)} ({sql_id([c.name])})" for c in columns})
        raise fail("UNPIVOT_VALUE_DATA_TYPE_MISMATCH", types=", ".join(types))
    return found


def _row(name: str, columns: Sequence[Attribute], types: Sequence[DataType], context: AnalysisContext) -> Expression:
    parts: list[Expression] = [literal("k"), literal(name or "_".join(c.name for c in columns))]
    for i, (column, kind) in enumerate(zip(columns, types, strict=True)):
        parts += [literal(f"v{i}"), cast_if_needed(column, kind, context.conf)]
    return UnresolvedFunction("named_struct", tuple(parts))


def _without_nulls(plan: Node, width: int, context: AnalysisContext) -> Node:
    present: Expression | None = None
    for value in plan.output[len(plan.output) - width :]:
        one = resolve("isnotnull", (value,), conf=context.conf)
        present = one if present is None else resolve("or", (present, one), conf=context.conf)
    assert present is not None
    return Filter(present, plan)
