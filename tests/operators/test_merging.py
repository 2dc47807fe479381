"""Buffers of structs and arrays merge in Spark's order: a NULL within comes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from penstock.operators.merging import Merge, merge_buffers

PAIR = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.int32()))])


def run_sql(text: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(text).to_arrow_table()


def merged(rule: str, old: list[Any], new: list[Any]) -> list[Any]:
    merge = Merge("m", PAIR, rule)
    batches = [pa.record_batch({"m": pa.array(values, PAIR)}) for values in (old, new)]
    is_new = pa.array([False] * len(old))
    return merge_buffers([merge], *batches, is_new, run_sql).column(0).to_pylist()


NOTHING, ONE, TWO = {"a": None, "b": [1]}, {"a": 1, "b": None}, {"a": 1, "b": [None]}


@pytest.mark.parametrize(
    ("old", "new", "least", "most"),
    [
        (NOTHING, ONE, NOTHING, ONE),
        (ONE, NOTHING, NOTHING, ONE),
        (ONE, TWO, ONE, TWO),
        ({"a": 1, "b": [1]}, TWO, TWO, {"a": 1, "b": [1]}),
        (None, ONE, ONE, ONE),
        (ONE, None, ONE, ONE),
        (None, None, None, None),
    ],
)
def test_extremes(old: Any, new: Any, least: Any, most: Any) -> None:
    assert merged("min", [old], [new]) == [least]
    assert merged("max", [old], [new]) == [most]
