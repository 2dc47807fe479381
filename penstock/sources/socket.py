"""The socket source: lines of text from a TCP server, for trying things out.

An offset is Spark's: the number of the last line, from 0; -1 is "before the first".  Lines are held in memory until
their batch is done and nowhere else: after a restart they are gone, so this source does not tolerate faults.  A broken
connection is not opened again; the query goes on without new lines, as in Spark.
"""

from __future__ import annotations

import contextlib
import logging
import socket as sockets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from penstock.core.clock import Clock
from penstock.core.errors import ILLEGAL_STATE, SPARK, SparkError, analysis_error
from penstock.plan.types import STRING, TIMESTAMP, StructField, StructType
from penstock.sources import options as opt
from penstock.sources.base import Relation, Scan, StreamContext, StreamSource
from penstock.sources.rate import refuse_schema, streaming_only

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SocketRelation:
    """Where to connect to, and whether every line gets the time at which it came."""

    host: str
    port: int
    include_timestamp: bool

    @property
    def schema(self) -> StructType:
        fields = [StructField("value", STRING, True)]
        return StructType([*fields, StructField("timestamp", TIMESTAMP, True)] if self.include_timestamp else fields)

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        raise streaming_only("socket")

    def open_stream(self, context: StreamContext) -> StreamSource:
        return SocketStreamSource(self, context)

    def open_continuous(self, context: StreamContext) -> StreamSource:
        return SocketStreamSource(self, context)


class SocketStreamSource:
    """One connection.  A thread of its own reads lines; the query's thread takes them batch by batch."""

    def __init__(self, relation: SocketRelation, context: StreamContext) -> None:
        self._relation = relation
        self._clock: Clock = context.clock
        self._wake = context.wake
        self._lock = threading.Lock()
        self._lines: list[tuple[str, int]] = []  # guarded by _lock; text and microseconds
        self._first = 0  # the number of _lines[0]
        self._fixed: str | None = None
        self._is_stopped = False
        self._connection = _connect(relation)
        name = f"socket source {relation.host}:{relation.port}"
        self._reader = threading.Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    @property
    def description(self) -> str:
        return f"TextSocketV2[host: {self._relation.host}, port: {self._relation.port}]"

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        if self._fixed is not None:
            return self._fixed
        with self._lock:
            return str(max(self._first + len(self._lines) - 1, int(start or -1)))

    def look_after_ms(self) -> int | None:
        return None

    def prepare_for_available_now(self) -> None:
        self._fixed = self.latest_offset(None)

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        first, last = int(start or -1) + 1, int(end)
        with self._lock:
            have = self._first + len(self._lines)
            if first < self._first or last >= have:
                raise self._lost(first, last)
            rows = self._lines[first - self._first : last + 1 - self._first]
        return Scan(table=_table(rows, columns))

    def row_count(self, start: str | None, end: str) -> int | None:
        return int(end) - int(start or -1)

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        with self._lock:
            done = min(int(end) + 1 - self._first, len(self._lines))
            if done > 0:
                del self._lines[:done]
                self._first += done

    def stop(self) -> None:
        self._is_stopped = True
        with contextlib.suppress(OSError):  # the other side was first
            self._connection.shutdown(sockets.SHUT_RDWR)
        self._connection.close()
        self._reader.join(timeout=5)

    def _read(self) -> None:
        """The reader thread: until the other side closes or `stop`."""
        try:
            with self._connection.makefile("rb") as stream:
                while line := stream.readline():
                    self._take(line)
        except OSError as error:
            if not self._is_stopped:
                _log.warning("The socket %s:%s failed: %s", self._relation.host, self._relation.port, error)
        except ValueError:
            pass  # closed by stop() while reading
        if not self._is_stopped:
            _log.warning("The socket %s:%s was closed by the other side", self._relation.host, self._relation.port)

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", errors="replace").rstrip("\n").removesuffix("\r")
        with self._lock:
            self._lines.append((text, self._clock.now_ms() * 1000))
        self._wake()

    def _lost(self, first: int, last: int) -> SparkError:
        message = (
            f"The lines {first} to {last} from the socket {self._relation.host}:{self._relation.port} are gone: a "
            "socket cannot be read again after a restart. Start the query with another checkpointLocation, or use a "
            "source that keeps its data (files, for example)."
        )
        return SparkError("_LEGACY_ERROR_TEMP_3102", message, {}, classes=ILLEGAL_STATE)


def socket(
    *,
    options: Mapping[str, str],
    paths: Sequence[str],
    schema: StructType | None,
    streaming: bool,
    conf: Mapping[str, str],
) -> Relation:
    """The provider of `format("socket")`."""
    refuse_schema(schema, "socket")
    if not streaming:
        raise streaming_only("socket")
    for name, condition in (("host", "_LEGACY_ERROR_TEMP_1295"), ("port", "_LEGACY_ERROR_TEMP_1296")):
        if name not in options:
            raise analysis_error(condition, f"The socket source needs the option {name!r}.", "XXKD0")
    _log.warning("The socket source must not be used in production: it does not support recovery")
    port = opt.positive(options, "port") or 0
    if port > 65535:
        raise opt.bad_value("port", options["port"], "a port number up to 65535")
    return SocketRelation(options["host"], port, opt.boolean(options, "includeTimestamp", False))


def _connect(relation: SocketRelation) -> sockets.socket:
    try:
        connection = sockets.create_connection((relation.host, relation.port), timeout=30)
    except OSError as error:
        message = (
            f"The socket source cannot connect to {relation.host}:{relation.port}: {error.strerror or error}. "
            "Start the server first (nc -lk PORT, for example), and check host and port."
        )
        raise SparkError("CONNECT", message, {}, sqlstate="08001", classes=SPARK) from None
    connection.settimeout(None)
    return connection


def _table(rows: list[tuple[str, int]], columns: Sequence[tuple[str, str]]) -> pa.Table:
    arrays = {
        "value": lambda: pa.array([text for text, _ in rows], pa.string()),
        "timestamp": lambda: pa.array([us for _, us in rows], pa.int64()).view(pa.timestamp("us", tz="UTC")),
        "none": lambda: pa.nulls(len(rows)),
    }
    chosen = columns or [("none", "none")]
    return pa.Table.from_arrays([arrays[name]() for name, _ in chosen], names=[sql_name for _, sql_name in chosen])
