"""Lists of columns with their DEFAULT values, as CREATE TABLE and ALTER TABLE have them."""

from __future__ import annotations

import re

from penstock.core.errors import parse_error
from penstock.plan.types import StructField, StructType
from penstock.sql.syntax import syntax_error
from penstock.sql.types import parse_schema

#: The key of a field's metadata that holds its default's text; Spark's name.
CURRENT_DEFAULT = "CURRENT_DEFAULT"

STRING = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*\""""
_TOKEN = re.compile(rf"{STRING}|`(?:[^`]|``)*`|\w+|\S", re.DOTALL)
_LATE_NOT_NULL = re.compile(rf"(\s+COMMENT\s+(?:{STRING}))(\s+NOT\s+NULL)\b", re.IGNORECASE | re.DOTALL)
_ENDS = {"COMMENT", "GENERATED", "DEFAULT", "FIRST", "AFTER"}


def parse_columns(text: str) -> StructType:
    """`a INT DEFAULT 5 COMMENT 'x', b STRING`: a default's text is in its field's metadata."""
    parts = [_without_default(_LATE_NOT_NULL.sub(r"\2\1", part)) for part in separated(text)]
    schema = parse_schema(", ".join(column for column, _ in parts))
    fields = [
        f if default is None else StructField(f.name, f.dataType, f.nullable, {**f.metadata, CURRENT_DEFAULT: default})
        for f, (_, default) in zip(schema.fields, parts, strict=True)
    ]
    return StructType(fields)


def separated(text: str) -> list[str]:
    """The parts between commas outside of strings and parentheses."""
    parts, start, depth = [], 0, 0
    for match in re.finditer(rf"{STRING}|`(?:[^`]|``)*`|[(),<>]", text, re.DOTALL):
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(match[0], 0)
        if match[0] == "," and depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    return [part for part in (*parts, text[start:]) if part.strip()]


def _without_default(text: str) -> tuple[str, str | None]:
    """A column without its DEFAULT clause, and the text of that clause's expression."""
    tokens = list(_TOKEN.finditer(text))
    begin = _find_default(tokens, 2)
    if begin is None:
        return text, None
    end = _end_of_default(tokens, begin + 1)
    if end == begin + 1:
        raise syntax_error(tokens[end][0] if end < len(tokens) else ")")
    behind = tokens[end].start() if end < len(tokens) else len(text)
    rest = text[: tokens[begin].start()] + text[behind:]
    if _find_default(list(_TOKEN.finditer(rest)), 2) is not None:
        name = tokens[0][0].strip("`")
        message = f"The column {name} has two DEFAULT clauses: leave one."
        raise parse_error("CREATE_TABLE_COLUMN_DESCRIPTOR_DUPLICATE", message, columnName=name, optionName="DEFAULT")
    return rest, text[tokens[begin + 1].start() : behind].strip()


def _find_default(tokens: list[re.Match[str]], first: int) -> int | None:
    depth = 0
    for i, token in enumerate(tokens):
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(token[0], 0)
        if depth == 0 and i >= first and token[0].upper() == "DEFAULT":
            return i
    return None


def _end_of_default(tokens: list[re.Match[str]], start: int) -> int:
    depth = 0
    for i in range(start, len(tokens)):
        word = tokens[i][0].upper()
        depth += {"(": 1, ")": -1}.get(word, 0)
        after = tokens[i + 1][0].upper() if i + 1 < len(tokens) else ""
        no_null = word == "NOT" and after == "NULL" and tokens[i - 1][0].upper() != "IS"
        if depth == 0 and (no_null or (word in _ENDS and not (word == "DEFAULT" and i == start))):
            return i
    return len(tokens)
