"""One random case: a query over random streams, run as its schedule says, against the batch answer."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from penstock.testing import MemoryStream
from penstock.testing.crash import crash_at
from penstock.testing.steps import compare
from penstock.testing.stream_test import StreamTest
from tests.property.model import Batch, kept_batches
from tests.property.queries import QUERIES, Query
from tests.property.schedule import FLUSH, SCHEMA, Row, Run, flushed, random_runs


def check_case(spark: SparkSession, seed: int) -> str:
    """Run the case of a seed; returns what it was.  AssertionError tells the seed and what differs."""
    rng = random.Random(seed)
    query = QUERIES[seed % len(QUERIES)]
    mode = rng.choice(query.modes)
    runs = random_runs(rng, len(query.delays))
    if mode == "append":
        runs[-1] = flushed(runs[-1])
    if mode == "complete" and query.name == "windows":  # nothing is ever removed, so nothing is late
        query = replace(query, deadlines=(lambda row: None,))
    if len(query.delays) > 1 and any(run.crash for run in runs):
        # What a kill makes the streams forget depends on where it comes: let nothing be late.
        query = replace(query, delays=(5000,) * len(query.delays))
    label = f"seed {seed}: {query.name}, {mode} mode"
    try:
        compare(_streamed(spark, query, mode, runs), _expected(spark, query, mode, runs))
    except AssertionError as error:
        raise AssertionError(f"{label}\n{error}\n" + "\n".join(map(str, runs))) from error
    return label


# ---------------------------------------------------------------- the stream


def _streamed(spark: SparkSession, query: Query, mode: str, runs: Sequence[Run]) -> list[tuple[Any, ...]]:
    streams = [MemoryStream(SCHEMA, adds_per_trigger=1) for _ in query.delays]
    df = query.make([_timed(s.to_df(spark), d) for s, d in zip(streams, query.delays, strict=True)])
    with tempfile.TemporaryDirectory(prefix="penstock-property-", dir=_in_memory()) as directory:
        test = StreamTest(df, mode, Path(directory), 60_000)
        for run in runs:
            for stream, additions in zip(streams, run.additions, strict=True):
                for rows in additions:
                    stream.add_data(_arrow(rows))
            _run(test, run)
    return _final(query, mode, [_plain(row) for row in test.collected.rows])


def _in_memory() -> str | None:
    """Where the checkpoints are: the cases wait for the disk else."""
    shared = Path("/dev/shm")
    return str(shared) if os.access(shared, os.W_OK) else None


def _run(test: StreamTest, run: Run) -> None:
    """To the end of the data; after a crash once more."""
    conf = {"spark.sql.streaming.noDataMicroBatches.enabled": str(run.no_data_batches).lower()}
    if run.crash is not None:
        point, nth = run.crash
        with crash_at(point, nth) as plan:
            test.start({"availableNow": True}, conf)
            _wait(test, ignore=plan)
    test.start({"availableNow": True}, conf)
    _wait(test)


def _wait(test: StreamTest, ignore: Any = None) -> None:
    query = test.known()
    try:
        assert query.await_termination(60_000), "the query does not end"
    except Exception:
        if ignore is None or not ignore.crashed:
            raise


def _arrow(rows: Sequence[Row]) -> pa.Table:
    types = {"s": pa.float64(), "k": pa.string(), "n": pa.int32()}
    columns = {name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(types.items())}
    return pa.table(columns)


def _timed(rows: DataFrame, delay: float) -> DataFrame:
    return rows.select(F.timestamp_seconds("s").alias("t"), "k", "n").withWatermark("t", f"{delay} seconds")


def _final(query: Query, mode: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    if mode == "update" and query.keys:
        return list({row[: query.keys]: row for row in rows}.values())
    return [row for row in rows if not any(_is_flushed(value) for value in row)] if mode == "append" else rows


def _is_flushed(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.timestamp() >= FLUSH - 1000
    return isinstance(value, str) and value.startswith("end")


# ---------------------------------------------------------------- what it must be


def _expected(spark: SparkSession, query: Query, mode: str, runs: Sequence[Run]) -> list[tuple[Any, ...]]:
    batches = kept_batches(runs, query.delays, query.deadlines, query.reaches, _has_no_data_batches(query, mode))
    if query.expected is not None:
        if mode == "complete":
            batches = [replace(batch, evicts=0) for batch in batches]
        return _final(query, mode, query.expected(batches))
    frames = [
        _timed(spark.createDataFrame(rows, SCHEMA), delay)
        for rows, delay in ((list(_rows(batches, i)), delay) for i, delay in enumerate(query.delays))
    ]
    rows = [_plain(row) for row in query.make(frames).collect()]
    if " join" in query.name:  # a kept row without a time waits for ever
        rows = [row for row in rows if any(isinstance(value, datetime) for value in row)]
    return _final(query, mode, rows)


def _has_no_data_batches(query: Query, mode: str) -> bool:
    """Complete mode alone keeps everything, so nothing is to be done without data; duplicates are forgotten even so."""
    return mode != "complete" or "distinct" in query.name


def _rows(batches: Sequence[Batch], stream: int) -> Iterator[Any]:
    for batch in batches:
        yield from batch.rows[stream]


def _plain(row: Any) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)
