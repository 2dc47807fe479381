"""The sinks of `foreachBatch` and `foreach`: the user's Python function, in the query's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from penstock.connect import clients
from penstock.connect.commands import kept
from penstock.connect.pipeline import Result
from penstock.connect.python_objects import objects
from penstock.plan.types import StructType
from penstock.sinks.base import SinkContext

if TYPE_CHECKING:
    from penstock.connect.service import Service
    from penstock.connect.session import Session

#: Spark's TaskContext is one object of the whole process.
_task_context = threading.Lock()


class ForeachBatchSink:
    """Calls `function(df, batch_id)`.  At least once: after a crash the last batch comes again under the same id."""

    description = "ForeachBatchSink"

    def __init__(self, service: Service, session: Session, command: bytes, schema: StructType) -> None:
        self._session = session
        self._client = clients.client_session(service, session)
        clients.activate(self._client)  # the function may refer to the session while it is unpickled
        self._function: Callable[[Any, int], object] = objects.load(command)
        self._schema = schema

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        """Keep the batch under an id for as long as the function runs."""
        relation_id = str(uuid4())
        relations = self._session.catalog.relations
        relations[relation_id] = kept(Result(table, self._schema))
        clients.activate(self._client)
        try:
            self._function(self._client._create_remote_dataframe(relation_id), batch_id)
        finally:
            relations.pop(relation_id, None)
        return None

    def stop(self) -> None:
        """The client session goes with the sink."""


@dataclass(frozen=True)
class RowWriter:
    """What `foreach` was given: a function of a row, or an object with process and perhaps open and close."""

    target: Any

    def __call__(self, batch_id: int, rows: Iterable[Any]) -> None:
        """One partition of one epoch."""
        target = self.target
        if callable(target):
            for row in rows:
                target(row)
            return
        failure: Exception | None = None
        opened = target.open(0, batch_id) if hasattr(target, "open") else True
        try:
            if opened:
                for row in rows:
                    target.process(row)
        except Exception as error:
            failure = error
            raise
        finally:
            if hasattr(target, "close"):
                target.close(failure)


class ForeachSink:
    """Gives every row to the user's writer.  At least once; `open(partition, epoch)` may skip what was done."""

    description = "ForeachSink"

    def __init__(self, service: Service, session: Session, command: bytes, schema: StructType) -> None:
        clients.activate(clients.client_session(service, session))
        loaded = objects.load(command)
        self._writer = loaded if isinstance(loaded, RowWriter) else _pickled_writer(loaded[0])
        self._schema = schema

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        """One call of the writer with all rows: there is one partition, 0."""
        from pyspark.sql.conversion import ArrowTableToRowsConversion

        self._writer(batch_id, ArrowTableToRowsConversion.convert(table, self._schema))
        return None

    def stop(self) -> None:
        """The writer has been closed after every batch."""


def _pickled_writer(function: Callable[[Any, Any], Any]) -> Callable[[int, Iterable[Any]], None]:
    """The client's wrapped function, which asks Spark's TaskContext for the batch id."""
    from pyspark.taskcontext import TaskContext

    def write(batch_id: int, rows: Iterable[Any]) -> None:
        with _task_context:
            context = TaskContext._getOrCreate()
            context._localProperties = {"streaming.sql.batchId": str(batch_id)}
            context._partitionId = 0
            for _ in function(0, iter(rows)) or ():
                pass

    return write


def foreach_batch(service: Service, session: Session, command: bytes) -> Callable[[SinkContext], ForeachBatchSink]:
    """Opens the sink of a query."""
    return lambda context: ForeachBatchSink(service, session, command, context.schema)


def foreach(service: Service, session: Session, command: bytes) -> Callable[[SinkContext], ForeachSink]:
    """Opens the sink of a query."""
    return lambda context: ForeachSink(service, session, command, context.schema)
