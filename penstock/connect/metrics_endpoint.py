"""`GET /metrics`: the figures of this process's streaming queries over HTTP, for Prometheus.

Off unless `penstock.metrics.port` is set (in the session's settings, or as PENSTOCK_METRICS_PORT in the environment of
a program that is not to be changed); 0 takes any free port.  It listens on localhost; another `penstock.metrics.host`
needs `penstock.metrics.token`, which a scraper sends as `Authorization: Bearer <token>`.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from penstock.core.errors import illegal_argument
from penstock.runtime.metrics import CONTENT_TYPE, StreamingMetrics

_log = logging.getLogger(__name__)

PORT, HOST, TOKEN = "penstock.metrics.port", "penstock.metrics.host", "penstock.metrics.token"

#: The figures of this process, and its endpoint once there is one.
metrics = StreamingMetrics()
_lock = threading.Lock()
_endpoints: dict[tuple[str, int], Endpoint] = {}


def serve(conf: Mapping[str, str]) -> StreamingMetrics | None:
    """Begin to answer where the settings say; the metrics to feed, or None when they are not wanted.  Sessions that
    give the same address share one endpoint."""
    text = _setting(conf, PORT)
    if text is None:
        return None
    if not text.isdigit() or int(text) > 65535:
        raise illegal_argument("INVALID_CONF_VALUE.DEFAULT", f"{PORT} must be a port number, not {text!r}.", "22022")
    address = _setting(conf, HOST) or "localhost", int(text)
    with _lock:
        if address not in _endpoints:
            _endpoints[address] = Endpoint(*address, _setting(conf, TOKEN), metrics)
    return metrics


class Endpoint:
    """One listening address."""

    def __init__(self, host: str, port: int, token: str | None, source: StreamingMetrics) -> None:
        if not token and not _is_loopback(host):
            message = f"{host} can be reached from other machines: set {TOKEN}, or listen on localhost."
            raise illegal_argument("PENSTOCK_METRICS.TOKEN_REQUIRED", message, host=host)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self, token, source)

            def log_message(self, format: str, *arguments: object) -> None:
                _log.debug(format, *arguments)

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            message = f"The metrics cannot be served on {host}:{port} ({PORT}): {error.strerror or error}."
            raise illegal_argument("PENSTOCK_METRICS.ADDRESS", message, address=f"{host}:{port}") from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        _log.warning("Metrics of streaming queries: http://%s:%s/metrics", host, self.port)
        threading.Thread(target=self._server.serve_forever, name="penstock metrics", daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def answer(request: BaseHTTPRequestHandler, token: str | None, source: StreamingMetrics) -> None:
    """One request."""
    expected = f"Bearer {token}".encode()
    given = (request.headers.get("Authorization") or "").encode()
    if token and not hmac.compare_digest(given, expected):
        status, body = 401, b"Send this endpoint's token: Authorization: Bearer ...\n"
    elif request.path.partition("?")[0] not in ("/metrics", "/metrics/", "/metrics/prometheus"):
        status, body = 404, b"The figures are at /metrics\n"
    else:
        status, body = 200, source.text().encode()
    request.send_response(status)
    request.send_header("Content-Type", CONTENT_TYPE)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _setting(conf: Mapping[str, str], key: str) -> str | None:
    return conf.get(key) or os.environ.get(key.upper().replace(".", "_")) or None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
