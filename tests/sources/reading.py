# ruff: noqa: E501
"""What the tests of the sources share: read files through the registry and DuckDB, and open streams on a set clock."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from penstock.core.config import Conf
from penstock.functions.kernels import KernelSet
from penstock.plan.nodes import Read
from penstock.plan.types import StructType
from penstock.sources import registry
from penstock.sources.base import Relation, Scan, StreamContext, StreamSource


def schema(ddl: Mapping[str, Any]) -> StructType:
    """A schema from a dict of names and types."""
    result = StructType()
    for name, data_type in ddl.items():
        result.add(name, data_type)
    return result


def relation(
    form: str, path: object, fields: Mapping[str, Any] | None = None, *, streaming: bool = False, conf: Conf | None = None,
    **options: str,
) -> Relation:  # fmt: skip
    user_schema = None if fields is None else schema(fields)
    return registry.resolve(Read(form, options, (str(path),), user_schema, streaming), conf or Conf())


def run(scan: Scan, *, time_zone: str = "UTC") -> pa.Table:
    """As the engine does: the fallback when the fast scan raises."""
    if scan.table is not None:
        return scan.table
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = '{time_zone}'")
        KernelSet().install(connection, f"{scan.sql} {scan.fallback_sql}")
        try:
            return connection.sql(scan.sql).to_arrow_table()
        except duckdb.Error:
            if scan.fallback_sql is None:
                raise
            return connection.sql(scan.fallback_sql).to_arrow_table()


def rows(scan: Scan) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in run(scan).to_pylist()]


def read(form: str, path: object, fields: Mapping[str, Any] | None = None, **options: str) -> list[tuple[Any, ...]]:
    """All rows of all columns."""
    found = relation(form, path, fields, **options)
    scan = found.scan([(name, name) for name in found.schema.names], "UTC")
    result = rows(scan)
    if scan.fallback_sql is not None:
        assert repr(rows(Scan(sql=scan.fallback_sql))) == repr(result), "the two scans disagree"
    return result


@dataclass
class SetClock:
    """A clock that shows what it is told."""

    ms: int = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def wait_until(self, time_ms: int, wake: threading.Event) -> None:
        raise AssertionError("sources do not wait")


def stream(found: Relation, metadata: Path, clock: SetClock | None = None, **context: Any) -> StreamSource:
    return found.open_stream(StreamContext(clock or SetClock(), metadata, "q", "UTC", **context))


def batch(source: StreamSource, start: str | None, end: str, *names: str) -> list[tuple[Any, ...]]:
    return rows(source.batch(start, end, [(name, name) for name in names]))
