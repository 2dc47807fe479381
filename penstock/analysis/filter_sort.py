"""WHERE, HAVING and ORDER BY: they may use columns that the SELECT below dropped, and aggregates over a GROUP BY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.analysis.aggregate_checks import check_columns
from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr, sql_type
from penstock.analysis.expressions import resolve_value
from penstock.analysis.hidden import expose, keep_only
from penstock.analysis.kinds import contains_aggregate, contains_window, group_aggregates, is_generator
from penstock.analysis.lift import Lift
from penstock.analysis.scope import Scope
from penstock.analysis.time_windows import expand_windows
from penstock.core.errors import SparkError
from penstock.functions.table import exists, lookup
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    FunctionCall,
    Literal,
    SortOrder,
    UnresolvedAttribute,
    UnresolvedFunction,
)
from penstock.plan.nodes import Aggregate, Filter, Node, Project, Sort
from penstock.plan.types import BooleanType, IntegerType, MapType, VariantType


def resolve_filter(node: Filter, context: AnalysisContext) -> Node:
    """WHERE, or HAVING when the input is a GROUP BY (also one whose windows stand in a Project above it)."""
    project = node.child
    if isinstance(project, Project) and isinstance(project.child, Aggregate) and _aggregates(node.condition):
        having = resolve_filter(Filter(node.condition, project.child), context)
        return replace(project, child=having)
    (condition,), child = _over(node.child, [node.condition], context)
    if is_generator(condition):
        raise fail("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", plan=f"Filter {sql_expr(condition)}")
    _check_boolean(condition)
    if contains_window(condition):
        raise fail("WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE", clauseName="WHERE")
    wrong = list(group_aggregates(condition))
    if wrong:
        shown = ", ".join(sql_expr(e).strip('"') for e in wrong)
        raise fail("INVALID_WHERE_CONDITION", condition=sql_expr(condition), expressionList=shown)
    (condition,), child = expand_windows([condition], child)
    return keep_only(Filter(condition, child), node.child.output)


def _aggregates(condition: Expression) -> bool:
    """Whether an aggregate function is called in the unresolved condition."""
    calls = (e for e in condition.walk() if isinstance(e, UnresolvedFunction))
    return any(exists(e.name) and lookup(e.name).kind == "aggregate" for e in calls)


def _check_boolean(condition: Expression) -> None:
    if not isinstance(condition.type, BooleanType):
        shown = sql_expr(condition)
        raise fail("DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", sqlExpr=shown, filter=shown, type=sql_type(condition.type))


def resolve_sort(node: Sort, context: AnalysisContext) -> Node:
    """ORDER BY and SORT BY: columns, expressions, positions, ALL."""
    output = node.child.output
    order = _all(node.order[0], node) if _is_all(node, context) else node.order
    order = tuple(_by_position(o, node, context) for o in order)
    keys, child = _over(node.child, [o.child for o in order], context, sorts=True)
    keys, child = expand_windows(keys, child)
    for key in keys:
        if is_generator(key):
            raise fail("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", plan=f"Sort [{sql_expr(key).strip(chr(34))}]")
        if contains_window(key):
            raise fail("UNSUPPORTED_EXPR_FOR_OPERATOR", invalidExprSqls=sql_expr(key))
        if isinstance(key.type, (MapType, VariantType)):
            raise fail(
                "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                sqlExpr=f'"{sql_expr(key).strip(chr(34))} ASC NULLS FIRST"',
                functionName="`sortorder`",
                dataType=sql_type(key.type),
            )
    resolved = tuple(replace(o, child=key) for o, key in zip(order, keys, strict=True))
    return keep_only(replace(node, order=resolved, child=child), output)


def _over(
    plan: Node, expressions: Sequence[Expression], context: AnalysisContext, *, sorts: bool = False
) -> tuple[list[Expression], Node]:
    """The expressions resolved over `plan`, and `plan` with the further columns that they need."""
    scope = Scope(context, plan, through=True)
    scope.sorts = sorts
    scope.operator = "Sort" if sorts else "Filter"
    aggregate = _aggregate_below(plan)
    scope.aggregate = aggregate
    resolved = [resolve_value(e, scope) for e in expressions]
    if aggregate is not None and (
        scope.missing or any(contains_aggregate(e) or _has_key(e, aggregate) for e in resolved)
    ):
        return _over_aggregate(plan, aggregate, resolved, scope)
    return resolved, expose(plan, tuple(scope.missing.values()))


def _aggregate_below(plan: Node) -> Aggregate | None:
    """The GROUP BY that `plan` is, or whose HAVING it is."""
    while isinstance(plan, Filter) or _only_columns(plan):
        plan = plan.children[0]
    return plan if isinstance(plan, Aggregate) else None


def _only_columns(plan: Node) -> bool:
    """A Project that a HAVING with hidden columns ends in."""
    if not isinstance(plan, Project) or plan.plan_id is not None:
        return False
    return all(isinstance(e, Attribute) for e in plan.expressions)


def _has_key(e: Expression, aggregate: Aggregate) -> bool:
    """Whether a key that is no plain column of the result, or grouping(), occurs in `e`."""
    shown = {a.id for a in aggregate.output}
    for x in e.walk():
        if isinstance(x, FunctionCall) and x.name in ("grouping", "grouping_id"):
            return True
        if any(x == key for key in aggregate.grouping) and not (isinstance(x, Attribute) and x.id in shown):
            return True
    return False


def _over_aggregate(
    plan: Node, aggregate: Aggregate, expressions: Sequence[Expression], scope: Scope
) -> tuple[list[Expression], Node]:
    lift = Lift(aggregate)
    keys = (*aggregate.grouping, *aggregate.output)
    expressions = [_with_own_keys(e, aggregate) for e in expressions]
    try:
        plain = [e for e in expressions if not contains_window(e)]
        check_columns(plain, keys, aggregate.kind, scope, aggregate.grouping)
    except SparkError as error:
        lost = next((a for a in scope.missing.values() if a not in keys), None)
        if lost is None or not error.condition.startswith("MISSING_"):
            raise
        raise scope.unresolved(UnresolvedAttribute((lost.name,))) from error
    lifted = [lift.lift(e) for e in expressions]
    return lifted, _with_aggregate(plan, lift.node())


def _with_own_keys(e: Expression, aggregate: Aggregate) -> Expression:
    """grouping() and grouping_id() with the aggregate's keys as arguments, where they name columns of its result."""
    shown = {c.id: c.child for c in aggregate.aggregates if isinstance(c, Alias) and c.child in aggregate.grouping}

    def rewrite(x: Expression) -> Expression:
        if not isinstance(x, FunctionCall) or x.name not in ("grouping", "grouping_id"):
            return x
        args = tuple(shown.get(a.id, a) if isinstance(a, Attribute) else a for a in x.args)
        return replace(x, args=args or (aggregate.grouping if x.name == "grouping_id" else ()))

    return e.transform(rewrite)


def _with_aggregate(plan: Node, aggregate: Aggregate) -> Node:
    """What stands above the Aggregate, over its new version."""
    if isinstance(plan, Filter):
        return replace(plan, child=_with_aggregate(plan.child, aggregate))
    if isinstance(plan, Project):
        child = _with_aggregate(plan.child, aggregate)
        return expose(replace(plan, child=child), child.output)
    return replace(aggregate, plan_id=plan.plan_id)


def _is_all(node: Sort, context: AnalysisContext) -> bool:
    if len(node.order) != 1:
        return False
    only = node.order[0].child
    is_all = isinstance(only, UnresolvedAttribute) and len(only.parts) == 1 and only.parts[0].upper() == "ALL"
    return is_all and not any(a.name.upper() == "ALL" for a in node.child.output)


def _all(pattern: SortOrder, node: Sort) -> tuple[SortOrder, ...]:
    return tuple(replace(pattern, child=a) for a in node.child.output)


def _by_position(order: SortOrder, node: Sort, context: AnalysisContext) -> SortOrder:
    position = order.child
    if context.conf.get("spark.sql.orderByOrdinal", "true") != "true":
        return order
    if not isinstance(position, Literal) or not isinstance(position.type, IntegerType) or position.value is None:
        return order
    columns = node.child.output
    if not 1 <= position.value <= len(columns):
        raise fail("ORDER_BY_POS_OUT_OF_RANGE", index=position.value, size=len(columns))
    return replace(order, child=columns[position.value - 1])
