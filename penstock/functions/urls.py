"""url_encode, url_decode, parse_url, and the forms of them that give NULL for an error."""

from __future__ import annotations

from typing import Any

from penstock.functions.rows import row
from penstock.functions.table import Function, register
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import STRING


def _parse(quiet: bool) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        key = args[2] if len(args) > 2 else "''"
        return f"kernel_parse_url({args[0]}, {args[1]}, {key}, {quiet or not context.conf.ansi})"

    return sql


def _parse_row(name: str, quiet: bool) -> Function:
    return row(name, "string string string?", STRING, _parse(quiet), nullable=True)


register(
    row("url_encode", "string", STRING, "kernel_url_encode({0})", nullable=True),
    row("url_decode", "string", STRING, "kernel_url_decode({0}, FALSE)", nullable=True),
    row("try_url_decode", "string", STRING, "kernel_url_decode({0}, TRUE)", nullable=True),
    _parse_row("parse_url", False),
    _parse_row("try_parse_url", True),
)
