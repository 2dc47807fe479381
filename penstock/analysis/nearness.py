"""As-of joins and nearest-by joins: a lateral join with the best rows of the other side."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.build import Build, literal
from penstock.analysis.context import AnalysisContext
from penstock.analysis.expressions import resolve_value
from penstock.analysis.joins import resolve_join
from penstock.analysis.scope import Scope
from penstock.core.errors import analysis_error
from penstock.plan.expressions import Expression, SortOrder
from penstock.plan.nodes import Filter, Join, Limit, Node, Project, Sort
from penstock.plan.statistic_nodes import AsOfJoin, NearestByJoin

_KINDS = {"inner": "inner", "left": "left", "leftouter": "left"}


def resolve_as_of_join(node: AsOfJoin, context: AnalysisContext) -> Node:
    """For each left row the one right row that fits and is nearest; without any, a left join keeps the row."""
    build, scope = Build(context), Scope(context, node.left, node.right)
    left, right = resolve_value(node.left_as_of, scope), resolve_value(node.right_as_of, scope)
    conditions = _fitting(node, left, right, scope, build)
    hidden: set[int] = set()
    if node.using:
        equal = resolve_join(Join(node.left, node.right, "inner", None, node.using), context)
        assert isinstance(equal, Project) and isinstance(equal.child, Join) and equal.child.condition is not None
        conditions.append(equal.child.condition)
        hidden = {a.id for a in node.right.output} - {a.id for a in equal.output}
    if node.condition is not None:
        conditions.append(resolve_value(node.condition, scope))
    joined = _best(node.left, node.right, conditions, _distance(node.direction, left, right, build), 1, node.kind)
    return Project(tuple(a for a in joined.output if a.id not in hidden), joined) if hidden else joined


def _fitting(node: AsOfJoin, left: Expression, right: Expression, scope: Scope, build: Build) -> list[Expression]:
    """Which right rows may be taken at all."""
    backward, forward = node.direction == "backward", node.direction == "forward"
    if node.direction not in ("backward", "forward", "nearest"):
        message = f"The direction of an as-of join is backward, forward or nearest, not {node.direction}."
        raise analysis_error("_LEGACY_ERROR_TEMP_1322", message, "XXKD0", direction=node.direction)
    conditions: list[Expression] = []
    if backward:
        conditions.append(build.call(">=" if node.allow_exact else ">", left, right))
    elif forward:
        conditions.append(build.call("<=" if node.allow_exact else "<", left, right))
    elif not node.allow_exact:
        conditions.append(build.call("not", build.call("==", left, right)))
    if node.tolerance is not None:
        tolerance = resolve_value(node.tolerance, scope)
        if not forward:
            conditions.append(build.call(">=", right, build.call("-", left, tolerance)))
        if not backward:
            conditions.append(build.call("<=", right, build.call("+", left, tolerance)))
    conditions += [build.call("isnotnull", left), build.call("isnotnull", right)]
    return conditions


def _distance(direction: str, left: Expression, right: Expression, build: Build) -> Expression:
    if direction == "backward":
        return build.call("-", left, right)
    if direction == "forward":
        return build.call("-", right, left)
    return build.call("when", build.call(">", left, right), build.call("-", left, right), build.call("-", right, left))


def resolve_nearest_by_join(node: NearestByJoin, context: AnalysisContext) -> Node:
    """For each left row the right rows that rank best; a NULL rank counts as none."""
    ranking = resolve_value(node.ranking, Scope(context, node.left, node.right))
    known = [Build(context).call("isnotnull", ranking)]
    return _best(node.left, node.right, known, ranking, node.count, node.kind, ascending=not node.largest)


def _best(
    left: Node,
    right: Node,
    conditions: Sequence[Expression],
    order: Expression,
    count: int,
    kind: str,
    *,
    ascending: bool = True,
) -> Node:
    name = kind.lower().replace("_", "")
    if name not in _KINDS:
        supported = ", ".join(f"'{k}'" for k in _KINDS)
        message = f"This join cannot be {kind}: it is one of {supported}."
        raise analysis_error("UNSUPPORTED_JOIN_TYPE", message, "0A000", typ=kind, supported=supported)
    rows: Node = right
    for condition in conditions:
        rows = Filter(condition, rows)
    nearest = Limit(count, Sort((SortOrder(order, ascending),), rows))
    return Join(left, nearest, _KINDS[name], literal(True), lateral=True)
