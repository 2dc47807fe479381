"""WITH RECURSIVE: a definition that names itself is a first query UNION ALL a step over its own last rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from penstock.analysis.context import AnalysisContext, CommonTable
from penstock.analysis.errors import fail, sql_type
from penstock.core.errors import unsupported
from penstock.functions.coercion import same_type
from penstock.plan.expressions import Attribute, Expression, PythonFunction, SubqueryExpression, fresh_id
from penstock.plan.nodes import Aggregate, Join, Node, SetOperation, SubqueryAlias, UnresolvedTable
from penstock.plan.recursive_nodes import LastStep, RecursiveUnion

_LEVELS, _ROWS = "spark.sql.cteRecursionLevelLimit", "spark.sql.cteRecursionRowLimit"
#: For a kind of join, the inputs in which a query may name itself.
_SIDES = {"inner": (0, 1), "cross": (0, 1), "left": (0,), "right": (1,), "semi": (0,), "anti": (0,)}


def names_itself(name: str, plan: Node, context: AnalysisContext) -> bool:
    """Whether the unresolved definition of the common table `name` refers to it."""
    return any(len(t.parts) == 1 and context.key(t.parts[0]) == context.key(name) for t in _tables(plan))


def _tables(plan: Node) -> Iterator[UnresolvedTable]:
    for node in plan.walk():
        if isinstance(node, UnresolvedTable):
            yield node
        for subquery in _subqueries(node):
            yield from _tables(subquery)


def _subqueries(node: Node) -> Iterator[Node]:
    for e in node_expressions(node):
        yield from (part.plan for part in e.walk() if isinstance(part, SubqueryExpression))


def node_expressions(node: Node) -> Iterator[Expression]:
    for f in fields(node):
        value = getattr(node, f.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Expression):
                yield item


class RecursiveTable:
    """One recursive definition, cut in its parts; `queries` gives the two that are to be resolved."""

    def __init__(self, table: CommonTable, context: AnalysisContext) -> None:
        named = table.plan if isinstance(table.plan, SubqueryAlias) and table.plan.column_names else None
        body = named.child if named is not None else table.plan
        if not isinstance(body, SetOperation) or body.kind != "union":
            raise fail("INVALID_RECURSIVE_CTE")
        if not body.is_all:
            raise fail("UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE")
        if names_itself(table.name, body.left, context):
            raise fail("INVALID_RECURSIVE_CTE")
        self.first, self.step = body.left, body.right
        self._names = named.column_names if named is not None else ()
        self._table, self._context = table, context

    def last_step(self, first: Node) -> LastStep:
        """What the name stands for in the step, given the resolved first query."""
        names = self._names or tuple(a.name for a in first.output)
        if len(names) != len(first.output):
            raise fail("ASSIGNMENT_ARITY_MISMATCH", numTarget=len(first.output), numExpr=len(names))
        pairs = zip(first.output, names, strict=True)
        return LastStep(fresh_id(), tuple(Attribute(name, a.type, True, fresh_id()) for a, name in pairs))

    def union(self, first: Node, step: Node, last: LastStep) -> Node:
        """The whole, of the resolved queries."""
        _check(step, last.loop)
        if len(step.output) != len(first.output):
            counts = {"firstNumColumns": len(first.output), "invalidNumColumns": len(step.output)}
            raise fail("NUM_COLUMNS_MISMATCH", operator="UNION", invalidOrdinalNum="second", **counts)
        conf, given = self._context.conf, self._table.max_levels
        levels = given if given is not None else int(conf.get(_LEVELS, "100") or 100)
        for a, b in zip(first.output, step.output, strict=True):
            if not same_type(a.type, b.type):
                raise fail("CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE", left=sql_type(a.type), right=sql_type(b.type))
        nullable = [a.nullable or b.nullable for a, b in zip(first.output, step.output, strict=True)]
        columns = tuple(replace(a, id=fresh_id(), is_nullable=n) for a, n in zip(last.columns, nullable, strict=True))
        return RecursiveUnion(last.loop, first, step, levels, int(conf.get(_ROWS, "1000000") or 10**6), columns)


def fresh_last_step(node: LastStep, context: AnalysisContext) -> Node:
    """A reference has columns of its own."""
    return replace(node, columns=tuple(replace(a, id=fresh_id()) for a in node.columns))


def _check(step: Node, loop: int) -> None:
    """The step names the query nowhere where rows of one step could not be told from those of all."""
    for node in step.walk():
        wrong = [plan for plan in _subqueries(node) if _has(plan, loop)]
        if isinstance(node, Aggregate):
            wrong += [child for child in node.children if _has(child, loop)]
        if isinstance(node, Join):
            allowed = _SIDES.get(node.kind, ())
            wrong += [child for i, child in enumerate(node.children) if i not in allowed and _has(child, loop)]
        if wrong:
            raise fail("INVALID_RECURSIVE_REFERENCE.PLACE")
        if any(isinstance(part, PythonFunction) for e in node_expressions(node) for part in e.walk()):
            raise unsupported("a Python function in the step of a recursive common table expression")


def _references(plan: Node, loop: int) -> Iterator[LastStep]:
    for node in plan.walk():
        if isinstance(node, LastStep) and node.loop == loop:
            yield node
        for subquery in _subqueries(node):
            yield from _references(subquery, loop)


def _has(plan: Node, loop: int) -> bool:
    return next(_references(plan, loop), None) is not None
