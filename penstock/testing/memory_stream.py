"""A stream whose rows a test adds."""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from penstock.core.errors import illegal_argument
from penstock.engine.types import arrow_schema, from_spark_arrow
from penstock.plan.types import StructType
from penstock.sources import registry
from penstock.sources.base import Scan, StreamContext

FORMAT = "penstock-memory"

_streams: weakref.WeakValueDictionary[str, MemoryStream] = weakref.WeakValueDictionary()


class MemoryStream:
    """A source in memory.  Each `add_data` is one offset (0, 1, 2, ...), as in Spark's MemoryStream; everything added
    is kept, so that queries may start again from any offset as long as the object lives.

    schema: a StructType or DDL (`"k string, v int"`).  adds_per_trigger: how many additions a batch takes at most.

    >>> numbers = MemoryStream("n long")
    >>> numbers.add_data([1, 2, 3])
    0
    """

    def __init__(self, schema: StructType | str, *, adds_per_trigger: int | None = None) -> None:
        self.schema = _struct(schema)
        self.adds_per_trigger = adds_per_trigger
        self.id = str(uuid.uuid4())
        self._lock = threading.Lock()
        self._tables: list[pa.Table] = []
        self._wakers: list[Callable[[], None]] = []
        _streams[self.id] = self

    def add_data(self, rows: Sequence[Any] | Mapping[str, Sequence[Any]] | pa.Table) -> int:
        """Add rows: tuples, dicts, Rows, or bare values for a one-column stream; or a dict of columns; or an Arrow
        table (columns by position).  Returns their offset."""
        table = _to_arrow(rows, self.schema)
        with self._lock:
            self._tables.append(table)
            offset = len(self._tables) - 1
            wakers = list(self._wakers)
        for wake in wakers:
            wake()
        return offset

    def to_df(self, spark: Any) -> Any:
        """This stream as a streaming DataFrame."""
        return spark.readStream.format(FORMAT).option("id", self.id).load()

    @property
    def latest(self) -> int:
        """The newest offset, -1 before the first addition."""
        with self._lock:
            return len(self._tables) - 1

    def between(self, start: int, end: int) -> pa.Table:
        """The rows after offset `start` up to `end`, in the client's Arrow types."""
        with self._lock:
            tables = self._tables[start + 1 : end + 1]
        return pa.concat_tables([arrow_schema(self.schema).empty_table(), *tables])

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` at every addition; returns what ends it."""
        with self._lock:
            self._wakers.append(wake)

        def end() -> None:
            with self._lock:
                self._wakers.remove(wake)

        return end


class MemoryRelation:
    """A MemoryStream as a data source (`penstock.sources.base.Relation`)."""

    def __init__(self, stream: MemoryStream) -> None:
        self._stream = stream

    @property
    def schema(self) -> StructType:
        return self._stream.schema

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        return _scan(self._stream, -1, self._stream.latest, columns)

    def open_stream(self, context: StreamContext) -> MemorySource:
        return MemorySource(self._stream, context)

    def open_real_time(self, context: StreamContext) -> MemorySource:
        return MemorySource(self._stream, context)

    def open_continuous(self, context: StreamContext) -> MemorySource:
        return MemorySource(self._stream, context)


class MemorySource:
    """A MemoryStream read by one query (`penstock.sources.base.StreamSource`)."""

    def __init__(self, stream: MemoryStream, context: StreamContext) -> None:
        self._stream = stream
        self._end: int | None = None
        self._unwatch = stream.watch(context.wake)

    @property
    def description(self) -> str:
        return f"MemoryStream[{','.join(self._stream.schema.fieldNames())}]"

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        begin = _number(start)
        end = self._stream.latest if self._end is None else self._end
        if self._stream.adds_per_trigger is not None and not ignore_limits:
            end = min(end, begin + self._stream.adds_per_trigger)
        return str(end) if end > begin else start

    def look_after_ms(self) -> int | None:
        return None

    def prepare_for_available_now(self) -> None:
        self._end = self._stream.latest

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        return _scan(self._stream, _number(start), int(end), columns)

    def row_count(self, start: str | None, end: str) -> int | None:
        return int(self._stream.between(_number(start), int(end)).num_rows)

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        """Nothing is forgotten."""

    def stop(self) -> None:
        self._unwatch()


def memory_provider(
    *,
    options: Mapping[str, str],
    paths: Sequence[str],
    schema: StructType | None,
    streaming: bool,
    conf: Mapping[str, str],
) -> MemoryRelation:
    """The format `penstock-memory`: option `id` names the MemoryStream."""
    stream = _streams.get(options.get("id", ""))
    if stream is None:
        message = f'The option "id" is {options.get("id")!r}: there is no MemoryStream of that id in this process.'
        raise illegal_argument("STDS_INVALID_OPTION_VALUE.WITH_MESSAGE", message, "42616", optionName="id")
    return MemoryRelation(stream)


def _number(offset: str | None) -> int:
    return -1 if offset is None else int(offset)


def _scan(stream: MemoryStream, start: int, end: int, columns: Sequence[tuple[str, str]]) -> Scan:
    names = stream.schema.fieldNames()
    engine_names = [f"f{i}" for i in range(len(names))]
    table = from_spark_arrow(stream.between(start, end), stream.schema, engine_names)
    indices = [names.index(name) for name, _ in columns]
    return Scan(table=table.select(indices).rename_columns([sql_name for _, sql_name in columns]))


def _struct(schema: StructType | str) -> StructType:
    if isinstance(schema, StructType):
        return schema
    from penstock.sql import parse_schema

    return parse_schema(schema)


def _to_arrow(data: Sequence[Any] | Mapping[str, Sequence[Any]] | pa.Table, schema: StructType) -> pa.Table:
    if isinstance(data, pa.Table):
        return data.rename_columns(schema.fieldNames()).cast(arrow_schema(schema))
    if isinstance(data, Mapping):
        rows: Sequence[Any] = list(zip(*(data[name] for name in schema.fieldNames()), strict=True))
    else:
        rows = [row if isinstance(row, (tuple, list, dict)) else (row,) for row in data]
    from pyspark.sql.conversion import LocalDataToArrowConversion

    table = LocalDataToArrowConversion.convert([_in_order(row, schema) for row in rows], schema, False)
    return table.cast(arrow_schema(schema))


def _in_order(row: Any, schema: StructType) -> Any:
    return tuple(row.get(name) for name in schema.fieldNames()) if isinstance(row, dict) else row


registry.register(FORMAT, memory_provider)
