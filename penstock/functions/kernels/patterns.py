"""Timestamps as text, and texts as timestamps, by patterns that SQL has no directives for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pyarrow as pa

from penstock.core.errors import SparkError
from penstock.core.java_format import format_micros
from penstock.core.pattern_rules import check_pattern
from penstock.functions.kernels.rows import by_row, raised, raised_again
from penstock.sources.records.errors import BadValue
from penstock.sources.records.java_time import JavaPattern


def formatter(zone: str | None) -> Callable[[Any, Any], pa.Array]:
    """(microseconds since 1970, Java pattern) -> text, shown in `zone`; None for local time."""

    def kernel(moments: Any, patterns: Any) -> pa.Array:
        rows = zip(moments.to_pylist(), patterns.to_pylist(), strict=True)
        try:
            return pa.array([None if None in row else format_micros(row[0], row[1], zone) for row in rows], pa.string())
        except SparkError as error:
            raise raised_again(error) from None

    return kernel


@lru_cache(maxsize=256)
def java_pattern(pattern: str) -> JavaPattern:
    """A pattern for parsing; raises for what Spark does not take, and for letters that are not supported."""
    check_pattern(pattern, parsing=True)
    return JavaPattern(pattern)


def reader(zone: str | None) -> Callable[..., pa.Array]:
    """(text, Java pattern, suggestion) -> microseconds since 1970: of local times in `zone`, or on the local clock
    (None).  What does not fit raises CANNOT_PARSE_TIMESTAMP, which names the suggestion, or is NULL without one."""

    @by_row(pa.int64())
    def kernel(text: str, pattern: str, suggestion: str) -> int | None:
        try:
            rule = java_pattern(pattern)
            return rule.local_timestamp(text, with_zone=True) if zone is None else rule.timestamp(text, zone)
        except SparkError as error:
            raise raised_again(error) from None
        except BadValue:
            if not suggestion:
                return None
            raise raised(
                "CANNOT_PARSE_TIMESTAMP",
                f"Text '{text}' does not fit the pattern. Use `{suggestion}` to get NULL instead.",
                sqlstate="22007", kind="date_time", func=f"`{suggestion}`",
                message_=f"Text '{text}' could not be parsed",
            ) from None  # fmt: skip

    return kernel
