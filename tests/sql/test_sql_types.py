"""Types, schemas, identifiers and intervals."""

from __future__ import annotations

import subprocess
import sys

import pytest

from penstock.core.errors import SparkError
from penstock.plan import types as t
from penstock.sql import parse_schema, parse_type, split_identifier
from penstock.sql.intervals import Interval, parse_delay, parse_interval
from penstock.sql.types import parse_type_or_schema

TYPES = {
    "INT": t.IntegerType(),
    "bigint": t.LongType(),
    "decimal": t.DecimalType(10, 0),
    "dec(5)": t.DecimalType(5, 0),
    "numeric(5, 2)": t.DecimalType(5, 2),
    "varchar(3)": t.VarcharType(3),
    "character(3)": t.CharType(3),
    "timestamp": t.TimestampType(),
    "timestamp_ltz": t.TimestampType(),
    "timestamp without time zone": t.TimestampNTZType(),
    "void": t.NullType(),
    "variant": t.VariantType(),
    "time(3)": t.TimeType(3),
    "interval": t.CalendarIntervalType(),
    "interval year": t.YearMonthIntervalType(0, 0),
    "interval day to second": t.DayTimeIntervalType(0, 3),
    "array<map<string,int>>": t.ArrayType(t.MapType(t.StringType(), t.IntegerType())),
    "struct<a:int,`b c` string>": t.StructType().add("a", t.IntegerType()).add("b c", t.StringType()),
    "struct<>": t.StructType(),
    '"long"': t.LongType(),
}


@pytest.mark.parametrize("text", TYPES)
def test_type(text: str) -> None:
    assert parse_type(text) == TYPES[text]


def test_schema() -> None:
    schema = parse_schema("a INT NOT NULL COMMENT 'it''s', `b c`: array<int>, interval interval, timestamp timestamp")
    assert schema.simpleString() == "struct<a:int,b c:array<int>,interval:interval,timestamp:timestamp>"
    assert not schema["a"].nullable
    assert schema["a"].metadata == {"comment": "it's"}
    assert parse_schema(schema.json()) == schema
    assert parse_schema("struct<a:int>") == parse_schema("a int")
    assert parse_type_or_schema("int") == t.IntegerType()
    assert parse_type_or_schema("a int") == t.StructType().add("a", t.IntegerType())


ERRORS = {
    "foo": "UNSUPPORTED_DATATYPE",
    "int(3)": "UNSUPPORTED_DATATYPE",
    "decimal(5,-2)": "PARSE_SYNTAX_ERROR",
    "array": "INCOMPLETE_TYPE_DEFINITION.ARRAY",
    "map<int>": "PARSE_SYNTAX_ERROR",
    "char": "DATATYPE_MISSING_SIZE",
    "decimal(39, 1)": "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
    "int,": "PARSE_SYNTAX_ERROR",
    "": "PARSE_SYNTAX_ERROR",
    '{"type": "foo"}': "INVALID_JSON_DATA_TYPE",
}


@pytest.mark.parametrize("text", ERRORS)
def test_type_error(text: str) -> None:
    with pytest.raises(SparkError) as raised:
        parse_type(text)
    assert raised.value.condition == ERRORS[text]


def test_identifiers() -> None:
    assert split_identifier("a") == ("a",)
    assert split_identifier("a.b.c") == ("a", "b", "c")
    assert split_identifier("a.`b.c`.`d``e`") == ("a", "b.c", "d`e")


@pytest.mark.parametrize("text", ["a.", ".a", "a..b", "`a", "a`b", "`a`b"])
def test_wrong_identifier(text: str) -> None:
    with pytest.raises(SparkError, match="INVALID_ATTRIBUTE_NAME_SYNTAX"):
        split_identifier(text)


INTERVALS = {
    "10 seconds": Interval(microseconds=10_000_000),
    "interval 1 minute 30 seconds": Interval(microseconds=90_000_000),
    "  INTERVAL 1 Day -2 hours ": Interval(days=1, microseconds=-7_200_000_000),
    "1 year 2 months 1 week": Interval(months=14, days=7),
    "1.5 seconds": Interval(microseconds=1_500_000),
    "- 1 millisecond": Interval(microseconds=-1000),
}


@pytest.mark.parametrize("text", INTERVALS)
def test_interval(text: str) -> None:
    assert parse_interval(text) == INTERVALS[text]


@pytest.mark.parametrize("text", ["", "10", "x", "seconds", "1 foo", "1.5 minutes", "1 second 2", "interval"])
def test_wrong_interval(text: str) -> None:
    with pytest.raises(SparkError, match="CANNOT_PARSE_INTERVAL"):
        parse_interval(text)


def test_delay_counts_a_month_as_31_days() -> None:
    assert parse_delay("1 month") == 31 * 86_400_000_000


def test_these_parsers_do_not_import_sqlglot() -> None:
    use = "import sys, penstock.sql as s; s.parse_schema('a int'); s.parse_interval('1 day')"
    code = f"{use}; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
