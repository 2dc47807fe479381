"""Spark's data types, which are the client's own classes, and what the engine needs to know of each.

Time values inside Penstock: DATE is days and TIMESTAMP/TIMESTAMP_NTZ are microseconds since 1970-01-01 (UTC),
DAY-TIME intervals are microseconds, YEAR-MONTH intervals are months.
"""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CalendarIntervalType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    VarcharType,
    VariantType,
    YearMonthIntervalType,
)

__all__ = [
    "BINARY",
    "BOOLEAN",
    "BYTE",
    "DATE",
    "DOUBLE",
    "FLOAT",
    "INTEGER",
    "LONG",
    "NULL",
    "SHORT",
    "STRING",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
    "ArrayType",
    "BinaryType",
    "BooleanType",
    "ByteType",
    "CalendarIntervalType",
    "CharType",
    "DataType",
    "DateType",
    "DayTimeIntervalType",
    "DecimalType",
    "DoubleType",
    "FloatType",
    "IntegerType",
    "LongType",
    "MapType",
    "NullType",
    "ShortType",
    "StringType",
    "StructField",
    "StructType",
    "TimeType",
    "TimestampNTZType",
    "TimestampType",
    "VarcharType",
    "VariantType",
    "YearMonthIntervalType",
]  # fmt: skip

BOOLEAN, BYTE, SHORT, INTEGER, LONG = BooleanType(), ByteType(), ShortType(), IntegerType(), LongType()
FLOAT, DOUBLE, STRING, BINARY = FloatType(), DoubleType(), StringType(), BinaryType()
DATE, TIMESTAMP, TIMESTAMP_NTZ, NULL = DateType(), TimestampType(), TimestampNTZType(), NullType()
