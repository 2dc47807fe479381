"""Where is my row?  It was late, or it is in state, or it has gone through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812

from penstock.checkpoint import query_metadata
from penstock.checkpoint.paths import CheckpointPaths
from penstock.core import files
from penstock.core.errors import illegal_argument
from penstock.embed import service
from penstock.embed import session as open_session
from penstock.runtime.late_rows import DIRECTORY

if TYPE_CHECKING:
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.session import SparkSession

SCHEMA = {
    "place": "string",
    "operatorId": "bigint",
    "operator": "string",
    "store": "string",
    "batchId": "bigint",
    "watermark": "timestamp",
    "eventTime": "timestamp",
    "row": "string",
}


def why(query: Any, row_filter: str) -> DataFrame:
    """See `penstock.why`."""
    spark, root = open_session(), _checkpoint(query)
    found = [*_late(spark, root, row_filter), *_held(spark, root, row_filter)]
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in SCHEMA.items())
    empty = spark.sql(f"SELECT {columns} WHERE false")
    return reduce(lambda a, b: a.unionByName(b), found, empty).orderBy("place", "operatorId", "batchId", "store", "row")


def _checkpoint(query: Any) -> Path:
    if isinstance(query, (str, Path)):
        return files.local_path(str(query))
    for session in service().sessions.all():
        running = session.streams.get(query.id) if session.has_streams else None
        if running is not None:
            return running.checkpoint.paths.root
    message = f"The query {query.id} does not run in this process: give the path of its checkpoint instead."
    raise illegal_argument("INVALID_PARAMETER_VALUE", message, "22023", parameter="query", value=str(query.id))


def _late(spark: SparkSession, root: Path, row_filter: str) -> Iterator[DataFrame]:
    """The rows that the watermark dropped, an operator at a time: each has columns of its own."""
    directory = root / DIRECTORY
    by_operator: dict[int, list[dict[str, Any]]] = {}
    for name in files.fs.list(directory) if directory.exists() else []:
        if name.endswith(".json"):
            for line in files.fs.read(directory / name).decode().splitlines():
                entry = json.loads(line)
                by_operator.setdefault(entry["operatorId"], []).append(entry)
    for entries in by_operator.values():
        columns = list(dict.fromkeys(name for entry in entries for name in entry["row"]))
        rows = [
            (
                *(_text(entry["row"].get(name)) for name in columns),
                *(entry[name] for name in ("operatorId", "operator", "batchId", "watermark", "eventTime")),
                json.dumps(entry["row"]),
            )
            for entry in entries
        ]
        own = ", ".join(f"`{name}` string" for name in columns)
        late = "_operatorId long, _operator string, _batchId long, _watermark string, _eventTime string, _row string"
        frame = spark.createDataFrame(rows, f"{own}, {late}" if own else late)
        yield from _matching(frame, row_filter, F.lit("dropped as late"), F.lit(None).cast("string"))


def _held(spark: SparkSession, root: Path, row_filter: str) -> Iterator[DataFrame]:
    """What state holds after the last batch."""
    paths = CheckpointPaths(root)
    for number, operator in enumerate(query_metadata.read_operators(paths)):
        for store, options in _stores(paths, number):
            state = spark.read.format("statestore").options(operatorId=str(number), **options).load(str(root))
            shown = [name for name in state.columns if name != "partition_id"]
            fields = dict.fromkeys(
                f"{column}.{field.name}"
                for column in shown
                if hasattr(state.schema[column].dataType, "fields")
                for field in state.schema[column].dataType.fields
            )
            seen: set[str] = set()
            flat = []
            for name in fields:
                if (short := name.partition(".")[2]) not in seen:
                    seen.add(short)
                    flat.append(F.col(name).alias(short))
            frame = state.select(
                *flat,
                F.lit(number).cast("long").alias("_operatorId"),
                F.lit(operator).alias("_operator"),
                F.lit(None).cast("long").alias("_batchId"),
                F.lit(None).cast("string").alias("_watermark"),
                F.lit(None).cast("string").alias("_eventTime"),
                F.to_json(F.struct(*shown)).alias("_row"),
            )
            yield from _matching(frame, row_filter, F.lit("held in state"), F.lit(store))


def _stores(paths: CheckpointPaths, number: int) -> Iterator[tuple[str | None, dict[str, str]]]:
    """The stores of an operator, and the options by which they are read."""
    from urllib.parse import unquote

    names = [name.partition("-")[2] for name in files.fs.list(paths.state) if name.startswith(f"{number}-")]
    if not names:
        yield None, {}
    for name in sorted(names):
        if name.startswith("var."):
            variable = unquote(name.removeprefix("var."))
            yield variable, {"stateVarName": variable}
        elif name == "timers":
            yield name, {"readRegisteredTimers": "true"}
        else:
            yield name, {"joinSide": name}


def _matching(frame: DataFrame, row_filter: str, place: Any, store: Any) -> Iterator[DataFrame]:
    """The rows that the condition is true for; nothing where it names columns that these rows have not."""
    try:
        chosen = frame.filter(row_filter)
        chosen.schema  # noqa: B018 (names are resolved now)
    except AnalysisException as error:
        if (error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):
            return
        raise
    yield chosen.select(
        place.alias("place"),
        F.col("_operatorId").alias("operatorId"),
        F.col("_operator").alias("operator"),
        store.alias("store"),
        F.col("_batchId").alias("batchId"),
        F.col("_watermark").cast("timestamp").alias("watermark"),
        F.col("_eventTime").cast("timestamp").alias("eventTime"),
        F.col("_row").alias("row"),
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
