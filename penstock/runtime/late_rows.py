"""The rows that the watermark dropped, kept beside the checkpoint: `<checkpoint>/late_rows/<batch>.json`.

Only with penstock.streaming.keepLateRows; a line a row, written before the batch reaches the sink.  A replayed batch
writes its file again, so each row is there once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from penstock.core import files
from penstock.operators.late import LATE_ROWS
from penstock.plan.nodes import Node
from penstock.runtime.progress import iso_ms
from penstock.state.fields import Field, read_layout

KEEP = "penstock.streaming.keepLateRows"
DIRECTORY = "late_rows"


class LateRowKeeper:
    """Keeps the late rows of one query.  Called by the query's thread."""

    def __init__(self, state: Path, plan: Node, operators: Sequence[str]) -> None:
        self._state, self._operators = state, operators
        self._names = {a.sql_name: a.name for node in plan.walk() for a in node.output}
        self._lines: list[str] = []
        self._operator = 0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """While a batch runs."""
        self._lines = []
        token = LATE_ROWS.set(self)
        try:
            yield
        finally:
            LATE_ROWS.reset(token)

    def enter(self, operator: int) -> None:
        """This operator runs from now on."""
        self._operator = operator

    def take(self, rows: pa.Table, column: str, late_us: int) -> None:
        """See penstock.operators.late."""
        names = {**self._names, **self._keys()}
        shown = [name for name in rows.schema.names if name in names]
        common = {
            "operatorId": self._operator,
            "operator": self._operators[self._operator],
            "watermark": _time(late_us),
        }
        for row in _values(rows):
            content: dict[str, Any] = {}
            for name in shown:
                content.setdefault(names[name], row[name])
            line = {**common, "eventTime": row[column], "row": content}
            self._lines.append(json.dumps(line, default=_plain, separators=(",", ":")))

    def write(self, batch_id: int) -> None:
        """Make the late rows of a batch durable."""
        if not self._lines:
            return
        directory = self._state.parent / DIRECTORY
        files.fs.make_directory(directory)
        lines = (line[:-1] + f',"batchId":{batch_id}}}\n' for line in self._lines)
        files.fs.write_atomic(directory / f"{batch_id}.json", "".join(lines).encode())

    def _keys(self) -> Mapping[str, str]:
        """What the key columns of an operator are called by the user."""
        layout = read_layout(self._state / str(self._operator))
        return {} if layout is None else dict(_columns(layout.key, ""))


def _columns(fields: Sequence[Field], prefix: str) -> Iterator[tuple[str, str]]:
    for field in fields:
        if field.parts:
            yield from _columns(field.parts, f"{prefix}{field.name}.")
        elif field.column is not None:
            yield field.column, f"{prefix}{field.name}"


def _time(micros: int) -> str:
    return iso_ms(micros // 1000)[:-1].replace("T", " ")


def _values(rows: pa.Table) -> list[dict[str, Any]]:
    """The rows; times beyond Python's years as their texts."""
    try:
        found: list[dict[str, Any]] = rows.to_pylist()
    except (ValueError, OverflowError):
        columns = [_texts(c) if pa.types.is_timestamp(c.type) else c for c in rows.columns]
        found = pa.Table.from_arrays(columns, names=rows.schema.names).to_pylist()
    return found


def _texts(times: pa.ChunkedArray) -> pa.ChunkedArray:
    micros = times.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
    return pa.chunked_array([pa.array([None if us is None else iso_ms(us // 1000) for us in micros], pa.string())])


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _time(round(value.replace(tzinfo=value.tzinfo or UTC).timestamp() * 1e6))
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)
