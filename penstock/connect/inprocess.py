"""A grpc.Channel that calls the service in the caller's own thread: no socket, no serialisation, no copy.

The client's stub cannot tell it from a real channel.  A streaming call is the service's generator itself, so results
are made while the client reads them, and Ctrl-C arrives where the client waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
from grpc_status import rpc_status

from penstock.connect.errors import RpcFailure
from penstock.connect.service import Peer, Service

#: One process: batches as large as the client's Arrow reader likes them.
PEER = Peer(in_process=True, batch_bytes=64 * 1024 * 1024)


class InProcessError(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """A failed call, as the client expects it of grpc."""

    def __init__(self, status: Any) -> None:
        self._status = rpc_status.to_status(status)
        super().__init__(status.message)

    def code(self) -> Any:
        return self._status.code

    def details(self) -> Any:
        return self._status.details

    def trailing_metadata(self) -> Any:
        return self._status.trailing_metadata

    def initial_metadata(self) -> Any:
        return ()

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> None:
        return None

    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return False


class InProcessChannel(grpc.Channel):  # type: ignore[misc]
    """The channel to one service."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def _unary(self, method: str, *_: Any, **__: Any) -> Any:
        name, call = method.rpartition("/")[2], self.service.call

        def invoke(request: Any, *_: Any, **__: Any) -> Any:
            try:
                response = call(name, request, PEER)
                # the client drops cached relations by a unary call of ExecutePlan
                return _last(response) if name == "ExecutePlan" else response
            except RpcFailure as failure:
                raise InProcessError(failure.status) from failure.__cause__

        return invoke

    def _stream(self, method: str, *_: Any, **__: Any) -> Any:
        name, call = method.rpartition("/")[2], self.service.call

        def invoke(request: Any, *_: Any, **__: Any) -> Iterator[Any]:
            try:
                yield from call(name, request, PEER)
            except RpcFailure as failure:
                raise InProcessError(failure.status) from failure.__cause__

        return invoke

    unary_unary = _unary
    unary_stream = _stream
    stream_unary = _unary
    stream_stream = _stream

    def subscribe(self, callback: Any, try_to_connect: bool = False) -> None:
        """There is no connection whose state could change."""

    def unsubscribe(self, callback: Any) -> None:
        """There is nothing subscribed."""

    def close(self) -> None:
        """The service outlives its channels."""

    def __enter__(self) -> InProcessChannel:
        return self

    def __exit__(self, *_: Any) -> None:
        return None


def _last(responses: Iterator[Any]) -> Any:
    last = None
    for response in responses:
        last = response
    return last
