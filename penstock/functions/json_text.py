"""Values as JSON text, as Spark's to_json writes them: NULL members are left out, dates and timestamps by pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import row_functions
from penstock.core.errors import SparkError, unsupported
from penstock.core.java_format import format_micros
from penstock.functions.markers import quote
from penstock.functions.patterns import format_sql
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
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
    VariantType,
)  # fmt: skip

_TIMESTAMP = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
_TIMESTAMP_NTZ = "yyyy-MM-dd'T'HH:mm:ss.SSS"


class Writer:
    """Writes values by the options of to_json; `texts`: how FLOAT and DOUBLE become text (rendered lambdas)."""

    def __init__(self, options: dict[str, str], texts: dict[type, str], zone: str) -> None:
        self._options = options
        self._texts = texts
        self._zone = zone

    def sql(self, value: str, t: DataType, depth: int) -> str:
        """SQL of the JSON text of `value`; NULL stays NULL."""
        if isinstance(t, StructType):
            return self._struct(value, t, depth)
        if isinstance(t, ArrayType):
            name = f"a{depth}"
            element = self.sql(name, t.elementType, depth + 1)
            items = f"list_transform({value}, lambda {name}: coalesce({element}, 'null'))"
            return f"CASE WHEN {value} IS NOT NULL THEN '[' || array_to_string({items}, ',') || ']' END"
        if isinstance(t, MapType):
            return self._map(value, t, depth)
        return self._leaf(value, t)

    def _keeps_nulls(self) -> bool:
        return self._options.get("ignorenullfields", "true").lower() == "false"

    def _struct(self, value: str, t: StructType, depth: int) -> str:
        fields = list(t.fields)
        if self._options.get("sortkeys", "false").lower() == "true":
            fields.sort(key=lambda f: f.name)
        parts = []
        for f in fields:
            member = self.sql(f"struct_extract({value}, {quote(f.name)})", f.dataType, depth)
            member = f"coalesce({member}, 'null')" if self._keeps_nulls() else member
            parts.append(f"{_text(quote(f.name))} || ':' || {member}")
        body = f"concat_ws(',', {', '.join(parts)})" if parts else "''"
        return f"CASE WHEN {value} IS NOT NULL THEN '{{' || {body} || '}}' END"

    def _map(self, value: str, t: MapType, depth: int) -> str:
        name = f"m{depth}"
        key = f"{name}.key" if isinstance(t.keyType, StringType) else _key(f"{name}.key", t.keyType)
        member = f"coalesce({self.sql(f'{name}.value', t.valueType, depth + 1)}, 'null')"
        entries = f"map_entries({value})"
        if self._options.get("sortkeys", "false").lower() == "true":
            entries = f"list_sort({entries})"
        items = f"list_transform({entries}, lambda {name}: {_text(key)} || ':' || {member})"
        return f"CASE WHEN {value} IS NOT NULL THEN '{{' || array_to_string({items}, ',') || '}}' END"

    def _leaf(self, value: str, t: DataType) -> str:
        if isinstance(t, (ByteType, ShortType, IntegerType, LongType, DecimalType, BooleanType)):
            return f"CAST({value} AS VARCHAR)"
        if isinstance(t, StringType):
            return f"CASE WHEN {value} IS NOT NULL THEN {_text(value)} END"
        if isinstance(t, BinaryType):
            return f"'\"' || to_base64({value}) || '\"'"
        if isinstance(t, DateType):
            return f"'\"' || {format_sql(value, self._options.get('dateformat', 'yyyy-MM-dd'), self._zone)} || '\"'"
        if isinstance(t, (TimestampType, TimestampNTZType)):
            return f"'\"' || {self._moment(value, isinstance(t, TimestampType))} || '\"'"
        if isinstance(t, (DoubleType, FloatType)):
            return self._double(value, t)
        if isinstance(t, VariantType):
            return f"kernel_variant_json({value})"
        if isinstance(t, NullType):
            return "CAST(NULL AS VARCHAR)"
        raise unsupported(f"to_json of the type {t.simpleString()}")

    def _moment(self, value: str, zoned: bool) -> str:
        """By DuckDB where it knows the pattern's letters, else by a function in Python."""
        default = _TIMESTAMP if zoned else _TIMESTAMP_NTZ
        pattern = self._options.get("timestampformat" if zoned else "timestampntzformat", default)
        zone = self._options.get("timezone", self._zone) if zoned else None
        try:
            local = (
                value
                if not zoned
                else f"timezone({quote(str(zone))}, {value})"
                if zone != self._zone
                else f"CAST({value} AS TIMESTAMP)"
            )
            return format_sql(local, pattern, zone or self._zone)
        except SparkError:
            made = row_functions.define(
                f"format {pattern} {zone}", lambda: _formatted(pattern, zone), ("BIGINT",), "VARCHAR"
            )
            return f"{made}(epoch_us({value}))"

    def _double(self, value: str, t: DataType) -> str:
        text = f"list_transform([{value}], {self._texts[type(t)]})[1]"
        return f"CASE WHEN isfinite({value}) THEN {text} WHEN {value} IS NOT NULL THEN '\"' || {text} || '\"' END"


def _formatted(pattern: str, zone: str | None) -> Callable[[Any], Any]:
    def function(column: Any) -> Any:
        import pyarrow as pa

        return pa.array(
            [None if v is None else format_micros(v, pattern, zone) for v in column.to_pylist()], pa.string()
        )

    return function


def _key(value: str, t: DataType) -> str:
    if isinstance(t, StructType):  # Java's text of an internal row: [1,2]
        fields = ", ".join(
            f"coalesce(CAST(struct_extract({value}, {quote(f.name)}) AS VARCHAR), 'null')" for f in t.fields
        )
        if any(not isinstance(f.dataType, (IntegerType, LongType, ShortType, ByteType, StringType)) for f in t.fields):
            raise unsupported("to_json of maps with such keys")
        return f"'[' || concat_ws(',', {fields}) || ']'"
    if not isinstance(t, (IntegerType, LongType, ShortType, ByteType, BooleanType)):
        raise unsupported(f"to_json of maps with keys of type {t.simpleString()}")
    return f"CAST({value} AS VARCHAR)"


def _text(value: str) -> str:
    return f"CAST(to_json(CAST({value} AS VARCHAR)) AS VARCHAR)"
