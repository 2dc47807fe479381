"""SQL commands: their heads are read here, the queries in them by the query parser."""

from __future__ import annotations

import re
from collections.abc import Callable

from penstock.core.errors import unsupported
from penstock.plan.nodes import Node
from penstock.sql import statements as st
from penstock.sql.strings import unescape
from penstock.sql.syntax import syntax_error

ParseInner = Callable[[str], st.Statement]
Build = Callable[[re.Match[str], ParseInner], st.Statement]

_PART = r"(?:`(?:[^`]|``)*`|\w+)"
_NAME = rf"(?P<name>{_PART}(?:\s*\.\s*{_PART})*)"
_STRING = r"""(?P<pattern>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_IN = rf"(?:\s+(?:IN|FROM)\s+{_NAME})?"
_LIKE = rf"(?:\s+(?:LIKE\s+)?{_STRING})?"


def command(text: str, inner: ParseInner) -> st.Statement:
    """The command that `text` (without comments in front and semicolon behind) is; others are refused by name."""
    for pattern, build in _COMMANDS:
        match = pattern.fullmatch(text)
        if match is not None:
            return build(match, inner)
    words = re.findall(r"\w+", text)
    if words and words[0].lower() in _REFUSED:
        raise unsupported(f"the SQL statement {' '.join(words[:2]).upper()}")
    raise syntax_error((re.match(r"\w+|\S", text) or [""])[0])


def _parts(text: str | None) -> tuple[str, ...]:
    found = re.findall(_PART, text or "")
    return tuple(part[1:-1].replace("``", "`") if part.startswith("`") else part for part in found)


def _pattern(match: re.Match[str]) -> str | None:
    return unescape(match["pattern"]) if match["pattern"] else None


def _plan(text: str, inner: ParseInner) -> Node:
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


def _create_view(match: re.Match[str], inner: ParseInner) -> st.Statement:
    kind = "global" if match["global_"] else "temp" if match["temp"] else "persistent"
    columns = tuple(_parts(column)[0] for column in (match["columns"] or "").split(",") if column.strip())
    plan = _plan(match["query"], inner)
    return st.CreateView(_parts(match["name"]), plan, bool(match["replace"]), kind, columns, bool(match["if_"]))


def _describe(match: re.Match[str], inner: ParseInner) -> st.Statement:
    return st.Describe(_parts(match["name"]), None, bool(match["extended"]))


def _cache(match: re.Match[str], inner: ParseInner) -> st.Statement:
    plan = _plan(match["query"], inner) if match["query"] else None
    return st.CacheTable(_parts(match["name"]), plan, bool(match["lazy"]))


def _build(pattern: str, build: Build) -> tuple[re.Pattern[str], Build]:
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL), build


_COMMANDS: tuple[tuple[re.Pattern[str], Build], ...] = (
    _build(r"SET(?P<rest>\s.*)?", _set),
    _build(r"RESET(?:\s+(?P<key>.+))?", lambda m, inner: st.ResetConf(_key(m["key"]) if m["key"] else None)),
    _build(
        r"CREATE(?P<replace> OR REPLACE)?(?P<global_> GLOBAL)?(?P<temp> TEMP(?:ORARY)?)? VIEW"
        rf"(?P<if_> IF NOT EXISTS)? {_NAME}"
        r"(?:\s*\((?P<columns>[^()]*)\))? AS\s*(?P<query>.+)",
        _create_view,
    ),
    _build(
        rf"DROP (?P<kind>VIEW|TABLE)(?P<if_> IF EXISTS)? {_NAME}(?: PURGE)?",
        lambda m, inner: st.DropView(_parts(m["name"]), bool(m["if_"]), m["kind"].upper() == "TABLE"),
    ),
    _build(rf"SHOW TABLES{_IN}{_LIKE}", lambda m, inner: st.ShowTables(_parts(m["name"]), _pattern(m))),
    _build(rf"SHOW VIEWS{_IN}{_LIKE}", lambda m, inner: st.ShowViews(_parts(m["name"]), _pattern(m))),
    _build(rf"SHOW (?:DATABASES|SCHEMAS|NAMESPACES){_LIKE}", lambda m, inner: st.ShowDatabases(_pattern(m))),
    _build(rf"SHOW COLUMNS (?:IN|FROM) {_NAME}", lambda m, inner: st.ShowColumns(_parts(m["name"]))),
    _build(rf"SHOW(?: ALL| USER| SYSTEM)? FUNCTIONS{_LIKE}", lambda m, inner: st.ShowFunctions(_pattern(m))),
    _build(
        r"DESC(?:RIBE)?(?: QUERY)? (?P<query>(?:SELECT|WITH|VALUES|FROM)\b.+)",
        lambda m, inner: st.Describe(None, _plan(m["query"], inner)),
    ),
    _build(rf"DESC(?:RIBE)?(?: TABLE)?(?P<extended> (?:EXTENDED|FORMATTED))? {_NAME}", _describe),
    _build(rf"USE CATALOG {_NAME}", lambda m, inner: st.Use(_parts(m["name"]), True)),
    _build(rf"USE(?: DATABASE| SCHEMA| NAMESPACE)? {_NAME}", lambda m, inner: st.Use(_parts(m["name"]))),
    _build(
        r"EXPLAIN(?: (?P<mode>EXTENDED|FORMATTED|CODEGEN|COST|LOGICAL))? (?P<query>.+)",
        lambda m, inner: st.Explain((m["mode"] or "simple").lower(), inner(m["query"])),
    ),
    _build(rf"CACHE(?P<lazy> LAZY)? TABLE {_NAME}(?:(?: AS)?\s+(?P<query>(?:SELECT|WITH|VALUES|FROM|\().+))?", _cache),
    _build(
        rf"UNCACHE TABLE(?P<if_> IF EXISTS)? {_NAME}",
        lambda m, inner: st.UncacheTable(_parts(m["name"]), bool(m["if_"])),
    ),
    _build(r"CLEAR CACHE", lambda m, inner: st.ClearCache()),
)

_REFUSED = {
    "add", "alter", "analyze", "begin", "cache", "call", "comment", "create", "declare", "delete", "desc", "describe",
    "drop", "execute", "explain", "export", "grant", "import", "insert", "list", "load", "lock", "map", "merge", "msck",
    "optimize", "reduce", "refresh", "repair", "replace", "reset", "revoke", "rollback", "set", "show", "truncate",
    "uncache", "undrop", "unlock", "unset", "update", "use", "vacuum",
}  # fmt: skip
