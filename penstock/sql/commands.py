"""SQL commands: their heads are read here, the queries in them by the query parser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from penstock.core.errors import unsupported
from penstock.plan.expressions import Expression, UnresolvedAttribute
from penstock.plan.nodes import Node
from penstock.sql import statements as st
from penstock.sql.identifiers import quote_identifier
from penstock.sql.strings import unescape
from penstock.sql.syntax import syntax_error


class ParseInner(Protocol):
    """Parses what stands within a command: a statement, or an expression."""

    def __call__(self, text: str) -> st.Statement: ...

    def expression(self, text: str) -> Expression: ...


Build = Callable[[re.Match[str], ParseInner], st.Statement]

PART = r"(?:`(?:[^`]|``)*`|\w+)"
NAME = rf"(?P<name>{PART}(?:\s*\.\s*{PART})*)"
_STRING = r"""(?P<pattern>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_IN = rf"(?:\s+(?:IN|FROM)\s+{NAME})?"
_LIKE = rf"(?:\s+(?:LIKE\s+)?{_STRING})?"


def command(text: str, inner: ParseInner) -> st.Statement:
    """The command that `text` (without comments in front and semicolon behind) is; others are refused by name."""
    from penstock.sql import alter_commands, function_commands, table_commands, variable_commands

    text = _with_names(text, inner)
    more = (*function_commands.COMMANDS, *variable_commands.COMMANDS)
    for pattern, build in (*more, *_COMMANDS, *table_commands.COMMANDS, *alter_commands.COMMANDS):
        match = pattern.fullmatch(text)
        if match is not None:
            return build(match, inner)
    words = re.findall(r"\w+", text)
    if words and words[0].lower() in _REFUSED:
        raise unsupported(f"the SQL statement {' '.join(words[:2]).upper()}")
    raise syntax_error((re.match(r"\w+|\S", text) or [""])[0])


_NAMED = re.compile(r"(?:\w+\s+){1,6}?IDENTIFIER\s*(?=\()", re.IGNORECASE)


def _with_names(text: str, inner: ParseInner) -> str:
    """A command with the name that IDENTIFIER(...) in its head stands for."""
    from penstock.sql.table_commands import parenthesized

    head = _NAMED.match(text)
    if head is None or re.match(r"(?:SET|DECLARE|EXECUTE|EXPLAIN)\b", text, re.IGNORECASE):
        return text
    argument, rest = parenthesized(text[head.end() :])
    name = inner.expression(f"IDENTIFIER({argument})")
    if not isinstance(name, UnresolvedAttribute):
        return text
    before = re.sub(r"IDENTIFIER\s*$", "", head[0], flags=re.IGNORECASE)
    return f"{before}{quote_identifier(name.parts)} {rest}".rstrip()


def name_parts(text: str | None) -> tuple[str, ...]:
    """`a.`b c`` as its parts."""
    found = re.findall(PART, text or "")
    return tuple(part[1:-1].replace("``", "`") if part.startswith("`") else part for part in found)


def _pattern(match: re.Match[str]) -> str | None:
    return unescape(match["pattern"]) if match["pattern"] else None


def query_plan(text: str, inner: ParseInner) -> Node:
    """The plan of a text that must be a query."""
    found = inner(text)
    if not isinstance(found, st.Query):
        raise syntax_error((re.match(r"\w+|\S", text.strip()) or [""])[0])
    return found.plan


def _set(match: re.Match[str], inner: ParseInner) -> st.Statement:
    """`SET`, `SET -v`, `SET key`, `SET key = value` (the value is the rest of the text, as it stands)."""
    rest = (match["rest"] or "").strip()
    if rest in ("", "-v"):
        return st.SetConf(None)
    zone = re.fullmatch(rf"TIME\s+ZONE\s+(?:{_STRING}|(?P<local>LOCAL))", rest, re.IGNORECASE | re.DOTALL)
    if zone:
        if zone["local"]:
            raise unsupported("SET TIME ZONE LOCAL", "Name the zone.")
        return st.SetConf("spark.sql.session.timeZone", unescape(zone["pattern"]))
    if re.match(r"(TIME\s+ZONE|VAR|VARIABLE|CATALOG|ROLE)\b", rest, re.IGNORECASE):
        raise unsupported(f"the SQL statement SET {rest.split()[0].upper()}")
    key, equals, value = rest.partition("=")
    return st.SetConf(_key(key), _value(value) if equals else None)


def _key(text: str) -> str:
    key = text.strip()
    if key.startswith("`") and key.endswith("`") and len(key) > 1:
        return key[1:-1]
    if not re.fullmatch(r"[\w.\-:]+", key):
        raise syntax_error(key)
    return key


def _value(text: str) -> str:
    value = text.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == "`" else value


def _describe(match: re.Match[str], inner: ParseInner) -> st.Statement:
    return st.Describe(name_parts(match["name"]), None, bool(match["extended"]))


def _cache(match: re.Match[str], inner: ParseInner) -> st.Statement:
    plan = query_plan(match["query"], inner) if match["query"] else None
    return st.CacheTable(name_parts(match["name"]), plan, bool(match["lazy"]))


def build_command(pattern: str, build: Build) -> tuple[re.Pattern[str], Build]:
    """A command by a pattern in which a blank is any white space."""
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL), build


_COMMANDS: tuple[tuple[re.Pattern[str], Build], ...] = (
    build_command(r"SET(?P<rest>\s.*)?", _set),
    build_command(r"RESET(?:\s+(?P<key>.+))?", lambda m, inner: st.ResetConf(_key(m["key"]) if m["key"] else None)),
    build_command(
        rf"DROP (?P<kind>VIEW|TABLE)(?P<if_> IF EXISTS)? {NAME}(?: PURGE)?",
        lambda m, inner: st.DropView(name_parts(m["name"]), bool(m["if_"]), m["kind"].upper() == "TABLE"),
    ),
    build_command(rf"SHOW TABLES{_IN}{_LIKE}", lambda m, inner: st.ShowTables(name_parts(m["name"]), _pattern(m))),
    build_command(rf"SHOW VIEWS{_IN}{_LIKE}", lambda m, inner: st.ShowViews(name_parts(m["name"]), _pattern(m))),
    build_command(rf"SHOW (?:DATABASES|SCHEMAS|NAMESPACES){_LIKE}", lambda m, inner: st.ShowDatabases(_pattern(m))),
    build_command(rf"SHOW CATALOGS{_LIKE}", lambda m, inner: st.ShowCatalogs(_pattern(m))),
    build_command(r"SHOW CURRENT (?:NAMESPACE|DATABASE|SCHEMA)", lambda m, inner: st.ShowCurrent()),
    build_command(
        rf"DESC(?:RIBE)? (?:DATABASE|SCHEMA|NAMESPACE)(?P<extended> EXTENDED)? {NAME}",
        lambda m, inner: st.DescribeDatabase(name_parts(m["name"]), bool(m["extended"])),
    ),
    build_command(rf"SHOW COLUMNS (?:IN|FROM) {NAME}", lambda m, inner: st.ShowColumns(name_parts(m["name"]))),
    build_command(rf"SHOW(?: ALL| USER| SYSTEM)? FUNCTIONS{_LIKE}", lambda m, inner: st.ShowFunctions(_pattern(m))),
    build_command(
        r"DESC(?:RIBE)?(?: QUERY)? (?P<query>(?:SELECT|WITH|VALUES|FROM)\b.+)",
        lambda m, inner: st.Describe(None, query_plan(m["query"], inner)),
    ),
    build_command(rf"DESC(?:RIBE)?(?: TABLE)?(?P<extended> (?:EXTENDED|FORMATTED))? {NAME}", _describe),
    build_command(rf"USE CATALOG {NAME}", lambda m, inner: st.Use(name_parts(m["name"]), True)),
    build_command(rf"USE(?: DATABASE| SCHEMA| NAMESPACE)? {NAME}", lambda m, inner: st.Use(name_parts(m["name"]))),
    build_command(
        r"EXPLAIN(?: (?P<mode>EXTENDED|FORMATTED|CODEGEN|COST|LOGICAL))? (?P<query>.+)",
        lambda m, inner: st.Explain((m["mode"] or "simple").lower(), inner(m["query"])),
    ),
    build_command(
        rf"CACHE(?P<lazy> LAZY)? TABLE {NAME}(?:(?: AS)?\s+(?P<query>(?:SELECT|WITH|VALUES|FROM|\().+))?", _cache
    ),
    build_command(
        rf"UNCACHE TABLE(?P<if_> IF EXISTS)? {NAME}",
        lambda m, inner: st.UncacheTable(name_parts(m["name"]), bool(m["if_"])),
    ),
    build_command(r"CLEAR CACHE", lambda m, inner: st.ClearCache()),
)

_REFUSED = {
    "add", "alter", "analyze", "begin", "cache", "call", "comment", "create", "declare", "delete", "desc", "describe",
    "drop", "execute", "explain", "export", "grant", "import", "insert", "list", "load", "lock", "map", "merge", "msck",
    "optimize", "reduce", "refresh", "repair", "replace", "reset", "revoke", "rollback", "set", "show", "truncate",
    "uncache", "undrop", "unlock", "unset", "update", "use", "vacuum",
}  # fmt: skip
