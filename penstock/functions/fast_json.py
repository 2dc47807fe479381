"""from_json by DuckDB for ordinary records: structs, nested ones and arrays, PERMISSIVE, without options that change
what is JSON.

Two ways prove that DuckDB's reading is Spark's.  One regular expression knows the texts whose members stand in the
order of the schema and fit their types; other texts are asked for their types and names.  A text that neither proves
clean (malformed, a name twice, a value that does not fit) goes to the exact reader, and only that text does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from penstock.functions.markers import quote
from penstock.functions.type_names import duck_type
from penstock.plan.types import (
    ArrayType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)  # fmt: skip

_SETTINGS = {"mode", "$corrupt", "$zone", "$case"}
#: whole numbers, and how many digits surely fit
_WHOLE: dict[type[DataType], int] = {ByteType: 2, ShortType: 4, IntegerType: 9, LongType: 18}
#: read as they are; the others are read as text or DOUBLE first
_DIRECT = (*_WHOLE, StringType, BooleanType, DoubleType)
_CONVERTED = (FloatType, DecimalType, DateType, TimestampType, TimestampNTZType)
_NAME = re.compile(r"[\w .:@#$&=+-]+", re.ASCII)
_LONGEST_PATTERN = 4_000

_DAY = "(?:19|[2-9][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}"
_CLOCK = "[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,6})?"
#: Dates and times that DuckDB and Spark surely read alike, but for the nights in which clocks are changed.
_TIMES: dict[type[DataType], str] = {
    DateType: _DAY,
    TimestampNTZType: _DAY + _CLOCK,
    TimestampType: _DAY + _CLOCK + "(?:Z|[+-][0-9]{2}:[0-9]{2})?",
}
_STEADY = ("UTC", "Etc/UTC", "GMT", "Z")
_BLANK = r"[ \t\n\r]*"
_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*"'
_INTEGER = "-?(?:0|[1-9][0-9]{0,%d})"
#: not -0, of which DuckDB loses the sign
_NUMBER = r"(?:0|-?[1-9][0-9]{0,39}|-?(?:0|[1-9][0-9]{0,39})[.][0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?"


def serves(t: DataType, settings: Mapping[str, str]) -> bool:
    """Whether DuckDB may read such records."""
    return (
        isinstance(t, StructType)
        and settings["$corrupt"] not in t.names
        and set(settings) <= _SETTINGS
        and settings.get("mode", "permissive").lower() == "permissive"
        and _known(t)
    )


def _known(t: DataType, in_array: bool = False) -> bool:
    """What is converted after reading is not looked for in arrays."""
    if isinstance(t, StructType):
        names = {f.name.lower() for f in t.fields}
        plain = bool(names) and len(names) == len(t.fields) and all(_NAME.fullmatch(f.name) for f in t.fields)
        return plain and all(_known(f.dataType, in_array) for f in t.fields)
    if isinstance(t, ArrayType):
        return _known(t.elementType, True)
    return type(t) in _DIRECT or (not in_array and isinstance(t, _CONVERTED))


def sql(text: str, t: StructType, exact: str, zone: str) -> str:
    """SQL of the struct; `exact` is the SQL function that reads what is not clean, `zone` that of the session."""
    nodes = list(_nodes(t, (), "$", zone not in _STEADY))
    pattern = _object(t)
    ordered = f"WHEN regexp_full_match(t_, {quote(_BLANK + pattern + _BLANK)}) THEN {_as_written(t, nodes, exact)}"
    first = ordered if len(pattern) <= _LONGEST_PATTERN else ""
    second = f"WHEN json_valid(t_) AND {_clean(nodes)} THEN {_by_types(t, nodes, exact)}" if _has_types(t) else ""
    whole = f"CASE WHEN t_ IS NULL THEN NULL {first} {second} ELSE {exact}(t_) END"
    return f"list_transform([{text}], lambda t_: {whole})[1]"


# ---------------------------------------------------------------- shapes


@dataclass(frozen=True)
class _Node:
    """A member: the names on the way to it, its path in JSON and its type."""

    names: tuple[str, ...]
    path: str
    type: DataType
    shifts: bool = False  # a local time may be there twice, or not at all


def _nodes(t: StructType, names: tuple[str, ...], path: str, shifts: bool = False) -> Iterator[_Node]:
    """The members of a struct and of the structs in it; not what is in arrays."""
    for f in t.fields:
        node = _Node(
            (*names, f.name), f'{path}."{f.name}"', f.dataType, shifts and isinstance(f.dataType, TimestampType)
        )
        yield node
        if isinstance(f.dataType, StructType):
            yield from _nodes(f.dataType, node.names, node.path, shifts)


def _has_types(t: DataType) -> bool:
    """Whether the types of a text's members can be asked for: not those within arrays."""
    if isinstance(t, ArrayType):
        return type(t.elementType) in _DIRECT
    return not isinstance(t, StructType) or all(_has_types(f.dataType) for f in t.fields)


def _shape(t: DataType) -> object:
    """What json_transform reads, as its argument says it."""
    if isinstance(t, StructType):
        return {f.name: _shape(f.dataType) for f in t.fields}
    if isinstance(t, ArrayType):
        return [_shape(t.elementType)]
    return duck_type(t) if type(t) in _DIRECT else "DOUBLE" if isinstance(t, FloatType) else "VARCHAR"


def _read(t: StructType) -> str:
    return f"json_transform(t_, {quote(json.dumps(_shape(t)))})"


def _at(root: str, names: tuple[str, ...]) -> str:
    for name in names:
        root = f"struct_extract({root}, {quote(name)})"
    return root


# ---------------------------------------------------------------- values


def _converted(raw: str, t: DataType) -> str:
    """The value of what json_transform has read; NULL when it does not fit."""
    if isinstance(t, StructType):
        if not any(isinstance(node.type, _CONVERTED) for node in _nodes(t, (), "")):
            return raw
        members = (f"{quote(f.name)}: {_converted(_at(raw, (f.name,)), f.dataType)}" for f in t.fields)
        return f"CASE WHEN {raw} IS NOT NULL THEN {{{', '.join(members)}}} END"
    if isinstance(t, FloatType):
        return f"TRY_CAST({raw} AS FLOAT)"
    if isinstance(t, DecimalType):
        return f"CASE WHEN {_fits_decimal(raw, t)} THEN TRY_CAST({raw} AS {duck_type(t)}) END"
    if type(t) in _TIMES:
        return (
            f"CASE WHEN regexp_full_match({raw}, {quote(_TIMES[type(t)])}) THEN TRY_CAST({raw} AS {duck_type(t)}) END"
        )
    return raw


def _fits_decimal(raw: str, t: DecimalType) -> str:
    """Digits that a DOUBLE keeps, and none to round away."""
    fraction = f"(?:[.][0-9]{{1,{min(t.scale, 6)}}})?" if t.scale else ""
    return f"regexp_full_match({raw}, {quote(f'-?[0-9]{{1,9}}{fraction}')})"


def _sound(root: str, node: _Node) -> str | None:
    """Whether the conversion of a member has lost nothing; None when there is nothing to lose."""
    raw = _at(root, node.names)
    if not isinstance(node.type, _CONVERTED):
        return None
    done = f"{_converted(raw, node.type)} IS NOT NULL"
    if isinstance(node.type, FloatType):  # a DOUBLE half way between two FLOATs may have been rounded before
        single = f"CAST({raw} AS FLOAT)"
        other = f"(2 * {raw} - {single})"
        done += f" AND isfinite({raw}) AND ({single} = {raw} OR CAST(TRY_CAST({other} AS FLOAT) AS DOUBLE) <> {other})"
    if node.shifts:
        before, after = (f"CAST(m_ {sign} INTERVAL 3 HOURS AS TIMESTAMP)" for sign in "-+")
        moment = _converted(raw, node.type)
        done = f"list_transform([{moment}], lambda m_: coalesce({after} - {before} = INTERVAL 6 HOURS, FALSE))[1]"
    return f"({raw} IS NULL OR ({done}))"


def _chosen(root: str, t: StructType, tests: list[str], exact: str) -> str:
    value = _converted(root, t)
    return f"CASE WHEN {' AND '.join(tests)} THEN {value} ELSE {exact}(t_) END" if tests else value


# ---------------------------------------------------------------- members in the order of the schema


def _as_written(t: StructType, nodes: list[_Node], exact: str) -> str:
    """The value of a text that the pattern matches."""
    tests = [test for node in nodes if (test := _sound("j_", node)) is not None]
    if not tests:
        return _read(t)
    tests += ["NOT regexp_matches(t_, '[0-9.]{17}')"] if _keeps_digits(nodes) else []
    return f"list_transform([{_read(t)}], lambda j_: {_chosen('j_', t, tests, exact)})[1]"


def _keeps_digits(nodes: list[_Node]) -> bool:
    return any(isinstance(node.type, DecimalType) for node in nodes)


def _object(t: StructType) -> str:
    """Objects with the first member, and then any of the others in their order."""
    first, *others = (
        f'"{re.escape(f.name)}"{_BLANK}:{_BLANK}(?:{_pattern(f.dataType)}|null){_BLANK}' for f in t.fields
    )
    return rf"\{{{_BLANK}{first}{''.join(f'(?:,{_BLANK}{member})?' for member in others)}\}}"


def _pattern(t: DataType) -> str:
    """The texts of a value that DuckDB surely reads as Spark does."""
    if isinstance(t, StructType):
        return _object(t)
    if isinstance(t, ArrayType):
        element = f"(?:{_pattern(t.elementType)}|null){_BLANK}"
        return rf"\[{_BLANK}(?:{element}(?:,{_BLANK}{element})*)?\]"
    if type(t) in _WHOLE:
        return _INTEGER % (_WHOLE[type(t)] - 1)
    if isinstance(t, BooleanType):
        return "true|false"
    if isinstance(t, (DoubleType, FloatType, DecimalType)):
        return _NUMBER
    return f'"{_TIMES[type(t)]}"' if type(t) in _TIMES else _STRING


# ---------------------------------------------------------------- members in any order


def _by_types(t: StructType, nodes: list[_Node], exact: str) -> str:
    """The value of a clean text when the types of its members fit."""
    single = ["$", *(node.path for node in nodes)]
    arrays = [node for node in nodes if isinstance(node.type, ArrayType)]
    asked = [f"'r': {_read(t)}", f"'k': json_type(t_, [{', '.join(map(quote, single))}])"]
    asked += [f"'a{i}': json_type(t_, {quote(node.path + '[*]')})" for i, node in enumerate(arrays)]
    tests = ["j_.k[1] = 'OBJECT'", *(_fits(i, node) for i, node in enumerate(nodes, 2))]
    tests += [_fits_elements(f"j_.a{i}", node) for i, node in enumerate(arrays)]
    tests += [test for node in nodes if (test := _sound("j_.r", node)) is not None]
    tests += ["NOT regexp_matches(t_, '[0-9.]{17}')"] if _keeps_digits(nodes) else []
    return f"list_transform([{{{', '.join(asked)}}}], lambda j_: {_chosen('j_.r', t, tests, exact)})[1]"


def _kinds(t: DataType) -> str:
    """DuckDB's names for the JSON types that fit."""
    if type(t) in _WHOLE:
        return "'UBIGINT', 'BIGINT'"
    if isinstance(t, (DoubleType, FloatType, DecimalType)):
        return "'DOUBLE', 'UBIGINT', 'BIGINT'"
    nested = {StructType: "OBJECT", ArrayType: "ARRAY", BooleanType: "BOOLEAN"}
    return quote(nested.get(type(t), "VARCHAR"))


def _fits(index: int, node: _Node) -> str:
    kind, raw = f"j_.k[{index}]", _at("j_.r", node.names)
    return f"(({kind} IN ({_kinds(node.type)}){_lossless(kind, raw, node.type)}) OR {kind} IS NULL OR {kind} = 'NULL')"


def _lossless(kind: str, raw: str, t: DataType) -> str:
    """A number that is too large becomes NULL or infinite, and -0 loses its sign."""
    if type(t) in _WHOLE:
        return f" AND {raw} IS NOT NULL"
    if isinstance(t, DoubleType):
        return f" AND isfinite({raw}) AND ({raw} <> 0 OR {kind} <> 'BIGINT')"
    return f" AND ({raw} <> 0 OR {kind} <> 'BIGINT')" if isinstance(t, FloatType) else ""


def _fits_elements(kinds: str, node: _Node) -> str:
    assert isinstance(node.type, ArrayType)
    t, raw = node.type.elementType, _at("j_.r", node.names)
    fits = f"list_has_all([{_kinds(t)}, 'NULL'], {kinds})"
    if type(t) in _WHOLE:
        lost, null = (
            f"len(list_filter({one}))" for one in (f"{raw}, lambda e: e IS NULL", f"{kinds}, lambda e: e = 'NULL'")
        )
        fits += f" AND {lost} = {null}"
    elif isinstance(t, DoubleType):
        fits += f" AND len(list_filter({raw}, lambda e: e = 0 OR NOT isfinite(e))) = 0"
    return f"({raw} IS NULL OR ({fits}))"


def _clean(nodes: list[_Node]) -> str:
    """Whether a text that DuckDB takes for JSON surely has no trailing commas and none of the names twice."""
    once = (f"t_ NOT LIKE {quote(_twice(name))}" for name in dict.fromkeys(n.names[-1] for n in nodes))
    objects = ["$", *(node.path for node in nodes if isinstance(node.type, StructType))]
    distinct = (f"len({keys}) = list_unique({keys})" for keys in (f"json_keys(t_, {quote(path)})" for path in objects))
    counted = " AND ".join(f"coalesce({test}, TRUE)" for test in distinct)
    escaped = r"NOT contains(t_, '\u')"
    return f"NOT regexp_matches(t_, ',\\s*[]}}]') AND (({escaped} AND {' AND '.join(once)}) OR ({counted}))"


def _twice(name: str) -> str:
    """A pattern of LIKE (it costs less than a regular expression); an underscore in a name stands for any character."""
    return f'%"{name}"%"{name}"%'
