"""Errors of the SQL parsers."""

from __future__ import annotations

from penstock.core.errors import SparkError, analysis_error, parse_error


def syntax_error(token: str, hint: str = "") -> SparkError:
    """PARSE_SYNTAX_ERROR at `token` ("" is the end of the text)."""
    near = f"'{token}'" if token else "end of input"
    message = f"Syntax error at or near {near}{hint}."
    return parse_error("PARSE_SYNTAX_ERROR", message, error=near, hint=hint)


def star_as_index() -> SparkError:
    """`v:a[*]`."""
    where = "expression `unresolvedextractvalue`"
    message = "A path into a variant takes names and numbers, not '*'."
    return analysis_error("INVALID_USAGE_OF_STAR_OR_REGEX", message, "42000", elem="'*'", prettyName=where)


def empty_statement() -> SparkError:
    """Nothing to parse."""
    return parse_error("PARSE_EMPTY_STATEMENT", "The statement is empty: write a query or a command.", "42617")
