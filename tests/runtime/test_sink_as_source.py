"""A stream that reads what another stream has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import penstock


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session()


@pytest.mark.parametrize("latest_first", [False, True])
def test_files_of_one_moment_come_in_the_order_of_the_sinks_log(spark: Any, tmp_path: Path, latest_first: bool) -> None:
    """A quick disk writes several batches within the grain of its files' times: their names say nothing, the log
    does.  Spark sorts by the time alone, and so leaves them in the log's order."""
    out = tmp_path / "out"
    counts = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load().select("value")
    writer = counts.writeStream.format("parquet").option("checkpointLocation", str(tmp_path / "cp")).trigger(once=True)
    for _ in range(8):
        writer.start(str(out)).awaitTermination()
    for path in (out / "_spark_metadata").glob("[0-9]*"):
        version, *lines = path.read_text().split("\n")
        entries = [{**json.loads(line), "modificationTime": 1_700_000_000_000} for line in lines]
        path.write_text("\n".join([version, *map(json.dumps, entries)]))

    batches: list[list[int]] = []
    events = spark.readStream.schema("value long").option("maxFilesPerTrigger", 1).option("latestFirst", latest_first)
    kept = events.parquet(str(out)).writeStream.foreachBatch(
        lambda batch, _: batches.append([row.value for row in batch.collect()])
    )
    kept.option("checkpointLocation", str(tmp_path / "read")).trigger(availableNow=True).start().awaitTermination()
    assert batches == [[n] for n in range(8)]
