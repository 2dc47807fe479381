"""Python functions of a row in a stream, before and after its stateful operators; a batch query gives the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, StreamingQueryException
from pyspark.sql import functions as F
from pyspark.sql.functions import col, pandas_udf, udf
from pyspark.sql.types import DoubleType, LongType, StringType

from tests.bad_input.failing import with_batches

BATCHES = (
    [{"k": "a", "v": 1, "t": "2024-01-01T00:00:00Z"}, {"k": "b", "v": 2, "t": "2024-01-01T00:00:01Z"}],
    [{"k": "a", "v": 3, "t": "2024-01-01T00:01:00Z"}],
)
SCHEMA = "k string, v int, t timestamp"
ten_times = udf(lambda x: x * 10, LongType())
twice = udf(lambda text: text * 2, StringType(), useArrow=False)
total = pandas_udf(lambda s: float(s.sum()), DoubleType(), 202)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    for number, batch in enumerate(BATCHES):
        (path / f"{number}.json").write_text("".join(json.dumps(row) + "\n" for row in batch))
    return path


def stream(spark: Any, source: Path) -> Any:
    return spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).json(str(source))


def run(frame: Any, mode: str, checkpoint: Path) -> list[list[Any]]:
    """The rows of each batch, as a foreachBatch function sees them."""
    batches: list[list[Any]] = []

    def keep(batch: Any, batch_id: int) -> None:
        batches.append(sorted(tuple(row) for row in batch.collect()))

    writer = frame.writeStream.outputMode(mode).option("checkpointLocation", str(checkpoint))
    query = with_batches(writer, keep).trigger(availableNow=True).start()
    assert query.awaitTermination(120)
    return batches


STATELESS: dict[str, Callable[[Any], Any]] = {
    "project": lambda df: df.select("k", ten_times("v"), twice("k")),
    "filter": lambda df: df.filter(ten_times("v") > 10).select("v"),
    "pandas": lambda df: df.select(pandas_udf(lambda s: s + 1, "int")("v")),
    "map": lambda df: df.mapInPandas(lambda it: (d.assign(v=d.v + 1) for d in it), "k string, v int"),
    "map in Arrow": lambda df: df.select("k").mapInArrow(lambda it: it, "k string"),
    "two after each other": lambda df: df.withColumn("w", ten_times("v")).select(ten_times("w")),
    "union": lambda df: df.select(ten_times("v").alias("x")).union(df.select(col("v").cast("long"))),
}


@pytest.mark.parametrize("case", STATELESS)
def test_stateless(spark: Any, source: Path, tmp_path: Path, case: str) -> None:
    transform = STATELESS[case]
    if case == "union":
        files = [spark.read.schema(SCHEMA).json(str(source))]
    else:
        files = [spark.read.schema(SCHEMA).json(str(source / f"{n}.json")) for n in range(2)]
    found = run(transform(stream(spark, source)), "append", tmp_path / "cp")
    whole = [row for file in files for row in map(tuple, transform(file).collect())]
    assert sorted(row for batch in found for row in batch) == sorted(whole)


STATEFUL: dict[str, tuple[Callable[[Any], Any], str, list[Any]]] = {
    "below an aggregate": (
        lambda df: df.filter(ten_times("v") > 10).withColumn("u", ten_times("v")).groupBy("k").agg(F.sum("u")),
        "complete",
        [[("b", 20)], [("a", 30), ("b", 20)]],
    ),
    "above an aggregate": (
        lambda df: df.groupBy("k").agg(F.sum("v").alias("s")).select("k", ten_times("s")),
        "update",
        [[("a", 10), ("b", 20)], [("a", 40)]],
    ),
    "in the key, with a watermark": (
        lambda df: (
            df.withWatermark("t", "10 seconds")
            .groupBy(F.window("t", "10 seconds"), twice("k").alias("kk"))
            .count()
            .select("kk", ten_times("count"))
        ),
        "append",
        [[], [], [("aa", 10), ("bb", 10)]],
    ),
    "below dropDuplicates": (
        lambda df: df.select(twice("k").alias("kk")).dropDuplicates(["kk"]),
        "append",
        [[("aa",), ("bb",)], []],
    ),
    "on the static side of a join": (
        lambda df: df.join(
            df.sparkSession.range(3).select(ten_times("id").alias("ten"), "id"), col("v") == col("id"), "left"
        ).select("k", "ten"),
        "append",
        [[("a", 10), ("b", 20)], [("a", None)]],
    ),
}


@pytest.mark.parametrize("case", STATEFUL)
def test_stateful(spark: Any, source: Path, tmp_path: Path, case: str) -> None:
    transform, mode, expected = STATEFUL[case]
    assert run(transform(stream(spark, source)), mode, tmp_path / "cp") == expected


def test_a_function_is_loaded_once_per_query(spark: Any, source: Path, tmp_path: Path) -> None:
    def counter() -> Callable[[Any], int]:
        seen: list[Any] = []

        def count(value: Any) -> int:
            seen.append(value)
            return len(seen)

        return count

    found = run(stream(spark, source).select(udf(counter(), "int")("v")), "append", tmp_path / "cp")
    assert found == [[(1,), (2,)], [(3,)]]


def test_a_function_that_fails(spark: Any, source: Path, tmp_path: Path) -> None:
    def picky(x: int) -> int:
        if x > 2:
            raise ValueError(f"not {x}")
        return x

    with pytest.raises(StreamingQueryException) as caught:
        run(stream(spark, source).select(udf(picky, "int")("v")), "append", tmp_path / "cp")
    text = str(caught.value)
    assert caught.value.getCondition() == "STREAM_FAILED"
    for part in ("batch 1", "[PYTHON_EXCEPTION]", "ValueError: not 3", f'File "{__file__}"', "in picky"):
        assert part in text


def test_groups_are_those_of_a_batch(spark: Any, source: Path, tmp_path: Path) -> None:
    grouped = (
        stream(spark, source).groupBy("k").applyInPandas(lambda d: d.assign(v=d.v.sum())[["k", "v"]], "k string, v int")
    )
    assert run(grouped, "append", tmp_path / "cp") == [[("a", 1), ("b", 2)], [("a", 3)]]


def test_python_aggregates_are_refused(spark: Any, source: Path, tmp_path: Path) -> None:
    with pytest.raises(AnalysisException, match="Python aggregate functions do not run on a stream"):
        run(stream(spark, source).groupBy("k").agg(total("v")), "update", tmp_path / "cp")
