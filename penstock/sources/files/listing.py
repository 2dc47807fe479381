"""Which files a path means: globs, directories, partitions in directory names, filters, and the log of a file sink.

Files whose names begin with `_` or `.` are hidden.  A directory written by a streaming file sink is read through its
`_spark_metadata` log, so that only files of committed batches are seen.
"""

# Plain strings, not Path: a directory of a hundred thousand files is listed before every batch.
# ruff: noqa: PTH100, PTH110, PTH112, PTH116, PTH118, PTH119, PTH120, PTH206, PTH207

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from penstock.checkpoint.compactible_log import CompactibleLog
from penstock.core.errors import SPARK, SparkError, analysis_error, unsupported
from penstock.core.files import local_path
from penstock.sources import options as opt
from penstock.sources.files.instants import file_time_ms

METADATA = "_spark_metadata"
_NO_SINK_LOG = "spark.sql.streaming.fileStreamSink.ignoreMetadata"
_GLOB = re.compile(r"[*?\[{]")

#: (name, text) pairs of `name=text` directories.
Partitions = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class DataFile:
    """A file to read.  `partitions` are the (name, text) pairs of the `name=text` directories between the base path
    and the file; text None means NULL."""

    path: str
    size: int
    modified_ms: int
    partitions: Partitions = ()


@dataclass(frozen=True)
class ListingOptions:
    """The options that select files, common to all file formats.  ignore_sink_log: a directory that a streaming file
    sink has written is read like any other, with what uncommitted batches have left.  follows: what comes is read as
    it comes, each file once."""

    name_glob: str | None = None
    recursive: bool = False
    modified_after_ms: int | None = None
    modified_before_ms: int | None = None
    ignore_missing: bool = False
    ignore_sink_log: bool = False
    follows: bool = False
    base_path: str | None = None

    @staticmethod
    def of(options: Mapping[str, str], conf: Mapping[str, str]) -> ListingOptions:
        """Read them; `conf` gives the defaults that Spark takes from the session."""
        zone = conf.get("spark.sql.session.timeZone") or "UTC"
        _check_glob(options.get("pathglobfilter"))
        missing = (conf.get("spark.sql.files.ignoreMissingFiles") or "false").lower() == "true"
        return ListingOptions(
            name_glob=options.get("pathglobfilter"),
            recursive=opt.boolean(options, "recursiveFileLookup", False),
            modified_after_ms=file_time_ms(options, "modifiedAfter", zone),
            modified_before_ms=file_time_ms(options, "modifiedBefore", zone),
            ignore_sink_log=(conf.get(_NO_SINK_LOG) or "false").lower() == "true",
            ignore_missing=opt.boolean(options, "ignoreMissingFiles", missing),
            base_path=options.get("basepath"),
        )

    def accepts(self, name: str, modified_ms: int) -> bool:
        """Whether a file of this name and time passes the filters."""
        if self.name_glob is not None and not _name_matches(name, self.name_glob):
            return False
        if self.modified_after_ms is not None and modified_ms <= self.modified_after_ms:
            return False
        return self.modified_before_ms is None or modified_ms < self.modified_before_ms


def expand(path: str) -> list[str]:
    """A location as plain local paths: URI schemes removed, globs expanded (`{a,b}` too), sorted.
    A location without glob characters stands for itself, whether it exists or not."""
    local = str(local_path(path))
    if not _GLOB.search(local) or os.path.exists(local):
        return [os.path.abspath(local)]
    return sorted({os.path.abspath(found) for pattern in names_of_braces(local) for found in glob.glob(pattern)})


def list_files(paths: Sequence[str], options: ListingOptions) -> list[DataFile]:
    """The files under some locations, by name.  Below directories only those of partitions are taken, as in Spark,
    unless the option recursiveFileLookup is set.

    Raises PATH_NOT_FOUND for a location that does not exist, and CONFLICTING_DIRECTORY_STRUCTURES."""
    found: list[DataFile] = []
    direct: list[DataFile] = []
    for path in paths:
        roots = expand(path)
        if not any(os.path.exists(root) for root in roots):
            raise path_not_found(path)
        for root in roots:
            own = list(under(root, options))
            found.extend(own)
            direct.extend(file for file in own if root in (file.path, os.path.dirname(file.path)))
    return found if options.recursive else of_partitions(found, direct)


def of_partitions(files: Sequence[DataFile], direct: list[DataFile]) -> list[DataFile]:
    """The files in partition directories; where there are none, those directly in a location (or that are one)."""
    if not any(file.partitions for file in files):
        return direct
    bases = {_base(file) for file in files}
    if len(bases) > 1:
        shown = "; ".join(sorted(to_uri(base) for base in bases))
        message = (
            f"Partition directories lie under more than one directory: {shown}. Give the option basePath if partition "
            "directories are to be read; read several tables one by one and union them."
        )
        params = {"discoveredBasePaths": shown}
        raise SparkError("CONFLICTING_DIRECTORY_STRUCTURES", message, params, sqlstate="KD009")
    return [file for file in files if file.partitions]


def has_partitions(path: str) -> bool:
    """Whether there is any partition directory (`k=v`) below a location.  Files are not looked at."""
    return any(_has_partitions(root) for root in expand(path))


def _has_partitions(directory: str) -> bool:
    try:
        if os.stat(directory).st_nlink == 2:  # it has no directories, on file systems that count them
            return False
        with os.scandir(directory) as scan:
            names = [entry.name for entry in scan if not is_hidden(entry.name) and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise no_permission(directory) from error
    return any(_partition(name) for name in names) or any(_has_partitions(f"{directory}/{name}") for name in names)


def _base(file: DataFile) -> str:
    """The directory above a file's partition directories."""
    base = os.path.dirname(file.path)
    for _ in file.partitions:
        base = os.path.dirname(base)
    return base


def path_not_found(path: str) -> Exception:
    """Spark's PATH_NOT_FOUND."""
    shown = to_uri(str(local_path(path)))
    message = f"The path {shown} does not exist. Check its spelling, and that it is visible from this machine."
    return analysis_error("PATH_NOT_FOUND", message, "42K03", path=shown)


def no_permission(directory: str) -> Exception:
    """A directory that this user may not list."""
    message = (
        f"The directory {to_uri(directory)} cannot be read: permission denied. Give this user the right to read it."
    )
    return SparkError("FAILED_READ_FILE.NO_HINT", message, {"path": to_uri(directory)}, sqlstate="KD001", classes=SPARK)


def to_uri(path: str) -> str:
    """`/a/b` as Hadoop shows it: `file:/a/b`."""
    return "file:" + os.path.abspath(path)


def under(root: str, options: ListingOptions) -> Iterator[DataFile]:
    """The files in one directory, or the one file, or what the log of a file sink names."""
    if not os.path.isdir(root):
        yield from _single(root, options)
    elif has_sink_log(root, options):
        yield from _committed(root, options)
    else:
        yield from _walk(root, options, root_partitions(root, options))


def has_sink_log(root: str, options: ListingOptions = ListingOptions()) -> bool:
    """Whether a streaming file sink has written this directory, and its log is to be heeded."""
    return not options.ignore_sink_log and os.path.isdir(os.path.join(root, METADATA))


def root_partitions(root: str, options: ListingOptions) -> Partitions:
    """The partition values of files directly in `root`: those between it and the option basePath."""
    if options.recursive or not options.base_path:
        return ()
    return partitions_between(os.path.abspath(str(local_path(options.base_path))), root)


def below(partitions: Partitions, name: str, options: ListingOptions) -> Partitions:
    """The partition values one directory further down; a directory without one begins anew."""
    if options.recursive:
        return partitions
    own = _partition(name)
    return (*partitions, *own) if own else ()


def _single(path: str, options: ListingOptions) -> Iterator[DataFile]:
    if not os.path.exists(path):
        return
    status = os.stat(path)
    modified = status.st_mtime_ns // 1_000_000
    if options.accepts(os.path.basename(path), modified):
        partitions: Partitions = ()
        if options.base_path:
            base = os.path.abspath(str(local_path(options.base_path)))
            partitions = partitions_between(base, os.path.dirname(path))
        yield DataFile(path, status.st_size, modified, partitions)


def _walk(directory: str, options: ListingOptions, partitions: Partitions) -> Iterator[DataFile]:
    try:
        with os.scandir(directory) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise no_permission(directory) from error
    for entry in entries:
        if is_hidden(entry.name):
            continue
        if entry.is_dir():
            yield from _walk(entry.path, options, below(partitions, entry.name, options))
        elif (file := _file(entry, options, partitions)) is not None:
            yield file


def _file(entry: os.DirEntry[str], options: ListingOptions, partitions: Partitions) -> DataFile | None:
    try:
        status = entry.stat()
    except FileNotFoundError:  # removed while the directory was read
        return None
    modified = status.st_mtime_ns // 1_000_000
    return DataFile(entry.path, status.st_size, modified, partitions) if options.accepts(entry.name, modified) else None


def is_hidden(name: str) -> bool:
    """Names that begin with `.` or `_` (but not partition directories such as `_date=1`), and copies in progress."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")


def _committed(root: str, options: ListingOptions) -> Iterator[DataFile]:
    """The files in a sink's log.  Their absolute URIs are taken relative to the sink's directory, so that the directory
    may have been moved."""
    live: dict[str, Mapping[str, object]] = {}
    for entry in _log_entries(Path(root) / METADATA):
        if options.follows and "mergedAt" in entry:
            raise unsupported(
                f"reading {to_uri(root)} as a stream, whose sink merges small files (mergeSmallFiles)",
                "Rows that are read already would come again in a merged file. Let the stream read a sink without that "
                "option, or read this one as a table.",
            )
        path = unquote(urlparse(str(entry["path"])).path)
        if entry.get("action") == "delete":
            live.pop(path, None)
        else:
            live[path] = entry
    old_root = _common_root(root, list(live))
    for path, entry in live.items():
        moved = root + path[len(old_root) :] if old_root is not None else path
        modified = int(str(entry["modificationTime"]))
        if options.accepts(os.path.basename(moved), modified):
            yield DataFile(moved, int(str(entry["size"])), modified, partitions_between(root, os.path.dirname(moved)))


def _log_entries(log: Path) -> list[Mapping[str, object]]:
    """All entries.  A sink that compacts its log at this moment removes files that were listed just before: then the
    log is read again, as long as that finds newer batches in it."""
    newest = -1
    while True:
        found = CompactibleLog(log)
        try:
            return [entry for _, entry in found.entries()]
        except SparkError as error:
            if error.condition != "BATCH_METADATA_NOT_FOUND" or (found.latest or 0) <= newest:
                raise
            newest = found.latest or 0


def _common_root(root: str, paths: list[str]) -> str | None:
    """The sink's directory when the log was written, if it is not `root` any more."""
    if not paths or all(path.startswith(root + os.sep) for path in paths):
        return None
    directory = os.path.dirname(paths[0])
    while "=" in os.path.basename(directory):
        directory = os.path.dirname(directory)
    return directory


def partitions_between(base: str, directory: str) -> Partitions:
    """The partition values that the directories below `base` down to `directory` spell."""
    relative = os.path.relpath(directory, base)
    if relative == "." or relative.startswith(".."):
        return ()
    found: Partitions = ()
    for part in relative.split(os.sep):
        own = _partition(part)
        found = (*found, *own) if own else ()
    return found


def _partition(name: str) -> Partitions:
    column, separator, text = name.partition("=")
    if not separator or not column:
        return ()
    return ((unquote(column), None if text == "__HIVE_DEFAULT_PARTITION__" else unquote(text)),)


def _check_glob(pattern: str | None) -> None:
    """Raise for a class or a choice that is not closed."""
    bare = re.sub(r"\\.", "", pattern or "")
    if bare.count("[") > bare.count("]") or bare.count("{") > bare.count("}"):
        raise opt.bad_value("pathGlobFilter", str(pattern), "a glob pattern whose brackets and braces are closed")


def _name_matches(name: str, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, one) for one in names_of_braces(pattern))


def names_of_braces(pattern: str) -> list[str]:
    """`a{b,c}d` as `abd` and `acd`: Hadoop's globs have alternatives, Python's do not."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [found for choice in match[1].split(",") for found in names_of_braces(head + choice + tail)]
