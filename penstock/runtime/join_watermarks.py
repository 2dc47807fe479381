"""Until when a join of two streams must keep a row: from its condition and the watermarks.

Either a join key bears a watermark: then a buffered row is done when its key is behind the watermark.  Or the condition
bounds one side's time from below by the other side's event time: rows older than the watermark plus the constant in
that condition cannot match what may still come.  Semantics: Spark's StreamingJoinHelper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql.types import NumericType

from penstock.plan.expressions import Attribute, Cast, Expression, FunctionCall
from penstock.plan.types import TimestampNTZType, TimestampType
from penstock.runtime.plan_aggregate import WATERMARK_DELAY
from penstock.runtime.pushdown_joins import is_constant
from penstock.translate.pruning import Ids

#: The microseconds that a constant expression stands for, None if it is no fixed span.
Microseconds = Callable[[Expression], float | None]
_Term = tuple[Expression, int]

_PLUS, _MINUS = ("+", "$add_interval", "$interval_plus"), ("-", "$subtract_interval", "$interval_minus")


@dataclass(frozen=True)
class Bound:
    """Rows at or before watermark + `offset_us` are done; `exclusive`: at that very time they are not."""

    offset_us: int
    exclusive: bool


def state_bound(
    parts: Sequence[Expression], kept: Ids, other: Sequence[Attribute], microseconds: Microseconds
) -> Bound | None:
    """The bound for rows of the side with the columns `kept`, from the conditions and the other side's columns."""
    event_times = frozenset(a.id for a in other if WATERMARK_DELAY in a.metadata)
    bounds = [b for part in parts if (b := _bound(part, kept, event_times, microseconds)) is not None]
    return min(bounds, key=lambda b: b.offset_us - 1000 * b.exclusive, default=None)


def _bound(part: Expression, kept: Ids, event_times: Ids, microseconds: Microseconds) -> Bound | None:
    if not isinstance(part, FunctionCall) or part.name not in ("<", "<=", ">", ">="):
        return None
    smaller, larger = part.args if part.name in ("<", "<=") else reversed(part.args)
    terms = [*_terms(larger, 1), *_terms(smaller, -1)]
    columns = [(e.id, sign) for e, sign in terms if isinstance(e, Attribute) and _is_time(e)]
    of_kept = [sign for id_, sign in columns if id_ in kept]
    of_other = [sign for id_, sign in columns if id_ in event_times]
    constants = [(e, sign) for e, sign in terms if is_constant(e)]
    if of_kept != [1] or of_other != [-1] or len(constants) + 2 != len(terms):
        return None
    amounts = [(microseconds(e), sign) for e, sign in constants]
    total = 0.0
    for amount, sign in amounts:
        if amount is None:
            return None
        total += sign * amount
    return Bound(int(-total), part.name in ("<=", ">="))


def _is_time(column: Attribute) -> bool:
    return isinstance(column.type, (TimestampType, TimestampNTZType))


def _terms(e: Expression, sign: int) -> Iterator[_Term]:
    """What `e` adds up, with signs; a part that is no sum is a term by itself."""
    if isinstance(e, Attribute) or is_constant(e):
        yield e, sign
    elif isinstance(e, Cast) and isinstance(e.type, (TimestampType, TimestampNTZType, NumericType)):
        yield from _terms(e.child, sign)
    elif isinstance(e, FunctionCall) and e.name == "negative":
        yield from _terms(e.args[0], -sign)
    elif isinstance(e, FunctionCall) and e.name in (*_PLUS, *_MINUS):
        yield from _terms(e.args[0], sign)
        yield from _terms(e.args[1], sign if e.name in _PLUS else -sign)
    else:
        yield e, sign
