"""The commands about streams: start, ask, await, stop, listen.

A wait is done in short slices, so that Ctrl-C and interrupts come through, and a server's thread can let go of it: the
stream then ends without ResultComplete and the client attaches again.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import pyspark.sql.connect.proto as pb

from penstock.connect import streaming
from penstock.connect.commands import Call, Handler
from penstock.connect.errors import invalid_plan, plain_illegal_argument
from penstock.connect.operations import Operation, Payloads
from penstock.core.errors import SparkError, unsupported
from penstock.runtime import listener
from penstock.runtime.query import StreamingQuery

if TYPE_CHECKING:
    from penstock.connect.session import Session

Response: TypeAlias = pb.ExecutePlanResponse
QueryResult: TypeAlias = pb.StreamingQueryCommandResult
ManagerResult: TypeAlias = pb.StreamingQueryManagerCommandResult

_SLICE_MS = 200


def _start(call: Call, command: pb.WriteStreamOperationStart) -> Payloads:
    query = streaming.start(call.service, call.session, command)
    try:
        call.session.note_start(query, call.operation)
    except SparkError:
        query.stop()
        raise
    event = listener.started(query.identity, query.spec.clock.now_ms())
    result = pb.WriteStreamOperationStartResult(
        query_id=_instance(query), name=query.name or "", query_started_event_json=json.dumps(event.json)
    )
    yield Response(write_stream_operation_start_result=result)


def _instance(query: StreamingQuery) -> pb.StreamingQueryInstanceId:
    return pb.StreamingQueryInstanceId(id=query.id, run_id=query.run_id)


# ---------------------------------------------------------------- one query


def _query_command(call: Call, command: pb.StreamingQueryCommand) -> Payloads:
    query = _find(call.session, command.query_id)
    result = QueryResult(query_id=command.query_id)
    kind = command.WhichOneof("command") or ""
    if kind not in _QUERY_COMMANDS:
        raise invalid_plan("INVALID_ONE_OF_FIELD_NOT_SUPPORTED", f"There is no query command {kind}.", name=kind)
    yield from _QUERY_COMMANDS[kind](call.operation, query, getattr(command, kind), result)
    yield Response(streaming_query_command_result=result)


def _find(session: Session, wanted: pb.StreamingQueryInstanceId) -> StreamingQuery:
    query = session.streams.find(wanted.id, wanted.run_id)
    if query is None:
        active = session.streams.get(wanted.id)
        if active is None:
            raise invalid_plan("STREAMING_QUERY_NOT_FOUND", f"There is no query {wanted.id}.", id=wanted.id)
        raise invalid_plan(
            "STREAMING_QUERY_RUN_ID_MISMATCH", f"The query {wanted.id} was restarted since run {wanted.run_id}.",
            id=wanted.id, runId=wanted.run_id, serverRunId=active.run_id,
        )  # fmt: skip
    return query


def _status(operation: Operation, query: StreamingQuery, _: Any, result: QueryResult) -> Iterator[None]:
    status = query.status
    result.status.status_message = status.message
    result.status.is_data_available = status.is_data_available
    result.status.is_trigger_active = status.is_trigger_active
    result.status.is_active = query.is_active
    return iter(())


def _last_progress(operation: Operation, query: StreamingQuery, _: Any, result: QueryResult) -> Iterator[None]:
    last = query.last_progress
    result.recent_progress.recent_progress_json.extend([] if last is None else [json.dumps(last)])
    result.recent_progress.SetInParent()
    return iter(())


def _recent_progress(operation: Operation, query: StreamingQuery, _: Any, result: QueryResult) -> Iterator[None]:
    result.recent_progress.recent_progress_json.extend(json.dumps(progress) for progress in query.recent_progress)
    result.recent_progress.SetInParent()
    return iter(())


def _stop(operation: Operation, query: StreamingQuery, _: Any, result: QueryResult) -> Iterator[None]:
    query.stop()
    return iter(())


def _process_all(operation: Operation, query: StreamingQuery, _: Any, result: QueryResult) -> Iterator[None]:
    yield from _waited(lambda: query.process_all_available(), operation)


def _explain(operation: Operation, query: StreamingQuery, request: Any, result: QueryResult) -> Iterator[None]:
    from penstock.plan import printing

    executed, plan = query.explain(request.extended), query.spec.plan
    is_long = request.extended  # of the plan as it was parsed nothing is left: both logical plans are the analysed one
    result.explain.result = printing.explain(plan, plan, executed) if is_long else f"== Physical Plan ==\n{executed}\n"
    return iter(())


def _exception(operation: Operation, query: StreamingQuery, _: Any, result: QueryResult) -> Iterator[None]:
    result.exception.SetInParent()
    error = query.exception
    if error is not None:
        result.exception.exception_message = f"{error.classes[0]}: {error}"
        result.exception.error_class = error.condition
    return iter(())


def _await(operation: Operation, query: StreamingQuery, request: Any, result: QueryResult) -> Iterator[None]:
    timeout = request.timeout_ms if request.HasField("timeout_ms") else None
    ended = yield from _sliced(query.await_termination, timeout, operation)
    result.await_termination.terminated = ended


def _sliced(wait: Callable[[int], bool], timeout_ms: int | None, operation: Operation) -> Any:
    """Wait in slices, yielding None after each; returns whether the wait was for something that came."""
    deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
    while True:
        operation.check()
        left = _SLICE_MS if deadline is None else math.ceil((deadline - time.monotonic()) * 1000)
        if wait(max(0, min(left, _SLICE_MS))):
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False
        yield None


def _waited(action: Callable[[], object], operation: Operation) -> Iterator[None]:
    """Run something that blocks, in a thread of its own, and wait for it in slices."""
    failures: list[BaseException] = []

    def target() -> None:
        try:
            action()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=target, daemon=True, name="penstock wait")
    thread.start()
    thread.join(_SLICE_MS / 1000)
    while thread.is_alive():
        operation.check()
        yield None
        thread.join(_SLICE_MS / 1000)
    if failures:
        raise failures[0]


_QUERY_COMMANDS: dict[str, Callable[[Operation, StreamingQuery, Any, QueryResult], Iterator[None]]] = {
    "status": _status,
    "last_progress": _last_progress,
    "recent_progress": _recent_progress,
    "stop": _stop,
    "process_all_available": _process_all,
    "explain": _explain,
    "exception": _exception,
    "await_termination": _await,
}


# ---------------------------------------------------------------- all queries of a session


def _manager_command(call: Call, command: pb.StreamingQueryManagerCommand) -> Payloads:
    result = ManagerResult()
    kind = command.WhichOneof("command") or ""
    if kind not in _MANAGER_COMMANDS:
        raise unsupported(f"the streaming query manager's command {kind}", "Listeners are added on the client's side.")
    yield from _MANAGER_COMMANDS[kind](call, getattr(command, kind), result)
    yield Response(streaming_query_manager_command_result=result)


def _active(call: Call, _: Any, result: ManagerResult) -> Iterator[None]:
    result.active.SetInParent()
    for query in call.session.streams.active:
        result.active.active_queries.add(id=_instance(query), name=query.name)
    return iter(())


def _get_query(call: Call, query_id: str, result: ManagerResult) -> Iterator[None]:
    try:
        UUID(query_id)
    except ValueError:
        raise plain_illegal_argument(f"Invalid UUID string: {query_id}") from None
    query = call.session.streams.get(query_id)
    if query is not None:
        result.query.id.CopyFrom(_instance(query))
        if query.name is not None:
            result.query.name = query.name
    return iter(())


def _await_any(call: Call, request: Any, result: ManagerResult) -> Iterator[None]:
    timeout = request.timeout_ms if request.HasField("timeout_ms") else None
    ended = yield from _sliced(call.session.streams.await_any_termination, timeout, call.operation)
    result.await_any_termination.terminated = ended


def _reset_terminated(call: Call, _: Any, result: ManagerResult) -> Iterator[None]:
    call.session.streams.reset_terminated()
    result.reset_terminated = True
    return iter(())


_MANAGER_COMMANDS: dict[str, Callable[[Call, Any, ManagerResult], Iterator[None]]] = {
    "active": _active,
    "get_query": _get_query,
    "await_any_termination": _await_any,
    "reset_terminated": _reset_terminated,
}


# ---------------------------------------------------------------- listeners


def _listener_bus(call: Call, command: pb.StreamingQueryListenerBusCommand) -> Payloads:
    if command.WhichOneof("command") == "remove_listener_bus_listener":
        call.session.listeners.cut()
        return
    _ = call.session.streams  # from now on its events reach the bus
    call.operation.lasts = True
    for index, events in enumerate(call.session.listeners.stream(call.operation)):
        if index == 0:
            result = pb.StreamingQueryListenerEventsResult(listener_bus_listener_added=True)
            yield Response(streaming_query_listener_events_result=result)
        elif events is None:
            yield None
        else:
            result = pb.StreamingQueryListenerEventsResult(events=events)
            yield Response(streaming_query_listener_events_result=result)


HANDLERS: dict[str, Handler] = {
    "write_stream_operation_start": _start,
    "streaming_query_command": _query_command,
    "streaming_query_manager_command": _manager_command,
    "streaming_query_listener_bus_command": _listener_bus,
}
