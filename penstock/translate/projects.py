"""SELECT lists and WHERE: when they may be merged into the SELECT below, and when they go around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from penstock.functions.table import lookup
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    FunctionCall,
    Literal,
    SortOrder,
    WindowExpression,
    fresh_id,
)
from penstock.plan.nodes import Filter, Project
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.expressions import expression_sql
from penstock.translate.pruning import Ids, ids_of, outer_references, references
from penstock.translate.select import MAX_DEPTH, Column, Select
from penstock.translate.sizes import is_small


@translates(Project)
def project(node: Project, needed: Ids, context: TranslateContext) -> Select:
    """A Project."""
    node = _with_named_keys(_with_inner_windows(node))
    kept = [e for e in node.expressions if _defined_id(e) in needed]
    child_needed = ids_of(kept)
    select = ready_for(translate(node.child, child_needed, context), kept, child_needed, context)
    columns: dict[int, Column] = {}
    for expression in kept:
        columns[_defined_id(expression)] = _column(expression, select, context)
    windowed = select.windowed or any(has_window(e) for e in kept if _pure_name(e) is None)
    if windowed and not select.windowed and select.order_by is None and is_small(node.child):
        columns_of_child = select.columns
        select = replace(select, order_by=_window_order(kept, columns_of_child, context))
    return replace(select, columns=columns, windowed=windowed)


def _with_inner_windows(node: Project) -> Project:
    """The node with the windows that stand inside of others as columns of Projects below, the innermost lowest."""
    outer = [w for e in node.expressions if has_window(e) for w in e.walk() if isinstance(w, WindowExpression)]
    inner = [w for o in outer for child in o.children for w in child.walk() if isinstance(w, WindowExpression)]
    if not inner:
        return node
    innermost = dict.fromkeys(w for w in inner if not any(has_window(c) for c in w.children))
    lowest = {w: Alias(w, ("window",), fresh_id()) for w in innermost}

    def named(e: Expression) -> Expression:
        return lowest[e].to_attribute() if isinstance(e, WindowExpression) and e in lowest else e

    child = Project((*node.child.output, *lowest.values()), node.child)
    expressions = tuple(e.transform(named) for e in node.expressions)
    return _with_inner_windows(replace(node, expressions=expressions, child=child))


def _with_named_keys(node: Project) -> Project:
    """The node with the keys of its windows as columns of a Project below, where they are more than columns."""
    named: dict[Expression, Alias] = {}

    def name(key: Expression) -> Expression:
        if isinstance(key, (Attribute, Literal)) or has_window(key) or outer_references(key):
            return key
        return named.setdefault(key, Alias(key, ("key",), fresh_id())).to_attribute()

    def rewrite(e: Expression) -> Expression:
        if not isinstance(e, WindowExpression):
            return e
        order = tuple(replace(o, child=name(o.child)) for o in e.order_by)
        return replace(e, partition_by=tuple(name(key) for key in e.partition_by), order_by=order)

    expressions = tuple(e.transform(rewrite) if has_window(e) else e for e in node.expressions)
    if not named:
        return node
    return replace(node, expressions=expressions, child=Project((*node.child.output, *named.values()), node.child))


def _window_order(
    expressions: Iterable[Expression], columns: dict[int, Column], context: TranslateContext
) -> str | None:
    """The order in which Spark leaves the rows of a window: sorted by its partitions, and within."""
    found = [part for e in expressions for part in e.walk() if isinstance(part, WindowExpression)]
    numbers = [w for w in found if isinstance(w.function, FunctionCall) and w.function.name == "row_number"]
    if not found:
        return None
    window = found[-1]
    keys = (*(SortOrder(e) for e in window.partition_by if not isinstance(e, Literal)), *window.order_by)
    texts = [expression_sql(key, context, columns) for key in (*keys, *numbers[-1:])]  # numbers tell apart equal keys
    return ", ".join(texts) or None


@translates(Filter)
def filter_rows(node: Filter, needed: Ids, context: TranslateContext) -> Select:
    """A Filter.  A condition over computed columns goes around them: it would compute them twice."""
    read = ids_of([node.condition])
    wanted = needed | read
    select = translate(node.child, wanted, context)
    computed = any(not select.columns[id_].repeatable for id_ in read if id_ in select.columns)
    if not select.takes_expressions or computed or needs_names(select, [node.condition]):
        select = seal(select, wanted, context)
    return select.where_and(expression_sql(node.condition, context, select.columns))


def ready_for(select: Select, expressions: Sequence[Expression], needed: Ids, context: TranslateContext) -> Select:
    """`select`, or `select` sealed, so that `expressions` may be written over its columns."""
    working = [e for e in expressions if _pure_name(e) is None]
    if needs_names(select, working):
        return seal(select, needed, context)
    if not working and select.distinct is None:
        return select
    if not select.takes_expressions or (select.order_by is not None and any(has_window(e) for e in working)):
        return seal(select, needed, context)
    if _repeats_work(select, expressions) or _too_deep(select, working) or _has_computed_keys(select, working):
        return seal(select, needed, context)
    return select


def _has_computed_keys(select: Select, expressions: Iterable[Expression]) -> bool:
    """Whether the keys of a window are computed columns: DuckDB takes those that may raise by their names only."""
    windows = (part for e in expressions for part in e.walk() if isinstance(part, WindowExpression))
    keys = ids_of([key for w in windows for key in (*w.partition_by, *(order.child for order in w.order_by))])
    return any(id_ in select.columns and not select.columns[id_].simple for id_ in keys)


def has_window(expression: Expression) -> bool:
    """Whether a window function stands somewhere inside."""
    return any(isinstance(part, WindowExpression) for part in expression.walk())


def is_deterministic(expression: Expression) -> bool:
    """Whether evaluating twice gives the same twice."""
    calls = (part for part in expression.walk() if isinstance(part, FunctionCall))
    return all(lookup(call.name).deterministic for call in calls)


def _defined_id(expression: Expression) -> int:
    return expression.id if isinstance(expression, (Alias, Attribute)) else 0


def _pure_name(expression: Expression) -> Attribute | None:
    """The column, where an expression does nothing but name or rename one."""
    inner = expression.child if isinstance(expression, Alias) else expression
    return inner if isinstance(inner, Attribute) else None


def _column(expression: Expression, select: Select, context: TranslateContext) -> Column:
    name = _pure_name(expression)
    if name is not None and name.id in select.columns:
        return select.columns[name.id]
    text = expression_sql(expression, context, select.columns)
    inner = expression.child if isinstance(expression, Alias) else expression
    below = [select.columns[id_] for id_ in references(inner) if id_ in select.columns]
    depth = expression_depth(inner) + max((column.depth for column in below), default=0)
    stable = all(column.stable for column in below) and is_deterministic(inner)
    return Column(text, isinstance(inner, (Literal, Attribute)), depth, stable)


def expression_depth(expression: Expression) -> int:
    """Levels of nesting."""
    return 1 + max((expression_depth(child) for child in expression.children), default=0)


def _repeats_work(select: Select, expressions: Iterable[Expression]) -> bool:
    """Whether a computed column would be computed more than once, or a non-deterministic one could differ."""
    uses = Counter(id_ for expression in expressions for id_ in references(expression))
    return any(
        count > 1 and id_ in select.columns and not select.columns[id_].repeatable for id_, count in uses.items()
    )


def _too_deep(select: Select, expressions: Iterable[Expression]) -> bool:
    for expression in expressions:
        below = max((select.columns[i].depth for i in references(expression) if i in select.columns), default=0)
        if below and below + expression_depth(expression) > MAX_DEPTH:
            return True
    return False


def needs_names(select: Select, expressions: Iterable[Expression]) -> bool:
    """Whether a correlated subquery refers to a column that the source does not offer under its name."""
    outer = frozenset(id_ for expression in expressions for id_ in outer_references(expression))
    return any(id_ in select.columns and select.columns[id_].sql != f"c{id_}" for id_ in outer)
