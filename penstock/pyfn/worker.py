"""Spark's own evaluation code (`pyspark.worker`) in this process: a command is loaded once and fed with Arrow batches.

What Spark's JVM writes to a worker's socket is written to memory instead.  Unpickling runs what the client has put
there: the transport lets nobody through who has not authenticated.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from penstock.core.config import Conf
from penstock.engine.engine import engine_zone
from penstock.plan.types import StructType
from penstock.pyfn.calls import Call
from penstock.pyfn.errors import user_code

#: What Spark hands on of the session's settings, and its defaults where Penstock has none.
_SETTINGS = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
    "spark.sql.execution.pandas.convertToArrowArraySafely": "true",
    "spark.sql.execution.pyspark.binaryAsBytes": "true",
    "spark.sql.execution.pythonUDF.arrow.concurrency.level": "-1",
    "spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled": "false",
    "spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype": "false",
    "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": "true",
    "spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled": "false",
}

Group = Sequence[pa.RecordBatch]


@dataclass(frozen=True)
class Loaded:
    """A function ready to be fed; `is_direct` when it takes Arrow batches themselves instead of a stream of them."""

    evaluate: Callable[[int, Any], Iterator[Any]]
    deserializer: Any
    serializer: Any
    is_direct: bool

    def over_batches(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> list[pa.RecordBatch]:
        """What the function makes of one sequence of batches."""
        if self.is_direct:
            return self._collect(lambda: iter(batches))
        stream = io.BytesIO()
        _write_batches(stream, batches, schema)
        return self._through(stream)

    def over_groups(self, groups: Iterable[tuple[Group, ...]]) -> list[pa.RecordBatch]:
        """What the function makes of groups, each of one frame (or two, of a cogroup) of at least one batch."""
        if self.is_direct:
            return self._collect(lambda: (iter(frames[0]) for frames in groups))
        stream = io.BytesIO()
        for frames in groups:
            stream.write(struct.pack("!i", len(frames)))
            for batches in frames:
                _write_batches(stream, batches, batches[0].schema)
        stream.write(struct.pack("!i", 0))
        return self._through(stream)

    def _collect(self, feed: Callable[[], Iterator[Any]]) -> list[pa.RecordBatch]:
        with user_code():
            return list(self.evaluate(0, feed()))

    def _through(self, stream: io.BytesIO) -> list[pa.RecordBatch]:
        stream.seek(0)
        out = io.BytesIO()
        with user_code():
            self.serializer.dump_stream(self.evaluate(0, self.deserializer.load_stream(stream)), out)
        if not out.tell():
            return []
        out.seek(4)  # past the mark that announces an Arrow stream
        return list(pa.ipc.open_stream(out))


def load(
    call: Call,
    conf: Conf,
    offsets: Sequence[int] | None = None,
    input_type: StructType | None = None,
    frames: str = "",
) -> Loaded:
    """Unpickle a command.  `offsets` say where the arguments are; by default they are the columns in order.  `frames`
    are those of a window function: "bounded" or "unbounded"."""
    from pyspark import worker
    from pyspark.sql.pandas.serializers import ArrowStreamGroupSerializer, ArrowStreamSerializer
    from pyspark.worker_util import pickleSer

    settings = runner_settings(conf)
    settings._conf["window_bound_types"] = frames
    evaluation = evaluation_conf(input_type)
    with user_code():
        message = io.BytesIO(_message(call, offsets))
        function, _, source, sink = worker.read_udfs(pickleSer, message, call.eval_type, settings, evaluation)
    is_direct = type(source) in (ArrowStreamSerializer, ArrowStreamGroupSerializer)
    return Loaded(function, source, sink, is_direct)


def runner_settings(conf: Conf) -> Any:
    """What Spark's code for Python functions is told of the session's settings."""
    from pyspark import worker

    settings = worker.RunnerConf()
    settings._conf.update({key: conf.get(key, default) for key, default in _SETTINGS.items()})
    settings._conf["spark.sql.session.timeZone"] = engine_zone(conf.time_zone)
    return settings


def evaluation_conf(input_type: StructType | None) -> Any:
    """What Spark's code is told of one function."""
    from pyspark import worker

    evaluation = worker.EvalConf()
    if input_type is not None:
        evaluation._conf["input_type"] = input_type.json()
    return evaluation


def batch_rows(conf: Conf) -> int:
    """How many rows a function gets at once."""
    rows = int(conf.get("spark.sql.execution.arrow.maxRecordsPerBatch", "10000") or 0)
    return rows if rows > 0 else (1 << 31) - 1


def sized(data: bytes) -> bytes:
    """Bytes with their length before them, as Spark writes them."""
    return struct.pack("!i", len(data)) + data


def _message(call: Call, offsets: Sequence[int] | None) -> bytes:
    """One function, as Spark writes it: its arguments' places and names, its pickled code, no profiler."""
    parts = [struct.pack("!i", 1)]
    if offsets is not None:
        parts.append(struct.pack("!i", len(offsets)))
        parts += [struct.pack("!i?", offset, False) for offset in offsets]
    else:
        parts.append(struct.pack("!i", len(call.arguments)))
        parts += [_argument(place, argument.keyword) for place, argument in enumerate(call.arguments)]
    parts += [struct.pack("!ii", 1, len(call.command)), call.command, struct.pack("!q", 0)]
    return b"".join(parts)


def _argument(place: int, keyword: str | None) -> bytes:
    if keyword is None:
        return struct.pack("!i?", place, False)
    name = keyword.encode()
    return struct.pack("!i?i", place, True, len(name)) + name


def _write_batches(stream: io.BytesIO, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
    with pa.ipc.new_stream(stream, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
