"""SQL over streams: views, windows of event time, LATERAL VIEW, STREAM, tables as sources and sinks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException


@pytest.fixture
def view(spark: Any, tmp_path: Path) -> Any:
    """A stream of (k, v, t) as the view `s`; the table `tt` with the rows 1 and 2."""
    source = tmp_path / "in"
    source.mkdir()
    rows = [("a", 1, "00:00:01"), ("b", None, "00:00:07"), ("a", 3, "00:00:12"), ("a", 5, "00:00:19")]
    (source / "a.json").write_text(
        "".join(f'{{"k":"{k}","v":{"null" if v is None else v},"t":"2024-01-01 {time}"}}\n' for k, v, time in rows)
    )
    frame = spark.readStream.schema("k string, v int, t timestamp").json(str(source))
    frame.withWatermark("t", "0 seconds").createOrReplaceTempView("s")
    spark.sql("CREATE TABLE tt (a INT) USING parquet")
    spark.sql("INSERT INTO tt VALUES (1), (2)")
    return spark


def run(spark: Any, frame: Any, mode: str = "append") -> list[tuple[Any, ...]]:
    """All rows that the memory sink has in the end."""
    query = frame.writeStream.format("memory").queryName("out").outputMode(mode).start()
    query.processAllAvailable()
    query.stop()
    return sorted((tuple(row) for row in spark.table("out").collect()), key=str)


#: (query, output mode, rows)
QUERIES: list[tuple[str, str, list[Any]]] = [
    ("SELECT upper(k) FROM s WHERE v > 2", "append", [("A",), ("A",)]),
    ("SELECT k, x FROM s LATERAL VIEW explode(array(v, v + 1)) e AS x WHERE x = 2", "append", [("a", 2)]),
    ("WITH c AS (SELECT k FROM s WHERE v IS NULL) SELECT * FROM c", "append", [("b",)]),
    ("SELECT k, count(*) FROM s GROUP BY k", "complete", [("a", 3), ("b", 1)]),
    ("SELECT k, count(*) FROM s GROUP BY k HAVING count(*) > 1", "update", [("a", 3)]),
    ("SELECT count(*) FILTER (WHERE v IS NOT NULL) FROM s", "complete", [(3,)]),
    ("SELECT k, a FROM s JOIN tt ON v = a", "append", [("a", 1)]),
    ("SELECT k FROM s WHERE v IN (SELECT a FROM tt)", "append", [("a",)]),
    ("SELECT v FROM s WHERE v = 1 UNION ALL SELECT v FROM s WHERE v = 5", "append", [(1,), (5,)]),
    (
        "SELECT date_format(window.start, 'mm:ss'), sum(v) FROM s GROUP BY window(t, '10 seconds')",
        "append",
        [("00:00", 1)],
    ),
    (
        "SELECT date_format(window.end, 'mm:ss'), count(*) FROM s GROUP BY window(t, '10 seconds', '5 seconds')",
        "update",
        [("00:05", 1), ("00:10", 2), ("00:15", 2), ("00:20", 2), ("00:25", 1)],
    ),
    ("SELECT * FROM STREAM tt", "append", [(1,), (2,)]),
    ("SELECT x.a + 1 FROM STREAM(default.tt) AS x", "append", [(2,), (3,)]),
    ("SELECT k FROM STREAM s JOIN tt ON v = a", "append", [("a",)]),
]


def test_queries_over_streams(view: Any) -> None:
    for text, mode, expected in QUERIES:
        frame = view.sql(text)
        assert frame.isStreaming, text
        assert run(view, frame, mode) == expected, text


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("SELECT row_number() OVER (PARTITION BY k ORDER BY v) FROM s", "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING"),
        ("SELECT k, count(*) FROM s GROUP BY k", "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION"),
        ("SELECT * FROM STREAM b", "_LEGACY_ERROR_TEMP_1008"),
        ("SELECT * FROM STREAM nowhere", "TABLE_OR_VIEW_NOT_FOUND"),
    ],
)
def test_what_does_not_go(view: Any, text: str, condition: str) -> None:
    view.range(3).createOrReplaceTempView("b")
    with pytest.raises(AnalysisException) as caught:
        view.sql(text).writeStream.format("noop").start()
    assert caught.value.getCondition() == condition


def test_a_column_and_an_alias_may_be_called_stream(view: Any) -> None:
    assert view.sql("SELECT stream.a AS stream FROM tt stream ORDER BY 1").collect() == [(1,), (2,)]
    assert not view.sql("SELECT 1 stream").isStreaming


def test_from_table_to_table(view: Any, tmp_path: Path) -> None:
    checkpoint = str(tmp_path / "cp")
    for expected in ([1, 2], [1, 2, 7]):
        writer = view.readStream.table("tt").writeStream.trigger(availableNow=True)
        assert writer.option("checkpointLocation", checkpoint).toTable("copied").awaitTermination(120)
        assert [row.a for row in view.sql("SELECT a FROM copied ORDER BY a").collect()] == expected
        view.sql("INSERT INTO tt VALUES (7)") if len(expected) == 2 else None


def test_a_table_by_partitions(view: Any, tmp_path: Path) -> None:
    frame = view.sql("SELECT v, k FROM s WHERE v IS NOT NULL")
    writer = frame.writeStream.partitionBy("k").option("checkpointLocation", str(tmp_path / "cp"))
    query = writer.toTable("parted", format="json")
    query.processAllAvailable()
    query.stop()
    assert sorted(tuple(row) for row in view.table("parted").collect()) == [(1, "a"), (3, "a"), (5, "a")]


def test_from_a_table_of_many_partitions(view: Any, tmp_path: Path) -> None:
    """Also of those that come after the stream has begun, and of a table that has none yet."""
    view.sql("CREATE TABLE many (a INT, d STRING, e DATE) USING parquet PARTITIONED BY (d, e)")
    expected: list[tuple[Any, ...]] = []
    for rows in ([], [(1, "x", "2020-01-01"), (2, "y", None)], [(3, "x", "2020-01-01"), (4, "z", "2021-01-01")]):
        for a, d, e in rows:
            view.sql(f"INSERT INTO many VALUES ({a}, '{d}', CAST({'NULL' if e is None else repr(e)} AS DATE))")
            expected.append((a, d, e))
        writer = view.readStream.table("many").writeStream.trigger(availableNow=True)
        writer.option("checkpointLocation", str(tmp_path / "cp")).toTable("of_many").awaitTermination(120)
        found = view.sql("SELECT a, d, CAST(e AS STRING) FROM of_many ORDER BY a").collect()
        assert [tuple(row) for row in found] == expected
