"""The last columns come out the same without a query as by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

import penstock
from penstock.runtime import planner

FILES = [
    [{"k": "a", "n": 1, "t": "2026-03-01T10:00:01Z", "d": "1.50"}, {"n": 2, "t": "2026-03-01T10:00:02Z"}],
    [],
    [{"k": "a", "n": 5, "t": "2026-03-01T10:07:00Z", "d": None}, {"k": "b", "n": None, "t": "2026-03-01T10:09:00Z"}],
]
WINDOW = F.window("t", "5 minutes")

#: The query, and whether it needs no SQL at the end.
QUERIES: dict[str, tuple[Callable[[Any], Any], str, bool]] = {
    "count": (lambda s: s.groupBy("k").count(), "update", True),
    "count by a window": (lambda s: s.withWatermark("t", "1 minute").groupBy(WINDOW, "k").count(), "update", True),
    "complete": (lambda s: s.groupBy(WINDOW).agg(F.count("n"), F.max("n"), F.min("d")), "complete", True),
    "renamed, twice, in another order": (
        lambda s: s.groupBy("k").agg(F.max("n").alias("m")).select(F.col("m").alias("x"), "k", F.col("m").alias("y")),
        "update",
        True,
    ),
    "of all rows": (lambda s: s.agg(F.count("*"), F.min("k")), "complete", True),
    "append": (lambda s: s.withWatermark("t", "0 seconds").groupBy(WINDOW).count(), "append", True),
    "sessions": (
        lambda s: s.withWatermark("t", "0 seconds").groupBy("k", F.session_window("t", "1 minute")).count(),
        "append",
        True,
    ),
    "distinct": (lambda s: s.select("k", "d").distinct(), "append", True),
    "limit": (lambda s: s.select(F.struct("k", "n").alias("both"), "d").limit(2), "append", True),
    "an expression above": (lambda s: s.groupBy("k").count().select("k", F.col("count") + 1), "update", False),
    "one that is finished by SQL": (lambda s: s.groupBy("k").agg(F.avg("n")), "update", False),
    "a filter above": (lambda s: s.groupBy("k").count().where("count > 1"), "update", False),
    "sorted": (lambda s: s.groupBy("k").count().orderBy("k"), "complete", False),
    "a window's start alone": (lambda s: s.groupBy(WINDOW).count().select("window.start", "count"), "update", False),
}


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session()


def batches(stream: Any, mode: str, root: Path) -> list[tuple[str, list[Any]]]:
    """The schema and the rows of each batch."""
    seen: list[tuple[str, list[Any]]] = []

    def keep(frame: Any, _: int) -> None:
        seen.append((frame.schema.json(), sorted(map(repr, frame.collect()))))

    writer = stream.writeStream.outputMode(mode).foreachBatch(keep).trigger(availableNow=True)
    writer.option("checkpointLocation", str(root)).start().awaitTermination()
    return seen


@pytest.mark.parametrize("case", QUERIES)
def test_same_rows_as_by_a_query(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    make, mode, needs_none = QUERIES[case]
    (tmp_path / "in").mkdir()
    for i, rows in enumerate(FILES):
        (tmp_path / "in" / f"{i}.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = spark.readStream.schema("k string, n int, t timestamp, d decimal(10,2)")
    frame = make(source.option("maxFilesPerTrigger", 1).json(str(tmp_path / "in")))
    found = []
    finish_of = planner.finish_of
    monkeypatch.setattr(planner, "finish_of", lambda *given: found.append(finish_of(*given)) or found[-1])
    short = batches(frame, mode, tmp_path / "short")
    monkeypatch.setattr(planner, "finish_of", lambda *given: None)
    assert short == batches(frame, mode, tmp_path / "long")
    assert len(short) >= len(FILES) and any(rows for _, rows in short)
    assert [one is not None for one in found] == [needs_none]
