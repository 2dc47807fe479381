"""What a query costs to plan grows with what it computes, not with the square of it."""

from __future__ import annotations

import sys
import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import penstock


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session()


def calls_to_start(spark: Any, select: str, directory: Path) -> tuple[int, list[Any]]:
    """How many functions of the package are called until the query has read its file, and what it gave."""
    found: dict[int, Counter[str]] = defaultdict(Counter)  # by thread: an addition may be interrupted by another one
    rows: list[Any] = []

    def count(frame: Any, event: str, arg: object) -> None:
        if event == "call" and "penstock" in frame.f_code.co_filename:
            found[threading.get_ident()]["calls"] += 1
        elif event == "c_call":
            found[threading.get_ident()]["built in"] += 1

    frame = spark.sql(f"SELECT k, {select} FROM wide GROUP BY k")
    writer = frame.writeStream.outputMode("update").foreachBatch(lambda batch, number: rows.extend(batch.collect()))
    writer = writer.option("checkpointLocation", str(directory)).trigger(once=True)
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        query = writer.start()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    query.awaitTermination()
    return sum(counter.total() for counter in found.values()), rows


@pytest.mark.parametrize("joined", ["+", ","], ids=["a sum of aggregates", "many aggregates"])
def test_aggregates(spark: Any, tmp_path: Path, joined: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.json").write_text('{"k":"a","n":1}\n{"k":"a","n":2}\n')
    spark.readStream.schema("k string, n long").json(str(tmp_path / "in")).createOrReplaceTempView("wide")
    calls = {}
    for width in (10, 60, 120):  # the first loads modules
        select = joined.join(f"sum(n + {i})" for i in range(width))
        calls[width], rows = calls_to_start(spark, select, tmp_path / str(width))
        assert sum(rows[0][1:]) == 3 * width + width * (width - 1)
    assert calls[120] < 2.3 * calls[60]
