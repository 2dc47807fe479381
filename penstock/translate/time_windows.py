"""Rows by time window, in integer microseconds: a tumbling window costs two additions and a division."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.expressions import fresh_id
from penstock.plan.nodes import ExpandWindows
from penstock.plan.types import TimestampNTZType
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.expressions import expression_sql
from penstock.translate.projects import ready_for
from penstock.translate.pruning import Ids, child_needs
from penstock.translate.select import Column, Select, plain_columns, render


@translates(ExpandWindows)
def expand_windows(node: ExpandWindows, needed: Ids, context: TranslateContext) -> Select:
    """Windows are aligned to 1970-01-01 UTC + start; the latest window of a row comes first."""
    (child_needed,) = child_needs(node, needed)
    select = ready_for(translate(node.child, child_needed, context), [node.time], child_needed, context)
    if select.aggregated or select.is_limited or select.windowed:
        select = seal(select, child_needed, context)
    time = expression_sql(node.time, context, select.columns)
    select = select.where_and(f"{time} IS NOT NULL")
    kept, moment = sorted(needed & select.columns.keys()), fresh_id()
    timed = replace(select, columns={**select.columns, moment: Column(f"epoch_us({time})", simple=False)})
    source, start = f"({render(timed, [*kept, moment])})", _last_start(f"c{moment}", node)
    if node.duration_us > node.slide_us:
        return _sliding(node, source, kept, moment, start)
    where = () if node.duration_us == node.slide_us else (f"c{moment} < {start} + {node.duration_us}",)
    return Select(source, {**plain_columns(kept), node.window.id: _struct(start, node)}, where=where)


def _last_start(moment: str, node: ExpandWindows) -> str:
    """The start of the latest window that begins at or before the moment (also before 1970)."""
    shifted = f"({moment} - {node.start_us})" if node.start_us else moment
    return f"({moment} - ({shifted} % {node.slide_us} + {node.slide_us}) % {node.slide_us})"


def _sliding(node: ExpandWindows, source: str, kept: list[int], moment: int, start: str) -> Select:
    begin = fresh_id()
    count = -(-node.duration_us // node.slide_us)
    each = Column(f"{start} - {node.slide_us} * unnest(range({count}))", simple=False)
    text = render(Select(source, {**plain_columns([*kept, moment]), begin: each}), [*kept, moment, begin])
    exact = node.duration_us % node.slide_us == 0
    where = () if exact else (f"c{moment} < c{begin} + {node.duration_us}",)
    return Select(f"({text})", {**plain_columns(kept), node.window.id: _struct(f"c{begin}", node)}, where=where)


def _struct(start: str, node: ExpandWindows) -> Column:
    make = "make_timestamp" if isinstance(node.time.type, TimestampNTZType) else "make_timestamptz"
    text = f'struct_pack("start" := {make}({start}), "end" := {make}({start} + {node.duration_us}))'
    return Column(text, simple=False)
