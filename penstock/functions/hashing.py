"""Digests.  `hash` and `xxhash64` (Murmur3 and xxHash of columns) have no counterpart in DuckDB: refused by name."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.types import NULL, STRING


def _sha2(args: list[str], call: FunctionCall, context: Any) -> str:
    bits = constant(call.args[1])
    if bits is None or bits.value not in (0, 256):
        raise unsupported("sha2 with another length than 256 bits")
    return f"sha256({args[0]})"


def _refused(name: str) -> Function:
    def build(args: Args, request: Request) -> Expression:
        raise unsupported(f"the function {request.name}")

    return row(name, "any*", NULL, "", build=build)


register(
    row("md5", "binary", STRING, "md5({0})"),
    row("sha1 sha", "binary", STRING, "sha1({0})"),
    row("sha2", "binary int", STRING, _sha2, nullable=True),
    _refused("hash"),
    _refused("xxhash64"),
    _refused("crc32"),
)
