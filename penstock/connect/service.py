"""The Spark Connect service: its twelve RPCs, without a transport.

A transport calls `Service.call(name, request, peer)`; a failure leaves as RpcFailure, with the status to send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyspark.sql.connect.proto as pb

from penstock.connect.analyze import analyze_plan
from penstock.connect.commands import payloads
from penstock.connect.configuration import configure
from penstock.connect.errors import RpcFailure, as_spark_error, invalid_cursor, to_status
from penstock.connect.operations import Operation
from penstock.connect.session import Session, Sessions
from penstock.core.active_conf import active, steps_under

_STATES = pb.GetStatusResponse.OperationStatus.OperationState


@dataclass(frozen=True)
class Peer:
    """Who calls.  `listening`: whether the stream of this call may go on (else the client has to attach again);
    `batch_bytes`: how large one Arrow batch may be."""

    in_process: bool = False
    listening: Callable[[], bool] = lambda: True
    batch_bytes: int = 4 * 1024 * 1024


class Service:
    """All sessions of one server.  Thread-safe."""

    def __init__(self, conf: Mapping[str, str] | None = None) -> None:
        self.sessions = Sessions(conf)

    def call(self, name: str, request: Any, peer: Peer) -> Any:
        """One RPC by its name: a response, or an iterator of responses."""
        try:
            session = None
            if name not in ("AddArtifacts", "ReleaseSession"):
                expected = getattr(request, "client_observed_server_side_session_id", "")
                session = self.sessions.get(request.user_context.user_id, request.session_id, expected)
                with active(session.conf):
                    return _METHODS[name](self, session, request, peer)
            return _METHODS[name](self, session, request, peer)
        except RpcFailure:
            raise
        except Exception as error:
            raise self._failure(session, error) from error

    def close(self) -> None:
        """Close all sessions: queries stop."""
        self.sessions.close()

    def _failure(self, session: Session | None, error: Exception) -> RpcFailure:
        if session is None:
            return RpcFailure(to_status(as_spark_error(error)))
        return session.errors.failure(error)

    # ---- executions

    def execute_plan(self, session: Session, request: pb.ExecutePlanRequest, peer: Peer) -> Iterator[Any]:
        """ExecutePlan."""
        self.sessions.sweep(idle=not peer.in_process)
        operation = Operation(session.id, session.server_id, request.operation_id or str(uuid4()), request.tags)
        operation.run(steps_under(session.conf, payloads(self, session, operation, request, peer)))
        session.begin(operation)
        if _is_reattachable(request):
            return self._attached(session, operation, None, peer)
        return self._once(session, operation, peer)

    def reattach_execute(self, session: Session, request: pb.ReattachExecuteRequest, peer: Peer) -> Iterator[Any]:
        """ReattachExecute."""
        operation = session.operation(request.operation_id)
        return self._attached(session, operation, request.last_response_id or None, peer)

    def _once(self, session: Session, operation: Operation, peer: Peer) -> Iterator[pb.ExecutePlanResponse]:
        try:
            yield from operation.once(peer.listening)
        except Exception as error:
            raise session.errors.failure(error) from error
        finally:
            session.end(operation)

    def _attached(
        self, session: Session, operation: Operation, after: str | None, peer: Peer
    ) -> Iterator[pb.ExecutePlanResponse]:
        try:
            yield from operation.attach(after, peer.listening)
        except Exception as error:
            raise session.errors.failure(error) from error

    def release_execute(self, session: Session, request: pb.ReleaseExecuteRequest, peer: Peer) -> Any:
        """ReleaseExecute: of an operation that is not there, nothing has to be released."""
        operation = session.operations.get(request.operation_id)
        if operation is not None:
            if request.WhichOneof("release") == "release_until":
                operation.release_until(request.release_until.response_id)
            else:
                session.end(operation)
        return pb.ReleaseExecuteResponse(**_ids(session), operation_id=request.operation_id)

    def interrupt(self, session: Session, request: pb.InterruptRequest, peer: Peer) -> Any:
        """Interrupt."""
        kinds = pb.InterruptRequest.InterruptType
        if request.interrupt_type == kinds.INTERRUPT_TYPE_TAG:
            ids = session.interrupt(tag=request.operation_tag)
        elif request.interrupt_type == kinds.INTERRUPT_TYPE_OPERATION_ID:
            ids = session.interrupt(operation_id=request.operation_id)
        else:
            ids = session.interrupt()
        return pb.InterruptResponse(**_ids(session), interrupted_ids=ids)

    def get_status(self, session: Session, request: pb.GetStatusRequest, peer: Peer) -> Any:
        """GetStatus."""
        response = pb.GetStatusResponse(**_ids(session))
        if request.HasField("operation_status"):
            known = session.status()
            for operation_id in request.operation_status.operation_ids or known:
                state = _STATES.Value("OPERATION_STATE_" + known.get(operation_id, "UNKNOWN"))
                response.operation_statuses.add(operation_id=operation_id, state=state)
        return response

    # ---- plans and settings

    def analyze_plan(self, session: Session, request: pb.AnalyzePlanRequest, peer: Peer) -> Any:
        """AnalyzePlan."""
        response = pb.AnalyzePlanResponse(**_ids(session))
        analyze_plan(session, request, response)
        return response

    def config(self, session: Session, request: pb.ConfigRequest, peer: Peer) -> Any:
        """Config."""
        response = pb.ConfigResponse(**_ids(session))
        configure(session.conf, request.operation, response)
        return response

    # ---- artifacts

    def add_artifacts(self, _: None, requests: Iterable[pb.AddArtifactsRequest], peer: Peer) -> Any:
        """AddArtifacts: a stream of requests, of which the first names the session."""
        iterator = iter(requests)
        first = next(iterator, None)
        if first is None:
            raise invalid_cursor("DISCONNECTED", "The stream of artifacts was empty.")
        expected = first.client_observed_server_side_session_id
        session = self.sessions.get(first.user_context.user_id, first.session_id, expected)
        response = pb.AddArtifactsResponse(**_ids(session))
        for name, good in session.artifacts.add(_chain(first, iterator)):
            response.artifacts.add(name=name, is_crc_successful=good)
            if good:
                session.place_artifact(name)
        return response

    def artifact_status(self, session: Session, request: pb.ArtifactStatusesRequest, peer: Peer) -> Any:
        """ArtifactStatus."""
        response = pb.ArtifactStatusesResponse(**_ids(session))
        for name in request.names:
            response.statuses[name].exists = name in session.artifacts
        return response

    # ---- sessions

    def fetch_error_details(self, session: Session, request: pb.FetchErrorDetailsRequest, peer: Peer) -> Any:
        """FetchErrorDetails."""
        errors = session.errors.details(request.error_id)
        response = pb.FetchErrorDetailsResponse(**_ids(session), errors=errors)
        if errors:
            response.root_error_idx = 0
        return response

    def release_session(self, _: None, request: pb.ReleaseSessionRequest, peer: Peer) -> Any:
        """ReleaseSession: queries stop, and the id is not taken again."""
        user_id = request.user_context.user_id
        server_id = self.sessions.release(user_id, request.session_id, allow_reconnect=request.allow_reconnect)
        return pb.ReleaseSessionResponse(session_id=request.session_id, server_side_session_id=server_id)

    def clone_session(self, session: Session, request: pb.CloneSessionRequest, peer: Peer) -> Any:
        """CloneSession."""
        clone = session.clone(request.new_session_id or str(uuid4()))
        self.sessions.add(clone)
        ids = {"new_session_id": clone.id, "new_server_side_session_id": clone.server_id}
        return pb.CloneSessionResponse(**_ids(session), **ids)


_METHODS: dict[str, Callable[..., Any]] = {
    "ExecutePlan": Service.execute_plan,
    "AnalyzePlan": Service.analyze_plan,
    "Config": Service.config,
    "AddArtifacts": Service.add_artifacts,
    "ArtifactStatus": Service.artifact_status,
    "Interrupt": Service.interrupt,
    "ReattachExecute": Service.reattach_execute,
    "ReleaseExecute": Service.release_execute,
    "ReleaseSession": Service.release_session,
    "FetchErrorDetails": Service.fetch_error_details,
    "CloneSession": Service.clone_session,
    "GetStatus": Service.get_status,
}

#: (name, whether requests stream, whether responses stream)
RPCS = tuple((name, name == "AddArtifacts", name in ("ExecutePlan", "ReattachExecute")) for name in _METHODS)


def _ids(session: Session) -> dict[str, str]:
    return {"session_id": session.id, "server_side_session_id": session.server_id}


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _is_reattachable(request: pb.ExecutePlanRequest) -> bool:
    return any(option.reattach_options.reattachable for option in request.request_options)
