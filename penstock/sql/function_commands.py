"""CREATE FUNCTION, DROP FUNCTION, DESCRIBE FUNCTION."""

from __future__ import annotations

import re

from penstock.core.errors import unsupported
from penstock.plan.expressions import Expression, SubqueryExpression
from penstock.plan.sql_functions import JavaFunction, Parameter, SqlFunction
from penstock.sql import statements as st
from penstock.sql.commands import NAME, Build, ParseInner, build_command, name_parts, query_plan
from penstock.sql.strings import unescape
from penstock.sql.syntax import syntax_error
from penstock.sql.table_commands import parenthesized
from penstock.sql.types import parse_schema, parse_type

_STRING = r"'(?:[^'\\]|\\.|'')*'"
_QUERY = re.compile(r"(?:SELECT|WITH|VALUES|FROM|TABLE)\b", re.IGNORECASE)
_PARAMETER = re.compile(
    r"\s*(?P<name>`[^`]+`|\w+)\s+(?P<type>.+?)"
    rf"(?:\s+DEFAULT\s+(?P<default>.+?))?(?:\s+COMMENT\s+{_STRING})?\s*",
    re.IGNORECASE | re.DOTALL,
)
_CHARACTERISTIC = re.compile(
    rf"(?:LANGUAGE\s+SQL|(?:NOT\s+)?DETERMINISTIC|COMMENT\s+(?P<comment>{_STRING})|CONTAINS\s+SQL|READS\s+SQL\s+DATA"
    r"|SQL\s+SECURITY\s+(?:DEFINER|INVOKER))\s*",
    re.IGNORECASE,
)


def _create(match: re.Match[str], inner: ParseInner) -> st.Statement:
    rest = match["rest"].strip()
    java = re.match(rf"AS\s*(?P<class>{_STRING})(?:\s+USING\b.*)?", rest, re.IGNORECASE | re.DOTALL)
    name = name_parts(match["name"])
    function = JavaFunction(name[-1], unescape(java["class"])) if java else _sql_function(name[-1], rest, inner)
    return st.CreateFunction(name, function, bool(match["replace"]), bool(match["temp"]), bool(match["if_"]))


def _sql_function(name: str, text: str, inner: ParseInner) -> SqlFunction:
    """What stands behind the name: `(parameters) [RETURNS type] [characteristics] RETURN body`."""
    if not text.startswith("("):
        raise syntax_error((re.match(r"\w+|\S", text) or [""])[0])
    body, rest = parenthesized(text)
    parameters = tuple(_parameter(part, inner) for part in split_list(body)) if body.strip() else ()
    returns, columns, is_table, rest = _returns(rest)
    comment = None
    while (found := _CHARACTERISTIC.match(rest)) is not None:
        comment = unescape(found["comment"]) if found["comment"] else comment
        rest = rest[found.end() :]
    if re.match(r"LANGUAGE\b", rest, re.IGNORECASE):
        raise unsupported("CREATE FUNCTION in another language than SQL", "Register Python functions with spark.udf.")
    result = re.match(r"RETURN\b\s*(.+)", rest, re.IGNORECASE | re.DOTALL)
    if result is None:
        raise syntax_error((re.match(r"\w+|\S", rest) or [""])[0])
    if is_table:
        return SqlFunction(name, parameters, None, query_plan(result[1], inner), None, columns, comment)
    return SqlFunction(name, parameters, value_expression(result[1], inner), None, returns, None, comment)


def _returns(text: str) -> tuple[object, object, bool, str]:
    """The type, or the columns of a table, and what follows."""
    head = re.match(r"RETURNS\s+(?P<table>TABLE\b\s*)?", text, re.IGNORECASE)
    if head is None:
        return None, None, False, text
    rest = text[head.end() :]
    if head["table"]:
        if not rest.startswith("("):
            return None, None, True, rest
        columns, rest = parenthesized(rest)
        return None, parse_schema(columns), True, rest
    end = re.search(r"\s(?:RETURN|LANGUAGE|(?:NOT\s+)?DETERMINISTIC|COMMENT|CONTAINS|READS|SQL)\b", rest, re.IGNORECASE)
    if end is None:
        raise syntax_error("")
    return parse_type(rest[: end.start()]), None, False, rest[end.start() :].strip()


def _parameter(text: str, inner: ParseInner) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise syntax_error((re.match(r"\w+|\S", text.strip()) or [""])[0])
    default = value_expression(match["default"], inner) if match["default"] else None
    return Parameter(match["name"].strip("`"), parse_type(match["type"]), default)


def split_list(text: str) -> list[str]:
    """A text split at the commas outside of parentheses, brackets and quotes."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(rf"{_STRING}|`[^`]*`|[(),<>]", text, re.DOTALL):
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(match[0], 0)
        if match[0] == "," and depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def value_expression(text: str, inner: ParseInner) -> Expression:
    """An expression; a query without parentheses stands for its only value."""
    if _QUERY.match(text):
        return SubqueryExpression("scalar", query_plan(text, inner))
    return inner.expression(text)


def _operator(text: str) -> str:
    return unescape(text) if text.startswith("'") else text


COMMANDS: tuple[tuple[re.Pattern[str], Build], ...] = (
    build_command(
        r"CREATE(?P<replace> OR REPLACE)?(?P<temp> TEMP(?:ORARY)?)? FUNCTION(?P<if_> IF NOT EXISTS)? "
        rf"{NAME}\s*(?P<rest>(?:\(|AS\b).+)",
        _create,
    ),
    build_command(
        rf"DROP(?P<temp> TEMP(?:ORARY)?)? FUNCTION(?P<if_> IF EXISTS)? {NAME}",
        lambda m, inner: st.DropFunction(name_parts(m["name"]), bool(m["temp"]), bool(m["if_"])),
    ),
    build_command(
        rf"DESC(?:RIBE)? FUNCTION(?P<extended> EXTENDED)? {NAME}",
        lambda m, inner: st.DescribeFunction(name_parts(m["name"]), bool(m["extended"])),
    ),
    build_command(
        rf"DESC(?:RIBE)? FUNCTION(?P<extended> EXTENDED)? (?P<name>{_STRING}|[-+*/%&|^~<>=!]+)",
        lambda m, inner: st.DescribeFunction((_operator(m["name"]),), bool(m["extended"])),
    ),
)
