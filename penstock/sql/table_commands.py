"""SQL commands about tables and databases: CREATE TABLE, INSERT, TRUNCATE, DROP DATABASE, ..."""

from __future__ import annotations

import re
from collections.abc import Mapping

from penstock.core.errors import parse_error, unsupported
from penstock.plan.nodes import Read
from penstock.plan.types import StructType
from penstock.sql import statements as st
from penstock.sql.columns import STRING, parse_columns, separated
from penstock.sql.commands import NAME, PART, Build, ParseInner, build_command, name_parts, query_plan
from penstock.sql.strings import unescape
from penstock.sql.syntax import syntax_error
from penstock.sql.types import parse_schema

_QUERY = re.compile(r"(?:AS\s+)?(?P<query>(?:SELECT|WITH|VALUES|FROM|TABLE|\()(?:\b|\().*)", re.IGNORECASE | re.DOTALL)
_PAIR = re.compile(rf"(?P<key>{STRING}|[\w.]+)\s*(?:=\s*|\s+)(?P<value>{STRING}|[^\s,]+)", re.DOTALL)


def _create_table(match: re.Match[str], inner: ParseInner) -> st.Statement:
    """The clauses of CREATE TABLE come in any order behind the columns."""
    rest, schema = match["rest"].strip(), None
    if rest.startswith("("):
        body, rest = parenthesized(rest)
        schema = parse_columns(body)
    found: dict[str, str] = {}
    query = None
    while rest:
        as_query = re.match(r"AS\b\s*(.+)", rest, re.IGNORECASE | re.DOTALL)
        if as_query is not None:
            query, rest = as_query[1], ""
            continue
        clause, value, rest = _clause(rest)
        found[clause] = value
    partition_by, schema = _partitioning(found.get("PARTITIONED BY"), schema)
    return st.CreateTable(
        name_parts(match["name"]),
        schema,
        found.get("USING"),
        _pairs(found.get("OPTIONS")),
        partition_by,
        _text(found.get("LOCATION")),
        _text(found.get("COMMENT")),
        _pairs(found.get("TBLPROPERTIES")),
        None if query is None else query_plan(query, inner),
        bool(match["if_"]),
        bool(match["replace"]),
        _buckets(found.get("CLUSTERED BY")),
    )


def _create_view(match: re.Match[str], inner: ParseInner) -> st.Statement:
    """CREATE VIEW: columns and their comments, then clauses in any order, then the query."""
    names: list[str] = []
    comments: list[str | None] = []
    rest = match["rest"].strip()
    if rest.startswith("("):
        body, rest = parenthesized(rest)
        for part in separated(body):
            column = re.fullmatch(rf"\s*({PART})(?:\s+COMMENT\s+({STRING}))?\s*", part, re.IGNORECASE | re.DOTALL)
            if column is None:
                raise syntax_error((re.match(r"\s*(\w+|\S)", part) or ["", ""])[1])
            names.append(name_parts(column[1])[0])
            comments.append(_text(column[2]))
    found: dict[str, str] = {}
    while (query := re.match(r"AS\b\s*(.+)", rest, re.IGNORECASE | re.DOTALL)) is None:
        clause, value, rest = _clause(rest)
        if clause not in ("COMMENT", "TBLPROPERTIES"):
            raise syntax_error(clause)
        found[clause] = value
    kind = "global" if match["global_"] else "temp" if match["temp"] else "persistent"
    return st.CreateView(
        name_parts(match["name"]), query_plan(query[1], inner), bool(match["replace"]), kind, tuple(names),
        bool(match["if_"]), tuple(comments), _text(found.get("COMMENT")), _pairs(found.get("TBLPROPERTIES")),
    )  # fmt: skip


def _view_of_source(match: re.Match[str], inner: ParseInner) -> st.Statement:
    """`CREATE TEMPORARY VIEW name [(columns)] USING format [OPTIONS (...)]`: what spark.read.load() gives."""
    rest, schema = match["rest"].strip(), None
    if rest.startswith("("):
        body, rest = parenthesized(rest)
        schema = parse_schema(body)
    found: dict[str, str] = {}
    while rest:
        clause, value, rest = _clause(rest)
        if clause not in ("USING", "OPTIONS"):
            raise syntax_error(clause)
        found[clause] = value
    plan = Read(found["USING"], _pairs(found.get("OPTIONS")), user_schema=schema)
    kind = "global" if match["global_"] else "temp"
    return st.CreateView(name_parts(match["name"]), plan, bool(match["replace"]), kind, (), bool(match["if_"]))


_BUCKETS = re.compile(
    r"CLUSTERED\s+BY\s*\(([^()]*)\)\s*(?:SORTED\s+BY\s*\(([^()]*)\)\s*)?INTO\s+(\d+)\s+BUCKETS\s*", re.IGNORECASE
)


def _buckets(text: str | None) -> tuple[int, tuple[str, ...], tuple[str, ...]] | None:
    match = _BUCKETS.fullmatch(text) if text else None
    if match is None:
        return None
    by, sorted_by = (
        tuple(name_parts(re.sub(r"\s+ASC\s*$", "", part, flags=re.IGNORECASE))[0] for part in names.split(","))
        if names
        else ()
        for names in (match[1], match[2])
    )
    return int(match[3]), by, sorted_by


def _clause(text: str) -> tuple[str, str, str]:
    """The first clause: its keyword, its argument, and what follows."""
    match = re.match(r"(USING|LOCATION|COMMENT|OPTIONS|PARTITIONED\s+BY|TBLPROPERTIES)\s*", text, re.IGNORECASE)
    if match is None and (clustered := _BUCKETS.match(text)) is not None:
        return "CLUSTERED BY", clustered[0], text[clustered.end() :]
    if match is None:
        words = re.match(r"CLUSTERED|CLUSTER|SORTED|STORED|ROW\s+FORMAT|DEFAULT\s+COLLATION", text, re.IGNORECASE)
        if words is not None:
            raise unsupported(f"{words[0].upper()} in CREATE TABLE")
        raise syntax_error((re.match(r"\w+|\S", text) or [""])[0])
    keyword, rest = re.sub(r"\s+", " ", match[1].upper()), text[match.end() :]
    if keyword in ("OPTIONS", "PARTITIONED BY", "TBLPROPERTIES"):
        value, rest = parenthesized(rest)
        return keyword, value, rest
    argument = re.match(rf"({STRING}|`[^`]+`|[\w.]+)\s*", rest, re.DOTALL)
    if argument is None:
        raise syntax_error(keyword)
    return keyword, argument[1].strip("`"), rest[argument.end() :]


def parenthesized(text: str) -> tuple[str, str]:
    """What stands between the parenthesis that `text` begins with and its partner, and what follows."""
    depth = 0
    for match in re.finditer(rf"{STRING}|`[^`]*`|[()]", text, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return text[1 : match.start()], text[match.end() :].strip()
        if match.start() == 0 and match[0] != "(":
            break
    raise syntax_error((re.match(r"\w+|\S", text) or [""])[0])


def _text(literal: str | None) -> str | None:
    if literal is None:
        return None
    return unescape(literal) if literal[:1] in ("'", '"') else literal


def _pairs(text: str | None) -> Mapping[str, str]:
    found = (_PAIR.fullmatch(part.strip()) for part in separated(text or ""))
    return {_text(m["key"]) or "": _text(m["value"]) or "" for m in found if m is not None}


def _partitioning(text: str | None, schema: StructType | None) -> tuple[tuple[str, ...], StructType | None]:
    """The partition columns: names of columns, or new columns with their types."""
    names: list[str] = []
    for part in separated(text or ""):
        if re.fullmatch(NAME, part.strip()):
            names.append(name_parts(part)[-1])
            continue
        if re.match(r"\w+\s*\(", part.strip()):
            raise unsupported(f"the partition transform {part.strip()}")
        added = parse_columns(part)
        names += added.names
        schema = StructType([*(schema.fields if schema is not None else []), *added.fields])
    return tuple(names), schema


def _insert(match: re.Match[str], inner: ParseInner) -> st.Statement:
    rest = match["rest"].strip()
    partition: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    if re.match(r"(REPLACE\s+(WHERE|USING|ON)|IF\s+NOT\s+EXISTS)\b", rest, re.IGNORECASE):
        raise unsupported(f"INSERT ... {' '.join(rest.split()[:2]).upper()}")
    if re.match(r"PARTITION\s*\(", rest, re.IGNORECASE):
        body, rest = parenthesized(rest[rest.index("(") :])
        partition = tuple(_assignment(part) for part in separated(body))
    if rest.startswith("(") and not _QUERY.match(rest[1:].strip()):
        body, rest = parenthesized(rest)
        columns = tuple(name_parts(part)[-1] for part in separated(body))
    by_name = None if columns else re.match(r"BY\s+NAME\b", rest, re.IGNORECASE)
    plan = query_plan(_with_default_names(rest[by_name.end() :] if by_name else rest), inner)
    overwrite = match["how"].upper() == "OVERWRITE"
    return st.Insert(name_parts(match["name"]), plan, overwrite, partition, columns, by_name is not None)


def _with_default_names(query: str) -> str:
    """VALUES with the word DEFAULT as a name, as a SELECT has it: what it stands for is the table's to say."""
    if not re.match(r"\s*VALUES\b", query, re.IGNORECASE):
        return query
    words = rf"{STRING}|`(?:[^`]|``)*`|(?<![\w.])DEFAULT(?![\w.])"
    return re.sub(words, _as_name, query, flags=re.IGNORECASE | re.DOTALL)


def _as_name(word: re.Match[str]) -> str:
    return "`default`" if word[0].upper() == "DEFAULT" else word[0]


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise unsupported("a dynamic partition in INSERT ... PARTITION", "Give every partition column a value.")
    if value.strip().upper() == "DEFAULT":
        message = "DEFAULT stands for no value of a partition: write the value."
        raise parse_error("REF_DEFAULT_VALUE_IS_NOT_ALLOWED_IN_PARTITION", message)
    return name_parts(name)[-1], value.strip()


def _create_database(match: re.Match[str], inner: ParseInner) -> st.Statement:
    found: dict[str, str] = {}
    rest = (match["rest"] or "").strip()
    while rest:
        rest = re.sub(r"^WITH\s+(?:DB)?PROPERTIES\b", "TBLPROPERTIES", rest, flags=re.IGNORECASE)
        clause, value, rest = _clause(rest)
        found[clause] = value
    if set(found) - {"COMMENT", "LOCATION", "TBLPROPERTIES"}:
        refused = next(iter(set(found) - {"COMMENT", "LOCATION", "TBLPROPERTIES"}))
        raise unsupported(f"{refused} in CREATE DATABASE")
    name, properties = name_parts(match["name"]), _pairs(found.get("TBLPROPERTIES"))
    comment, location = _text(found.get("COMMENT")), _text(found.get("LOCATION"))
    return st.CreateDatabase(name, bool(match["if_"]), comment, location, properties)


def _about(action: str) -> Build:
    return lambda m, inner: st.AboutTable(name_parts(m["name"]), action)


_DATABASE = "(?:DATABASE|SCHEMA|NAMESPACE)"

_ROW_CHANGES = {"UPDATE": "UPDATE TABLE", "DELETE": "DELETE", "MERGE": "MERGE INTO TABLE"}


def _change_rows(match: re.Match[str], inner: ParseInner) -> st.Statement:
    return st.ChangeRows(name_parts(match["name"]), _ROW_CHANGES[match["verb"].upper()])


COMMANDS: tuple[tuple[re.Pattern[str], Build], ...] = (
    build_command(
        r"CREATE(?P<replace> OR REPLACE)?(?P<global_> GLOBAL)? TEMP(?:ORARY)? VIEW(?P<if_> IF NOT EXISTS)?"
        rf" {NAME}(?P<rest>(?:\s*\(.*\))?\s*USING\b.*)",
        _view_of_source,
    ),
    build_command(
        r"CREATE(?P<replace> OR REPLACE)?(?P<global_> GLOBAL)?(?P<temp> TEMP(?:ORARY)?)? VIEW"
        rf"(?P<if_> IF NOT EXISTS)? {NAME}(?P<rest>\W.*)",
        _create_view,
    ),
    build_command(rf"(?P<verb>UPDATE) {NAME}(?: .+)? SET .+", _change_rows),
    build_command(rf"(?P<verb>DELETE) FROM {NAME}(?: .+)?", _change_rows),
    build_command(rf"(?P<verb>MERGE)(?: WITH SCHEMA EVOLUTION)? INTO {NAME} .+", _change_rows),
    build_command(
        rf"CREATE(?P<replace> OR REPLACE)?(?: EXTERNAL)? TABLE(?P<if_> IF NOT EXISTS)? {NAME}(?P<rest>\W.*|)",
        _create_table,
    ),
    build_command(rf"INSERT (?P<how>INTO|OVERWRITE)(?: TABLE)? {NAME}\s*(?P<rest>\W?.+)", _insert),
    build_command(rf"CREATE {_DATABASE}(?P<if_> IF NOT EXISTS)? {NAME}(?P<rest>\s.*)?", _create_database),
    build_command(
        rf"DROP {_DATABASE}(?P<if_> IF EXISTS)? {NAME}(?P<mode> CASCADE| RESTRICT)?",
        lambda m, inner: st.DropDatabase(
            name_parts(m["name"]), bool(m["if_"]), (m["mode"] or "").strip().upper() == "CASCADE"
        ),
    ),
    build_command(rf"TRUNCATE TABLE {NAME}", _about("truncate")),
    build_command(rf"ANALYZE TABLE {NAME} COMPUTE STATISTICS(?: NOSCAN)?", _about("analyze")),
    build_command(rf"REFRESH(?: TABLE)? {NAME}", _about("refresh")),
    build_command(rf"SHOW PARTITIONS {NAME}", _about("partitions")),
    build_command(rf"SHOW TBLPROPERTIES {NAME}", _about("properties")),
    build_command(rf"SHOW CREATE TABLE {NAME}", _about("create")),
)
