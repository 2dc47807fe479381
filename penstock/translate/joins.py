"""Joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.nodes import Join
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.expressions import expression_sql
from penstock.translate.pruning import Ids, child_needs, references
from penstock.translate.select import Select, plain_columns
from penstock.translate.sizes import is_small

_KEYWORDS = {"inner": "JOIN", "cross": "JOIN", "left": "LEFT JOIN", "right": "RIGHT JOIN", "full": "FULL JOIN"}


@translates(Join)
def join(node: Join, needed: Ids, context: TranslateContext) -> Select:
    """A Join: both sides are sources; a chain of joins on the left stays flat."""
    left_needed, right_needed = child_needs(node, needed)
    left = seal(translate(node.left, left_needed, context), left_needed, context)
    right = seal(translate(node.right, right_needed, context), right_needed, context)
    if node.kind in ("semi", "anti"):
        return _semi_join(node, left, right, context)
    columns = {**left.columns, **right.columns}
    condition = expression_sql(node.condition, context, columns) if node.condition is not None else "true"
    lateral = "LATERAL " if node.lateral else ""
    if _goes_through_left(node):
        return _in_left_order(node.kind, left, right, condition, context)
    source = f"{left.source or _NO_COLUMNS} {_KEYWORDS[node.kind]} {lateral}{_grouped(right)} ON {condition}"
    return Select(source, columns, lateral=True)


def _goes_through_left(node: Join) -> bool:
    """Whether Spark would go through the left side and pair each row with the right side's, and that is cheap."""
    if node.lateral or node.kind not in ("inner", "cross", "left") or not is_small(node):
        return False
    return node.condition is None or not any(is_equality(node, part) for part in conjuncts(node.condition))


def _in_left_order(kind: str, left: Select, right: Select, condition: str, context: TranslateContext) -> Select:
    """The join, sorted by the places of the rows."""
    first, second = context.unique("i"), context.unique("i")
    sides = (
        f"(SELECT *, row_number() OVER () AS {name} FROM {_grouped(side)})"
        for side, name in ((left, first), (right, second))
    )
    ids = [*left.columns, *right.columns]
    joined = f" {_KEYWORDS[kind]} ".join(sides) + f" ON {condition} ORDER BY {first}, {second}"
    names = ", ".join(f"c{id_}" for id_ in ids) or "1 AS c0"
    return Select(f"(SELECT {names} FROM {joined})", plain_columns(ids))


_NO_COLUMNS = "(SELECT 1 AS c0)"


def _grouped(side: Select) -> str:
    """The right side's source: a chain of joins there needs parentheses."""
    if side.source is None:
        return _NO_COLUMNS
    return f"({side.source})" if side.lateral else side.source


def _semi_join(node: Join, left: Select, right: Select, context: TranslateContext) -> Select:
    """DuckDB's SEMI JOIN takes only conditions with an equality; EXISTS takes them all."""
    columns = {**left.columns, **right.columns}
    condition = expression_sql(node.condition, context, columns) if node.condition is not None else "true"
    if node.condition is not None and _has_equality(node, node.condition) and not right.lateral:
        source = f"{left.source or _NO_COLUMNS} {node.kind.upper()} JOIN {_grouped(right)} ON {condition}"
        return Select(source, left.columns, lateral=True)
    negation = "NOT " if node.kind == "anti" else ""
    return replace(left, where=(f"{negation}EXISTS (SELECT 1 FROM {right.source or _NO_COLUMNS} WHERE {condition})",))


def _has_equality(node: Join, condition: Expression) -> bool:
    return all(is_equality(node, part) for part in conjuncts(condition))


def is_equality(node: Join, part: Expression) -> bool:
    """Whether a part of the condition compares something of one side with something of the other."""
    left_ids = {attribute.id for attribute in node.left.output}
    right_ids = {attribute.id for attribute in node.right.output}
    return _is_equality(part, left_ids, right_ids)


def _is_equality(part: Expression, left: set[int], right: set[int]) -> bool:
    if not isinstance(part, FunctionCall) or part.name not in ("==", "=", "<=>"):
        return False
    one, other = (set(references(side)) for side in part.args)
    return bool(one and other) and ((one <= left and other <= right) or (one <= right and other <= left))


def conjuncts(condition: Expression) -> Iterator[Expression]:
    """The parts that AND joins."""
    if isinstance(condition, FunctionCall) and condition.name == "and":
        for arg in condition.args:
            yield from conjuncts(arg)
    else:
        yield condition
