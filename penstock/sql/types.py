"""Type and schema texts (DDL or JSON) -> Spark types.  A small recursive parser, because readers need it at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache

from penstock.core.active_conf import timestamps_are_local
from penstock.core.collations import check_collation, without_collations
from penstock.core.errors import ARITHMETIC, SparkError, analysis_error, parse_error
from penstock.plan import types as t
from penstock.sql.intervals import DAY_TIME_FIELDS, YEAR_MONTH_FIELDS
from penstock.sql.strings import unescape
from penstock.sql.syntax import syntax_error

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>`(?:[^`]|``)*`)|(?P<string>[rR]?'(?:[^'\\]|\\.|'')*'|[rR]?"(?:[^"\\]|\\.|"")*")"""
    r"|(?P<word>\w+)|(?P<mark>[<>(),:+-])|(?P<other>\S))",
    re.DOTALL,
)
_SIMPLE: dict[str, Callable[[], t.DataType]] = {
    "boolean": t.BooleanType, "tinyint": t.ByteType, "byte": t.ByteType, "smallint": t.ShortType, "short": t.ShortType,
    "int": t.IntegerType, "integer": t.IntegerType, "bigint": t.LongType, "long": t.LongType, "float": t.FloatType,
    "real": t.FloatType, "double": t.DoubleType, "date": t.DateType, "timestamp": t.TimestampType,
    "timestamp_ltz": t.TimestampType, "timestamp_ntz": t.TimestampNTZType, "binary": t.BinaryType, "void": t.NullType,
    "variant": t.VariantType,
}  # fmt: skip


def parse_type(text: str) -> t.DataType:
    """A type such as `array<struct<a:int>>` or `decimal(10,2)`, or its JSON form."""
    stripped = text.strip()
    if stripped.startswith(("{", '"')):
        return _from_json(stripped)
    parser = _TypeParser(text, timestamps_are_local())
    result = parser.data_type()
    parser.expect_end()
    return result


def parse_schema(text: str) -> t.StructType:
    """Columns such as `a INT NOT NULL COMMENT 'x', b STRING`; also `struct<...>` and Spark's JSON schemas."""
    parsed = parse_type_or_schema(text)
    if isinstance(parsed, t.StructType):
        return parsed
    message = f"The schema {text!r} is the type {parsed.simpleString()}, not a list of columns."
    raise analysis_error(
        "INVALID_SCHEMA.NON_STRUCT_TYPE",
        message,
        "42K07",
        inputSchema=f'"{text}"',
        dataType=f'"{parsed.simpleString().upper()}"',
    )


def parse_type_or_schema(text: str) -> t.DataType:
    """A single type if the text is one, else a list of columns (what Python UDFs and from_json accept)."""
    return _type_or_schema(text, timestamps_are_local())


@lru_cache(maxsize=256)
def _type_or_schema(text: str, timestamps_are_local: bool) -> t.DataType:
    stripped = text.strip()
    if stripped.startswith(("{", '"')):
        return _from_json(stripped)
    parser = _TypeParser(text, timestamps_are_local)
    if parser.starts_with_columns():
        return parser.columns()
    result = parser.data_type()
    parser.expect_end()
    return result


def _from_json(text: str) -> t.DataType:
    from pyspark.sql.types import _parse_datatype_json_value

    try:
        found = _parse_datatype_json_value(json.loads(text))
    except Exception as error:
        message = f"The JSON schema does not parse: {error}."
        raise analysis_error("INVALID_JSON_DATA_TYPE", message, "2203G", invalidType=text[:200]) from None
    return without_collations(found)


class _TypeParser:
    """One text, read from left to right; TIMESTAMP alone is TIMESTAMP_NTZ where `timestamps_are_local`."""

    def __init__(self, text: str, timestamps_are_local: bool) -> None:
        self._plain_timestamp = t.TimestampNTZType() if timestamps_are_local else t.TimestampType()
        self._tokens = [(m.lastgroup or "", m.group(m.lastgroup or 0)) for m in _TOKEN.finditer(text)]
        self._next = 0

    def starts_with_columns(self) -> bool:
        """`name type`, `name: type` or nothing, as opposed to a type alone."""
        if not self._tokens:
            return True
        first, second = self._tokens[0], self._tokens[1] if len(self._tokens) > 1 else ("", "")
        if first[0] == "quoted" or second[1] == ":":
            return True
        word = first[1].lower()
        if word == "interval":
            return second[1].lower() in (*_SIMPLE, "string", "array", "map", "struct", "decimal", "interval")
        if word in ("timestamp", "time") and second[1].lower() in ("with", "without"):
            return False
        return first[0] == "word" and second[0] == "word" and second[1].lower() != "collate"

    def columns(self) -> t.StructType:
        """A comma-separated list of columns up to the end."""
        fields: list[t.StructField] = []
        while self._next < len(self._tokens):
            fields.append(self._field())
            if self._next < len(self._tokens):
                self._expect(",")
                if self._next == len(self._tokens):
                    raise syntax_error("")
        return t.StructType(fields)

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            raise syntax_error(self._tokens[self._next][1])

    def data_type(self) -> t.DataType:
        """The type that starts here."""
        kind, word = self._take()
        if kind != "word":
            raise syntax_error(word)
        name = word.lower()
        if name in _SIMPLE and self._peek() != "(":
            return self._timestamp() if name == "timestamp" else _SIMPLE[name]()
        parse = _PARAMETRIC.get(name)
        if parse is None:  # also INT(3)
            raise unsupported_type(word + self._arguments_text())
        return parse(self)

    def _peek(self) -> str:
        return self._tokens[self._next][1].lower() if self._next < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._next == len(self._tokens):
            raise syntax_error("")
        self._next += 1
        return self._tokens[self._next - 1]

    def _accept(self, *words: str) -> bool:
        ahead = [text.lower() for _, text in self._tokens[self._next : self._next + len(words)]]
        if ahead != list(words):
            return False
        self._next += len(words)
        return True

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise syntax_error(self._tokens[self._next][1] if self._next < len(self._tokens) else "")

    def _arguments_text(self) -> str:
        if self._peek() != "(":
            return ""
        return "(" + ",".join(str(n) for n in self._integers()) + ")"

    def _integers(self) -> list[int]:
        """`(1, 2)`; [] when no parenthesis follows."""
        if not self._accept("("):
            return []
        found = [self._integer()]
        while self._accept(","):
            found.append(self._integer())
        self._expect(")")
        return found

    def _integer(self) -> int:
        _, text = self._take()
        if not text.isdigit():
            raise syntax_error(text)
        return int(text)

    def _timestamp(self) -> t.DataType:
        if self._accept("without", "time", "zone"):
            return t.TimestampNTZType()
        return t.TimestampType() if self._accept("with", "local", "time", "zone") else self._plain_timestamp

    def _string(self) -> t.DataType:
        if not self._accept("collate"):
            return t.StringType()
        _, name = self._take()
        check_collation(name.strip("`"))
        return t.StringType()

    def _decimal(self) -> t.DataType:
        numbers = self._integers()
        if len(numbers) > 2:
            raise unsupported_type(f"decimal({','.join(map(str, numbers))})")
        precision, scale = (*numbers, 0)[:2] if numbers else (10, 0)
        if precision > 38:
            raise precision_error(precision)
        if scale > precision:
            raise scale_error(precision, scale)
        return t.DecimalType(precision, scale)

    def _sized(self, name: str, make: Callable[[int], t.DataType]) -> t.DataType:
        numbers = self._integers()
        if len(numbers) != 1:
            message = f"The type {name} needs a length, as in {name}(10)."
            raise parse_error("DATATYPE_MISSING_SIZE", message, "42K01", type=f'"{name}"')
        return make(numbers[0])

    def _time(self) -> t.DataType:
        numbers = self._integers()
        self._accept("without", "time", "zone")
        return t.TimeType(*numbers)

    def _array(self) -> t.DataType:
        self._open("ARRAY", "ARRAY<INT>")
        element = self.data_type()
        self._expect(">")
        return t.ArrayType(element)

    def _map(self) -> t.DataType:
        self._open("MAP", "MAP<STRING, INT>")
        key = self.data_type()
        self._expect(",")
        value = self.data_type()
        self._expect(">")
        return t.MapType(key, value)

    def _struct(self) -> t.DataType:
        self._open("STRUCT", "STRUCT<a: INT>")
        fields: list[t.StructField] = []
        while not self._accept(">"):
            if fields:
                self._expect(",")
            fields.append(self._field())
        return t.StructType(fields)

    def _open(self, name: str, example: str) -> None:
        if not self._accept("<"):
            message = f"The definition of the type {name} is incomplete: write for example {example}."
            params = {"elementType": "<INT>"} if name == "ARRAY" else {}
            raise parse_error(f"INCOMPLETE_TYPE_DEFINITION.{name}", message, "42K01", **params)

    def _interval(self) -> t.DataType:
        if self._peek() in YEAR_MONTH_FIELDS:
            return t.YearMonthIntervalType(*self._field_range(YEAR_MONTH_FIELDS))
        if self._peek() in DAY_TIME_FIELDS:
            return t.DayTimeIntervalType(*self._field_range(DAY_TIME_FIELDS))
        return t.CalendarIntervalType()

    def _field_range(self, names: tuple[str, ...]) -> tuple[int, int]:
        start = end = names.index(self._take()[1].lower())
        if self._accept("to"):
            _, word = self._take()
            if word.lower() not in names[start + 1 :]:
                raise syntax_error(word)
            end = names.index(word.lower())
        return start, end

    def _field(self) -> t.StructField:
        kind, name = self._take()
        if kind not in ("word", "quoted"):
            raise syntax_error(name)
        name = name[1:-1].replace("``", "`") if kind == "quoted" else name
        self._accept(":")
        data_type = self.data_type()
        nullable = not self._accept("not", "null")
        metadata = {"comment": self._comment()} if self._accept("comment") else None
        return t.StructField(name, data_type, nullable, metadata)

    def _comment(self) -> str:
        kind, text = self._take()
        if kind != "string":
            raise syntax_error(text)
        return unescape(text)


_PARAMETRIC: dict[str, Callable[[_TypeParser], t.DataType]] = {
    "string": _TypeParser._string,
    "decimal": _TypeParser._decimal,
    "dec": _TypeParser._decimal,
    "numeric": _TypeParser._decimal,
    "char": lambda parser: parser._sized("CHAR", t.CharType),
    "character": lambda parser: parser._sized("CHARACTER", t.CharType),
    "varchar": lambda parser: parser._sized("VARCHAR", t.VarcharType),
    "time": _TypeParser._time,
    "array": _TypeParser._array,
    "map": _TypeParser._map,
    "struct": _TypeParser._struct,
    "interval": _TypeParser._interval,
}


def precision_error(precision: int) -> SparkError:
    """A decimal with more than 38 digits."""
    message = f"Decimal precision {precision} exceeds the maximum of 38."
    params = {"precision": precision, "maxPrecision": 38}
    return SparkError("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", message, params, sqlstate="22003", classes=ARITHMETIC)


def scale_error(precision: int, scale: int) -> SparkError:
    """A decimal with more digits behind the point than it has."""
    message = f"Decimal scale ({scale}) cannot be greater than precision ({precision})."
    return analysis_error("_LEGACY_ERROR_TEMP_1228", message, "", precision=precision, scale=scale)


def unsupported_type(name: str) -> SparkError:
    """UNSUPPORTED_DATATYPE of a type name that Spark does not know."""
    return parse_error(
        "UNSUPPORTED_DATATYPE", f'Unsupported data type "{name.upper()}".', "0A000", typeName=f'"{name.upper()}"'
    )
