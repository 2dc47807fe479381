"""Timestamps as text by patterns that SQL has no directives for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from penstock.core.java_format import format_micros


def formatter(zone: str | None) -> Callable[[Any, Any], pa.Array]:
    """(microseconds since 1970, Java pattern) -> text, shown in `zone`; None for local time."""

    def kernel(moments: Any, patterns: Any) -> pa.Array:
        rows = zip(moments.to_pylist(), patterns.to_pylist(), strict=True)
        return pa.array([None if None in row else format_micros(row[0], row[1], zone) for row in rows], pa.string())

    return kernel
