"""JSON lines as Spark writes them: one object a row, fields that are NULL left out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping

import pyarrow as pa

from penstock.core.errors import unsupported
from penstock.core.files import Buffer
from penstock.core.sql_text import quoted
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
from penstock.sinks.errors import refuse_other_locales, unsupported_column
from penstock.sinks.formats.sql_lines import Compression, LineBuilder, ascii_only, date_text, in_charset, timestamp_text
from penstock.sinks.options import charset, flag, line_end

_variables = itertools.count()
_PLAIN = (BooleanType, ByteType, ShortType, IntegerType, LongType, DecimalType)
_STRINGS = (StringType, CharType, VarcharType)


class JsonEncoder:
    """Options: ignoreNullFields (true), dateFormat, timestampFormat, timestampNTZFormat, lineSep, compression."""

    def __init__(self, schema: StructType, options: Mapping[str, str], time_zone: str) -> None:
        refuse_other_locales(options, "json")
        if flag(options, "pretty", False):
            raise unsupported(
                "the option pretty of the json data sink", "Use to_json with that option, and write text."
            )
        self._charset = charset(options)
        self._ascii = flag(options, "writeNonAsciiCharacterAsCodePoint", False)
        self._compression = Compression(options)
        self._drop_nulls = flag(options, "ignoreNullFields", True)
        self._formats = {
            name: options.get(name.lower()) for name in ("dateFormat", "timestampFormat", "timestampNTZFormat")
        }
        self._time_zone = options.get("timezone", time_zone)
        end = quoted(line_end(options))
        fields = [(f.name, f"c{i}", f.dataType) for i, f in enumerate(schema.fields)]
        self._lines = LineBuilder(f"{self._object(fields)} || {end}", schema)

    @property
    def extension(self) -> str:
        return ".json" + self._compression.extension

    def encode(self, table: pa.Table) -> Buffer:
        data = self._lines.build(table)
        return self._compression.compress(in_charset(ascii_only(data) if self._ascii else data, self._charset))

    def _object(self, fields: list[tuple[str, str, DataType]]) -> str:
        """SQL for an object of (name, value's SQL, type) fields."""
        if not fields:
            return "'{}'"
        return "'{' || concat_ws(','," + ", ".join(self._member(*field) for field in fields) + ") || '}'"

    def _member(self, name: str, value: str, data_type: DataType) -> str:
        key = quoted(json.dumps(name, ensure_ascii=False) + ":")
        text = self._text(value, data_type, name)
        return f"{key} || {text}" if self._drop_nulls else f"{key} || coalesce({text}, 'null')"

    def _text(self, value: str, data_type: DataType, name: str) -> str:
        """SQL for a value's JSON; NULL for NULL."""
        if isinstance(data_type, _PLAIN):
            return f"CAST({value} AS VARCHAR)"
        if isinstance(data_type, _STRINGS):
            return f"CAST(to_json({value}) AS VARCHAR)"
        convert = self._converters().get(type(data_type))
        if convert is None:
            raise unsupported_column("JSON", name, data_type)
        return convert(value, data_type, name)

    def _converters(self) -> dict[type[DataType], Callable[[str, DataType, str], str]]:
        return {
            FloatType: lambda value, *_: _floating(value),
            DoubleType: lambda value, *_: _floating(value),
            NullType: lambda *_: "CAST(NULL AS VARCHAR)",
            BinaryType: lambda value, *_: f"'\"' || to_base64({value}) || '\"'",
            DateType: lambda value, *_: f"'\"' || {date_text(value, self._formats['dateFormat'])} || '\"'",
            TimestampType: lambda value, *_: self._timestamp(value, "timestampFormat", zoned=True),
            TimestampNTZType: lambda value, *_: self._timestamp(value, "timestampNTZFormat", zoned=False),
            StructType: self._struct,
            ArrayType: self._array,
            MapType: self._map,
        }

    def _timestamp(self, value: str, option: str, *, zoned: bool) -> str:
        return f"'\"' || {timestamp_text(value, self._time_zone, self._formats[option], zoned=zoned)} || '\"'"

    def _struct(self, value: str, data_type: DataType, name: str) -> str:
        assert isinstance(data_type, StructType)
        fields = [(f.name, f"struct_extract({value}, {quoted(f.name)})", f.dataType) for f in data_type.fields]
        return f"CASE WHEN {value} IS NOT NULL THEN {self._object(fields)} END"

    def _array(self, value: str, data_type: DataType, name: str) -> str:
        assert isinstance(data_type, ArrayType)
        x = f"e{next(_variables)}"
        items = f"list_transform({value}, lambda {x}: coalesce({self._text(x, data_type.elementType, name)}, 'null'))"
        return f"'[' || array_to_string({items}, ',') || ']'"

    def _map(self, value: str, data_type: DataType, name: str) -> str:
        assert isinstance(data_type, MapType)
        x = f"e{next(_variables)}"
        item = self._text(f"{x}.value", data_type.valueType, name)
        pair = f"CAST(to_json(CAST({x}.key AS VARCHAR)) AS VARCHAR) || ':' || coalesce({item}, 'null')"
        return f"'{{' || array_to_string(list_transform(map_entries({value}), lambda {x}: {pair}), ',') || '}}'"


def _floating(value: str) -> str:
    """A number; NaN and the infinities in quotes, since JSON has no numbers for them."""
    text = f"CAST({value} AS VARCHAR)"
    words = "WHEN 'nan' THEN '\"NaN\"' WHEN 'inf' THEN '\"Infinity\"' WHEN '-inf' THEN '\"-Infinity\"'"
    java = "WHEN 'NaN' THEN '\"NaN\"' WHEN 'Infinity' THEN '\"Infinity\"' WHEN '-Infinity' THEN '\"-Infinity\"'"
    return f"CASE {text} {words} {java} ELSE {text} END"
