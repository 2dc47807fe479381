# ruff: noqa: E501
"""ORC, Avro, XML, binaryFile and text files: written, read again, partitioned and as streams; records from a
DataFrame of texts; from_avro and to_avro."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

WIDE = """SELECT 1 AS a, 'x' AS b, CAST(NULL AS STRING) AS n, 1.5D AS d, CAST(2.50 AS DECIMAL(5,2)) AS e,
DATE'2024-01-31' AS f, TIMESTAMP'2024-01-31 10:11:12.123' AS g, TIMESTAMP_NTZ'2024-01-31 10:11:12' AS h, true AS i,
array(1, 2) AS l, named_struct('p', 1, 'q', TIMESTAMP'2024-07-31 10:11:12') AS s, map('k', 1) AS m, X'0102' AS bi"""


@pytest.fixture
def session(spark: Any) -> Any:
    spark.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    return spark


@pytest.mark.parametrize(
    ("form", "codec", "end"),
    [
        ("orc", "zstd", ".zstd.orc"),
        ("orc", "none", "c000.orc"),
        ("avro", "snappy", ".avro"),
        ("avro", "deflate", ".avro"),
    ],
)
def test_what_is_written_is_read(session: Any, tmp_path: Path, form: str, codec: str, end: str) -> None:
    rows = session.sql(WIDE)
    rows.write.format(form).option("compression", codec).save(str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").glob("part-*") if not path.name.endswith(end)] == []
    found = session.read.format(form).load(str(tmp_path / "out"))
    assert found.schema.simpleString() == rows.schema.simpleString()
    assert found.collect() == rows.collect()
    assert found.select("b").where("a = 1").collect() == [("x",)]


def test_a_timestamp_of_orc_is_a_time_on_the_clock(session: Any, tmp_path: Path) -> None:
    from pyarrow import orc

    session.sql("SELECT TIMESTAMP'2024-01-31 10:11:12' AS t").write.orc(str(tmp_path / "out"))
    file = next((tmp_path / "out").glob("part-*"))
    assert orc.read_table(str(file)).to_pylist() == [{"t": datetime.datetime(2024, 1, 31, 10, 11, 12)}]


def test_orc_columns_that_are_not_there_and_other_types(session: Any, tmp_path: Path) -> None:
    session.sql("SELECT 1 AS A, 'x' AS b").write.orc(str(tmp_path / "out"))
    found = session.read.schema("a BIGINT, z STRING").orc(str(tmp_path / "out")).collect()
    assert found == [(1, None)]
    with pytest.raises(Exception, match="FAILED_READ_FILE"):
        (tmp_path / "bad").write_bytes(b"no orc")
        session.read.schema("a INT").orc(str(tmp_path / "bad")).collect()
    assert session.read.schema("a INT").option("ignoreCorruptFiles", "true").orc(str(tmp_path / "bad")).collect() == []


@pytest.mark.parametrize("form", ["orc", "avro", "xml"])
def test_partitions_and_streams(session: Any, tmp_path: Path, form: str) -> None:
    options = {"rowTag": "r"} if form == "xml" else {}
    rows = session.range(10).withColumn("k", F.col("id") % 2)
    rows.write.partitionBy("k").format(form).options(**options).save(str(tmp_path / "in"))
    read = session.read.format(form).options(**options).load(str(tmp_path / "in"))
    assert sorted(map(tuple, read.where("k = 1").collect())) == [(1, 1), (3, 1), (5, 1), (7, 1), (9, 1)]
    stream = session.readStream.schema("id BIGINT, k INT").format(form).options(**options).load(str(tmp_path / "in"))
    writer = stream.writeStream.format(form).options(**options).option("checkpointLocation", str(tmp_path / "cp"))
    writer.trigger(availableNow=True).start(str(tmp_path / "out")).awaitTermination()
    assert session.read.format(form).options(**options).load(str(tmp_path / "out")).count() == 10


def test_avro_schema_and_decimals_of_other_writers(session: Any, tmp_path: Path) -> None:
    import fastavro

    fields = [
        {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}},
        {"name": "u", "type": ["int", "long"]}, {"name": "v", "type": ["null", "string", "int"]},
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
    ]  # fmt: skip
    schema = {"type": "record", "name": "r", "fields": fields}
    with (tmp_path / "x.avro").open("wb") as file:
        fastavro.writer(
            file,
            schema,
            [{"d": Decimal("1.25"), "u": 5, "v": 7, "e": "B"}, {"d": Decimal("2.00"), "u": 6, "v": None, "e": "A"}],
        )
    found = session.read.format("avro").load(str(tmp_path / "x.avro"))
    assert (
        found.schema.simpleString() == "struct<d:decimal(6,2),u:bigint,v:struct<member0:string,member1:int>,e:string>"
    )
    assert found.collect() == [(Decimal("1.25"), 5, (None, 7), "B"), (Decimal("2.00"), 6, None, "A")]
    narrow = '{"type":"record","name":"r","fields":[{"name":"u","type":"long"},{"name":"n","type":"int","default":9}]}'
    given = session.read.format("avro").option("avroSchema", narrow).load(str(tmp_path / "x.avro"))
    assert [row.n for row in given.collect()] == [9, 9]


def test_avro_values(session: Any) -> None:
    from pyspark.sql.avro.functions import from_avro, to_avro

    rows = session.createDataFrame([(("Alice", 2),), (None,)], "v STRUCT<name: STRING, age: INT>")
    written = rows.select(to_avro("v").alias("b"))
    assert [row.b for row in written.collect()] == [b"\x00\x00\nAlice\x00\x04", b"\x02"]
    schema = '[{"type":"record","name":"x","fields":[{"name":"name","type":["string","null"]},{"name":"age","type":["int","null"]}]},"null"]'
    assert [row.r for row in written.select(from_avro("b", schema).alias("r")).collect()] == [("Alice", 2), None]
    broken = session.sql("SELECT X'0000FF' AS b")
    with pytest.raises(Exception, match="MALFORMED_RECORD_IN_PARSING"):
        broken.select(from_avro("b", schema)).collect()
    assert broken.select(from_avro("b", schema, {"mode": "PERMISSIVE"})).collect() == [(None,)]


def test_binary_files(session: Any, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00abc")
    (tmp_path / "b.txt").write_bytes(b"no")
    found = session.read.format("binaryFile").option("pathGlobFilter", "*.bin").load(str(tmp_path))
    assert found.schema.simpleString() == "struct<path:string,modificationTime:timestamp,length:bigint,content:binary>"
    row = found.first()
    assert (row.path, row.length, row.content) == (f"file:{tmp_path}/a.bin", 4, b"\x00abc")
    session.conf.set("spark.sql.sources.binaryFile.maxLength", "3")
    assert found.select("length").collect() == [(4,)]
    session.conf.unset("spark.sql.sources.binaryFile.maxLength")


def test_records_from_a_dataframe_of_texts(session: Any) -> None:
    texts = session.createDataFrame([('{"a":1,"b":"x"}',), ('{"a":2,"a":3}',), ("x",), (None,)], "t STRING")
    assert session.read.json(texts).collect() == [(None, 1, "x"), (None, 3, None), ("x", None, None)]
    assert session.read.schema("a INT").json(texts).collect() == [(1,), (3,), (None,)]
    lines = session.createDataFrame([("a,b",), ("1,x",), ('2,"y,z"',)], "t STRING")
    found = session.read.option("header", True).option("inferSchema", True).csv(lines)
    assert (found.schema.simpleString(), found.collect()) == ("struct<a:int,b:string>", [(1, "x"), (2, "y,z")])
    elements = session.createDataFrame([("<p><a>1</a></p>",)], "t STRING")
    assert session.read.option("rowTag", "p").xml(elements).collect() == [(1,)]
    with pytest.raises(Exception, match="PARSE_INPUT_NOT_STRING_TYPE"):
        session.read.json(session.range(1)).collect()


def test_bytes_that_are_no_text(session: Any, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'{"b":"\xe9"}\n')
    assert session.read.schema("b STRING").json(str(tmp_path / "x.json")).collect() == [("\ufffd",)]
