"""SQL commands that change what is there: ALTER TABLE, ALTER VIEW, ALTER DATABASE, COMMENT ON, MSCK REPAIR TABLE."""

from __future__ import annotations

import re
from collections.abc import Callable

from penstock.core.errors import parse_error, unsupported
from penstock.sql import alter_statements as st
from penstock.sql.columns import STRING, parse_columns, separated
from penstock.sql.commands import NAME, PART, Build, ParseInner, build_command, name_parts, query_plan
from penstock.sql.statements import Statement
from penstock.sql.strings import unescape
from penstock.sql.syntax import syntax_error
from penstock.sql.table_commands import parenthesized
from penstock.sql.types import parse_type

#: What makes a statement of the text behind `ALTER TABLE name`.
Change = Callable[[re.Match[str], tuple[str, ...], ParseInner], Statement]

_DATABASE = "(?:DATABASE|SCHEMA|NAMESPACE)"
_PROPERTY = re.compile(
    rf"(?P<key>{STRING}|\w+(?:\.\w+)*)(?:(?:\s*=\s*|\s+)(?P<value>{STRING}|TRUE|FALSE|\d+(?:\.\d+)?))?",
    re.IGNORECASE | re.DOTALL,
)
_QUERY = r"(?:AS\b\s*)?(?P<query>(?:(?:SELECT|WITH|VALUES|FROM|TABLE)\b|\(\s*(?:SELECT|WITH|VALUES|FROM|TABLE)\b).*)"


def first_word(text: str) -> str:
    """Where a text goes wrong: its first word or mark."""
    return (re.match(rf"{STRING}|\w+|\S", text.strip(), re.DOTALL) or [""])[0]


def _properties(text: str) -> dict[str, str]:
    """`('k' = 'v', a.b 2)`, with nothing behind."""
    found = _pairs(text)
    if any(value is None for value in found.values()):
        raise _not_allowed("Every property needs a value.")
    return {key: value or "" for key, value in found.items()}


def _keys(text: str) -> tuple[str, ...]:
    found = _pairs(text)
    if any(value is not None for value in found.values()):
        raise _not_allowed("Properties to unset are named without values.")
    return tuple(found)


def _pairs(text: str) -> dict[str, str | None]:
    body, rest = parenthesized(text.strip())
    if rest or not body.strip():
        raise syntax_error(first_word(rest) or ")")
    found: dict[str, str | None] = {}
    for part in separated(body):
        match = _PROPERTY.fullmatch(part.strip())
        if match is None:
            wrong = re.search(r"[^\w\s.='\"]", part)
            raise syntax_error(wrong[0] if wrong else first_word(part))
        found[_text(match["key"])] = None if match["value"] is None else _text(match["value"])
    return found


def _text(literal: str) -> str:
    if literal[:1] in ("'", '"'):
        return unescape(literal)
    return literal.lower() if literal.lower() in ("true", "false") else literal


def _not_allowed(message: str) -> Exception:
    return parse_error("_LEGACY_ERROR_TEMP_0035", message, "XXKD0")


def _spec(text: str) -> tuple[st.Spec, str]:
    """`(p = 1, q = 'x')` as pairs, and what follows."""
    body, rest = parenthesized(text.strip())
    pairs: list[tuple[str, str]] = []
    for part in separated(body):
        match = re.fullmatch(rf"\s*(?P<name>{PART})\s*(?:=\s*(?P<value>.*?))?\s*", part, re.DOTALL)
        if match is None:
            raise syntax_error((re.search(r"[<>!]", part) or [first_word(part)])[0])
        if match["value"] is None:
            condition = "INVALID_SQL_SYNTAX.EMPTY_PARTITION_VALUE"
            message = f"The partition column {match['name']} has no value here."
            raise parse_error(condition, message, "42000", partKey=f"`{name_parts(match['name'])[0]}`")
        if (extra := re.match(rf"(?:{STRING}|[\w.]+)\s+({PART})\s*=", match["value"])) is not None:
            raise syntax_error(extra[1])
        pairs.append((name_parts(match["name"])[0], match["value"]))
    seen = [name.lower() for name, _ in pairs]
    if twice := next((name for name, _ in pairs if seen.count(name.lower()) > 1), None):
        raise parse_error(
            "DUPLICATE_KEY", f"The partition column {twice} is there twice.", "23505", keyColumn=f"`{twice}`"
        )
    return tuple(pairs), rest


def _specs(text: str, *, between: str) -> tuple[tuple[st.Spec, ...], str]:
    """`PARTITION (...) PARTITION (...)`, and what follows."""
    found: list[st.Spec] = []
    while (match := re.match(r"PARTITION\s*(?=\()", text, re.IGNORECASE)) is not None:
        spec, rest = _spec(text[match.end() :])
        found.append(spec)
        text = re.sub(rf"^{between}\s*(?=PARTITION\b)", "", rest, flags=re.IGNORECASE) if between else rest
    return tuple(found), text.strip()


def _rename(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    return st.Rename(name, name_parts(match["name"]))


def _add_partition(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    specs, rest = _specs(match["rest"], between="")
    if re.match(r"LOCATION\b", rest, re.IGNORECASE):
        raise unsupported("ALTER TABLE ... ADD PARTITION with LOCATION", "Partitions lie in the table's directory.")
    if rest or not specs:
        raise syntax_error(first_word(rest))
    return st.ChangePartitions(name, "add", specs, bool(match["if_"]))


def _drop_partition(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    specs, rest = _specs(match["rest"], between=",")
    if rest.upper() not in ("", "PURGE") or not specs:
        raise syntax_error(first_word(rest))
    return st.ChangePartitions(name, "drop", specs, bool(match["if_"]))


def _rename_partition(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    old, rest = _spec(match["rest"])
    if (location := re.fullmatch(rf"SET\s+LOCATION\s+({STRING})", rest, re.IGNORECASE | re.DOTALL)) is not None:
        return st.SetTableLocation(name, unescape(location[1]), True)
    renamed = re.match(r"RENAME\s+TO\s+PARTITION\s*(?=\()", rest, re.IGNORECASE)
    if renamed is None:
        raise unsupported(f"ALTER TABLE ... PARTITION ... {first_word(rest).upper()}")
    new, rest = _spec(rest[renamed.end() :])
    if rest:
        raise syntax_error(first_word(rest))
    return st.ChangePartitions(name, "rename", (old, new))


def _add_columns(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    text = match["rest"].strip()
    if text.startswith("("):
        text, rest = parenthesized(text)
        if rest or not text.strip():
            raise syntax_error(first_word(rest) or ")")
    place = re.compile(rf"\s+(?:FIRST|AFTER\s+{PART})\s*$", re.IGNORECASE)
    parts = [place.sub("", part) for part in separated(text)]  # heeded by no table of files, in Spark neither
    nested = any(re.match(rf"\s*{PART}\s*\.", part) for part in parts)
    if nested:
        parts = [re.sub(rf"^\s*(?:{PART}\s*\.\s*)+", "", part) for part in parts]
    return st.AddColumns(name, parse_columns(", ".join(parts)), nested)


_CHANGES = (
    (r"COMMENT\s+(?P<text>{S})", "comment"), (r"(?:SET\s+DATA\s+)?TYPE\s+(?P<type>.+)", "type"),
    (r"FIRST|AFTER\s+{P}", "position"), (r"(?:SET|DROP)\s+NOT\s+NULL", "nullability"),
    (r"DROP\s+DEFAULT", "default"), (r"SET\s+DEFAULT\s+(?P<expression>.+)", "default"),
)  # fmt: skip


def _alter_column(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    column, rest = name_parts(match["name"]), match["rest"].strip()
    if not rest:
        raise _not_allowed("Say what is to change about the column: TYPE, COMMENT, DEFAULT, ...")
    if len(separated(rest)) > 1 and re.match(r"(COMMENT|TYPE|SET|DROP|FIRST|AFTER)\b", rest, re.IGNORECASE):
        return st.AlterColumn(name, column, "bulk")
    for pattern, action in _CHANGES:
        wanted = pattern.replace("{S}", STRING).replace("{P}", PART)
        found = re.fullmatch(wanted, rest, re.IGNORECASE | re.DOTALL)
        if found is not None:
            groups = found.groupdict()
            text = unescape(groups["text"]) if groups.get("text") else groups.get("expression")
            return st.AlterColumn(
                name, column, action, text, parse_type(groups["type"]) if groups.get("type") else None
            )
    if match["verb"].upper() != "CHANGE":
        raise syntax_error(first_word(rest))
    return _hive_column(name, column, rest)


def _hive_column(name: tuple[str, ...], column: tuple[str, ...], rest: str) -> Statement:
    """`CHANGE COLUMN a a INT COMMENT '...'`."""
    (field,) = parse_columns(rest).fields
    if field.name.lower() != column[-1].lower():
        message = "Columns are not renamed by ALTER COLUMN: run RENAME COLUMN instead."
        shown = {
            "operation": "Renaming column", "command": "ALTER COLUMN", "msg": ", please run RENAME COLUMN instead",
        }  # fmt: skip
        raise parse_error("_LEGACY_ERROR_TEMP_0034", message, "XXKD0", **shown)
    return st.AlterColumn(name, column, "comment", field.metadata.get("comment"), field.dataType)


def _columns_unchangeable(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    verb, rest = match["verb"].upper(), match["rest"].strip()
    about = {"RENAME": "RENAME COLUMN", "DROP": "DROP COLUMNS", "REPLACE": "REPLACE COLUMNS"}[verb]
    operation = {"RENAME": "RENAME COLUMN", "DROP": "DROP COLUMN", "REPLACE": "REPLACE COLUMNS"}[verb]
    columns: tuple[tuple[str, ...], ...] = ()
    if verb == "RENAME":
        columns = (name_parts(re.split(r"\s+TO\s+", rest, flags=re.IGNORECASE)[0]),)
    elif verb == "DROP" and not re.match(r"IF\s+EXISTS\b", rest, re.IGNORECASE):
        body = parenthesized(rest)[0] if rest.startswith("(") else rest
        columns = tuple(name_parts(part) for part in separated(body))
    return st.ColumnsUnchangeable(name, operation, about, columns)


def _constraint(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    operation = f"{match['verb'].upper()} CONSTRAINT"
    return st.ColumnsUnchangeable(name, operation, operation)


def _invalid(operation: str) -> Change:
    def build(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
        message = f"{operation} is no statement about tables of data sources."
        raise parse_error("INVALID_STATEMENT_OR_CLAUSE", message, "42601", operation=operation)

    return build


def _cluster_by(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    columns = () if match["columns"] is None else tuple(name_parts(c) for c in match["columns"].split(","))
    return st.ClusterBy(name, columns)


def _change(pattern: str, build: Change) -> tuple[re.Pattern[str], Change]:
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL), build


_TABLE_CHANGES: tuple[tuple[re.Pattern[str], Change], ...] = (
    _change(rf"RENAME TO {NAME}", _rename),
    _change(r"SET TBLPROPERTIES\s*(?P<rest>\(.*)", lambda m, n, inner: st.SetProperties(n, _properties(m["rest"]))),
    _change(
        r"UNSET TBLPROPERTIES(?: IF EXISTS)?\s*(?P<rest>\(.*)",
        lambda m, n, inner: st.SetProperties(n, {}, _keys(m["rest"])),
    ),
    _change(r"ADD(?P<if_> IF NOT EXISTS)? (?P<rest>PARTITION\b.*)", _add_partition),
    _change(r"(?P<verb>ADD|DROP) CONSTRAINT\b.*", _constraint),
    _change(r"ADD COLUMNS?\s*(?P<rest>\W.*|\w.*)", _add_columns),
    _change(r"DROP(?P<if_> IF EXISTS)? (?P<rest>PARTITION\b.*)", _drop_partition),
    _change(r"PARTITION\s*(?P<rest>\(.*)", _rename_partition),
    _change(r"RECOVER PARTITIONS", lambda m, n, inner: st.RepairTable(n, msck=False)),
    _change(r"(?P<verb>RENAME) COLUMN (?P<rest>.+)", _columns_unchangeable),
    _change(r"(?P<verb>DROP|REPLACE) COLUMNS?\s*(?P<rest>.+)", _columns_unchangeable),
    _change(rf"(?P<verb>ALTER|CHANGE)(?: COLUMN)? {NAME}(?P<rest>\s.*|)", _alter_column),
    _change(
        rf"SET LOCATION (?P<text>{STRING})",
        lambda m, n, inner: st.SetTableLocation(n, unescape(m["text"])),
    ),
    _change(rf"CLUSTER BY (?:NONE|\(\s*(?P<columns>{PART}(?:\s*[.,]\s*{PART})*)\s*\))", _cluster_by),
    _change(r"SET SERDE\b.*", lambda m, n, inner: st.SetSerde(n)),
    _change(r"SET FILEFORMAT\b.*", _invalid("ALTER TABLE SET FILEFORMAT")),
    _change(r"CLUSTERED BY\b.*", _invalid("ALTER TABLE CLUSTERED BY")),
    _change(r"TOUCH", _invalid("ALTER TABLE TOUCH")),
    _change(r"COMPACT\b.*", _invalid("ALTER TABLE COMPACT")),
    _change(r"EXCHANGE PARTITION\b.*", _invalid("ALTER TABLE EXCHANGE PARTITION")),
)
_VIEW_CHANGES: tuple[tuple[re.Pattern[str], Change], ...] = (
    _change(rf"RENAME TO {NAME}", lambda m, n, inner: st.Rename(n, name_parts(m["name"]), True)),
    _change(
        r"SET TBLPROPERTIES\s*(?P<rest>\(.*)", lambda m, n, inner: st.SetProperties(n, _properties(m["rest"]), (), True)
    ),
    _change(
        r"UNSET TBLPROPERTIES(?: IF EXISTS)?\s*(?P<rest>\(.*)",
        lambda m, n, inner: st.SetProperties(n, {}, _keys(m["rest"]), True),
    ),
    _change(
        rf"(?!WITH\s+SCHEMA\s+(?:BINDING|COMPENSATION|TYPE|EVOLUTION)\b){_QUERY}",
        lambda m, n, inner: st.AlterView(n, query_plan(m["query"], inner)),
    ),
)
#: What Spark's grammar has behind the name and Penstock has not, by its first words.
_NOT_YET = re.compile(
    r"(?:SET\s+(?:SERDEPROPERTIES|LOCATION)|DEFAULT\s+COLLATION|WITH\s+SCHEMA|UNSET\s+\w+)\b", re.IGNORECASE
)


def _alter(kind: str, changes: tuple[tuple[re.Pattern[str], Change], ...]) -> Build:
    def build(match: re.Match[str], inner: ParseInner) -> Statement:
        rest = match["rest"].strip()
        for pattern, change in changes:
            found = pattern.fullmatch(rest)
            if found is not None:
                return change(found, name_parts(match["name"]), inner)
        words = _NOT_YET.match(rest)
        if words is not None and rest[words.end() :].strip():
            raise unsupported(f"ALTER {kind} ... {' '.join(words[0].upper().split())}")
        raise syntax_error(_wrong_word(rest))

    return build


_HEADS = {"RENAME": {"TO"}, "SET": {"LOCATION", "TBLPROPERTIES"}}


def _wrong_word(rest: str) -> str:
    """The word that the grammar does not go on with."""
    words = re.findall(rf"{STRING}|\w+|\S", rest, re.DOTALL)
    if len(words) > 1 and words[0].upper() == "ADD" and words[1].upper() in ("COLUMNS", "COLUMN"):
        return str(words[1])
    if words and words[0].upper() in _HEADS:
        goes_on = len(words) > 1 and words[1].upper() in _HEADS[words[0].upper()]
        return "".join(words[2:3] if goes_on else words[1:2])
    if words[:1] == ["("]:
        return "".join(words[1:2])
    return "".join(words[:1])


def _database(match: re.Match[str], inner: ParseInner) -> Statement:
    name, rest = name_parts(match["name"]), match["rest"].strip()
    for pattern, build in _DATABASE_CHANGES:
        found = pattern.fullmatch(rest)
        if found is not None:
            return build(found, name, inner)
    words = re.findall(r"\w+|\S", rest)
    is_set = bool(words) and words[0].upper() in ("SET", "UNSET")
    known = is_set and len(words) > 1 and words[1].upper() in ("DBPROPERTIES", "PROPERTIES", "LOCATION")
    raise syntax_error("".join(words[2:3] if known else words[1:2] if is_set else words[:1]))


def _no_collation(match: re.Match[str], name: tuple[str, ...], inner: ParseInner) -> Statement:
    raise parse_error("UNSUPPORTED_FEATURE.SCHEMA_LEVEL_COLLATIONS", "A schema has no collation of its own.", "0A000")


_DATABASE_CHANGES: tuple[tuple[re.Pattern[str], Change], ...] = (
    _change(r"SET (?:DB)?PROPERTIES\s*(?P<rest>\(.*)", lambda m, n, inner: st.AlterDatabase(n, _properties(m["rest"]))),
    _change(r"UNSET (?:DB)?PROPERTIES\s*(?P<rest>\(.*)", lambda m, n, inner: st.AlterDatabase(n, {}, _keys(m["rest"]))),
    _change(rf"SET LOCATION (?P<text>{STRING})", lambda m, n, inner: st.AlterDatabase(n, location=unescape(m["text"]))),
    _change(r"DEFAULT COLLATION\b.*", _no_collation),
)


def _comment_on(match: re.Match[str], inner: ParseInner) -> Statement:
    text = "" if match["text"].upper() == "NULL" else unescape(match["text"])
    return st.CommentOn(name_parts(match["name"]), text, match["kind"].upper() != "TABLE")


def _wrong_comment(match: re.Match[str], inner: ParseInner) -> Statement:
    words = match["rest"].split()
    known = words and words[0].upper() in ("TABLE", "DATABASE", "SCHEMA", "NAMESPACE")
    raise syntax_error("" if known else "".join(words[:1]))


def _repair(match: re.Match[str], inner: ParseInner) -> Statement:
    mode = (match["mode"] or "ADD").upper()
    return st.RepairTable(name_parts(match["name"]), mode in ("ADD", "SYNC"), mode in ("DROP", "SYNC"))


def _of_partition(match: re.Match[str], inner: ParseInner) -> Statement:
    spec, rest = _spec(match["rest"])
    if rest:
        raise syntax_error(first_word(rest))
    if match["what"].upper().startswith("SHOW"):
        return st.ShowPartitions(name_parts(match["name"]), spec)
    return st.ChangePartitions(name_parts(match["name"]), "truncate", (spec,))


def _show_property(match: re.Match[str], inner: ParseInner) -> Statement:
    return st.ShowProperty(name_parts(match["name"]), _text(match["key"]))


COMMANDS: tuple[tuple[re.Pattern[str], Build], ...] = (
    build_command(rf"ALTER TABLE {NAME}(?P<rest>\s.*|)", _alter("TABLE", _TABLE_CHANGES)),
    build_command(rf"ALTER VIEW {NAME}(?P<rest>\s.*|)", _alter("VIEW", _VIEW_CHANGES)),
    build_command(rf"ALTER {_DATABASE} {NAME}(?P<rest>\s.*|)", _database),
    build_command(rf"COMMENT ON (?P<kind>TABLE|{_DATABASE}) {NAME} IS (?P<text>NULL|{STRING})", _comment_on),
    build_command(r"COMMENT ON(?P<rest> .*|)", _wrong_comment),
    build_command(rf"MSCK REPAIR TABLE {NAME}(?: (?P<mode>ADD|DROP|SYNC) PARTITIONS)?", _repair),
    build_command(rf"(?P<what>TRUNCATE TABLE) {NAME} PARTITION\s*(?P<rest>\(.*)", _of_partition),
    build_command(rf"(?P<what>SHOW PARTITIONS) {NAME} PARTITION\s*(?P<rest>\(.*)", _of_partition),
    build_command(rf"SHOW TBLPROPERTIES {NAME}\s*\(\s*(?P<key>{STRING}|\w+(?:\.\w+)*)\s*\)", _show_property),
)
