"""Spark's dotted, back-quoted identifiers: `a.b`, `` `a.b`.c ``."""

from __future__ import annotations

import re

from penstock.core.errors import SparkError, analysis_error, parse_error
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
    """The parts of a table's name as the SQL parser takes them: outside of back-quotes only ASCII letters, digits and
    "_".

    Raises PARSE_EMPTY_STATEMENT, INVALID_IDENTIFIER (hyphens, other letters) and PARSE_SYNTAX_ERROR."""
    stripped = text.strip()
    if not stripped:
        raise empty_statement()
    bare = _QUOTED.sub("", stripped)
    if (wrong := re.search(r"[^\w.-]+", bare)) is not None:
        raise syntax_error(wrong.group().strip() or text[wrong.end() :].strip())
    for part in bare.split("."):
        if not re.fullmatch(r"[A-Za-z0-9_]*", part):
            message = f"The identifier {part} is not valid without back-quotes: write `{part}`."
            raise parse_error("INVALID_IDENTIFIER", message, "42602", ident=part)
    try:
        return split_identifier(stripped)
    except SparkError:  # unbalanced quotes, an empty part
        raise syntax_error("." if "." in stripped else "`") from None


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
