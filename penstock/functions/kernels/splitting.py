"""Text taken apart by patterns that only the row knows: split and str_to_map."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised


@lru_cache(maxsize=256)
def _compiled(pattern: str, function: str) -> re.Pattern[str]:
    """A Java pattern by Python's rules; INVALID_PARAMETER_VALUE.PATTERN when it is malformed."""
    try:
        return re.compile(re.sub(r"\(\?<([a-zA-Z])", r"(?P<\1", pattern))
    except re.error as error:
        raise raised(
            "INVALID_PARAMETER_VALUE.PATTERN", f"The regular expression {pattern!r} of `{function}` is not valid: "
            f"{error}.", sqlstate="22023", parameter="`regexp`", functionName=f"`{function}`", value=f"'{pattern}'",
        ) from None  # fmt: skip


def _parts(text: str, pattern: re.Pattern[str], limit: int) -> list[str]:
    """As Java's split: at most `limit` parts when it is positive; an empty match at the start splits nothing off."""
    parts: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        if 0 < limit <= len(parts) + 1:
            break
        if match.end() == 0:
            continue
        parts.append(text[at : match.start()])
        at = match.end()
    return [*parts, text[at:]]


@by_row(pa.list_(pa.string()))
def split(text: str, pattern: str, limit: int) -> list[str]:
    """split(text, pattern, limit)."""
    if pattern == "":
        parts = list(text)
        return [*parts[: limit - 1], "".join(parts[limit - 1 :])] if 0 < limit < len(parts) else parts
    return _parts(text, _compiled(pattern, "split"), limit)


@by_row(pa.struct([("k", pa.list_(pa.string())), ("v", pa.list_(pa.string()))]))
def pairs(text: str, pair_delimiter: str, value_delimiter: str) -> dict[str, list[Any]]:
    """The keys and values of str_to_map; a pair without the delimiter has the value NULL."""
    found = [_parts(part, _compiled(value_delimiter, "str_to_map"), 2)
             for part in _parts(text, _compiled(pair_delimiter, "str_to_map"), -1)]  # fmt: skip
    return {"k": [part[0] for part in found], "v": [part[1] if len(part) > 1 else None for part in found]}
