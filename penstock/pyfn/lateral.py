"""Table functions on the right of a lateral join: called for each row of the left side, over which the rest of the
right side is then laid."""

from __future__ import annotations

from dataclasses import replace

from penstock.core.config import Conf
from penstock.core.errors import unsupported
from penstock.functions import resolve
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    FrameBound,
    Literal,
    NamedArgument,
    SortOrder,
    WindowExpression,
    fresh_id,
)
from penstock.plan.nodes import Filter, Join, Node, OneRow, Project, SubqueryAlias
from penstock.plan.table_functions import EvalTable, TableRow
from penstock.plan.types import BOOLEAN, INTEGER, LONG
from penstock.pyfn.rewriting import evaluate_below, has_row_function
from penstock.translate.pruning import free_attributes


def evaluate_arguments(node: EvalTable) -> Node:
    """Python functions of a row in the arguments come before the call."""
    plain = [arg.value if isinstance(arg, NamedArgument) else arg for arg in node.args]
    if not any(has_row_function(value) for value in plain if not isinstance(value, TableRow)):
        return node
    rewritten, child = evaluate_below([v for v in plain if not isinstance(v, TableRow)], node.child)
    rest = iter(rewritten)
    args = tuple(
        arg if isinstance(value, TableRow) else replace(arg, value=next(rest)) if isinstance(arg, NamedArgument) else
        next(rest)
        for arg, value in zip(node.args, plain, strict=True)
    )  # fmt: skip
    return replace(node, args=args, child=child)


def table_beside(join: Join) -> Node:
    """The join as a call over its left side, where its right side is a table function of the left side's columns; else
    the join."""
    table = _table_in(join.right)
    if table is None:
        return join
    if not free_attributes(join.right):  # it takes nothing from the left side
        return replace(join, lateral=False)
    if not isinstance(table.child, OneRow):
        raise unsupported(f"columns of the left side beside the table argument of {table.function.name}")
    left = join.left.output
    if join.kind == "left":
        return _left_join(join, replace(table, child=join.left, kept=left))
    over = _over_left(join.right, replace(table, child=join.left, kept=left), left)
    if join.condition is not None:
        over = Filter(join.condition, over)
    return Project(join.output, over) if [a.id for a in over.output] != [a.id for a in join.output] else over


def _left_join(join: Join, table: EvalTable) -> Node:
    """Rows of the left side for which no row of the right side fulfils the condition stay once, with NULL."""
    left, right = join.left.output, join.right.output
    number, found = Attribute("", LONG, False, fresh_id()), Attribute("", BOOLEAN, False, fresh_id())
    over = _over_left(join.right, replace(table, origin=(number, found)), (*left, number, found))
    condition = _call("and", found, _call("coalesce", join.condition or _TRUE, Literal(False, BOOLEAN)))
    matched = Alias(condition, ("",), fresh_id())
    columns = tuple(Alias(a, ("",), fresh_id()) for a in right)
    over = Project((*left, number, matched, *columns), over)
    fulfils = matched.to_attribute()
    whether = Alias(WindowExpression(_call("max", fulfils), (number,), (), "rows", _START, _END), ("",), fresh_id())
    order = (SortOrder(fulfils, ascending=False),)
    place = Alias(WindowExpression(_call("row_number"), (number,), order), ("",), fresh_id())
    over = Project((*over.output, whether, place), over)
    is_first = _call("==", place.to_attribute(), Literal(1, INTEGER))
    alone = _call("and", _call("not", whether.to_attribute()), is_first)
    over = Filter(_call("or", fulfils, alone), over)
    shown = (
        Alias(_call("if", fulfils, c.to_attribute(), Literal(None, a.type)), (a.name,), a.id)
        for a, c in zip(right, columns, strict=True)
    )
    return Project((*left, *shown), over)


def _call(name: str, *args: Expression) -> Expression:
    return resolve(name, args, conf=Conf())


_TRUE = Literal(True, BOOLEAN)
_START, _END = FrameBound("unbounded_preceding"), FrameBound("unbounded_following")


def _table_in(node: Node) -> EvalTable | None:
    while isinstance(node, (Project, Filter, SubqueryAlias)):
        node = node.child
    return node if isinstance(node, EvalTable) else None


def _over_left(node: Node, table: EvalTable, left: tuple[Attribute, ...]) -> Node:
    """What stands over the function on the right, with the columns of `left` handed through."""
    if isinstance(node, EvalTable):
        return table
    if isinstance(node, Filter):
        if table.origin:
            raise unsupported(f"LEFT JOIN LATERAL with a filter over {table.function.name}(...)", "Put it behind ON.")
        return Filter(node.condition, _over_left(node.child, table, left))
    if isinstance(node, SubqueryAlias):
        below = _over_left(node.child, table, left)
        pairs = zip(node.output, node.child.output, strict=True)
        renamed = tuple(outer if outer.id == own.id else Alias(own, (outer.name,), outer.id) for outer, own in pairs)
        return Project((*left, *renamed), below)
    assert isinstance(node, Project), "the other kinds were not let in"
    return Project((*left, *node.expressions), _over_left(node.child, table, left))
