"""`show` against what Spark 4.2 printed for the same rows (show_golden.json, session time zone America/New_York)."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from penstock.core.show import html_string, show_string
from penstock.core.text import (
    binary_text,
    day_time_text,
    double_text,
    float_text,
    timestamp_text,
    year_month_text,
    zone,
)

GOLDEN = json.loads(Path(__file__).with_name("show_golden.json").read_text())
ZONE = "America/New_York"

SCHEMA = StructType(
    [
        StructField("b", BooleanType()), StructField("i", IntegerType()), StructField("l", LongType()),
        StructField("f", FloatType()), StructField("d", DoubleType()), StructField("s", StringType()),
        StructField("bin", BinaryType()), StructField("dt", DateType()), StructField("ts", TimestampType()),
        StructField("ntz", TimestampNTZType()), StructField("dec", DecimalType(10, 3)),
        StructField("arr", ArrayType(IntegerType())),
        StructField("st", StructType([StructField("x", IntegerType()), StructField("y", StringType())])),
        StructField("m", MapType(StringType(), DoubleType())),
        StructField("nest", ArrayType(StructType([StructField("x", ArrayType(StringType()))]))),
    ]
)  # fmt: skip


def at(*parts: int) -> tuple[datetime.datetime, datetime.datetime]:
    naive = datetime.datetime(*parts)  # type: ignore[arg-type]
    return naive.replace(tzinfo=datetime.UTC), naive


NOON = at(2024, 3, 1, 12, 34, 56, 789000)
ROWS: list[tuple[Any, ...]] = [
    (True, 1, 2, 1.5, 1e20, "héllo", b"\x01\xff", datetime.date(2024, 2, 29), *NOON, Decimal("1.5"), [1, None],
     {"x": 1, "y": None}, [("a", 1.0), ("b", None)], [{"x": ["q", None]}]),
    (None,) * 15,
    (False, -1, 10**15, float("nan"), float("-inf"), "x" * 30, b"abc", datetime.date(1, 1, 1), at(1900, 1, 1)[0],
     at(2024, 1, 1, 0, 0, 0, 1)[1], Decimal("-0.001"), [], None, [], []),
    (False, -1, 10**15, 1e-5, 0.1, "日本語テキスト日本語テキスト日本語", b"", datetime.date(9999, 12, 31),
     at(2024, 1, 1, 0, 0, 0, 120000)[0], at(2024, 1, 1)[1], Decimal("0.000"), [1, 2, 3], {"x": 1, "y": "a\nb"},
     [("k", 1e-3)], None),
]  # fmt: skip


@pytest.fixture(scope="module")
def table() -> pa.Table:
    arrow = to_arrow_schema(SCHEMA, timezone="UTC")
    return pa.Table.from_arrays([pa.array([row[i] for row in ROWS], f.type) for i, f in enumerate(arrow)], schema=arrow)


@pytest.mark.parametrize("case", GOLDEN)
def test_as_spark_prints(table: pa.Table, case: str) -> None:
    shown = show_string(table, SCHEMA, time_zone=ZONE, **GOLDEN[case]["options"])
    text = GOLDEN[case]["text"]
    assert shown == (text if "only showing top" in text else text + "\n")  # what print() adds is not in the text


def test_nothing_to_show(table: pa.Table) -> None:
    options: dict[str, Any] = {"rows": 20, "truncate": 20, "time_zone": ZONE}
    assert show_string(table.slice(0, 0), SCHEMA, vertical=True, **options) == "(0 rows)\n"
    assert show_string(pa.table({}), StructType(), vertical=False, **options) == "++\n||\n++\n++\n"


def test_control_characters() -> None:
    frame = pa.table({"x\ny": ["a\tb\rc\x07d\\"]})
    schema = StructType([StructField("x\ny", StringType())])
    lines = show_string(frame, schema, rows=5, truncate=0, vertical=False, time_zone="UTC").splitlines()
    assert [lines[1], lines[3]] == ["|x\\ny       |", "|a\\tb\\rc\\ad\\|"]


def test_html() -> None:
    frame = pa.table({"<i>": pa.array([1, 2, 3], pa.int32()), "s": ["a & b", None, "c"]})
    schema = StructType([StructField("<i>", IntegerType()), StructField("s", StringType())])
    assert html_string(frame, schema, rows=2, truncate=20, time_zone="UTC") == (
        "<table border='1'>\n<tr><th>&lt;i&gt;</th><th>s</th></tr>\n<tr><td>1</td><td>a &amp; b</td></tr>\n"
        "<tr><td>2</td><td>NULL</td></tr>\n</table>\nonly showing top 2 rows\n"
    )


@pytest.mark.parametrize(
    ("value", "double", "single"),
    [
        (0.0, "0.0", "0.0"), (-0.0, "-0.0", "-0.0"), (1.0, "1.0", "1.0"), (100.0, "100.0", "100.0"),
        (1e6, "1000000.0", "1000000.0"), (9999999.0, "9999999.0", "9999999.0"), (1e7, "1.0E7", "1.0E7"),
        (12345678.9, "1.23456789E7", "1.2345679E7"), (1e-3, "0.001", "0.001"), (9.99e-4, "9.99E-4", "9.99E-4"),
        (3.4e38, "3.4E38", "3.4E38"), (123456.789, "123456.789", "123456.79"),
        (2**0.5, "1.4142135623730951", "1.4142135"), (1 / 3, "0.3333333333333333", "0.33333334"),
        (5e-324, "4.9E-324", "0.0"), (1e22, "1.0E22", "1.0E22"),
    ],
)  # fmt: skip
def test_floating_point_as_java_prints_it(value: float, double: str, single: str) -> None:
    assert double_text(value) == double
    assert float_text(float(numpy.float32(value))) == single


def test_intervals() -> None:
    assert day_time_text(93_784_500_000, 0, 3) == "INTERVAL '1 02:03:04.5' DAY TO SECOND"
    assert day_time_text(-86_400_000_000, 0, 0) == "INTERVAL '-1' DAY"
    assert day_time_text(90_000_000, 3, 3) == "INTERVAL '90' SECOND"
    assert day_time_text(90_000_000, 1, 2) == "INTERVAL '00:01' HOUR TO MINUTE"
    assert year_month_text(14, 0, 1) == "INTERVAL '1-2' YEAR TO MONTH"


def test_times_and_bytes() -> None:
    assert timestamp_text(0, zone("+01:30")) == "1970-01-01 01:30:00"
    assert timestamp_text(1, zone("UTC")) == "1970-01-01 00:00:00.000001"
    assert binary_text(b"\x00\xab") == "[00 AB]"
