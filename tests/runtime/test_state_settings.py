"""Queries that restart with other numbers of partitions and memory budgets go on from the same state."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

import penstock
from penstock.state import budget as budgets
from penstock.state.budget import MemoryBudget

PARTITIONS, BUDGET, SHUFFLE = (
    "spark.penstock.state.partitions",
    "spark.penstock.state.memoryBudget",
    "spark.sql.shuffle.partitions",
)


@pytest.fixture
def spark() -> Any:
    session = penstock.session({"spark.sql.session.timeZone": "UTC"})
    yield session
    for key in (PARTITIONS, BUDGET, SHUFFLE):
        session.conf.unset(key)


def write(directory: Path, number: int, keys: np.ndarray) -> None:
    directory.mkdir(exist_ok=True)
    (directory / f"{number}.json").write_text("\n".join(json.dumps({"k": f"k{k}"}) for k in keys.tolist()))


def run(spark: Any, directory: Path, settings: dict[str, str]) -> tuple[dict[str, int], dict[str, Any]]:
    """One run over what is new: the counts it gives, and the operator's last figures."""
    for key, value in settings.items():
        spark.conf.set(key, value)
    rows: dict[str, int] = {}
    stream = spark.readStream.schema("k string").json(str(directory / "in")).groupBy("k").agg(F.count("*").alias("n"))
    writer = stream.writeStream.outputMode("update").option("checkpointLocation", str(directory / "cp"))
    query = writer.foreachBatch(lambda df, _: rows.update((r.k, r.n) for r in df.collect()))
    query = query.trigger(availableNow=True).start()
    query.awaitTermination()
    return rows, query.recentProgress[-1]["stateOperators"][0]


def test_counts_go_on_with_other_partitions_and_budgets(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "SMALLEST", 1 << 12)
    monkeypatch.setattr("penstock.state.log_column.SMALLEST", 1 << 12)
    monkeypatch.setattr(MemoryBudget, "allowance", 1 << 14)
    rng, expected = np.random.default_rng(1), Counter[str]()
    runs = [{}, {PARTITIONS: "3", SHUFFLE: "7"}, {BUDGET: "20k"}, {PARTITIONS: "2", SHUFFLE: "1"}, {BUDGET: "4g"}]
    found_partitions, spilled = [], []
    for number, settings in enumerate(runs):
        keys = rng.integers(0, 2000, 1500)
        write(tmp_path / "in", number, keys)
        expected.update(f"k{k}" for k in keys)
        rows, figures = run(spark, tmp_path, settings)
        assert rows == {key: expected[key] for key in {f"k{k}" for k in keys}}
        assert figures["numRowsTotal"] == len(expected)
        found_partitions.append(figures["numShufflePartitions"])
        spilled.append("spilledBytes" in figures.get("customMetrics", {}))
    assert found_partitions == [1, 3, 3, 2, 2]
    assert spilled == [False, False, True, True, False]
    epochs = json.loads((tmp_path / "cp" / "state" / "0" / "_partitions").read_text())["epochs"]
    assert epochs == [{"from": 2, "partitions": 3}, {"from": 4, "partitions": 2}]
    state = spark.read.format("statestore").load(str(tmp_path / "cp")).selectExpr("key.k", "value.*").collect()
    assert {row[0]: row[1] for row in state} == expected


@pytest.mark.parametrize(("key", "value"), [(BUDGET, "lots"), (PARTITIONS, "none")])
def test_a_setting_that_is_no_size_is_refused_by_name(spark: Any, tmp_path: Path, key: str, value: str) -> None:
    write(tmp_path / "in", 0, np.arange(3))
    with pytest.raises(PySparkException, match=key):
        run(spark, tmp_path, {key: value})
