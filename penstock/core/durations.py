"""Spans of time as the options of Spark's file source and sink give them: `50s`, `100ms`, `7d`, a bare number for
milliseconds."""

from __future__ import annotations

import re

_TEXT = re.compile(r"(-?\d+)([a-z]*)")
_MICROSECONDS = {
    "us": 1,
    "ms": 1000,
    "": 1000,
    "s": 10**6,
    "m": 60 * 10**6,
    "min": 60 * 10**6,
    "h": 3600 * 10**6,
    "d": 86400 * 10**6,
}


def time_ms(text: str) -> int | None:
    """The milliseconds that a text means; None where it is no time."""
    match = _TEXT.fullmatch(text.strip().lower())
    if match is None or match[2] not in _MICROSECONDS:
        return None
    return int(match[1]) * _MICROSECONDS[match[2]] // 1000
