"""RDDs from DataFrames and DataFrames from RDDs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.rdd.nodes import Generated
from penstock.rdd.rdd import RDD


def rdd_of(frame: Any, context: Any) -> RDD:
    """The rows of a DataFrame as an RDD of one partition; each job runs the query."""

    def rows(_: int) -> Iterator[Any]:
        return iter(frame.collect())

    return RDD(Generated(1, rows, "MapPartitionsRDD", held=True), context)


def rows_of(data: Any, schema: Any) -> Any:
    """What `createDataFrame` gets for an RDD: its elements.  Anything else stays as it is."""
    if not isinstance(data, RDD):
        return data
    elements = data.collect()
    if not elements and schema is None:
        raise ValueError("RDD is empty: give a schema")
    return elements
