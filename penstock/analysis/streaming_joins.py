"""When an outer join of two streams can decide that a row will find no match (Spark's StreamingJoinHelper)."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.analysis.metadata import WATERMARK_DELAY
from penstock.plan.expressions import Attribute, Cast, Expression, FunctionCall, Literal
from penstock.plan.nodes import Join

Terms = list[tuple[Attribute, int]]


def can_forget_unmatched(join: Join) -> bool:
    """Whether a watermark stands in the join keys, or the condition bounds the kept side's event time from below by the
    other side's, which has a watermark."""
    left, right = frozenset(a.id for a in join.left.output), frozenset(a.id for a in join.right.output)
    conjuncts = list(_conjuncts(join.condition))
    if any(_is_watermarked_key(e, left, right) for e in conjuncts):
        return True
    directions = {"right": ((right, left),), "full": ((left, right), (right, left))}.get(join.kind, ((left, right),))
    return any(_bounds(e, kept, other) for e in conjuncts for kept, other in directions)


def _conjuncts(condition: Expression | None) -> Iterator[Expression]:
    if isinstance(condition, FunctionCall) and condition.name == "and":
        for arg in condition.args:
            yield from _conjuncts(arg)
    elif condition is not None:
        yield condition


def _is_watermarked_key(e: Expression, left: frozenset[int], right: frozenset[int]) -> bool:
    if not isinstance(e, FunctionCall) or e.name != "==":
        return False
    sides = [{x.id for x in arg.walk() if isinstance(x, Attribute)} for arg in e.args]
    one_each = (sides[0] <= left and sides[1] <= right) or (sides[0] <= right and sides[1] <= left)
    return one_each and any(isinstance(arg, Attribute) and WATERMARK_DELAY in arg.metadata for arg in e.args)


def _bounds(e: Expression, kept: frozenset[int], other: frozenset[int]) -> bool:
    """Whether `e` says: kept side's time >= other side's event time + constant."""
    if not isinstance(e, FunctionCall) or e.name not in ("<", "<=", ">", ">="):
        return False
    smaller, larger = e.args if e.name in ("<", "<=") else reversed(e.args)
    upper, lower = _terms(larger, 1), _terms(smaller, -1)
    if upper is None or lower is None:
        return False
    terms = upper + lower
    of_kept = [sign for a, sign in terms if a.id in kept]
    of_other = [(a, sign) for a, sign in terms if a.id in other]
    if len(terms) != 2 or of_kept != [1] or len(of_other) != 1:
        return False
    ((event_time, sign),) = of_other
    return sign == -1 and WATERMARK_DELAY in event_time.metadata


_PLUS, _MINUS = ("+", "$add_interval", "$interval_plus"), ("-", "$subtract_interval", "$interval_minus")


def _terms(e: Expression, sign: int) -> Terms | None:
    """The columns that `e` adds up, with their signs; None if it is no sum of columns and constants."""
    if isinstance(e, Attribute):
        return [(e, sign)]
    if isinstance(e, Literal):
        return []
    if isinstance(e, Cast):
        return _terms(e.child, sign)
    if isinstance(e, FunctionCall) and e.name == "negative":
        return _terms(e.args[0], -sign)
    if not isinstance(e, FunctionCall) or e.name not in (*_PLUS, *_MINUS):
        return [] if not any(isinstance(x, Attribute) for x in e.walk()) else None
    left, right = _terms(e.args[0], sign), _terms(e.args[1], sign if e.name in _PLUS else -sign)
    return None if left is None or right is None else left + right
