"""The SQL that reads nested JSON: how it grows with the depth of a type, and what it makes of what does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from penstock.plan.types import (
    ArrayType,
    DataType,
    DoubleType,
    IntegerType,
    MapType,
    StringType,
    StructField,
    StructType,
)
from penstock.sources.files.json import JsonFormat
from penstock.sources.files.json_values import JsonValues, nested_lambdas
from penstock.sources.files.listing import DataFile

VALUES = JsonValues()
WRAPS: dict[str, Callable[[DataType], DataType]] = {
    "struct": lambda t: t,
    "array": lambda t: ArrayType(t, True),
    "map": lambda t: MapType(StringType(), t, True),
}


def deep(levels: int, wrap: str) -> StructType:
    t = StructType([StructField("v", IntegerType(), True), StructField("s", StringType(), True)])
    for _ in range(levels):
        t = StructType([StructField("v", DoubleType(), True), StructField("c", WRAPS[wrap](t), True)])
    return t


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("make", [VALUES.value, VALUES.is_bad], ids=["value", "is_bad"])
def test_sql_grows_with_the_depth_and_does_not_double(wrap: str, make: Callable[[str, DataType], str]) -> None:
    length = {n: len(make("x", deep(n, wrap))) for n in (4, 8, 16)}
    assert length[16] - length[8] < 2.5 * (length[8] - length[4]) + 100, length
    assert length[16] < 20_000


def test_structs_in_each_other_have_one_lambda() -> None:
    assert VALUES.value("x", deep(16, "struct")).count("lambda") == 1
    assert nested_lambdas(deep(16, "struct")) == 1
    assert [nested_lambdas(deep(n, "array")) for n in (1, 2, 3)] == [2, 3, 4]
    assert [nested_lambdas(deep(n, "map")) for n in (1, 2)] == [3, 5]
    assert nested_lambdas(ArrayType(ArrayType(IntegerType()))) == 2


@pytest.mark.parametrize(("wrap", "levels", "fast"), [("struct", 40, True), ("array", 5, True), ("array", 9, False)])
def test_types_that_are_dear_to_bind_are_read_record_by_record(
    tmp_path: Path, wrap: str, levels: int, fast: bool
) -> None:
    (tmp_path / "a.json").write_text("{}\n")
    file = DataFile(str(tmp_path / "a.json"), 3, 0)
    schema = deep(levels, wrap)
    fragment = JsonFormat({}, {}).fragment([file], [(f, f.name) for f in schema.fields], schema, "UTC")
    assert ("read_json(" in fragment.sql) is fast


def ask(text: str, t: DataType) -> tuple[Any, bool]:
    sql = f"SELECT {VALUES.value('j', t)}, {VALUES.is_bad('j', t)} FROM (SELECT CAST(? AS VARCHAR) AS j)"
    row = duckdb.execute(sql, [text]).fetchone()
    assert row is not None
    return row[0], row[1]


NESTED = StructType(
    [
        StructField(
            "a", StructType([StructField("b", StructType([StructField("c", IntegerType(), True)]), True)]), True
        ),
        StructField("xs", ArrayType(StructType([StructField("n", IntegerType(), True)]), True), True),
        StructField("ys", ArrayType(ArrayType(IntegerType(), True), True), True),
        StructField('q"\\', IntegerType(), True),
    ]
)
NOTHING = {"a": None, "xs": None, "ys": None, 'q"\\': None}


@pytest.mark.parametrize(
    ("value", "want", "bad"),
    [
        ({"a": {"b": {"c": 1}}}, NOTHING | {"a": {"b": {"c": 1}}}, False),
        ({"a": {"b": {"c": "x"}}}, NOTHING | {"a": {"b": {"c": None}}}, True),
        ({"a": {"b": [1]}}, NOTHING | {"a": {"b": None}}, True),
        ({"a": {"b": None}}, NOTHING | {"a": {"b": None}}, False),
        ({"a": 5}, NOTHING, True),
        ({"xs": [{"n": 1}, None, {}]}, NOTHING | {"xs": [{"n": 1}, None, {"n": None}]}, False),
        ({"xs": [{"n": 1}, 7]}, NOTHING | {"xs": [{"n": 1}, None]}, True),
        ({"xs": [{"n": 1.5}]}, NOTHING | {"xs": [{"n": None}]}, True),
        ({"xs": {}}, NOTHING, True),
        ({"ys": [[1], None, [None]]}, NOTHING | {"ys": [[1], None, [None]]}, False),
        ({"ys": [[1], ["x"]]}, NOTHING, True),
        ({'q"\\': 4}, NOTHING | {'q"\\': 4}, False),
    ],
    ids=str,
)
def test_members_that_do_not_fit(value: Any, want: Any, bad: bool) -> None:
    assert ask(json.dumps(value), NESTED) == (want, bad)
