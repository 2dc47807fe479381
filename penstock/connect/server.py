"""`penstock serve`: the service over real gRPC, for Spark Connect clients in any language.

Who may connect: on a loopback address without a token, every user of this machine; with a token, those who send it; an
address that others can reach is refused without one.  A peer that connects can run Python code here (foreachBatch and
other functions arrive pickled), so nothing of a request is parsed before its token has been compared.
"""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pyspark.sql.connect.proto as pb
from grpc_status import rpc_status

from penstock.connect.errors import RpcFailure
from penstock.connect.service import RPCS, Peer, Service
from penstock.core.errors import illegal_argument

_SERVICE = "spark.connect.SparkConnectService"
_MESSAGE_BYTES = 128 * 1024 * 1024
_WORKERS = 256
#: How long a stream may last before the client has to attach again: while threads are plenty, and when they run out.
_STREAM_SECONDS = 120.0
_CROWDED_SECONDS = 1.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Address:
    """Where to listen, and what a client has to show."""

    host: str = "localhost"
    port: int = 15002
    token: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Refuse an open door, and half a key pair."""
        if not self.is_loopback and not self.token:
            raise illegal_argument(
                "PENSTOCK_SERVE.TOKEN_REQUIRED",
                f"{self.host} can be reached from other machines, and clients can run code here: give --token or "
                "--token-file, or listen on localhost.",
                host=self.host,
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise illegal_argument("PENSTOCK_SERVE.TLS", "TLS takes both --tls-cert and --tls-key.")


class Server:
    """One listening server."""

    def __init__(self, service: Service, address: Address, workers: int = _WORKERS) -> None:
        address.check()
        self._service = service
        self._crowd = _Crowd(workers)
        interceptors = [_TokenCheck(address.token)] if address.token else []
        self._server = grpc.server(
            ThreadPoolExecutor(workers, thread_name_prefix="penstock rpc"),
            interceptors=interceptors,
            options=[("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", -1),
                     ("grpc.so_reuseport", 0)],
        )  # fmt: skip
        self._server.add_generic_rpc_handlers((_handlers(service, self._crowd),))
        self.port = self._bind(address)

    def _bind(self, address: Address) -> int:
        host = f"[{address.host}]" if ":" in address.host else address.host
        target = f"{host}:{address.port}"
        try:
            if address.tls_cert is not None and address.tls_key is not None:
                pair = (address.tls_key.read_bytes(), address.tls_cert.read_bytes())
                port = self._server.add_secure_port(target, grpc.ssl_server_credentials([pair]))
            else:
                port = self._server.add_insecure_port(target)
        except (RuntimeError, OSError) as error:
            message = f"Cannot listen on {target}: {error}"
            raise illegal_argument("PENSTOCK_SERVE.ADDRESS", message, address=target) from error
        return int(port)

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self) -> None:
        """Stop all queries and sessions, then the server: running calls get a few seconds."""
        stopped = self._server.stop(_STOP_SECONDS)
        self._service.close()
        stopped.wait(_STOP_SECONDS + 1)


class _Crowd:
    """Counts the streams that hold a thread."""

    def __init__(self, workers: int) -> None:
        self._limit = max(1, workers * 3 // 4)
        self._lock = threading.Lock()
        self._streams = 0

    def __enter__(self) -> _Crowd:
        with self._lock:
            self._streams += 1
        return self

    def __exit__(self, *_: Any) -> None:
        with self._lock:
            self._streams -= 1

    def listening(self, context: grpc.ServicerContext) -> Callable[[], bool]:
        """Whether a stream that begins now may go on."""
        begun = time.monotonic()

        def may_go_on() -> bool:
            limit = _CROWDED_SECONDS if self._streams > self._limit else _STREAM_SECONDS
            return bool(context.is_active()) and time.monotonic() - begun < limit

        return may_go_on


class _TokenCheck(grpc.ServerInterceptor):  # type: ignore[misc]
    """Lets through only calls with `authorization: Bearer <token>`."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Decided by the metadata alone, before the request is read."""
        given = [value for key, value in details.invocation_metadata if key.lower() == "authorization"]
        if len(given) == 1 and hmac.compare_digest(_bytes(given[0]), self._expected):
            return continuation(details)
        return _REFUSALS.get(details.method.rpartition("/")[2], grpc.unary_unary_rpc_method_handler(_refuse))


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _refuse(request: Any, context: grpc.ServicerContext) -> Any:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "Connect with this server's token: sc://host:port/;token=...")


def _refuse_stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    _refuse(request, context)
    yield


def _handler(stream_in: bool, stream_out: bool, behavior: Any, **codecs: Any) -> Any:
    if stream_out:
        return grpc.unary_stream_rpc_method_handler(behavior, **codecs)
    if stream_in:
        return grpc.stream_unary_rpc_method_handler(behavior, **codecs)
    return grpc.unary_unary_rpc_method_handler(behavior, **codecs)


_REFUSALS = {name: _handler(i, o, _refuse_stream if o else _refuse) for name, i, o in RPCS}


def _handlers(service: Service, crowd: _Crowd) -> Any:
    messages = {
        method.name: method for method in pb.base_pb2.DESCRIPTOR.services_by_name["SparkConnectService"].methods
    }
    found = {}
    for name, stream_in, stream_out in RPCS:
        behavior = (_streaming if stream_out else _unary)(service, crowd, name)
        request = getattr(pb, messages[name].input_type.name)
        response = getattr(pb, messages[name].output_type.name)
        codecs = {"request_deserializer": request.FromString, "response_serializer": response.SerializeToString}
        found[name] = _handler(stream_in, stream_out, behavior, **codecs)
    return grpc.method_handlers_generic_handler(_SERVICE, found)


def _unary(service: Service, crowd: _Crowd, name: str) -> Callable[[Any, grpc.ServicerContext], Any]:
    def behavior(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return service.call(name, request, Peer())
        except RpcFailure as failure:
            context.abort_with_status(rpc_status.to_status(failure.status))

    return behavior


def _streaming(service: Service, crowd: _Crowd, name: str) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    def behavior(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        with crowd:
            try:
                yield from service.call(name, request, Peer(listening=crowd.listening(context)))
            except RpcFailure as failure:
                context.abort_with_status(rpc_status.to_status(failure.status))

    return behavior
