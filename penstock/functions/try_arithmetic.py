"""try_add, try_subtract, ...: the operators with NULL where they would raise an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.core.config import Conf
from penstock.functions.coercion import is_integral
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, lookup, register
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import Expression, FunctionCall

_OPERATORS = {"try_add": "+", "try_subtract": "-", "try_multiply": "*", "try_divide": "/", "try_mod": "%"}


@dataclass(frozen=True)
class _Legacy:
    """A context in which errors are NULL."""

    conf: Conf


def _quiet(context: Any) -> _Legacy:
    conf = context.conf.snapshot()
    conf.set("spark.sql.ansi.enabled", "false")
    return _Legacy(conf)


def _sql(args: list[str], call: FunctionCall, context: Any) -> str:
    op = _OPERATORS[call.name]
    if is_integral(call.type) and op in ("+", "-", "*"):
        return f"TRY_CAST(CAST({args[0]} AS HUGEINT) {op} CAST({args[1]} AS HUGEINT) AS {duck_type(call.type)})"
    template = lookup(op).sql
    assert not isinstance(template, str)
    return template(args, replace(call, name=op), _quiet(context))


def _rewritten(args: list[str], call: FunctionCall, context: Any) -> str:
    """Dates and intervals, of which only a division by zero can fail in practice."""
    inner = call.args[0]
    if isinstance(inner, FunctionCall) and inner.name in ("$interval_divided", "$calendar_divided"):
        return f"CASE WHEN {args[2]} <> 0 THEN {args[0]} END"
    return args[0]


def _build(args: Args, request: Request) -> Expression:
    name = request.function.name
    row_of = lookup(_OPERATORS[name])
    assert row_of.build is not None
    inner = row_of.build(args, replace(request, function=row_of, name=_OPERATORS[name]))
    if isinstance(inner, FunctionCall) and inner.name == _OPERATORS[name]:
        return FunctionCall(name, inner.args, inner.type, True, name)
    return FunctionCall("$try", (inner, *args), inner.type, True, name)


def _show(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"{call.display}({', '.join(texts[1:])})"


def _row(name: str) -> Function:
    return row(name, "any any", 0, _sql, build=_build, nullable=True)


register(*(_row(name) for name in _OPERATORS), row("$try", "any any any", 0, _rewritten, display=_show))
