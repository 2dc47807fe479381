"""Text taken apart by patterns that only the row knows: split, str_to_map, and date-times by a pattern."""

from __future__ import annotations

import datetime
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


# ---------------------------------------------------------------- date-times by a pattern

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)
_FIELDS = {
    "yyyy": r"(?P<y>\d{4,})", "uuuu": r"(?P<y>\d{4,})", "y": r"(?P<y>\d+)", "yy": r"(?P<yy>\d\d)",
    "MM": r"(?P<M>\d\d)", "M": r"(?P<M>\d\d?)", "MMM": r"(?P<MMM>[A-Za-z]{3})", "MMMM": r"(?P<MMM>[A-Za-z]+)",
    "dd": r"(?P<d>\d\d)", "d": r"(?P<d>\d\d?)", "HH": r"(?P<H>\d\d)", "H": r"(?P<H>\d\d?)",
    "hh": r"(?P<h>\d\d)", "h": r"(?P<h>\d\d?)", "mm": r"(?P<m>\d\d)", "m": r"(?P<m>\d\d?)",
    "ss": r"(?P<s>\d\d)", "s": r"(?P<s>\d\d?)", "a": r"(?P<a>[AaPp][Mm])",
}  # fmt: skip


@lru_cache(maxsize=256)
def _reader(pattern: str) -> re.Pattern[str]:
    out = ""
    for match in _PIECE.finditer(pattern):
        literal, letter, other = match[1], match[2], match[3]
        if letter is None:
            out += re.escape((literal.replace("''", "'") or "'") if literal is not None else other)
        elif letter == "S":
            out += rf"(?P<S>\d{{{len(match[0])}}})"
        elif match[0] in _FIELDS:
            out += _FIELDS[match[0]]
        else:
            feature = f"the date-time pattern letters {match[0]!r} in a pattern that is not a constant"
            raise raised(
                "UNSUPPORTED_FEATURE.PENSTOCK", f"Penstock does not support {feature}.", sqlstate="0A000",
                kind="unsupported", feature=feature,
            )  # fmt: skip
    return re.compile(out)


@by_row(pa.timestamp("us"))
def moment(text: str, pattern: str, suggestion: str) -> datetime.datetime | None:
    """The local time that `text` is by a Java pattern; CANNOT_PARSE_TIMESTAMP when it is none (NULL without a
    suggestion)."""
    match = _reader(pattern).fullmatch(text)
    try:
        if match is None:
            raise ValueError("no match")
        return _assembled({key: value for key, value in match.groupdict().items() if value is not None})
    except ValueError:
        if not suggestion:
            return None
        raise raised(
            "CANNOT_PARSE_TIMESTAMP",
            f"Text '{text}' does not fit the pattern. Use `{suggestion}` to get NULL instead.",
            sqlstate="22007", kind="date_time", func=f"`{suggestion}`",
        ) from None  # fmt: skip


def _assembled(fields: dict[str, str]) -> datetime.datetime:
    year = int(fields["y"]) if "y" in fields else 2000 + int(fields["yy"]) if "yy" in fields else 1970
    month = int(fields.get("M", 1))
    if "MMM" in fields:
        month = 1 + [name[: len(fields["MMM"])] for name in _MONTHS].index(fields["MMM"].lower())
    hour = int(fields.get("H", 0))
    if "h" in fields:
        hour = int(fields["h"]) % 12 + (12 if fields.get("a", "am").lower() == "pm" else 0)
    micros = int(fields["S"].ljust(6, "0")[:6]) if "S" in fields else 0
    return datetime.datetime(
        year, month, int(fields.get("d", 1)), hour, int(fields.get("m", 0)), int(fields.get("s", 0)), micros
    )
