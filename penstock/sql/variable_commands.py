"""DECLARE, SET VARIABLE, DROP TEMPORARY VARIABLE and EXECUTE IMMEDIATE."""

from __future__ import annotations

import re

from penstock.plan.expressions import Expression, Literal, UnresolvedAttribute
from penstock.plan.types import NULL
from penstock.sql import statements as st
from penstock.sql.commands import NAME, PART, Build, ParseInner, build_command, name_parts, query_plan
from penstock.sql.function_commands import split_list, value_expression
from penstock.sql.table_commands import parenthesized
from penstock.sql.types import parse_type

_QUERY = re.compile(r"\(\s*(?:SELECT|WITH|VALUES|FROM|TABLE)\b", re.IGNORECASE)
_FULL_NAME = rf"{PART}(?:\s*\.\s*{PART})*"


def _declare(match: re.Match[str], inner: ParseInner) -> st.Statement:
    names = tuple(name_parts(name) for name in split_list(match["names"]))
    kind = parse_type(match["type"]) if match["type"] else None
    value = value_expression(match["value"], inner) if match["value"] else Literal(None, NULL)
    return st.DeclareVariables(names, kind, value, bool(match["replace"]))


def _set(match: re.Match[str], inner: ParseInner) -> st.Statement:
    """`SET VAR a = 1, b = 2` or `SET VAR (a, b) = (SELECT ...)`."""
    text = match["rest"].strip()
    if text.startswith("("):
        names, rest = parenthesized(text)
        body, _ = parenthesized(rest.lstrip("= \t\n"))
        return st.SetVariables(tuple(name_parts(name) for name in split_list(names)), (), query_plan(body, inner))
    found, values = [], []
    for part in split_list(text):
        name, _, value = part.partition("=")
        found.append(name_parts(name))
        values.append(value_expression(value.strip(), inner))
    return st.SetVariables(tuple(found), tuple(values))


def _execute(match: re.Match[str], inner: ParseInner) -> st.Statement:
    into = tuple(name_parts(name) for name in split_list(match["into"])) if match["into"] else ()
    using = (match["using"] or "").strip()
    if using.startswith("(") and parenthesized(using)[1] == "" and not _QUERY.match(using):
        using = parenthesized(using)[0]
    args = tuple(inner.expression(part) for part in split_list(using)) if using else ()
    return st.ExecuteImmediate(_text(match["text"], inner), args, into)


def _text(text: str, inner: ParseInner) -> Expression:
    return UnresolvedAttribute(name_parts(text)) if re.fullmatch(_FULL_NAME, text) else inner.expression(text)


COMMANDS: tuple[tuple[re.Pattern[str], Build], ...] = (
    build_command(
        rf"DECLARE(?P<replace> OR REPLACE)?(?: VARIABLE| VAR)? (?!VARIABLE\b|VAR\b|OR\b)"
        rf"(?P<names>{_FULL_NAME}(?:\s*,\s*{_FULL_NAME})*)(?:\s+(?P<type>(?!DEFAULT\b)[^='\"]+?))?"
        r"(?:\s*(?:=|\bDEFAULT\b)\s*(?P<value>.+))?",
        _declare,
    ),
    build_command(r"SET (?:VARIABLE|VAR)\s*(?P<rest>.+=.+)", _set),
    build_command(
        rf"DROP TEMPORARY (?:VARIABLE|VAR)(?P<if_> IF EXISTS)? {NAME}",
        lambda m, inner: st.DropVariable(name_parts(m["name"]), bool(m["if_"])),
    ),
    build_command(
        r"EXECUTE IMMEDIATE (?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|.+?)"
        rf"(?: INTO (?P<into>{_FULL_NAME}(?:\s*,\s*{_FULL_NAME})*))?(?: USING (?P<using>.+))?",
        _execute,
    ),
)
