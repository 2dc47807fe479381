"""The log under a checkpoint: one file a batch, named by the batch's id, written once and never changed.

Spark's format: the first line is the version (`v1`), the rest belongs to the particular log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from penstock.checkpoint.errors import (
    concurrent_update,
    incomplete_log_file,
    malformed_log_file,
    missing_batch,
    unsupported_log_version,
)
from penstock.core import files

_VERSION = re.compile(r"v(\d+)")


class MetadataLog:
    """A directory of numbered files, written by one query at a time (the checkpoint's lock).  The directory is listed
    once, on opening; later everything is by name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        files.fs.make_directory(directory)
        files.fs.remove_temporary(directory)
        batches = [int(name) for name in files.fs.list(directory) if name.isdigit()]
        self.latest: int | None = max(batches, default=None)
        self._oldest = min(batches, default=0)

    def path(self, batch_id: int) -> Path:
        """The file of a batch."""
        return self.directory / str(batch_id)

    def add(self, batch_id: int, content: bytes, *, durable: bool = True) -> None:
        """Write an entry, durably unless a later `sync` is to make it so.  An entry that is there already with the same
        content is fine; with another content, somebody else runs on this checkpoint: CONCURRENT_STREAM_LOG_UPDATE."""
        try:
            files.fs.write_atomic(self.path(batch_id), content, overwrite=False, durable=durable)
        except FileExistsError:
            if files.fs.read(self.path(batch_id)) != content:
                raise concurrent_update(self.directory.parent, batch_id) from None
        self.latest = batch_id if self.latest is None else max(self.latest, batch_id)

    def sync(self, batch_id: int) -> None:
        """Make an entry durable that was added with durable=False; one that is gone is fine."""
        with suppress(FileNotFoundError):
            files.fs.sync_with_directory(self.path(batch_id))

    def drop_torn(self) -> None:
        """Forget newest entries that are empty: what is left of one that was not synced when the machine failed."""
        while self.latest is not None and not files.fs.read(self.path(self.latest)).strip(b"\0"):
            files.fs.remove(self.path(self.latest))
            self.latest = self.before(self.latest)

    def get(self, batch_id: int) -> bytes:
        """An entry's bytes; BATCH_METADATA_NOT_FOUND when there is none."""
        try:
            return files.fs.read(self.path(batch_id))
        except FileNotFoundError:
            raise missing_batch(self.path(batch_id), "which the next batch needs") from None

    def before(self, batch_id: int) -> int | None:
        """The newest entry before this one."""
        found = (int(name) for name in files.fs.list(self.directory) if name.isdigit())
        return max((number for number in found if number < batch_id), default=None)

    def has(self, batch_id: int) -> bool:
        """Whether there is an entry for this batch."""
        return self.path(batch_id).exists()

    def purge(self, before: int) -> None:
        """Remove the entries of all batches before this one; costs as much as there is to remove."""
        for batch_id in range(self._oldest, before):
            files.fs.remove(self.path(batch_id))
        self._oldest = max(self._oldest, before)


def body_lines(content: bytes, path: Path, supported_version: int = 1) -> list[str]:
    """The lines after the version line; raises for an empty file, a line that is no version, or a later version."""
    text = _decode(content, path)
    check_version(content, path, supported_version)
    return text.split("\n")[1:]


def check_version(content: bytes, path: Path, supported_version: int = 1) -> int:
    """Where the version line ends; raises for an empty file, a line that is no version, or a later version."""
    if not content:
        raise incomplete_log_file(path)
    end = content.find(b"\n")
    first = _decode(content if end < 0 else content[:end], path)
    match = _VERSION.fullmatch(first.strip())
    if match is None:
        raise malformed_log_file(path, first, f"its first line is {first!r} instead of a version such as v1")
    if int(match[1]) > supported_version:
        raise unsupported_log_version(path, int(match[1]), supported_version)
    return len(content) if end < 0 else end + 1


def json_object(text: str, path: Path) -> Mapping[str, object]:
    """A line of a log that holds a JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise malformed_log_file(path, text, f"the JSON {text[:80]!r} does not parse ({error})") from None
    if not isinstance(value, dict):
        raise malformed_log_file(path, text, f"{text[:80]!r} is not a JSON object")
    return value


def _decode(content: bytes, path: Path) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise malformed_log_file(path, repr(content[:80]), f"it is no UTF-8 text ({error.reason})") from None
