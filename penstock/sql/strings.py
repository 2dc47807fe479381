"""String literals of Spark SQL: quotes, backslash escapes, raw strings."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[01][0-7]{2}|.)", re.DOTALL)
_SINGLE = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


def unescape(literal: str) -> str:
    """The value of a literal with its quotes: `'it\\'s'`, `"a\\n"`, `r'\\d'`; a doubled quote stands for one."""
    raw = literal[0] in "rR"
    quoted = literal[1:] if raw else literal
    body = quoted[1:-1]
    return body if raw else unescape_body(body.replace(quoted[0] * 2, quoted[0]))


def unescape_body(body: str) -> str:
    """Backslash escapes as Spark reads them: \\n, \\t, octal \\101, \\uXXXX; `\\%` and `\\_` stay for LIKE."""
    return _ESCAPE.sub(_character, body) if "\\" in body else body


def _character(match: re.Match[str]) -> str:
    escape = match.group(1)
    if escape[0] in "uU" and len(escape) > 1:
        return chr(int(escape[1:], 16))
    if len(escape) == 3:
        return chr(int(escape, 8))
    return "\\" + escape if escape in "%_" else _SINGLE.get(escape, escape)
