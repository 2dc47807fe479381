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
from penstock.translate.select import Select

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
    source = f"{left.source or _NO_COLUMNS} {_KEYWORDS[node.kind]} {lateral}{_grouped(right)} ON {condition}"
    return Select(source, columns, lateral=True)


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
    left_ids = {attribute.id for attribute in node.left.output}
    right_ids = {attribute.id for attribute in node.right.output}
    parts = list(_conjuncts(condition))
    return all(_is_equality(part, left_ids, right_ids) for part in parts)


def _is_equality(part: Expression, left: set[int], right: set[int]) -> bool:
    if not isinstance(part, FunctionCall) or part.name not in ("==", "=", "<=>"):
        return False
    one, other = (set(references(side)) for side in part.args)
    return bool(one and other) and ((one <= left and other <= right) or (one <= right and other <= left))


def _conjuncts(condition: Expression) -> Iterator[Expression]:
    if isinstance(condition, FunctionCall) and condition.name == "and":
        for arg in condition.args:
            yield from _conjuncts(arg)
    else:
        yield condition
