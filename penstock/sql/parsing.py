"""The entry points that need sqlglot: queries, statements and expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokens import Token, TokenType

from penstock.core.errors import SparkError, analysis_error, parse_error, unsupported
from penstock.plan.expressions import Expression
from penstock.plan.nodes import Node
from penstock.sql import Arguments, Variables, commands, pipes, queries, scripting
from penstock.sql.dialect import DIALECT, SparkSqlParser, tokenize
from penstock.sql.expressions import Scope
from penstock.sql.expressions import expression as convert_expression
from penstock.sql.statements import Query, Script, Statement
from penstock.sql.syntax import empty_statement, syntax_error

_START = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_TABLE = re.compile(r"table\s(?!\s*select\b)", re.IGNORECASE)
_TWO_LIMITS = [TokenType.LIMIT, TokenType.NUMBER, TokenType.COMMA]  # MySQL's `LIMIT offset, count`
_FOREIGN = {
    TokenType.NATIONAL_STRING, TokenType.BIT_STRING, TokenType.L_BRACE, TokenType.PARAMETER,
}  # fmt: skip
_QUERY_WORDS = {"select", "with", "values", "from", "table", "("}


@dataclass(frozen=True)
class Around:
    """What a text needs from around it: the values of its parameters, the session's time zone and its variables."""

    args: Arguments = None
    time_zone: str = "UTC"
    variable: Variables | None = None

    def scope(self, tokens: list[Token]) -> Scope:
        variable = self.variable or (lambda parts: None)
        return Scope(queries.query, self.args, self.time_zone, _positions(tokens), variable=variable)


@dataclass(frozen=True)
class Inner:
    """Parses what stands within a command."""

    around: Around

    def __call__(self, text: str) -> Statement:
        return statement(text, self.around)

    def expression(self, text: str) -> Expression:
        return expression(text, self.around)


def query(text: str, around: Around) -> Node:
    """The plan of a query; commands are no queries.  `TABLE t` is short for a SELECT of everything."""
    start = _skip(text)
    if _TABLE.match(text, start):
        text = text[:start] + "SELECT * FROM" + text[start + len("table") :]
    tokens = _tokens(text)
    scope = around.scope(tokens)
    if pipes.is_piped(tokens):
        return pipes.piped(tokens, lambda part: _tree(part, text, SparkSqlParser._parse_statement), scope)
    return queries.query(_tree(tokens, text, SparkSqlParser._parse_statement), scope)


def expression(text: str, around: Around) -> Expression:
    """One expression, with an alias or without."""
    tokens = _tokens(text)
    return convert_expression(_tree(tokens, text, SparkSqlParser._parse_expression), around.scope(tokens))


def statement(text: str, around: Around) -> Statement:
    """A query or one of the commands of `sql/commands.py`."""
    if scripting.is_script(text[_skip(text) :]):
        return _script(text, around)
    body = text[_skip(text) :].rstrip().rstrip(";").rstrip()
    if not body:
        raise syntax_error(";") if ";" in text[_skip(text) :] else empty_statement()
    word = (re.match(r"\w+|.", body) or [""])[0].lower()
    if word in _QUERY_WORDS:
        return Query(query(body, around))
    return commands.command(body, Inner(around))


def _script(text: str, around: Around) -> Statement:
    args = around.args or None
    if args is not None and not isinstance(args, Mapping):
        message = "A script takes parameters by name only: write :name in it."
        condition = "UNSUPPORTED_FEATURE.SQL_SCRIPTING_WITH_POSITIONAL_PARAMETERS"
        raise analysis_error(condition, message, "0A000")
    return Script(scripting.parse_script(text), args)


def _skip(text: str) -> int:
    match = _START.match(text)
    return match.end() if match else 0


def _tree(tokens: list[Token], text: str, method: Any) -> Any:
    parser = SparkSqlParser(dialect=DIALECT, error_level=ErrorLevel.IMMEDIATE)
    try:
        trees = parser._parse(method, tokens, text)
    except SqlglotError as error:
        raise _syntax_error(error, parser._curr.token_type == TokenType.SENTINEL) from None
    except RecursionError:
        raise unsupported("SQL that is nested this deeply") from None
    if len(trees) != 1 or trees[0] is None:
        raise syntax_error("")
    return trees[0]


def _tokens(text: str) -> list[Token]:
    try:
        tokens = tokenize(text)
    except SqlglotError:  # a quote or a comment that does not end
        near = next((mark for mark in ("/*", "'", '"', "`") if mark in text), "")
        raise syntax_error(near) from None
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise syntax_error(";") if ";" in text else empty_statement()
    kinds = [token.token_type for token in tokens]
    if any(kinds[i : i + 3] == _TWO_LIMITS for i in range(len(kinds) - 2)):
        raise syntax_error(",")
    _check_table_arguments(tokens)
    for token, after in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        if token.token_type == TokenType.SEMICOLON:
            raise syntax_error(after.text, f": extra input '{after.text}'")
        if token.token_type == TokenType.COMMA and after.token_type == TokenType.FROM:
            message = "There is a comma too many before FROM: take it away, or add an expression."
            raise parse_error("TRAILING_COMMA_IN_SELECT", message)
        if token.token_type in _FOREIGN:
            raise syntax_error(token.text)
    return tokens


def _check_table_arguments(tokens: list[Token]) -> None:
    """`f(TABLE t)` wants parentheses around the name."""
    for i in range(len(tokens) - 3):
        called, opening, table, name = tokens[i : i + 4]
        is_call = called.token_type == TokenType.VAR and opening.token_type == TokenType.L_PAREN
        if is_call and table.token_type == TokenType.TABLE and name.token_type == TokenType.VAR:
            message = f"Write TABLE({name.text}): the name of a table as an argument stands in parentheses."
            condition = "INVALID_SQL_SYNTAX.INVALID_TABLE_FUNCTION_IDENTIFIER_ARGUMENT_MISSING_PARENTHESES"
            raise parse_error(condition, message, "42000", argumentName=f"`{name.text}`")


def _positions(tokens: list[Token]) -> dict[int, int]:
    """The `?` parameters by their place in the text."""
    marks = [token.start for token in tokens if token.token_type == TokenType.PLACEHOLDER]
    return {start: index for index, start in enumerate(marks)}


def _syntax_error(error: SqlglotError, at_end: bool) -> SparkError:
    """sqlglot tells the token of the trouble, but names the last one when the text ended too early."""
    details = getattr(error, "errors", None) or [{}]
    return syntax_error("" if at_end else str(details[0].get("highlight") or ""))
