"""df.write: a table as files in a directory.

New files become visible one by one, each whole.  `overwrite` writes everything beside the old directory first and then
swaps the two in one step (on Linux; elsewhere in two), so whatever fails or is killed leaves the old data or the new.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from penstock.checkpoint.lock import FileLock
from penstock.core import files
from penstock.core.errors import SPARK, SparkError, analysis_error, illegal_argument, unsupported
from penstock.core.files import local_path
from penstock.core.option_names import tell_unknown
from penstock.plan.types import StructType
from penstock.sinks.errors import not_found, refuse_file_limit, writing_to
from penstock.sinks.formats import FILE_FORMATS, encoder
from penstock.sinks.partitioning import Partitioner
from penstock.sinks.registry import KNOWN_ELSEWHERE

_MODES = {"append": "append", "overwrite": "overwrite", "error": "error", "errorifexists": "error",
          "default": "error", "ignore": "ignore"}  # fmt: skip
_SUCCESS = "_SUCCESS"
_NEW, _OLD = ".new", ".old"

#: (relative directory, file name, content)
Parts = Iterator[tuple[str, str, files.Buffer]]


def write(
    table: pa.Table,
    schema: StructType,
    format: str | None,
    path: str | None,
    mode: str,
    partition_by: Sequence[str],
    options: Mapping[str, str],
    conf: Mapping[str, str],
) -> str:
    """Write a table (columns by position in the order of the schema, in Spark's Arrow types); returns what the names of
    the new files have in common, "" where no files came.

    `format` None means spark.sql.sources.default; `mode` is append, overwrite, error (errorifexists, default) or
    ignore; `options` keys are lower-case.  Raises PATH_ALREADY_EXISTS, DATA_SOURCE_NOT_FOUND and TASK_WRITE_FAILED."""
    name = (format or conf.get("spark.sql.sources.default") or "parquet").lower()
    save_mode = _mode(mode)
    if name == "noop":
        _check_noop(save_mode)
        return ""
    if name == "jdbc":
        from penstock.sinks import jdbc

        jdbc.write(table, schema, save_mode, options, conf.get("spark.sql.session.timeZone") or "UTC")
        return ""
    if name not in FILE_FORMATS:
        raise not_found(name, (*FILE_FORMATS, "jdbc", "noop"), KNOWN_ELSEWHERE)
    tell_unknown(name, options)
    target = _target(path or options.get("path"))
    if target.exists() and not _may_write(target, save_mode):
        return ""
    _refuse_dynamic_overwrite(save_mode, partition_by, options, conf)
    refuse_file_limit(options, conf)
    zone = conf.get("spark.sql.session.timeZone") or "UTC"
    partitioner = Partitioner(schema, partition_by, zone)
    encode = encoder(name, partitioner.data_schema, options, zone)
    job = str(uuid.uuid4())
    parts = ((directory, f"part-00000-{job}{'.' if directory else '-'}c000{encode.extension}", encode.encode(rows))
             for directory, rows in partitioner.split(table))  # fmt: skip
    with writing_to(target):
        if save_mode == "overwrite" and target.exists():
            _replace(target, parts, job)
        else:
            _write_into(target, parts)
    return job


def _mode(mode: str) -> str:
    if mode.lower() not in _MODES:
        message = f"The save mode {mode!r} is unknown: use append, overwrite, error or ignore."
        raise illegal_argument("INVALID_SAVE_MODE", message, "42000", mode=f'"{mode}"')
    return _MODES[mode.lower()]


def _check_noop(mode: str) -> None:
    if mode not in ("append", "overwrite"):
        message = f"The noop sink cannot be written in the mode {mode}: use append or overwrite."
        condition = "UNSUPPORTED_DATA_SOURCE_SAVE_MODE"
        raise analysis_error(condition, message, "0A000", source="noop", createMode=f'"{mode}"')


def _target(path: str | None) -> Path:
    if not path:
        message = "A write to files needs a path: give one to save(), or set the option 'path'."
        raise illegal_argument("_LEGACY_ERROR_TEMP_2047", message, "XXKD0")
    return Path(os.path.abspath(local_path(path)))  # noqa: PTH100 - keeps symbolic links


def _may_write(target: Path, mode: str) -> bool:
    """What the mode says to a path that exists: True to go on, False to do nothing."""
    if mode == "error":
        message = (
            f'The path file:{target} exists already. Choose another one, or use .mode("overwrite") or .mode("append").'
        )
        raise analysis_error("PATH_ALREADY_EXISTS", message, "42K04", outputPath=f"file:{target}")
    return mode != "ignore"


def _refuse_dynamic_overwrite(
    mode: str, partition_by: Sequence[str], options: Mapping[str, str], conf: Mapping[str, str]
) -> None:
    setting = options.get("partitionoverwritemode", conf.get("spark.sql.sources.partitionOverwriteMode") or "static")
    if mode == "overwrite" and partition_by and setting.lower() == "dynamic":
        raise unsupported(
            "partitionOverwriteMode=dynamic",
            "Overwrite the whole directory (static), or append, or write each partition's path.",
        )


def _write_into(directory: Path, parts: Parts) -> None:
    files.fs.make_directory(directory)
    for relative, name, data in parts:
        files.fs.make_directory(directory / relative)
        files.fs.write_atomic(directory / relative / name, data)
    files.fs.write_atomic(directory / _SUCCESS, b"")


def _replace(target: Path, parts: Parts, job: str) -> None:
    """Write beside the target, then swap the two.  What processes that were killed have left beside it goes."""
    if not target.is_dir():
        message = f"{target} is a file, so no directory can take its place. Remove it first."
        raise SparkError("TASK_WRITE_FAILED", message, {"path": str(target)}, sqlstate="58030", classes=SPARK)
    _remove_abandoned(target)
    fresh = target.with_name(f".{target.name}.{job}{_NEW}")
    try:
        with _own(fresh):
            _write_into(fresh, parts)
            if not files.fs.exchange(fresh, target):
                _swap(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _own(fresh: Path) -> FileLock:
    """The new directory, locked.  Until it is, another writer may take it for one that was left behind."""
    while True:
        files.fs.make_directory(fresh)
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            lock = FileLock(fresh, make=False)
            if lock.is_of(fresh):
                return lock
            lock.release()


def _swap(fresh: Path, target: Path) -> None:
    """By two renames, where the system cannot do it in one."""
    old = fresh.with_suffix(_OLD)
    try:
        target.rename(old)
        fresh.rename(target)
        files.fs.sync_directory(target.parent)
    except BaseException:
        if not target.exists() and old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove_abandoned(target: Path) -> None:
    """Those whose writer lives are locked by it."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\.(new|old)")
    for name in [name for name in os.listdir(target.parent) if pattern.fullmatch(name)]:
        with contextlib.suppress(OSError), FileLock(target.with_name(name), make=False):  # or another one has it
            shutil.rmtree(target.with_name(name), ignore_errors=True)
