"""Names and strings in SQL text."""

from __future__ import annotations


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A column name, in quotes."""
    return '"' + name.replace('"', '""') + '"'
