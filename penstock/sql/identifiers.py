"""Spark's dotted, back-quoted identifiers: `a.b`, `` `a.b`.c ``."""

from __future__ import annotations

import re

from penstock.core.errors import analysis_error
from penstock.sql.syntax import empty_statement, syntax_error

_QUOTED = re.compile(r"`(?:[^`]|``)*`")


def split_identifier(text: str) -> tuple[str, ...]:
    """The parts of a column or table name: ``a.`b.c` `` is ("a", "b.c"); a doubled back-quote stands for one.

    Raises INVALID_ATTRIBUTE_NAME_SYNTAX for unbalanced quotes and empty parts, as Spark's AttributeNameParser."""
    if "`" not in text and "." not in text:
        return (text,)
    parts: list[str] = []
    position = 0
    while True:
        part, position = _quoted(text, position) if text[position : position + 1] == "`" else _bare(text, position)
        parts.append(part)
        if position == len(text):
            return tuple(parts)
        position += 1


def table_identifier(text: str) -> tuple[str, ...]:
    """The parts of a table's name as the SQL parser takes them: outside of back-quotes only letters, digits and "_".

    Raises PARSE_EMPTY_STATEMENT and PARSE_SYNTAX_ERROR."""
    if not text.strip():
        raise empty_statement()
    if (wrong := re.search(r"[^\w.]+", _QUOTED.sub("", text.strip()))) is not None:
        raise syntax_error(wrong.group().strip() or text[wrong.end() :].strip())
    return split_identifier(text.strip())


def quote_identifier(parts: tuple[str, ...]) -> str:
    """The parts as Spark prints them in errors: `` `a`.`b.c` ``."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def _quoted(text: str, start: int) -> tuple[str, int]:
    position = start + 1
    found: list[str] = []
    while position < len(text):
        if text[position] != "`":
            found.append(text[position])
        elif text[position + 1 : position + 2] == "`":
            found.append("`")
            position += 1
        else:
            return "".join(found), _at_separator(text, position + 1)
        position += 1
    raise _invalid(text)


def _bare(text: str, start: int) -> tuple[str, int]:
    end = text.find(".", start)
    part = text[start:] if end < 0 else text[start:end]
    if not part or "`" in part:
        raise _invalid(text)
    return part, _at_separator(text, start + len(part))


def _at_separator(text: str, position: int) -> int:
    """Only the end or a dot with something after it may follow a part."""
    if position != len(text) and (text[position] != "." or position + 1 == len(text)):
        raise _invalid(text)
    return position


def _invalid(text: str) -> Exception:
    message = f"The attribute name {text!r} is not well-formed: balance the back-quotes and leave no part empty."
    return analysis_error("INVALID_ATTRIBUTE_NAME_SYNTAX", message, "42601", name=text)
