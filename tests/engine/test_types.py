"""Types in DuckDB and Arrow, and conversion between the engine's and the client's form."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema, to_arrow_type

from penstock.engine import Engine
from penstock.engine.types import arrow_schema, arrow_type, duckdb_type, engine_type, from_spark_arrow, to_spark_arrow
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    BYTE,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    NULL,
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
    TimeType,
)

_STRUCT = StructType(
    [StructField("a", INTEGER, False), StructField("b c", ArrayType(STRING, False), metadata={"k": 1})]
)
_TYPES: list[DataType] = [
    BOOLEAN,
    BYTE,
    SHORT,
    INTEGER,
    LONG,
    FLOAT,
    DOUBLE,
    STRING,
    BINARY,
    DATE,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    NULL,
    TimeType(6),
    DecimalType(10, 2),
    DecimalType(38, 18),
    DayTimeIntervalType(0, 3),
    ArrayType(TIMESTAMP),
    MapType(STRING, DayTimeIntervalType(0, 3)),
    _STRUCT,
    ArrayType(MapType(LONG, _STRUCT, False)),
]


@pytest.mark.parametrize("data_type", _TYPES, ids=str)
def test_arrow_type_is_the_client_s(data_type: DataType) -> None:
    assert arrow_type(data_type).equals(to_arrow_type(data_type, timezone="UTC"), check_metadata=True)


def test_arrow_schema_is_the_client_s() -> None:
    schema = StructType([StructField("x", LONG, False, {"m": "v"}), StructField("x", _STRUCT)])
    assert arrow_schema(schema).equals(to_arrow_schema(schema, timezone="UTC"), check_metadata=True)


_US = datetime.timedelta(microseconds=1)
_VALUES: list[tuple[DataType, list[Any]]] = [
    (LONG, [1, None]),
    (STRING, ["a", None]),
    (DecimalType(10, 2), [Decimal("1.50"), None]),
    (TIMESTAMP, [datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), None]),
    (DayTimeIntervalType(0, 3), [5 * _US, None]),
    (NULL, [None, None]),
    (ArrayType(DayTimeIntervalType(0, 3)), [[_US, None], None, []]),
    (MapType(STRING, DayTimeIntervalType(0, 3)), [[("a", _US)], None]),
    (_STRUCT, [{"a": 1, "b c": ["x"]}, None]),
    (ArrayType(_STRUCT), [[{"a": 1, "b c": None}, None], []]),
]


@pytest.mark.parametrize(("data_type", "values"), _VALUES, ids=[str(t) for t, _ in _VALUES])
def test_values_pass_through_duckdb_and_back(data_type: DataType, values: list[Any]) -> None:
    schema = StructType([StructField("x", data_type)])
    client = pa.table([pa.array(values, arrow_type(data_type))], schema=arrow_schema(schema))
    engine = Engine()
    try:
        inside = from_spark_arrow(client, schema, ["c1"])
        result = engine.cursor().query(f"SELECT CAST(c1 AS {duckdb_type(data_type)}) AS c1 FROM v", {"v": inside})
        back = to_spark_arrow(result, schema)
    finally:
        engine.close()
    assert back.schema.equals(arrow_schema(schema), check_metadata=True) and back.column(0).to_pylist() == values


def test_slices_keep_their_rows() -> None:
    data_type = ArrayType(_STRUCT)
    array = pa.array([[{"a": i, "b c": ["x"]}] if i % 2 else None for i in range(10)], engine_type(data_type))
    converted = to_spark_arrow(pa.table({"c1": array.slice(3, 4)}), StructType([StructField("x", data_type)]))
    assert converted.column(0).to_pylist() == array.slice(3, 4).to_pylist()


def test_agreeing_columns_are_not_copied() -> None:
    table = pa.table({"c1": pa.array(range(1000), pa.int64())})
    converted = to_spark_arrow(table, StructType([StructField("x", LONG)]))
    assert converted.column(0).chunk(0).buffers()[1].address == table.column(0).chunk(0).buffers()[1].address


def test_names_may_repeat_and_no_columns_keep_the_rows() -> None:
    table = pa.table({"c1": [1], "c2": [2]})
    same = StructType([StructField("x", LONG), StructField("x", LONG)])
    assert to_spark_arrow(table, same).column_names == ["x", "x"]
    assert to_spark_arrow(table, StructType([])).num_rows == 1
