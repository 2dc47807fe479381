"""Session windows: each row's own session, and the sessions of a whole table merged by two window functions."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.expressions import Attribute, Expression, Literal, fresh_id
from penstock.plan.session_nodes import ExpandSessions, MergeSessions
from penstock.plan.types import CalendarIntervalType, TimestampNTZType
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.expressions import expression_sql
from penstock.translate.projects import ready_for
from penstock.translate.pruning import Ids, child_needs
from penstock.translate.select import Column, Select, plain_columns, render

_UNITS = "years?|months?|weeks?|days?|hours?|minutes?|seconds?|milliseconds?|microseconds?"
#: Spark's grammar of an interval's text; what does not match is NULL, and the row drops out.
_INTERVAL_TEXT = rf"\s*(interval\s+)?([+-]?\s*\d+(\.\d*)?\s+({_UNITS})\s*)+"


@translates(ExpandSessions)
def expand_sessions(node: ExpandSessions, needed: Ids, context: TranslateContext) -> Select:
    """[time, time + gap); a gap that is constant and has no days or months is an addition of integers."""
    (child_needed,) = child_needs(node, needed)
    select = ready_for(translate(node.child, child_needed, context), [node.time, node.gap], child_needed, context)
    if select.aggregated or select.is_limited or select.windowed:
        select = seal(select, child_needed, context)
    time = expression_sql(node.time, context, select.columns)
    kept, start, end = sorted(needed & select.columns.keys()), fresh_id(), fresh_id()
    ends = Column(_end(node, f"c{start}", context, select), simple=False)
    timed = replace(select, columns={**select.columns, start: Column(time, simple=False)})
    begun = render(timed, [*sorted(child_needed & select.columns.keys()), start])
    both = Select(f"({begun})", {**plain_columns([*kept, start]), end: ends})
    window = Column(f'struct_pack("start" := c{start}, "end" := c{end})', simple=False)
    columns = {**plain_columns(kept), node.window.id: window}
    return Select(f"({render(both, [*kept, start, end])})", columns, where=(f"c{end} > c{start}",))


def _end(node: ExpandSessions, start: str, context: TranslateContext, below: Select) -> str:
    constant = constant_gap_us(node.gap)
    if constant is not None:
        make = "make_timestamp" if isinstance(node.time.type, TimestampNTZType) else "make_timestamptz"
        return f"{make}(epoch_us({start}) + {constant})"
    gap = expression_sql(node.gap, context, plain_columns(below.columns))
    if isinstance(node.gap.type, CalendarIntervalType):
        return f"({start} + {gap})"
    plain = f"regexp_replace({gap}, '^\\s*interval\\s', '', 'i')"
    is_interval = f"regexp_full_match({gap}, '{_INTERVAL_TEXT}', 'i')"
    return f"({start} + CASE WHEN {is_interval} THEN TRY_CAST({plain} AS INTERVAL) END)"


def constant_gap_us(gap: Expression) -> int | None:
    """The microseconds of a gap that is the same for every row and every place of the calendar; else None."""
    if not isinstance(gap, Literal) or not isinstance(gap.type, CalendarIntervalType) or gap.value is None:
        return None
    months, days, microseconds = gap.value
    return int(microseconds) if not months and not days else None


@translates(MergeSessions)
def merge_sessions(node: MergeSessions, needed: Ids, context: TranslateContext) -> Select:
    """A row begins a session when it starts after all earlier ones of its keys have ended."""
    (child_needed,) = child_needs(node, needed)
    select = ready_for(translate(node.child, child_needed, context), node.keys, child_needed, context)
    keys, keyed = [], {id_: select.columns[id_] for id_ in child_needed & select.columns.keys()}
    for key in node.keys:
        id_ = key.id if isinstance(key, Attribute) else fresh_id()
        keyed.setdefault(id_, Column(expression_sql(key, context, select.columns), simple=False))
        keys.append(f"c{id_}")
    sealed = seal(replace(select, columns=keyed), frozenset(keyed), context)
    return _merged(f"{sealed.source}", sorted(keyed), keys, node.window.id)


def _merged(source: str, ids: list[int], keys: list[str], window: int) -> Select:
    begins, number, start, end = fresh_id(), fresh_id(), f'c{window}."start"', f'c{window}."end"'
    within = f"PARTITION BY {', '.join(keys)} " if keys else ""
    before = f"max({end}) OVER ({within}ORDER BY {start} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    first = Select(
        source, {**plain_columns(ids), begins: Column(f"CAST(coalesce({start} > {before}, true) AS INTEGER)")}
    )
    count = Column(f"sum(c{begins}) OVER ({within}ORDER BY {start})")
    second = Select(f"({render(first, [*ids, begins])})", {**plain_columns(ids), number: count})
    whole = f"PARTITION BY {', '.join([*keys, f'c{number}'])}"
    grown = f'struct_pack("start" := min({start}) OVER ({whole}), "end" := max({end}) OVER ({whole}))'
    columns = {**plain_columns(ids), window: Column(grown, simple=False)}
    third = Select(f"({render(second, [*ids, number])})", columns)
    return Select(f"({render(third, ids)})", plain_columns(ids))
