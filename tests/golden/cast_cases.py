"""The casts whose results are recorded from real Spark: values of each source type, and the targets they are cast to.

Values are written as `Literal` holds them: dates are days, timestamps and day-time intervals microseconds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    BYTE,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    SHORT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    ArrayType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    MapType,
    StructField,
    StructType,
    YearMonthIntervalType,
)

NUMBER_STRINGS = [
    "1",
    " 42 ",
    "-7",
    "+7",
    "1.9",
    "-1.9",
    "1e3",
    "0x10",
    "1_000",
    "",
    " ",
    "abc",
    "99999999999",
    "300",
    "9223372036854775807",
    "9223372036854775808",
    "1.",
    ".5",
    "NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "1d",
    "1f",
    "1e400",
    "\t12\n",
    "- 1",
    "1.005",
    "2.345",
    "12345678901234567890123456789012345678901",
    "1E-5",
    "00012",
    "--1",
    "1 2",
]
BOOLEAN_STRINGS = ["true", "T", "yes", "y", "1", " TRUE ", "false", "f", "No", "n", "0", "on", "2", "tru"]
DATE_STRINGS = [
    "2020-01-02",
    "2020-1-2",
    "2020",
    "2020-3",
    " 2020-01-02 ",
    "2020-01-02T",
    "2020-01-02 xyz",
    "2020-01-02T10:00",
    "2020/01/02",
    "20200102",
    "2020-02-30",
    "2020-13-01",
    "0001-01-01",
    "12020-01-01",
    "+12020-01-01",
    "-0001-01-01",
    "0000-01-01",
    "epoch",
    "infinity",
    "1-1-1",
    "2020-01-02x",
    "2020-001-02",
    "10:00",
]
TIMESTAMP_STRINGS = [
    "2020-01-02T03:04:05Z",
    "2020-01-02 03:04:05",
    "2020-01-02T03:04:05.123456789Z",
    "2020-01-02 03:04:05.1",
    "2020-01-02 03:04",
    "2020-01-02 03",
    "2020-01-02 3:4:5",
    "2020-01-02T03:04:05+02:30",
    "2020-01-02T03:04:05-08",
    "2020-01-02T03:04:05+5",
    "2020-01-02T03:04:05 UTC",
    "2020-01-02 03:04:05 America/New_York",
    "2020-01-02 03:04:05GMT+1",
    "2020-01-02 03:04:05 Z",
    "2020-01-02 24:00:00",
    "2020-01-02 23:60:00",
    "2020-07-01 12:00:00",
    "2020-03-08 02:30:00",
    "2020-11-01 01:30:00",
    "2020-01-02 03:04:05 garbage",
    "2020-01-02 03:04:05.",
    "2020-01-02 03:04:",
    "2020-01-02T",
    "T10:00x",
    "2020-01-02 03:04:05+0230",
    "  2020-01-02 03:04:05  ",
    "2020-01-02T03:04:05.123456Z",
    "1900-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2020-01-02 03:04:05+19:00",
    "2020-01-02 03:04:05 PST",
    "2020-01-02T03:04:05.12Zx",
]
DOUBLES = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    2.5,
    0.1,
    1e-3,
    9.99e-4,
    1e-5,
    1.5e-10,
    1234567.125,
    9999999.0,
    1e7,
    12345678.9,
    1.5e15,
    1e16,
    1e17,
    1e20,
    1.2345678901234567e25,
    5e-324,
    1.7976931348623157e308,
    127.9,
    128.0,
    -128.9,
    2147483647.5,
    2147483648.0,
    9.3e18,
    1.005,
    2.345,
    float("nan"),
    float("inf"),
    float("-inf"),
    123456.789,
    0.30000000000000004,
    100.0,
    -0.001,
    -1e-4,
    1e22,
]
FLOATS = [0.0, 1.0, 1.5, 0.25, 16777216.0, 1.25e10, 1.5e-5, 0.0009765625, 12345678.0, float("nan"), float("inf"), -2.5]
LONGS = [
    0,
    1,
    -1,
    127,
    128,
    -129,
    32768,
    2147483647,
    2147483648,
    -2147483649,
    9223372036854775807,
    -9223372036854775808,
    1577934245,
]
TIMESTAMPS = [
    0,
    1,
    -1,
    1_577_934_245_123_456,
    1_577_934_245_500_000,
    1_577_934_245_000_000,
    -2_208_988_800_000_000,
    1_583_650_800_000_000,
    253_402_300_799_000_000,
]
DATES = [0, -1, 18263, 18329, -25567, 2932896]

_NUMBERS: list[DataType] = [BYTE, SHORT, INTEGER, LONG, FLOAT, DOUBLE, DecimalType(10, 2), DecimalType(38, 18)]
_STRUCT = StructType([StructField("a", LONG), StructField("b", STRING)])
_TO_STRUCT = StructType([StructField("x", INTEGER), StructField("y", DOUBLE)])
_DAY_SECOND = DayTimeIntervalType(0, 3)

CASES: list[tuple[DataType, list[Any], list[DataType]]] = [
    (STRING, NUMBER_STRINGS, _NUMBERS),
    (STRING, BOOLEAN_STRINGS, [BOOLEAN]),
    (STRING, DATE_STRINGS, [DATE]),
    (STRING, [*DATE_STRINGS, *TIMESTAMP_STRINGS], [TIMESTAMP, TIMESTAMP_NTZ]),
    (STRING, ["abc", "é", ""], [BINARY]),
    (
        DOUBLE,
        DOUBLES,
        [STRING, BYTE, INTEGER, LONG, FLOAT, DecimalType(10, 2), DecimalType(38, 18), BOOLEAN, TIMESTAMP],
    ),
    (FLOAT, FLOATS, [STRING, SHORT, LONG, DOUBLE, DecimalType(10, 2)]),
    (
        LONG,
        LONGS,
        [STRING, BYTE, SHORT, INTEGER, FLOAT, DOUBLE, DecimalType(10, 2), DecimalType(20, 0), BOOLEAN, TIMESTAMP],
    ),
    (BYTE, [0, 1, -128, 127], [STRING, LONG, DecimalType(3, 0), DecimalType(3, 1), BOOLEAN]),
    (INTEGER, [5, -5], [BINARY]),
    (
        DecimalType(20, 4),
        [
            Decimal(v)
            for v in ("0", "1.5", "-1.9999", "127.5", "99999.9999", "1234567890123456.7891", "0.0001", "2.345", "2.355")
        ],
        [STRING, BYTE, INTEGER, LONG, DOUBLE, FLOAT, DecimalType(10, 2), DecimalType(38, 10), BOOLEAN, TIMESTAMP],
    ),
    (BOOLEAN, [True, False], [STRING, INTEGER, LONG, DOUBLE, DecimalType(5, 2), TIMESTAMP]),
    (DATE, DATES, [STRING, TIMESTAMP, TIMESTAMP_NTZ]),
    (TIMESTAMP, TIMESTAMPS, [STRING, DATE, TIMESTAMP_NTZ, LONG, INTEGER, DOUBLE, DecimalType(20, 6), BOOLEAN]),
    (TIMESTAMP_NTZ, [*TIMESTAMPS, 1_604_194_200_000_000, 1_583_634_600_000_000], [STRING, DATE, TIMESTAMP]),
    (BINARY, [b"abc", b"", "é".encode()], [STRING]),
    (
        _DAY_SECOND,
        [0, 1, -1, 93_784_500_000, -93_784_000_000],
        [STRING, LONG, DayTimeIntervalType(0, 1), DayTimeIntervalType(2, 2)],
    ),
    (YearMonthIntervalType(0, 1), [0, 14, -14], [STRING, INTEGER, YearMonthIntervalType(0, 0)]),
    (
        ArrayType(DOUBLE),
        [(1.0, None, 1e10), ()],
        [STRING, ArrayType(INTEGER), ArrayType(STRING), ArrayType(DecimalType(12, 1))],
    ),
    (ArrayType(STRING), [("1", "x"), ("1", None)], [STRING, ArrayType(INTEGER)]),
    (MapType(STRING, LONG), [(("a", 1), ("b", None))], [STRING, MapType(STRING, STRING), MapType(STRING, DOUBLE)]),
    (_STRUCT, [(1, "2"), (None, None), (1, "x")], [STRING, _TO_STRUCT]),
]
ZONES = ("UTC", "America/New_York")


def zones_for(source: DataType, target: DataType) -> tuple[str, ...]:
    """The session zones that matter for a cast."""
    return ZONES if {source, target} & {DATE, TIMESTAMP, TIMESTAMP_NTZ} else ZONES[:1]


def key(source: DataType, value: Any, target: DataType, zone: str) -> str:
    """The name of one case in the golden file."""
    return f"{source.simpleString()} {value!r} -> {target.simpleString()} @{zone}"
