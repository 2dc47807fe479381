"""A directory as a stream: every file that appears in it is read once.

Spark's protocol: files seen for the first time are assigned to the next number of the source's own log (under the
query's checkpoint, in Spark's format) before that number is returned as an offset.  A batch is a range of log numbers,
so it is the same files again after any restart, whatever has come into the directory since.
"""

# Plain strings, not Path: a directory of a hundred thousand files is listed before every batch.
# ruff: noqa: PTH110

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.checkpoint.compactible_log import CompactibleLog, cleanup_delay_of, interval_of
from penstock.checkpoint.errors import foreign_offset, missing_batch
from penstock.checkpoint.source_log import read_entries, source_log_entry
from penstock.core import files
from penstock.core.errors import ILLEGAL_ARGUMENT, SPARK, SparkError, illegal_argument
from penstock.core.files import local_path
from penstock.sources import options as opt
from penstock.sources.base import Scan, StreamContext
from penstock.sources.files.cleaner import SourceCleaner
from penstock.sources.files.discovery import Discovery
from penstock.sources.files.listing import DataFile, Partitions, expand, partitions_between, to_uri
from penstock.sources.files.relation import FileRelation
from penstock.sources.files.seen import SeenFiles
from penstock.sources.files.wakeup import DirectoryWatch

_WEEK_MS = 7 * 86_400_000
_MOST_FILES = 2**31 - 1

#: How many of the log's last batches are at hand after a restart; older ones are read from the log when asked for.
_KEPT_BATCHES = 2


@dataclass(frozen=True)
class FileStreamOptions:
    """The options of a file stream, beyond those of its format."""

    max_files: int | None
    max_bytes: int | None
    max_age_ms: int
    latest_first: bool
    name_only: bool

    @staticmethod
    def of(options: Mapping[str, str]) -> FileStreamOptions:
        """Read and check them."""
        for name in ("modifiedBefore", "modifiedAfter"):
            if name.lower() in {key.lower() for key in options}:
                message = f"The option {name} is for batches: a file stream remembers by itself which files are new."
                raise SparkError("", message, classes=ILLEGAL_ARGUMENT)  # Spark has no condition for it
        _check_cache(options)
        limits = opt.positive(options, "maxFilesPerTrigger"), opt.positive(options, "maxBytesPerTrigger")
        if None not in limits:
            message = "The options maxFilesPerTrigger and maxBytesPerTrigger exclude each other: give one of them."
            raise illegal_argument(
                "STDS_CONFLICT_OPTIONS", message, "42613", options="maxFilesPerTrigger, maxBytesPerTrigger"
            )
        if (limits[0] or 0) > _MOST_FILES:
            raise opt.bad_value("maxFilesPerTrigger", str(limits[0]), f"at most {_MOST_FILES}")
        if (age := opt.span_ms(options, "maxFileAge")) is not None and age < 0:
            raise opt.bad_value("maxFileAge", options["maxfileage"], "no negative time")
        return FileStreamOptions(
            *limits,
            max_age_ms=_WEEK_MS if age is None else age,
            latest_first=opt.boolean(options, "latestFirst", False),
            name_only=opt.boolean(options, "fileNameOnly", False),
        )


class FileStreamSource:
    """One running file stream."""

    def __init__(self, relation: FileRelation, context: StreamContext) -> None:
        self._relation = relation
        self._options = FileStreamOptions.of(relation.options)
        self._cleaner = SourceCleaner.of(relation.options, relation.paths[0])
        self._cleaned = -1
        self._time_zone = context.time_zone
        self._pattern = relation.paths[0]
        files.fs.make_directory(context.metadata_path)
        files.fs.remove_temporary(context.metadata_path)
        self._log = CompactibleLog(
            context.metadata_path,
            interval=interval_of(context.conf, "spark.sql.streaming.fileSource.log.compactInterval"),
            cleanup_delay_ms=cleanup_delay_of(context.conf, "fileSource"),
        )
        self._seen = SeenFiles(self._max_age(), name_only=self._options.name_only)
        self._batches: dict[int, list[DataFile]] = {}
        self._roots = expand(self._pattern)
        self._partitions: dict[str, Partitions] = {}
        self._load()
        self._fixed: list[DataFile] | None = None
        self._discovery = Discovery(self._pattern, relation.listing, self._seen)
        self._waiting: list[DataFile] = []
        self._watch = DirectoryWatch(context.wake)

    @property
    def description(self) -> str:
        return f"FileStreamSource[{to_uri(str(local_path(self._pattern)))}]"

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        """Looks for new files; those that fit into a batch are written to the log before their number is returned.  A
        process that was killed just after that has left a batch, which then is the next one."""
        done = -1 if start is None else self._number(start)
        logged = -1 if self._log.latest is None else self._log.latest
        if done > logged:
            raise _unknown_offset(self._log.directory, str(start))
        is_left = logged == done + 1  # a named source that was away for a while is further behind
        chosen = [] if is_left and not ignore_limits else self._limited(self._new_files(), ignore_limits)
        if chosen:
            self._assign(chosen)
        latest = self._log.latest
        return None if latest is None else _offset(latest)

    def look_after_ms(self) -> int | None:
        return self._watch.look_after_ms(self._discovery.directories())

    def prepare_for_available_now(self) -> None:
        self._fixed = self._new_files()

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        files = self._present(self._files(start, end))
        return self._relation.scan_files(files, columns, self._time_zone)

    def row_count(self, start: str | None, end: str) -> int | None:
        return self._relation.format.row_count(self._files(start, end))

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        """Clean up the files of finished batches, and forget their lists, which stay in the log."""
        number = self._number(end)
        if self._cleaner is not None:
            done = [b for b in sorted(self._batches) if self._cleaned < b <= number]
            self._cleaner.clean(file.path for b in done for file in self._batches[b])
            self._cleaned = number
        for batch_id in [b for b in self._batches if b < number]:
            del self._batches[batch_id]

    def stop(self) -> None:
        self._watch.close()
        self._log.close()
        self._discovery.close()

    # ------------------------------------------------------------ new files

    def _new_files(self) -> list[DataFile]:
        """In the order in which they are to be read.  Of a backlog the rest of the last listing is taken while it fills
        a batch."""
        if self._fixed is not None:
            return self._fixed
        options = self._options
        if self._waiting and not options.latest_first and len(self._waiting) >= (options.max_files or sys.maxsize):
            return self._waiting
        new = self._discovery.find()
        if not self._discovery.is_ordered:
            new.sort(key=lambda file: file.path, reverse=options.latest_first)
        new.sort(key=lambda file: file.modified_ms, reverse=options.latest_first)
        self._waiting = new
        return new

    def _limited(self, files: list[DataFile], ignore_limits: bool) -> list[DataFile]:
        if ignore_limits:
            return files
        if self._options.max_files is not None:
            return files[: self._options.max_files]
        if self._options.max_bytes is None:
            return files
        total, count = 0, 0
        for file in files:
            total += file.size
            if count and total > self._options.max_bytes:
                break
            count += 1
        return files[:count]

    def _assign(self, files: list[DataFile]) -> None:
        latest = self._log.latest
        batch_id = 0 if latest is None else latest + 1
        if not self._log.add(batch_id, [source_log_entry(file.path, file.modified_ms, batch_id) for file in files]):
            raise _concurrent(self._log.directory, batch_id)
        self._batches[batch_id] = files
        for file in files:
            self._seen.add(file.path, file.modified_ms)
        self._seen.purge()
        self._waiting = self._waiting[len(files) :]
        if self._fixed is not None:
            self._fixed = self._fixed[len(files) :]

    # ------------------------------------------------------------ the log

    def _load(self) -> None:
        """What was read, by the log; the files themselves only of its last batches, which a restart may run again."""
        numbers: set[int] = set()
        latest = -1 if self._log.latest is None else self._log.latest
        for path, modified_ms, batch_id in read_entries(self._log):
            numbers.add(batch_id)
            self._seen.add(path, modified_ms)
            if batch_id > latest - _KEPT_BATCHES:
                self._batches.setdefault(batch_id, []).append(self._logged_file(path, modified_ms))
        self._check_whole(numbers)
        self._seen.purge()

    def _load_range(self, first: int, last: int) -> None:
        """The files of older batches."""
        self._batches = {}
        for path, modified_ms, batch_id in read_entries(self._log):
            if first <= batch_id <= last:
                self._batches.setdefault(batch_id, []).append(self._logged_file(path, modified_ms))

    def _check_whole(self, numbers: set[int]) -> None:
        """Every number up to the latest has files; without them, files that were read would be read again."""
        for batch_id in range(0 if self._log.latest is None else self._log.latest + 1):
            if batch_id not in numbers:
                raise missing_batch(self._log.directory / str(batch_id), "or it has lost its entries")

    def _number(self, offset: str) -> int:
        """`{"logOffset":3}` (or the plain number of old Spark versions) as 3."""
        try:
            value = json.loads(offset)
            return int(value["logOffset"] if isinstance(value, dict) else value)
        except (ValueError, TypeError, KeyError):
            raise foreign_offset(self.description, offset) from None

    def _logged_file(self, path: str, modified_ms: int) -> DataFile:
        directory = path.rpartition(os.sep)[0]
        if directory not in self._partitions:
            base = next((root for root in self._roots if path.startswith(root + os.sep)), directory)
            own = () if self._relation.listing.recursive else partitions_between(base, directory)
            self._partitions[directory] = own
        return DataFile(path, 0, modified_ms, self._partitions[directory])

    def _files(self, start: str | None, end: str) -> list[DataFile]:
        first = 0 if start is None else self._number(start) + 1
        last = self._number(end)
        missing = [b for b in range(first, last + 1) if b not in self._batches]
        if missing and any(b <= (self._log.latest or 0) for b in missing):
            self._load_range(first, last)
        if any(b not in self._batches for b in missing):
            raise _unknown_offset(self._log.directory, end)
        return [file for b in range(first, last + 1) for file in self._batches[b]]

    def _present(self, files: list[DataFile]) -> list[DataFile]:
        """The files without those that are gone, which is an error unless the user wants to go on without them."""
        found = [file for file in files if os.path.exists(file.path)]
        if self._relation.listing.ignore_missing or len(found) == len(files):
            return found
        for file in files:
            if file not in found:
                message = (
                    f"The file {to_uri(file.path)}, which belongs to this batch, does not exist any more. Put it back, "
                    "or set spark.sql.files.ignoreMissingFiles to true to go on without it."
                )
                params = {"path": to_uri(file.path)}
                raise SparkError("FAILED_READ_FILE.FILE_NOT_EXIST", message, params, sqlstate="KD001", classes=SPARK)
        return found

    def _max_age(self) -> int:
        """latestFirst with a limit looks at all files for ever, as in Spark."""
        is_limited = self._options.max_files is not None or self._options.max_bytes is not None
        return 1 << 62 if self._options.latest_first and is_limited else self._options.max_age_ms


def _offset(number: int) -> str:
    return json.dumps({"logOffset": number}, separators=(",", ":"))


def _check_cache(options: Mapping[str, str]) -> None:
    """How Spark keeps the rest of a listing for the next batches.  Here it is always kept: the options can ask for
    nothing that is not done, but must be right."""
    opt.at_least(options, "maxCachedFiles", 0)
    ratio = options.get("discardcachedinputratio", "0.2")
    try:
        is_share = 0 <= float(ratio) <= 1
    except ValueError:
        is_share = False
    if not is_share:
        raise opt.bad_value("discardCachedInputRatio", ratio, "a number between 0 and 1")


def _concurrent(directory: Path, batch_id: int) -> SparkError:
    message = (
        f"Another query has written the entry {batch_id} of the file log {directory}: two queries run on one "
        "checkpoint. Stop one of them, or give it its own checkpointLocation."
    )
    return SparkError("CONCURRENT_STREAM_LOG_UPDATE", message, {"batchId": batch_id}, sqlstate="40000", classes=SPARK)


def _unknown_offset(directory: Path, end: str) -> SparkError:
    message = (
        f"The offset {end} is in the query's offset log, but the file log {directory} does not reach that far: files "
        "were removed from the checkpoint. Restore them, or start the query anew with another checkpointLocation."
    )
    params = {"batchMetadataFile": directory}
    return SparkError("BATCH_METADATA_NOT_FOUND", message, params, sqlstate="42K03", classes=SPARK)
