"""The write-ahead log of a receiver: records are in a file before they count as received."""

from __future__ import annotations

import itertools
import os
import pickle
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.core.faults import point
from penstock.core.files import fs
from penstock.rdd.storage import dumps

#: Length and checksum of the payload, sequence number.
_HEAD = struct.Struct(">IIQ")
SEGMENT_BYTES = 64 << 20


class WriteAheadLog:
    """Blocks of records with sequence numbers, in segments named by their first number."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._file: int | None = None
        self._size = 0
        fs.make_directory(directory)
        self.next = 1 + max((seq for seq, _ in self.read(0)), default=0)

    def append(self, records: list[Any]) -> int:
        """Keep a block, durably; its sequence number."""
        payload = dumps(records)
        with self._lock:
            number = self.next
            data = _HEAD.pack(len(payload), zlib.crc32(payload), number) + payload
            if self._file is None or self._size > SEGMENT_BYTES:
                self._open(number)
            assert self._file is not None
            point("dstream-wal-before-append")
            self._write(data)
            self._size += len(data)
            self.next = number + 1
            point("dstream-wal-appended")
            return number

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
        except BaseException:
            self._take_back()
            raise

    def _take_back(self) -> None:
        """Nothing may come after half of a block: it would never be read."""
        assert self._file is not None
        try:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
        except OSError:
            self.close()  # the next block begins a segment

    def _open(self, first: int) -> None:
        self.close()
        path = self._directory / f"{first:020d}.log"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._size = 0
        fs.sync_directory(self._directory)

    def _segments(self) -> list[Path]:
        return sorted(self._directory.glob("*.log"))

    def read(self, after: int, until: int | None = None) -> Iterator[tuple[int, list[Any]]]:
        """The blocks with after < number <= until, in order.  The half-written end of a killed process is left out:
        nobody was told that it was kept."""
        segments = self._segments()
        firsts = [int(path.stem) for path in segments]
        for i, path in enumerate(segments):
            if i + 1 < len(segments) and firsts[i + 1] <= after + 1:
                continue
            for number, payload in _blocks(path):
                if number > after and (until is None or number <= until):
                    yield number, pickle.loads(payload)

    def forget(self, until: int) -> None:
        """Remove segments all of whose blocks are at or before a number."""
        segments = self._segments()
        for path, following in itertools.pairwise(segments):
            if int(following.stem) <= until + 1:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the segment in use."""
        if self._file is not None:
            os.close(self._file)
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
