"""The write-ahead log of a receiver: records are in a file before they count as received."""

from __future__ import annotations

import pickle
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from penstock.core.faults import point
from penstock.core.files import fs
from penstock.rdd.storage import dumps
from penstock.streaming.log_file import LogFile

#: Length and checksum of the payload, sequence number.
_HEAD = struct.Struct(">IIQ")
SEGMENT_BYTES = 64 << 20


class WriteAheadLog:
    """Blocks of records with sequence numbers, in segments named by their first number."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._file: LogFile | None = None
        self._is_closed = False
        fs.make_directory(directory)
        begun = [int(path.stem) for path in self._segments()]  # the last one may be empty, and the others removed
        self.next = max([1, *begun, *(number + 1 for number, _ in self.read(0))])

    def append(self, records: list[Any]) -> int:
        """Keep a block, durably; its sequence number.  Once it is closed: ValueError."""
        payload = dumps(records)
        with self._lock:
            if self._is_closed:
                raise ValueError("The records were not stored: the StreamingContext has stopped")
            number = self.next
            data = _HEAD.pack(len(payload), zlib.crc32(payload), number) + payload
            file = self._file
            if file is None or file.is_closed or file.size > SEGMENT_BYTES:
                file = self._open(number)
            point("dstream-wal-before-append")
            file.append(data)
            self.next = number + 1
            point("dstream-wal-appended")
            return number

    def _open(self, first: int) -> LogFile:
        self._close_file()
        file = self._file = LogFile(self._directory / f"{first:020d}.log", anew=True)
        fs.sync_directory(self._directory)
        return file

    def _segments(self) -> list[Path]:
        return sorted(self._directory.glob("*.log"))

    def read(self, after: int, until: int | None = None) -> Iterator[tuple[int, list[Any]]]:
        """The blocks with after < number <= until, in order.  The half-written end of a killed process is left out:
        nobody was told that it was kept.  Raises ValueError when one before the last is missing."""
        expected = after + 1
        for number, records in self._read(after, until):
            if number != expected and (after or until is not None):
                raise ValueError(f"The write-ahead log {self._directory} lacks the blocks {expected} to {number - 1}")
            expected = number + 1
            yield number, records
        if until is not None and expected <= until:
            raise ValueError(f"The write-ahead log {self._directory} lacks the blocks {expected} to {until}")

    def _read(self, after: int, until: int | None) -> Iterator[tuple[int, list[Any]]]:
        segments = self._segments()
        firsts = [int(path.stem) for path in segments]
        for i, path in enumerate(segments):
            if i + 1 < len(segments) and firsts[i + 1] <= after + 1:
                continue
            for number, payload in _blocks(path):
                if number > after and (until is None or number <= until):
                    yield number, pickle.loads(payload)

    def forget(self, until: int, needed: Iterable[tuple[int, int]] = ()) -> None:
        """Remove segments all of whose blocks are at or before a number and outside of the ranges (after, last) that
        are needed."""
        wanted = list(needed)
        segments = self._segments()
        firsts = [int(path.stem) for path in segments]
        for path, first, following in zip(segments, firsts, firsts[1:], strict=False):
            if following <= until + 1 and not any(after < following - 1 and last >= first for after, last in wanted):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Append nothing more: another process may, whose numbers follow."""
        with self._lock:
            self._is_closed = True
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    data = path.read_bytes()
    place = 0
    while place + _HEAD.size <= len(data):
        length, checksum, number = _HEAD.unpack_from(data, place)
        payload = data[place + _HEAD.size : place + _HEAD.size + length]
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield number, payload
        place += _HEAD.size + length
