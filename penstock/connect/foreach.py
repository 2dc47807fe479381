"""`foreachBatch` and `foreach`: the user's Python functions in the query's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from penstock.connect import clients
from penstock.connect.commands import kept
from penstock.connect.errors import invalid_plan, plain_illegal_argument
from penstock.connect.pipeline import Result
from penstock.connect.python_objects import objects
from penstock.core.errors import SparkError
from penstock.sinks.base import Sink, SinkContext
from penstock.sinks.foreach import ForeachBatchSink, ForeachSink

if TYPE_CHECKING:
    from penstock.connect.service import Service
    from penstock.connect.session import Session

_INITIALIZATION = (
    "org.apache.spark.api.python.StreamingPythonRunner$StreamingPythonRunnerInitializationException",
    "org.apache.spark.SparkException",
)
OpenSink = Callable[[SinkContext], Sink]


def foreach_batch(service: Service, session: Session, command: bytes) -> OpenSink:
    """Opens a sink that calls the user's `function(df, batch_id)`."""
    function, client = _load(service, session, command)
    if not callable(function):
        message = f"foreachBatch takes a function of (DataFrame, batch id), not {type(function).__name__}."
        raise plain_illegal_argument(message)

    def make(context: SinkContext) -> Sink:
        relations = session.catalog.relations

        def call(table: pa.Table, batch_id: int) -> None:
            relation_id = str(uuid4())
            relations[relation_id] = kept(Result(table, context.schema))
            clients.activate(client)
            try:
                function(client._create_remote_dataframe(relation_id), batch_id)
            finally:
                relations.pop(relation_id, None)

        return ForeachBatchSink(context, call)

    return make


def foreach(service: Service, session: Session, command: bytes) -> OpenSink:
    """Opens a sink that gives every row to the user's function or writer."""
    loaded, client = _load(service, session, command)
    target = loaded if isinstance(loaded, RowTarget) else RowTarget(_unwrapped(loaded))

    def make(context: SinkContext) -> Sink:
        clients.activate(client)
        return ForeachSink(context, target)

    return make


def _load(service: Service, session: Session, command: bytes) -> tuple[Any, Any]:
    """The object, and the client session that it may refer to while it is unpickled."""
    client = clients.client_session(service, session)
    with clients.active(client):
        try:
            return objects.load(command), client
        except Exception as error:
            raise _cannot_load(error) from error


def _cannot_load(error: Exception) -> SparkError:
    """The function does not arrive: what it refers to cannot be unpickled here."""
    text = f"{type(error).__name__}: {error}"
    message = (
        f"Streaming Runner initialization failed: the function cannot be loaded ({text}). Pass it only what pickle can "
        "carry, and modules that are installed here."
    )
    params = {"resFromPython": -2, "msg": text}
    condition = "STREAMING_PYTHON_RUNNER_INITIALIZATION_FAILURE"
    return SparkError(condition, message, params, sqlstate="XXKST", classes=_INITIALIZATION)


class RowTarget:
    """What `foreach` was given, a function of a row or an object with process and perhaps open and close, as a
    ForeachWriter."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._is_function = callable(target)

    def open(self, partition_id: int, epoch_id: int) -> bool:
        """Whether the rows are wanted."""
        if self._is_function or not hasattr(self._target, "open"):
            return True
        return bool(self._target.open(partition_id, epoch_id))

    def process(self, row: Any) -> None:
        """One row."""
        if self._is_function:
            self._target(row)
        else:
            self._target.process(row)

    def close(self, error: Exception | None) -> None:
        """The batch is over."""
        if not self._is_function and hasattr(self._target, "close"):
            self._target.close(error)


def _unwrapped(command: Any) -> Any:
    """The user's object within the function of an iterator that the client has wrapped around it."""
    function = command[0]
    names = function.__code__.co_freevars
    if "f" not in names:
        raise invalid_plan("ASSERTION_FAILURE", "The function of foreach is not as Spark's Python client makes it.")
    return function.__closure__[names.index("f")].cell_contents
