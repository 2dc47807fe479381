"""A resolved call as DuckDB SQL, by its row's template."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from penstock.functions.table import DISTINCT, IGNORE_NULLS, ORDER, TAIL, Template, lookup
from penstock.plan.expressions import FunctionCall

_CONDITION = re.compile("\x02tail:([^\x03]*)\x03")


def fill(template: Template, args: Sequence[str], call: FunctionCall, context: Any) -> str:
    """The template with arguments in place; the marks of aggregates stay."""
    if not isinstance(template, str):
        return template(list(args), call, context)
    text = (
        template.replace("{*}", ", ".join(args).replace("{", "{{").replace("}", "}}"))
        if "{*}" in template
        else template
    )
    return text.format(*args, distinct=DISTINCT, order=ORDER, tail=TAIL)


def function_sql(
    call: FunctionCall,
    args: Sequence[str],
    context: Any,
    *,
    filter_sql: str | None = None,
    order_sql: str | None = None,
    over_sql: str | None = None,
) -> str:
    """SQL of a call whose arguments' SQL is `args`.

    For aggregates: `filter_sql` is the FILTER condition, `order_sql` the text after ORDER BY inside the aggregate, and
    `over_sql` the text between the parentheses of OVER (window functions; the template decides where OVER stands).
    """
    return place(fill(lookup(call.name).sql, args, call, context), call.distinct, filter_sql, order_sql, over_sql)


def update_sql(
    call: FunctionCall, template: Template, args: Sequence[str], context: Any, *, filter_sql: str | None = None,
    order_sql: str | None = None,
) -> str:  # fmt: skip
    """SQL of one buffer's update over a batch."""
    return place(fill(template, args, call, context), call.distinct, filter_sql, order_sql, None)


def place(text: str, distinct: bool, filter_sql: str | None, order_sql: str | None, over_sql: str | None) -> str:
    """Aggregate marks replaced by the clauses they stand for."""
    if "\x02" not in text:
        return text
    over = f" OVER ({over_sql})" if over_sql is not None else ""
    tail = (f" FILTER (WHERE {filter_sql})" if filter_sql else "") + over
    order = f" ORDER BY {order_sql}" if order_sql else ""
    text = text.replace(DISTINCT, "DISTINCT " if distinct else "").replace(ORDER, order).replace(TAIL, tail)
    if over_sql is not None and IGNORE_NULLS in text:  # FIRST and LAST take no FILTER as window functions
        return _CONDITION.sub(over, text.replace(IGNORE_NULLS, " IGNORE NULLS"))
    return _CONDITION.sub(lambda found: _filtered(found[1], filter_sql) + over, text.replace(IGNORE_NULLS, ""))


def _filtered(condition: str, filter_sql: str | None) -> str:
    return f" FILTER (WHERE ({condition}) AND ({filter_sql}))" if filter_sql else f" FILTER (WHERE {condition})"
