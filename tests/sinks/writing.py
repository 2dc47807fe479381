# ruff: noqa: E501
"""What the tests of the sinks share: a schema with every type that files hold, and rows of it."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from penstock.core.config import Conf
from penstock.plan.types import DOUBLE, LONG, STRING, TIMESTAMP, ArrayType, MapType, StructType
from penstock.sinks.base import SinkContext

SIMPLE = StructType().add("a", LONG).add("s", STRING)

WIDE = (
    StructType()
    .add("a", "long").add("s", "string").add("d", "double").add("t", "timestamp").add("dt", "date")
    .add("dec", "decimal(10,2)").add("n", "timestamp_ntz").add("bo", "boolean").add("b", "binary")
    .add("arr", ArrayType(LONG)).add("st", StructType().add("x", STRING).add("y", TIMESTAMP)).add("m", MapType(STRING, DOUBLE))
)  # fmt: skip


def simple(*rows: tuple[int | None, str | None]) -> pa.Table:
    return pa.table({"a": pa.array([r[0] for r in rows], pa.int64()), "s": pa.array([r[1] for r in rows], pa.string())})


def wide() -> pa.Table:
    utc = pa.timestamp("us", "UTC")
    noon = datetime.datetime(2024, 1, 2, 12, 0, 0, 123456, tzinfo=datetime.UTC)
    return pa.Table.from_arrays(
        [
            pa.array([1, None, -3], pa.int64()), pa.array(["x", None, 'q"\n,é\\'], pa.string()), pa.array([1.5, 1e20, float("nan")]),
            pa.array([noon, None, datetime.datetime(1969, 1, 1, tzinfo=datetime.UTC)], utc),
            pa.array([datetime.date(2024, 1, 2), None, datetime.date(1, 1, 1)]),
            pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(10, 2)),
            pa.array([datetime.datetime(2024, 1, 2, 3, 4, 5), None, None], pa.timestamp("us")), pa.array([True, None, False]),
            pa.array([b"ab", None, b""], pa.binary()), pa.array([[1, None], None, []], pa.list_(pa.int64())),
            pa.array([{"x": "a", "y": noon}, None, {"x": None, "y": None}], pa.struct([("x", pa.string()), ("y", utc)])),
            pa.array([[("k", 1.0)], None, []], pa.map_(pa.string(), pa.float64())),
        ],
        names=WIDE.names,
    )  # fmt: skip


def context(path: Path | None = None, schema: StructType = SIMPLE, **changes: Any) -> SinkContext:
    options = {**({"path": str(path)} if path else {}), **changes.pop("options", {})}
    values: dict[str, Any] = {"query_name": None, "query_id": "q1", "output_mode": "append", "conf": Conf(), **changes}
    return SinkContext(schema=schema, options=options, **values)
