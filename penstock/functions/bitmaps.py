"""Bitmaps of 4,096 bytes, as Spark's bitmap_* functions have them."""

from __future__ import annotations

from typing import Any

from penstock.functions.aggregates import aggregate
from penstock.functions.rows import row
from penstock.functions.table import TAIL, Buffer, Incremental, register
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import BINARY, LONG

_BITS = 32768
# Java's `/` and `%` cut towards zero, as DuckDB's `//` and `%` do
_BUCKET = f"CASE WHEN {{0}} > 0 THEN 1 + ({{0}} - 1) // {_BITS} ELSE {{0}} // {_BITS} END"
_POSITION = f"CASE WHEN {{0}} > 0 THEN ({{0}} - 1) % {_BITS} ELSE (-{{0}}) % {_BITS} END"


def _collected(kernel: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_{kernel}(coalesce(list({args[0]}){TAIL}, []))"

    return sql


def _kept(kernel: str, merge: str) -> Incremental:
    """A bitmap that takes in others."""
    merged = f"kernel_{merge}([{{old}}, {{new}}])"
    bits = Buffer("bits", BINARY, _collected(kernel), merged)
    return Incremental((bits,), f"coalesce({{bits}}, kernel_{kernel}([]))")


register(
    row("bitmap_bucket_number", "long", LONG, _BUCKET),
    row("bitmap_bit_position", "long", LONG, _POSITION),
    row("bitmap_count", "binary", LONG, "kernel_bitmap_count({0})"),
    aggregate("bitmap_construct_agg", "long", BINARY, _collected("bitmap_construct"),
              _kept("bitmap_construct", "bitmap_or"), nullable=False),
    aggregate("bitmap_or_agg", "binary", BINARY, _collected("bitmap_or"), _kept("bitmap_or", "bitmap_or"),
              nullable=False),
    aggregate("bitmap_and_agg", "binary", BINARY, _collected("bitmap_and"), _kept("bitmap_and", "bitmap_and"),
              nullable=False),
)  # fmt: skip
