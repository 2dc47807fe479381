"""The sink of `check_stream`: keeps what each batch wrote, over all restarts of the query."""

from __future__ import annotations

import threading
import uuid
import weakref
from typing import Any

import pyarrow as pa

from penstock.core import faults
from penstock.core.errors import illegal_argument
from penstock.plan.types import StructType
from penstock.sinks import registry
from penstock.sinks.base import Sink, SinkContext

FORMAT = "penstock-collect"

_collections: weakref.WeakValueDictionary[str, Collected] = weakref.WeakValueDictionary()


class Collected:
    """The rows of a query by batch; a batch that is written again replaces its rows (exactly once)."""

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.batches: dict[int, list[Any]] = {}
        self.complete = False
        self._lock = threading.Lock()
        _collections[self.id] = self

    def put(self, batch_id: int, rows: list[Any]) -> None:
        """What a batch wrote."""
        with self._lock:
            self.batches[batch_id] = rows

    @property
    def last(self) -> list[Any]:
        """The rows of the last batch."""
        with self._lock:
            return list(self.batches[max(self.batches)]) if self.batches else []

    @property
    def rows(self) -> list[Any]:
        """The result: the last batch in complete mode, else the rows of all batches."""
        if self.complete:
            return self.last
        with self._lock:
            return [row for batch in sorted(self.batches) for row in self.batches[batch]]


class CollectSink:
    """Writes into a Collected (`penstock.sinks.base.Sink`)."""

    def __init__(self, collected: Collected, schema: StructType) -> None:
        self._collected = collected
        self._schema = schema

    @property
    def description(self) -> str:
        return "CollectSink"

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        from pyspark.sql.conversion import ArrowTableToRowsConversion

        faults.point("before_sink_files")
        rows = ArrowTableToRowsConversion.convert(table, self._schema)
        faults.point("after_sink_files")
        self._collected.put(batch_id, rows)
        faults.point("after_sink_commit")
        return int(table.num_rows)

    def stop(self) -> None:
        """Nothing to release."""


def open_sink(context: SinkContext) -> Sink:
    """The format `penstock-collect`: option `id` names the Collected."""
    collected = _collections.get(context.options.get("id", ""))
    if collected is None:
        message = f'The option "id" is {context.options.get("id")!r}: there is nothing to collect into by that id.'
        raise illegal_argument("STDS_INVALID_OPTION_VALUE.WITH_MESSAGE", message, "42616", optionName="id")
    collected.complete = context.output_mode.lower() == "complete"
    return CollectSink(collected, context.schema)


registry.register(FORMAT, open_sink)
