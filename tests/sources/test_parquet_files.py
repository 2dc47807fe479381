# ruff: noqa: E501
import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import read, relation, rows

from penstock.core.errors import SparkError
from penstock.plan.types import DOUBLE, INTEGER, LONG, STRING, TIMESTAMP, TIMESTAMP_NTZ, DecimalType


def put(tmp_path, name="a.parquet", **columns):
    path = tmp_path / name
    pq.write_table(pa.table(columns), path)
    return path


def test_types_from_the_footer(tmp_path):
    path = put(
        tmp_path, i=pa.array([1], pa.int32()), u=pa.array([1], pa.uint32()), s=["x"], b=[b"y"], d=[datetime.date(2024, 1, 1)],
        t=pa.array([0], pa.timestamp("us", "UTC")), n=pa.array([0], pa.timestamp("ms")), dec=pa.array([Decimal("1.5")]),
        l=[[1]], st=[{"x": 1.5}], m=pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        dic=pa.array(["v"]).dictionary_encode(),
    )  # fmt: skip
    assert relation("parquet", path).schema.simpleString() == (
        "struct<i:int,u:bigint,s:string,b:binary,d:date,t:timestamp,n:timestamp_ntz,dec:decimal(2,1),l:array<bigint>,"
        "st:struct<x:double>,m:map<string,bigint>,dic:string>"
    )
    (row,) = read("parquet", path)
    assert row[5] == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert (row[2], row[6], row[10]) == ("x", datetime.datetime(1970, 1, 1), [("k", 1)])


def test_int96_is_a_timestamp(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"t": pa.array([1_000_000], pa.timestamp("us"))}), path, use_deprecated_int96_timestamps=True
    )
    assert relation("parquet", path).schema["t"].dataType == TIMESTAMP
    assert read("parquet", path)[0][0].timestamp() == 1


def test_columns_by_name_with_missing_and_widened_ones(tmp_path):
    put(tmp_path, "a.parquet", x=pa.array([1], pa.int32()), y=["s"])
    put(tmp_path, "b.parquet", X=pa.array([2], pa.int64()))
    found = read("parquet", tmp_path, {"x": LONG, "y": STRING, "z": DOUBLE})
    assert sorted(found) == [(1, "s", None), (2, None, None)]
    assert sorted(read("parquet", tmp_path, {"x": DecimalType(20, 0)})) == [(Decimal(1),), (Decimal(2),)]


def test_merge_schema(tmp_path):
    put(tmp_path, "a.parquet", x=pa.array([1], pa.int32()))
    put(tmp_path, "b.parquet", x=pa.array([2], pa.int64()), y=["s"])
    assert relation("parquet", tmp_path).schema.simpleString() == "struct<x:int>"
    merged = relation("parquet", tmp_path, mergeSchema="true")
    assert merged.schema.simpleString() == "struct<x:bigint,y:string>"
    put(tmp_path, "c.parquet", x=["no"])
    with pytest.raises(SparkError, match="CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"):
        relation("parquet", tmp_path, mergeSchema="true")


def test_wrong_types_name_column_and_file(tmp_path):
    path = put(tmp_path, x=["s"])
    with pytest.raises(SparkError, match="PARQUET_COLUMN_DATA_TYPE_MISMATCH") as caught:
        read("parquet", path, {"x": INTEGER})
    assert caught.value.params["column"] == "[x]"


def test_ntz_as_timestamp(tmp_path):
    path = put(tmp_path, t=pa.array([5_000_000], pa.timestamp("us")))
    assert read("parquet", path, {"t": TIMESTAMP})[0][0].timestamp() == 5
    assert read("parquet", path, {"t": TIMESTAMP_NTZ}) == [(datetime.datetime(1970, 1, 1, 0, 0, 5),)]


def test_not_parquet(tmp_path):
    (tmp_path / "x.parquet").write_text("hello")
    with pytest.raises(SparkError, match="CANNOT_READ_FILE_FOOTER"):
        relation("parquet", tmp_path)


def test_nanoseconds_are_refused_as_in_spark(tmp_path):
    with pytest.raises(SparkError, match="PARQUET_TYPE_ILLEGAL"):
        relation("parquet", put(tmp_path, t=pa.array([1], pa.timestamp("ns"))))


def test_no_columns(tmp_path):
    assert len(rows(relation("parquet", put(tmp_path, x=[1, 2])).scan([], "UTC"))) == 2
