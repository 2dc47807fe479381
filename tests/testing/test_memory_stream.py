"""Streams of rows that a test adds."""

import datetime

import pyarrow as pa
import pytest
from pyspark.errors import IllegalArgumentException
from pyspark.sql import Row

from penstock.testing import AddData, CheckAnswer, MemoryStream, StartStream, check_stream


def test_rows_of_every_shape(spark):
    stream = MemoryStream("k string, v int")
    stream.add_data([("a", 1), {"k": "b", "v": 2}, Row(k="c", v=3), {"k": "d"}])
    stream.add_data({"v": [5], "k": ["e"]})
    stream.add_data(pa.table({"x": ["f"], "y": pa.array([6], pa.int64())}))
    expected = [("a", 1), ("b", 2), ("c", 3), ("d", None), ("e", 5), ("f", 6)]
    check_stream(stream.to_df(spark), CheckAnswer(*expected))


def test_types(spark):
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, 6)
    row = (moment, datetime.date(2024, 1, 2), [1, None], {"a": 1.5}, Row(x=1), b"z", None)
    stream = MemoryStream(
        "t timestamp, d date, a array<int>, m map<string,double>, s struct<x:int>, b binary, n string"
    )
    check_stream(stream.to_df(spark), AddData(stream, row), CheckAnswer(row))


def test_schema(spark):
    stream = MemoryStream("k string, v int")
    df = stream.to_df(spark)
    assert df.isStreaming
    assert df.schema.simpleString() == "struct<k:string,v:int>"


def test_offsets_and_limits(spark):
    stream = MemoryStream("n long", adds_per_trigger=1)
    assert [stream.add_data([1]), stream.add_data([2, 3])] == [0, 1]
    seen = []
    check_stream(
        stream.to_df(spark),
        StartStream(trigger={"availableNow": True}),
        CheckAnswer(1, 2, 3),
        *[AssertProgress(seen)],
    )
    assert seen == [(0, None, 0, 1), (1, 0, 1, 2)]


class AssertProgress:
    def __init__(self, seen):
        self.seen = seen

    def run(self, test):
        for progress in test.known().recent_progress:
            (source,) = progress["sources"]
            if source["numInputRows"]:
                row = (progress["batchId"], source["startOffset"], source["endOffset"], source["numInputRows"])
                self.seen.append(row)


def test_several_queries_read_the_same_rows(spark):
    stream = MemoryStream("n long")
    for _ in range(2):
        check_stream(stream.to_df(spark), AddData(stream, 1), CheckAnswer(*[1] * (stream.latest + 2)))


def test_a_batch_reads_all_rows(spark):
    stream = MemoryStream("n long")
    stream.add_data([1, 2])
    assert [r.n for r in spark.read.format("penstock-memory").option("id", stream.id).load().collect()] == [1, 2]


def test_unknown_stream(spark):
    with pytest.raises(IllegalArgumentException, match="no MemoryStream"):
        spark.readStream.format("penstock-memory").option("id", "x").load().schema  # noqa: B018
