"""The streaming file sink: files that appear batch by batch, each batch exactly once.

Spark's protocol.  A batch's files are written and made durable first; then the batch's entry in the log
`<path>/_spark_metadata` names them, in one atomic write: that is the commit.  Readers see only files in the log.
A batch that is in the log already is not written again.  The names of a batch's files follow from the query's id and
the batch's, so a second try after a crash overwrites what the first has left.
"""

from __future__ import annotations

import json as json_text
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from penstock.checkpoint.compactible_log import CompactibleLog, Rewrite, cleanup_delay_of, interval_of
from penstock.core import faults, files
from penstock.core.durations import time_ms
from penstock.core.errors import ILLEGAL_ARGUMENT, ILLEGAL_STATE, NUMBER_FORMAT, SparkError
from penstock.core.files import local_path
from penstock.sinks.base import Sink, SinkContext
from penstock.sinks.errors import refuse_file_limit, unsupported_output_mode, writing_to
from penstock.sinks.formats import encoder
from penstock.sinks.merging import merger
from penstock.sinks.partitioning import Partitioner

METADATA = "_spark_metadata"
#: After so long a half-written file of the log is not that of another query, which writes here by mistake.
_ABANDONED_S = 60.0
_SAFE = "/=:@!$&'()*+,;~-._"


@dataclass(frozen=True)
class _Written:
    path: Path
    size: int
    modified_ms: int

    def entry(self) -> str:
        """The line of the sink's log."""
        return json_text.dumps(
            {
                "path": "file://" + quote(str(self.path), safe=_SAFE),
                "size": self.size,
                "isDir": False,
                "modificationTime": self.modified_ms,
                "blockReplication": 1,
                "blockSize": 33554432,
                "action": "add",
            },
            separators=(",", ":"),
        )


class FileSink:
    """One query's results in one directory.  Exactly once, whatever is killed when."""

    def __init__(self, format_name: str, context: SinkContext) -> None:
        if context.output_mode.lower() != "append":
            raise unsupported_output_mode(format_name, context.output_mode)
        refuse_file_limit(context.options, context.conf)
        self._path = Path(os.path.abspath(local_path(_location(context.options))))  # noqa: PTH100 - keeps symbolic links
        self._query_id = context.query_id
        self._partitioner = Partitioner(context.schema, context.partition_by, context.time_zone)
        self._encoder = encoder(format_name, self._partitioner.data_schema, context.options, context.time_zone)
        with writing_to(self._path):
            files.fs.make_directory(self._path / METADATA)
            files.fs.remove_temporary(self._path / METADATA, _ABANDONED_S)
            interval = interval_of(context.conf, "spark.sql.streaming.fileSink.log.compactInterval")
            delay = cleanup_delay_of(context.conf, "fileSink")
            rewrite = self._rewrite(format_name, context, delay)
            self._log = CompactibleLog(
                self._path / METADATA, interval=interval, cleanup_delay_ms=delay, rewrite=rewrite
            )

    def _rewrite(self, format_name: str, context: SinkContext, keep_ms: int | None) -> Rewrite | None:
        """What a compaction does with the log: the options `retention` and `mergeSmallFiles`."""
        retain = _retained(context.options)
        merge = merger(format_name, self._encoder, context.options, self._query_id, keep_ms)
        if retain is None:
            return merge

        def rewrite(batch_id: int, lines: Sequence[bytes]) -> list[bytes]:
            kept = [line for line in lines if retain(line)]
            return kept if merge is None else merge(batch_id, kept)

        return rewrite

    @property
    def description(self) -> str:
        return f"FileSink[file:{self._path}]"

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        latest = self._log.latest
        if latest is not None and batch_id <= latest:
            return None
        faults.point("before_sink_files")
        with writing_to(self._path):
            written = self._write_files(batch_id, table) if table.num_rows else []
            faults.point("after_sink_files")
            self._commit(batch_id, written)
        faults.point("after_sink_commit")
        return None

    def stop(self) -> None:
        self._log.close()

    def _write_files(self, batch_id: int, table: pa.Table) -> list[_Written]:
        written: list[_Written] = []
        name = (
            f"part-00000-{uuid.uuid5(uuid.NAMESPACE_OID, f'{self._query_id}/{batch_id}')}-c000{self._encoder.extension}"
        )
        try:
            for directory, rows in self._partitioner.split(table):
                written.append(self._write_file(self._path / directory / name, rows))
        except BaseException:
            for file in written:
                files.fs.remove(file.path)
            raise
        return written

    def _write_file(self, path: Path, rows: pa.Table) -> _Written:
        if path.parent != self._path:
            files.fs.make_directory(path.parent)
        data = self._encoder.encode(rows)
        files.fs.write(path, data)
        files.fs.sync_directory(path.parent)
        status = path.stat()
        return _Written(path, status.st_size, status.st_mtime_ns // 1_000_000)

    def _commit(self, batch_id: int, written: list[_Written]) -> None:
        if not self._log.add(batch_id, [file.entry() for file in written]):
            for file in written:
                files.fs.remove(file.path)
            message = (
                f"Another query has just written batch {batch_id} to {self._path}: two streaming queries write the "
                "same directory, or one query runs twice. Give each its own path."
            )
            condition, params = "CONCURRENT_STREAM_LOG_UPDATE", {"batchId": batch_id}
            raise SparkError(condition, message, params, sqlstate="40000", classes=ILLEGAL_STATE)


def _retained(options: Mapping[str, str]) -> Callable[[bytes], bool] | None:
    """The option `retention`: older files go out of the log with the next compaction; they stay on the disk."""
    text = options.get("retention")
    if text is None:
        return None
    span = time_ms(text)
    if span is None:
        message = f"The option retention is {text!r}: it must be a time such as 7d, 12h or 30m."
        raise SparkError("", message, classes=NUMBER_FORMAT[1:])  # Spark has no condition for it

    def is_young(line: bytes) -> bool:
        modified_ms = int(json_text.loads(line)["modificationTime"])
        return time.time() * 1000 - modified_ms <= span

    return is_young


def _location(options: Mapping[str, str]) -> str:
    path = options.get("path")
    if not path:
        message = "The file sink needs a directory: give it to start(path), or set the option 'path'."
        raise SparkError("_LEGACY_ERROR_TEMP_2047", message, {"field": "path"}, classes=ILLEGAL_ARGUMENT)
    return path


def parquet(context: SinkContext) -> Sink:
    """`format("parquet")`."""
    return FileSink("parquet", context)


def json(context: SinkContext) -> Sink:
    """`format("json")`."""
    return FileSink("json", context)


def csv(context: SinkContext) -> Sink:
    """`format("csv")`."""
    return FileSink("csv", context)


def text(context: SinkContext) -> Sink:
    """`format("text")`."""
    return FileSink("text", context)


def orc(context: SinkContext) -> Sink:
    """`format("orc")`."""
    return FileSink("orc", context)


def xml(context: SinkContext) -> Sink:
    """`format("xml")`."""
    return FileSink("xml", context)


def avro(context: SinkContext) -> Sink:
    """`format("avro")`."""
    return FileSink("avro", context)
