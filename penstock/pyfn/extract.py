"""Python functions in expressions become EvalPython and AggregatePython nodes (Spark's ExtractPythonUDFs).

Below a node that calls `f(x)` comes an EvalPython, which adds the column `f(x)`; the node reads that column.  What does
not need the function is done before it: conditions of a filter without Python functions, and limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from penstock.plan.expressions import Alias, Attribute, Expression, PythonFunction, SubqueryExpression
from penstock.plan.nodes import Aggregate, Filter, Join, Limit, Node, Project, SubqueryAlias
from penstock.plan.python_nodes import (
    AggregatePython,
    ApplyInPandasWithState,
    CoGroupMap,
    EvalPython,
    GroupMap,
    MapPartitions,
    TransformWithState,
    WindowPython,
)
from penstock.plan.table_functions import EvalTable
from penstock.pyfn.aggregates import extract_aggregate
from penstock.pyfn.errors import in_outer_join
from penstock.pyfn.lateral import evaluate_arguments, table_beside
from penstock.pyfn.rewriting import (
    conjunction,
    conjuncts,
    evaluate_below,
    has_row_function,
    map_expressions,
    node_expressions,
)
from penstock.pyfn.windows import extract_windows
from penstock.translate.projects import has_window, is_deterministic
from penstock.translate.pruning import free_attributes, ids_of

#: The nodes that run as a step of their own.
PYTHON_NODES = (
    EvalPython,
    AggregatePython,
    MapPartitions,
    GroupMap,
    CoGroupMap,
    EvalTable,
    ApplyInPandasWithState,
    TransformWithState,
    WindowPython,
)


def holds_python(plan: Node) -> bool:
    """Whether a Python function is called anywhere in a plan, also in its subqueries."""
    left = [plan]
    while left:
        node = left.pop()
        if isinstance(node, PYTHON_NODES) or any(_calls_python(e) for e in node_expressions(node)):
            return True
        left.extend(node.children)
    return False


def _calls_python(expression: Expression) -> bool:
    left = [expression]
    while left:
        part = left.pop()
        if isinstance(part, PythonFunction) or (isinstance(part, SubqueryExpression) and holds_python(part.plan)):
            return True
        if type(part) is not Attribute:
            left.extend(part.children)
    return False


def extract(plan: Node) -> Node:
    """The plan with every Python function of an expression in a node of its own (subqueries are left as they are)."""
    return plan.transform(_extract)


def _extract(node: Node) -> Node:
    if isinstance(node, Aggregate):
        return extract_aggregate(node)
    if (windowed := extract_windows(node)) is not node:
        return windowed.transform(_extract)
    if isinstance(node, Filter):
        return _filter(node)
    if isinstance(node, EvalTable):  # one of a lateral join waits for the join
        return node if free_attributes(node) else evaluate_arguments(node)
    if isinstance(node, Join) and node.lateral and (beside := table_beside(node)) is not node:
        return beside.transform(_extract)
    if isinstance(node, Limit):
        return _limit_below(node.count, node.child) or node
    if isinstance(node, PYTHON_NODES) or not any(has_row_function(e) for e in node_expressions(node)):
        return node
    if isinstance(node, Join):
        return _join(node)
    return _over_one_child(node)


def _over_one_child(node: Node) -> Node:
    """Any node with one input; one that hands on all columns of its input gets a Project on top."""
    expressions = tuple(e for e in node_expressions(node) if has_row_function(e))
    (child,) = node.children
    rewritten, below = evaluate_below(expressions, child)
    new = dict(zip(map(id, expressions), rewritten, strict=True))
    made = map_expressions(node, lambda e: new.get(id(e), e)).map_children(lambda _: below)
    return made if isinstance(node, Project) else _only(node.output, made)


def _only(columns: tuple[Attribute, ...], node: Node) -> Node:
    same = [a.id for a in columns] == [a.id for a in node.output]
    return node if same else Project(columns, node)


# ---------------------------------------------------------------- filters


def _filter(node: Filter) -> Node:
    """Conditions that call no Python function come first, below the functions of the others and of the input."""
    parts = conjuncts(node.condition)
    python = [part for part in parts if has_row_function(part)]
    plain = [part for part in parts if not has_row_function(part)]
    if not all(is_deterministic(part) for part in plain):
        python, plain = (parts, []) if python else ([], parts)
    child = node.child
    stay: list[Expression] = []
    for part in plain:
        pushed = _push_filter(part, child)
        child, stay = (pushed, stay) if pushed is not None else (child, [*stay, part])
    if stay:
        child = Filter(conjunction(stay), child)
    if not python:
        return node if len(stay) == len(parts) else child
    (condition,), below = evaluate_below([conjunction(python)], child)
    return _only(node.output, Filter(condition, below))


def _push_filter(condition: Expression, node: Node) -> Node | None:
    """`condition` below the Python functions of `node`, where it can do without them; else None."""
    if not is_deterministic(condition) or any(isinstance(e, SubqueryExpression) for e in condition.walk()):
        return None
    if isinstance(node, EvalPython):
        if ids_of([condition]) & {a.id for a in node.results}:
            return None
        return replace(node, child=_push_filter(condition, node.child) or Filter(condition, node.child))
    if isinstance(node, Project):
        made = {e.id: e.child for e in node.expressions if isinstance(e, Alias)}
        used = [made[e.id] for e in condition.walk() if isinstance(e, Attribute) and e.id in made]
        if not all(is_deterministic(e) and not has_window(e) for e in (*used, *node.expressions)):
            return None
        return _with_child(node, _push_filter(_substitute(condition, made), node.child))
    if isinstance(node, SubqueryAlias):
        inner = {outer.id: own for outer, own in zip(node.output, node.child.output, strict=True)}
        return _with_child(node, _push_filter(_substitute(condition, inner), node.child))
    return None


def _substitute(expression: Expression, by_id: dict[int, Expression] | dict[int, Attribute]) -> Expression:
    return expression.transform(lambda e: by_id.get(e.id, e) if isinstance(e, Attribute) else e)


def _with_child(node: Project | SubqueryAlias, child: Node | None) -> Node | None:
    return None if child is None else replace(node, child=child)


def _limit_below(count: int, node: Node) -> Node | None:
    """The first rows taken before the Python functions of a row are called for them; None where there are none."""
    if isinstance(node, EvalPython):
        return replace(node, child=_limit_below(count, node.child) or Limit(count, node.child))
    if isinstance(node, SubqueryAlias) or (
        isinstance(node, Project) and not any(has_window(e) for e in node.expressions)
    ):
        return _with_child(node, _limit_below(count, node.child))
    return None


# ---------------------------------------------------------------- joins


def _join(node: Join) -> Node:
    """Functions of one side are evaluated on that side; those of both sides, in an inner join, after it."""
    assert node.condition is not None
    left_ids, right_ids = ({a.id for a in side.output} for side in (node.left, node.right))
    both = [p for p in conjuncts(node.condition) if _reads_both(p, left_ids, right_ids)]
    rest = [p for p in conjuncts(node.condition) if p not in both]
    if both and node.kind not in ("inner", "cross"):
        raise in_outer_join(node.kind)
    left, right, condition = node.left, node.right, None
    if rest:
        (condition,), left = _one_side([conjunction(rest)], left, left_ids)
        (condition,), right = _one_side([condition], right, right_ids)
    joined = replace(node, left=left, right=right, condition=condition)
    if both:
        (after,), below = evaluate_below([conjunction(both)], joined)
        return _only(node.output, Filter(after, below))
    return _only(node.output, joined)


def _reads_both(part: Expression, left: set[int], right: set[int]) -> bool:
    calls = [e for e in part.walk() if isinstance(e, PythonFunction)]
    return any(ids_of([call]) & left and ids_of([call]) & right for call in calls)


def _one_side(conditions: list[Expression], side: Node, ids: set[int]) -> tuple[tuple[Expression, ...], Node]:
    """The functions in `conditions` that read nothing but this side, evaluated over it."""
    calls = [call for c in conditions for call in _outermost(c) if ids_of([call]) <= ids]
    results, below = evaluate_below(calls, side)
    by_call = dict(zip(calls, results, strict=True))

    def rewrite(e: Expression) -> Expression:
        return by_call[e] if isinstance(e, PythonFunction) and e in by_call else e.map_children(rewrite)

    return tuple(rewrite(c) for c in conditions), below


def _outermost(expression: Expression) -> Iterator[PythonFunction]:
    if isinstance(expression, PythonFunction):
        yield expression
        return
    for child in expression.children:
        yield from _outermost(child)
