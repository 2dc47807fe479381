"""JSON text as values of Spark's types, in SQL, by the rules of Spark's JacksonParser.

Every function takes SQL for a VARCHAR that holds the text of one JSON value, and NULL for an absent field or a JSON
`null`.  A value that does not fit its type gives NULL.  DuckDB's own conversions are more generous (it would read 1.7
or "12" as an integer), so they see only texts that Spark accepts too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from penstock.core.errors import unsupported
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)
from penstock.sources.duckdb_types import duckdb_type, identifier, quoted
from penstock.sources.files.text_values import date_sql, timestamp_sql

_INTEGERS = (ByteType, ShortType, IntegerType, LongType)
_STRINGS = (StringType, CharType, VarcharType)
_numbers = itertools.count()


@dataclass(frozen=True)
class JsonValues:
    """The conversion by Spark's default formats."""

    def value(self, text: str, data_type: DataType) -> str:
        """The value of `data_type` in a JSON text."""
        if isinstance(data_type, _INTEGERS):
            return _integer(text, duckdb_type(data_type))
        if isinstance(data_type, _STRINGS):
            return unquote(text)
        convert = self._converters().get(type(data_type))
        if convert is None:
            raise unsupported(f"the type {data_type.simpleString()} in JSON data")
        return convert(text, data_type)

    def is_bad(self, text: str, data_type: DataType) -> str:
        """Whether a text that is there does not fit the type (deep inside of it, too)."""
        if isinstance(data_type, StructType):
            members = _Members()
            inside = self._misfits(members, data_type, "$")
            wrong = f"({text} IS NOT NULL AND json_type({text}) <> 'OBJECT')"
            return _any(wrong, *([f"{members.of_each(members.within(text), _any(*inside))}[1]"] if inside else []))
        if isinstance(data_type, MapType):
            return f"({text} IS NOT NULL AND json_type({text}) <> 'OBJECT')"
        if isinstance(data_type, ArrayType):
            bad = f"({text} IS NOT NULL AND {_elements(text)} IS NULL)"
            if isinstance(data_type.elementType, _STRINGS):
                return bad
            return _any(bad, f"coalesce({self._some_element_is_bad(text, data_type.elementType)}, false)")
        return f"({text} IS NOT NULL AND ({self.value(text, data_type)}) IS NULL)"

    def _misfits(self, members: _Members, struct: StructType, path: str) -> list[str]:
        found = []
        for f in struct.fields:
            at = _below(path, f.name)
            text = members.text(at)
            if isinstance(f.dataType, StructType):
                found += [f"({text} IS NOT NULL AND NOT {_is_object(text)})", *self._misfits(members, f.dataType, at)]
            else:
                found.append(self.is_bad(text, f.dataType))
        return found

    def _converters(self) -> dict[type[DataType], Callable[[str, DataType], str]]:
        return {
            BooleanType: lambda text, _: f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END",
            FloatType: lambda text, _: _floating(text, "FLOAT"),
            DoubleType: lambda text, _: _floating(text, "DOUBLE"),
            DecimalType: _decimal,
            DateType: lambda text, _: date_sql(_string_only(text)),
            TimestampType: lambda text, _: self._timestamp(text),
            TimestampNTZType: lambda text, _: timestamp_sql(_string_only(text), zoned=False),
            BinaryType: lambda text, _: _binary(text),
            NullType: lambda text, _: "CAST(NULL AS INTEGER)",
            StructType: self._struct,
            ArrayType: self._array,
            MapType: self._map,
        }

    def _timestamp(self, text: str) -> str:
        number = f"make_timestamptz(TRY_CAST({text} AS BIGINT) * 1000000)"
        seconds = f"CASE WHEN regexp_full_match({text}, '-?[0-9]+') THEN {number} END"
        return f"coalesce({timestamp_sql(_string_only(text), zoned=True)}, {seconds})"

    def _struct(self, text: str, data_type: DataType) -> str:
        assert isinstance(data_type, StructType)
        members = _Members()
        packed = self._packed(members, data_type, "$")
        value = f"{members.of_each(members.within(text), packed)}[1]"
        return f"CASE WHEN json_type({text}) = 'OBJECT' THEN {value} END"

    def _packed(self, members: _Members, struct: StructType, path: str) -> str:
        items = []
        for f in struct.fields:
            at = _below(path, f.name)
            text = members.text(at)
            if isinstance(f.dataType, StructType):
                value = f"CASE WHEN {_is_object(text)} THEN {self._packed(members, f.dataType, at)} END"
            else:
                value = self.value(text, f.dataType)
            items.append(f"{identifier(f.name)} := {value}")
        return f"struct_pack({', '.join(items)})"

    def _array(self, text: str, data_type: DataType) -> str:
        """One scalar that does not fit makes the whole array NULL; structs in it keep what fits."""
        assert isinstance(data_type, ArrayType)
        element = data_type.elementType
        if isinstance(element, StructType):
            members = _Members()
            is_object = _is_object(members.text("$"))
            packed = self._packed(members, element, "$")
            return members.of_each(members.within_each(text), f"CASE WHEN {is_object} THEN {packed} END")
        x = _variable()
        value = self.value(f"nullif(CAST({x} AS VARCHAR), 'null')", element)
        mapped = f"list_transform({_elements(text)}, lambda {x}: {value})"
        if isinstance(element, _STRINGS):
            return mapped
        return f"CASE WHEN NOT {self._some_element_is_bad(text, element)} THEN {mapped} END"

    def _some_element_is_bad(self, text: str, element: DataType) -> str:
        if isinstance(element, StructType):
            members = _Members()
            whole = members.text("$")
            wrong = f"({whole} IS NOT NULL AND NOT {_is_object(whole)})"
            bad = _any(wrong, *self._misfits(members, element, "$"))
            return f"list_contains({members.of_each(members.within_each(text), bad)}, true)"
        x = _variable()
        bad = self.is_bad(f"nullif(CAST({x} AS VARCHAR), 'null')", element)
        return f"(len(list_filter({_elements(text)}, lambda {x}: {bad})) > 0)"

    def _map(self, text: str, data_type: DataType) -> str:
        assert isinstance(data_type, MapType)
        if not isinstance(data_type.keyType, _STRINGS):
            raise unsupported(f"the type {data_type.simpleString()} in JSON data", "The keys of a map must be strings.")
        x = _variable()
        value = self.value(f"nullif(CAST({x} AS VARCHAR), 'null')", data_type.valueType)
        values = f"list_transform(json_extract({text}, '$.*'), lambda {x}: {value})"
        return (
            f"CASE WHEN json_type({text}) = 'OBJECT' THEN map_from_entries(list_zip(json_keys({text}), {values})) END"
        )


class _Members:
    """The members of an object, those of the objects in it too: taken out of its text at once, and used by one lambda.

    So the SQL grows with the depth of a type; it does not double with every level, and neither do the lambdas, whose
    bodies DuckDB binds twice.  Names are case-sensitive.
    """

    def __init__(self) -> None:
        self._name = _variable()
        self._paths: dict[str, int] = {}

    def text(self, path: str) -> str:
        """The text of a member, within the lambda; NULL for none and for `null`."""
        index = self._paths.setdefault(path, len(self._paths) + 1)
        return f"nullif(CAST({self._name}[{index}] AS VARCHAR), 'null')"

    def within(self, text: str) -> str:
        """A list of one object's members."""
        return f"[json_extract({text}, {self._wanted()})]"

    def within_each(self, text: str) -> str:
        """A list of the members of each object in an array's text."""
        x = _variable()
        return f"list_transform({_elements(text)}, lambda {x}: json_extract({x}, {self._wanted()}))"

    def of_each(self, members: str, value: str) -> str:
        return f"list_transform({members}, lambda {self._name}: {value})"

    def _wanted(self) -> str:
        return f"[{', '.join(map(quoted, self._paths))}]"


def nested_lambdas(data_type: DataType) -> int:
    """How many lambdas stand in each other in the SQL of a type: each makes it twice as dear to bind."""
    if isinstance(data_type, StructType):
        return max((_of_member(f.dataType) for f in data_type.fields), default=0) + 1
    if isinstance(data_type, ArrayType):
        return nested_lambdas(data_type.elementType) + (not isinstance(data_type.elementType, StructType))
    return nested_lambdas(data_type.valueType) + 1 if isinstance(data_type, MapType) else 0


def _of_member(data_type: DataType) -> int:
    if isinstance(data_type, StructType):
        return max((_of_member(f.dataType) for f in data_type.fields), default=0)
    return nested_lambdas(data_type)


def _below(path: str, name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}."{escaped}"'


def _is_object(text: str) -> str:
    """Of a text that DuckDB has written."""
    return f"starts_with({text}, '{{')"


def _variable() -> str:
    return f"e{next(_numbers)}"


def unquote(text: str) -> str:
    """A JSON string's characters; another value's text as it is."""
    return f"CASE WHEN starts_with({text}, '\"') THEN json_extract_string({text}, '$') ELSE {text} END"


def _string_only(text: str) -> str:
    return f"CASE WHEN starts_with({text}, '\"') THEN json_extract_string({text}, '$') END"


def _elements(text: str) -> str:
    return f"TRY_CAST(CAST({text} AS JSON) AS JSON[])"


def _integer(text: str, duckdb: str) -> str:
    """No fraction, no exponent, no quotes: DuckDB would round 1.7 and take 1e-7 for 0."""
    return f"CASE WHEN contains({text}, '.') OR contains({text}, 'e') THEN NULL ELSE TRY_CAST({text} AS {duckdb}) END"


def _floating(text: str, duckdb: str) -> str:
    """A number, or one of the words that Spark knows, in quotes."""
    words = (
        f"CASE {text} WHEN '\"NaN\"' THEN 'nan' WHEN '\"Infinity\"' THEN 'inf' WHEN '\"+INF\"' THEN 'inf' "
        f"WHEN '\"INF\"' THEN 'inf' WHEN '\"+Infinity\"' THEN 'inf' WHEN '\"-INF\"' THEN '-inf' "
        f"WHEN '\"-Infinity\"' THEN '-inf' END"
    )
    return f"coalesce(TRY_CAST({text} AS {duckdb}), CAST({words} AS {duckdb}))"


def _decimal(text: str, data_type: DataType) -> str:
    return f"TRY_CAST({unquote(text)} AS {duckdb_type(data_type)})"


def _binary(text: str) -> str:
    string = _string_only(text)
    base64 = "'([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?'"
    return f"CASE WHEN regexp_full_match({string}, {base64}) THEN from_base64({string}) END"


def _any(*conditions: str) -> str:
    return "(" + " OR ".join(conditions) + ")"
