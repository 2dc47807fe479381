"""Java's date-time patterns (options dateFormat and timestampFormat) as formats of DuckDB's strftime and strptime."""

from __future__ import annotations

import re

from penstock.core.errors import unsupported

_TOKENS: dict[str, str] = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "y": "%Y", "u": "%Y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S",
    "SSS": "%g", "SSSSSS": "%f", "SSSSSSSSS": "%n", "a": "%p", "EEEE": "%A", "EEE": "%a", "E": "%a", "DDD": "%j",
    "XXX": "%z", "xxx": "%z", "XX": "%z", "xx": "%z", "X": "%z", "x": "%z", "Z": "%z", "VV": "%Z", "z": "%Z",
}  # fmt: skip
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)


def optional_parts(pattern: str) -> list[str]:
    """One pattern for each choice of the optional parts `[...]`, the fullest first."""
    match = re.search(r"\[([^\[\]]*)\]", pattern)
    if match is None:
        return [pattern]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [*optional_parts(head + match[1] + tail), *optional_parts(head + tail)]


def duckdb_format(pattern: str) -> str:
    """A pattern without optional parts as DuckDB's; letters that have no counterpart are refused by name."""
    return "".join(_piece(match, pattern) for match in _PIECE.finditer(pattern))


def _piece(match: re.Match[str], pattern: str) -> str:
    literal, letter, other = match[1], match[2], match[3]
    if literal is not None:
        return literal.replace("''", "'").replace("%", "%%") or "'"
    if letter is None:
        return other.replace("%", "%%")
    if match[0] not in _TOKENS:
        raise unsupported(f"the date-time pattern letters {match[0]!r} (in {pattern!r})")
    return _TOKENS[match[0]]
