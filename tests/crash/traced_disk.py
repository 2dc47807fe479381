"""The disks that a program leaves which is killed, or whose machine fails, between any two of its calls.

tracing.py records the calls; `moments` gives the disks.  A test writes each of them back and lets the program go on
from it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: What is on a disk: by path below the root the bytes of a file, or None for a directory.
Content = Mapping[str, bytes | None]

ROOT = 0


@dataclass(frozen=True)
class Call:
    """One change: `mkdir`, `create`, `write`, `truncate`, `sync`, `link`, `rename`, `exchange`, `unlink`, `rmdir`, or a
    `mark` that the program has set.  `inode` is what it is done to, `place` and `target` are (directory's inode, name).
    """

    kind: str
    inode: int = -1
    place: tuple[int, str] = (-1, "")
    target: tuple[int, str] = (-1, "")
    offset: int = 0
    data: bytes = b""
    path: str = ""
    mark: Any = None

    def __str__(self) -> str:
        return f"{self.kind} {self.path or self.mark or ''}".rstrip()


@dataclass
class Disk:
    """A file system in memory that knows what has been synced.  The root is the inode 0."""

    entries: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})
    data: dict[int, bytes] = field(default_factory=dict)
    synced_entries: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})
    synced_data: dict[int, bytes] = field(default_factory=dict)

    def apply(self, call: Call) -> None:
        """Make the change."""
        (directory, name), kind = call.place, call.kind
        if kind == "mkdir":
            self.entries[directory][name], self.entries[call.inode] = call.inode, {}
        elif kind == "create":
            self.entries[directory][name], self.data[call.inode] = call.inode, b""
        elif kind == "write":
            old = self.data[call.inode].ljust(call.offset, b"\0")
            self.data[call.inode] = old[: call.offset] + call.data + old[call.offset + len(call.data) :]
        elif kind == "truncate":
            self.data[call.inode] = self.data[call.inode][: call.offset].ljust(call.offset, b"\0")
        elif kind == "sync" and call.inode in self.entries:
            self.synced_entries[call.inode] = dict(self.entries[call.inode])
        elif kind == "sync":
            self.synced_data[call.inode] = self.data[call.inode]
        elif kind == "link":
            self.entries[directory][name] = call.inode
        elif kind == "rename":
            self.entries[call.target[0]][call.target[1]] = self.entries[directory].pop(name)
        elif kind == "exchange":
            one, other = self.entries[directory], self.entries[call.target[0]]
            one[name], other[call.target[1]] = other[call.target[1]], one[name]
        elif kind in ("unlink", "rmdir"):
            del self.entries[directory][name]

    def killed(self) -> Content:
        """What is there when the process is gone."""
        return self._content(self.entries, self.data)

    def failed(self) -> Iterator[tuple[str, Content]]:
        """What may be there when the machine has failed: what was synced is; of the rest nothing, or the names, or the
        names and half of the bytes, or the names in one directory alone."""
        durable = self.synced_entries
        halves = {inode: self._half(inode) for inode in self.data}
        yield "synced", self._content(durable, self.synced_data)
        yield "names", self._content(self.entries, self.synced_data)
        yield "halves", self._content(self.entries, halves)
        yield "late bytes", self._content(durable, halves)
        for inode in [i for i, own in self.entries.items() if own != durable.get(i, {})]:
            yield "one directory", self._content({**durable, inode: self.entries[inode]}, self.synced_data)

    def _half(self, inode: int) -> bytes:
        """Of what was appended; a small file that was never synced may have its length and nothing else."""
        synced, whole = self.synced_data.get(inode), self.data[inode]
        if synced is None:
            return bytes(len(whole))
        return whole[: (len(synced) + len(whole)) // 2] if whole.startswith(synced) else synced

    def _content(self, entries: Mapping[int, Mapping[str, int]], data: Mapping[int, bytes]) -> Content:
        found: dict[str, bytes | None] = {}
        stack = [(ROOT, "")]
        while stack:
            inode, path = stack.pop()
            for name, child in entries.get(inode, {}).items():
                below = f"{path}/{name}" if path else name
                found[below] = None if child in self.entries else data.get(child, b"")
                if child in self.entries:
                    stack.append((child, below))
        return found


@dataclass(frozen=True)
class Moment:
    """A disk after `calls` calls; `how` says what has happened then, `marks` are those that the program had set."""

    calls: int
    how: str
    last: str
    content: Content
    marks: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.how} after call {self.calls}: {self.last}"

    def restore(self, root: Path) -> None:
        """Write it to the real disk."""
        for entry in list(root.iterdir()):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for path, data in sorted(self.content.items()):
            if data is None:
                (root / path).mkdir(parents=True)
            else:
                (root / path).write_bytes(data)


def moments(calls: Sequence[Call], before: Content | None = None) -> list[Moment]:
    """All different disks, with different marks, that an end between two calls may leave; a temporary file more or less
    makes no difference.  `before`: what was there, durably, before the first."""
    disk, seen, found = _disk_of(before or {}), set(), []
    marks: tuple[Any, ...] = ()

    def note(number: int, how: str, last: str, content: Content) -> None:
        key = hash((tuple(sorted(item for item in content.items() if not item[0].endswith(".tmp"))), len(marks)))
        if key not in seen:
            seen.add(key)
            found.append(Moment(number, how, last, content, marks))

    note(0, "killed", "nothing", disk.killed())
    for number, call in enumerate(calls, 1):
        disk.apply(call)
        marks = (*marks, call.mark) if call.kind == "mark" else marks
        note(number, "killed", str(call), disk.killed())
        for how, content in disk.failed():
            note(number, f"machine failed ({how})", str(call), content)
    return found


def _disk_of(content: Content) -> Disk:
    disk, inodes = Disk(), {"": ROOT}
    for path, data in sorted(content.items()):
        parent, _, name = path.rpartition("/")
        inode = inodes[path] = -1 - len(inodes)
        disk.entries[inodes[parent]][name] = inode
        if data is None:
            disk.entries[inode] = {}
        else:
            disk.data[inode] = data
    disk.synced_entries = {inode: dict(own) for inode, own in disk.entries.items()}
    disk.synced_data = dict(disk.data)
    return disk


@contextmanager
def in_memory() -> Iterator[Path]:
    """A directory in which nothing waits for a real disk, if the machine has such a place."""
    shared = Path("/dev/shm")
    base = Path(tempfile.mkdtemp(prefix="penstock-moments-", dir=shared if os.access(shared, os.W_OK) else None))
    yield base
    shutil.rmtree(base, ignore_errors=True)


def content_of(root: Path) -> Content:
    """What is on the real disk."""
    return {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes()
        for path in root.rglob("*")
        if not path.is_symlink()
    }
