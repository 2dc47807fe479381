"""Python stream readers: their offsets, dicts, are the JSON texts of the offset log.

The offset that a query first started from is kept in the checkpoint, so that a restart before the first batch was done
reads the same rows again.  What a SimpleDataSourceStreamReader has handed out beside an offset is kept until its batch
has run; after a restart `readBetweenOffsets` gives it again."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from penstock.checkpoint.metadata_log import MetadataLog, body_lines
from penstock.pyfn.data_sources import PythonRelation, as_batches, chosen, mismatch, read_partition, streaming
from penstock.pyfn.errors import user_code
from penstock.sources.base import Scan, StreamContext


class PythonStream:
    """One running input."""

    def __init__(self, relation: PythonRelation, context: StreamContext) -> None:
        self._relation = relation
        self._reader = _reader(relation)
        self.description = f"PythonDataSourceV2[{relation.source.name()}]"
        self._initial = self._initial_offset(context)
        self._fixes_end = False
        self._end: str | None = None

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        if self._end is not None:
            return self._end
        begin = start or self._initial
        latest = self._reader.latest(begin, ignore_limits=ignore_limits or self._fixes_end)
        if self._fixes_end:
            self._end = latest
        return start if latest == begin else latest

    def prepare_for_available_now(self) -> None:
        """A reader that knows about it fixes its own end; of others, what is there when they are first asked."""
        if not self._reader.prepare_for_available_now():
            self._fixes_end = True

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        batches = self._reader.rows(start or self._initial, end)
        return Scan(table=chosen(batches, self._relation.schema, columns))

    def row_count(self, start: str | None, end: str) -> int | None:
        return None

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        self._reader.commit(end)

    def stop(self) -> None:
        with streaming("stop"):
            self._reader.stop()

    def _initial_offset(self, context: StreamContext) -> str:
        log = MetadataLog(context.metadata_path)
        if log.latest is None:
            with streaming("initialOffset"):
                initial = json.dumps(self._reader.initial())
            log.add(0, f"v1\n{initial}".encode())
        return "".join(body_lines(log.get(0), log.path(0)))


def _reader(relation: PythonRelation) -> _Reader | _SimpleReader:
    """The class's streamReader, or where it has none its simpleStreamReader."""
    from pyspark.errors import PySparkNotImplementedError
    from pyspark.sql.datasource import DataSourceStreamReader, SimpleDataSourceStreamReader

    with streaming("initializeSource"):
        try:
            reader = relation.source.streamReader(schema=relation.schema)
        except PySparkNotImplementedError:
            simple = relation.source.simpleStreamReader(schema=relation.schema)
            if not isinstance(simple, SimpleDataSourceStreamReader):
                raise mismatch("an instance of SimpleDataSourceStreamReader", simple) from None
            return _SimpleReader(relation, simple)
        if not isinstance(reader, DataSourceStreamReader):
            raise mismatch("an instance of DataSourceStreamReader", reader)
        return _Reader(relation, reader)


class _Reader:
    """A DataSourceStreamReader."""

    def __init__(self, relation: PythonRelation, reader: Any) -> None:
        self._relation = relation
        self._reader = reader
        self._takes_limits = bool(inspect.signature(reader.latestOffset).parameters)

    def initial(self) -> Any:
        return self._reader.initialOffset()

    def latest(self, start: str, *, ignore_limits: bool) -> str:
        from pyspark.sql.streaming.datasource import ReadAllAvailable

        with streaming("latestOffset"):
            if not self._takes_limits:
                return json.dumps(self._reader.latestOffset())
            limit = ReadAllAvailable() if ignore_limits else self._reader.getDefaultReadLimit()
            return json.dumps(self._reader.latestOffset(json.loads(start), limit))

    def prepare_for_available_now(self) -> bool:
        return _prepared(self._reader)

    def rows(self, start: str, end: str) -> list[pa.RecordBatch]:
        with streaming("planPartitions"):
            partitions = list(self._reader.partitions(json.loads(start), json.loads(end)))
        return [b for partition in partitions for b in read_partition(self._relation, self._reader, partition)]

    def commit(self, end: str) -> None:
        with streaming("commitSource"):
            self._reader.commit(json.loads(end))

    def stop(self) -> None:
        self._reader.stop()


class _SimpleReader:
    """A SimpleDataSourceStreamReader: rows come with the offset after them."""

    def __init__(self, relation: PythonRelation, reader: Any) -> None:
        self._relation = relation
        self._reader = reader
        self._read: dict[tuple[str, str], list[pa.RecordBatch]] = {}

    def initial(self) -> Any:
        return self._reader.initialOffset()

    def latest(self, start: str, *, ignore_limits: bool) -> str:
        """Reads from `start`, unless that was done already."""
        known = next((end for begin, end in self._read if begin == start), None)
        if known is not None:
            return known
        with streaming("latestOffset"):
            rows, offset = self._reader.read(json.loads(start))
            end = json.dumps(offset)
        with user_code():
            batches = as_batches(self._relation, iter(rows))
        if end == start:
            if any(batch.num_rows for batch in batches):
                raise _did_not_advance(start)
            return start
        self._read[start, end] = batches
        return end

    def prepare_for_available_now(self) -> bool:
        return _prepared(self._reader)

    def rows(self, start: str, end: str) -> list[pa.RecordBatch]:
        if (start, end) in self._read:
            return self._read[start, end]
        with user_code():
            rows: Iterator[Any] = self._reader.readBetweenOffsets(json.loads(start), json.loads(end))
            return as_batches(self._relation, iter(rows))

    def commit(self, end: str) -> None:
        self._read = {key: batches for key, batches in self._read.items() if key[1] != end}
        with streaming("commitSource"):
            self._reader.commit(json.loads(end))

    def stop(self) -> None:
        self._read.clear()


def _prepared(reader: Any) -> bool:
    from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow

    if not isinstance(reader, SupportsTriggerAvailableNow):
        return False
    with streaming("prepareForTriggerAvailableNow"):
        reader.prepareForTriggerAvailableNow()
    return True


def _did_not_advance(start: str) -> Exception:
    from pyspark.errors.exceptions.base import PySparkException

    params = {"start_offset": start, "end_offset": start}
    try:
        with streaming("latestOffset"):
            raise PySparkException(errorClass="SIMPLE_STREAM_READER_OFFSET_DID_NOT_ADVANCE", messageParameters=params)
    except Exception as error:
        return error
