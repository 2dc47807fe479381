"""Records what this process does to the disk below a directory, and lets any one of the calls fail."""

from __future__ import annotations

import builtins
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from penstock.core import files
from tests.crash.traced_disk import ROOT, Call, Moment, content_of, moments

#: Calls that need room on the disk, or the disk itself.
FALLIBLE = ("mkdir", "create", "write", "sync", "link", "rename", "exchange")


class Tracer:
    """The changes below `root`, in order, whatever thread makes them.

    fail: the number of a call that may fail (from 1) and the errno with which it does instead of happening; of a write
    half of the bytes are there then.  times: how many calls fail from there on."""

    def __init__(self, root: Path, fail: tuple[int, int] | None = None, times: int = 1) -> None:
        self.root = os.path.realpath(root)
        self.calls: list[Call] = []
        #: The calls that were made to fail.
        self.failed: list[Call] = []
        self._fail, self._left, self._count = fail, times, 0
        self._lock = threading.RLock()
        self._before = content_of(root)
        self._inodes = {path: -1 - number for number, path in enumerate(["", *sorted(self._before)])}
        self._inodes[""] = ROOT
        self._files: dict[int, tuple[int, str]] = {}

    @property
    def fallible(self) -> int:
        """How many calls might have failed."""
        return sum(call.kind in FALLIBLE for call in self.calls)

    def moments(self) -> list[Moment]:
        """The disks that a crash would have left."""
        return moments(self.calls, self._before)

    def mark(self, what: Any) -> None:
        """Note that the program has done something that can be seen from outside."""
        with self._lock:
            self.calls.append(Call("mark", mark=what))

    @contextmanager
    def recording(self) -> Iterator[Tracer]:
        """Within the block, calls are recorded."""
        patched: dict[str, Callable[..., Any]] = {
            "mkdir": self._mkdir, "open": self._open, "write": self._write, "close": self._close,
            "fsync": self._sync, "fdatasync": self._sync, "ftruncate": self._ftruncate,
            "link": self._link, "rename": self._rename, "replace": self._rename,
            "unlink": self._unlink, "remove": self._unlink, "rmdir": self._rmdir,
        }  # fmt: skip
        self._real = {name: getattr(os, name) for name in patched}
        real_open = self._real_open = builtins.open
        for name, function in patched.items():
            setattr(os, name, function)
        builtins.open = io.open = self._open_file  # type: ignore[assignment]
        self._real_exchange, files._exchange = files._exchange, self._exchange
        try:
            yield self
        finally:
            files._exchange = self._real_exchange
            builtins.open = io.open = real_open
            for name, real in self._real.items():
                setattr(os, name, real)

    # ------------------------------------------------------------ where

    def _below(self, path: Any, directory: int | None = None) -> str | None:
        """The path below the root; None for one that is elsewhere.  The last name is not followed if it is a link."""
        text = os.fsdecode(path)
        if directory is not None:
            text = os.path.join(os.readlink(f"/proc/self/fd/{directory}"), text)
        parent, name = os.path.split(os.path.abspath(text))
        text = os.path.join(os.path.realpath(parent), name)
        if text == self.root:
            return ""
        return text[len(self.root) + 1 :] if text.startswith(self.root + os.sep) else None

    def _place(self, path: str) -> tuple[int, str]:
        directory, _, name = path.rpartition("/")
        if directory not in self._inodes:
            raise FileNotFoundError(2, os.strerror(2), path)
        return self._inodes[directory], name

    def _new(self) -> int:
        return len(self.calls) + 1

    def _record(self, call: Call, real: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        if call.kind in FALLIBLE:
            self._count += 1
            if self._fail is not None and self._count >= self._fail[0] and self._left:
                self._left -= 1
                self.failed.append(call)
                if half is not None:
                    half()
                raise OSError(self._fail[1], os.strerror(self._fail[1]), call.path)
        result = real()
        self.calls.append(call)
        return result

    # ------------------------------------------------------------ files

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        with self._lock:
            return self._opened(path, flags, lambda: self._real["open"](path, flags, mode, dir_fd=dir_fd), dir_fd)

    def _opened(self, path: Any, flags: int, really: Callable[[], int], directory: int | None = None) -> int:
        writes = flags & (os.O_WRONLY | os.O_RDWR)
        below = self._below(path, directory) if writes else None
        if below is None:
            return really()
        if below in self._inodes:
            call = Call("truncate", self._inodes[below], path=below)
            descriptor = self._record(call, really) if flags & os.O_TRUNC else really()
        elif flags & os.O_CREAT:
            inode = self._new()
            descriptor = self._record(Call("create", inode, self._place(below), path=below), really)
            self._inodes[below] = inode
        else:
            return really()
        self._files[descriptor] = self._inodes[below], below
        return int(descriptor)

    def _open_file(self, file: Any, mode: str = "r", buffering: int = -1, *args: Any, **named: Any) -> Any:
        """builtins.open; below a file that is written to is a raw one of ours."""
        if isinstance(file, int) or not set(mode) & set("wax+") or self._below(file) is None:
            return self._real_open(file, mode, buffering, *args, **named)
        raw = _File(self, file, mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *args, **named)

    def _write(self, descriptor: int, data: Any) -> int:
        return self.written(descriptor, data, lambda content: self._real["write"](descriptor, content))

    def written(self, descriptor: int, data: Any, write: Callable[[bytes], int], appends: bool = False) -> int:
        """A write to an open file, where its position is or at its end."""
        with self._lock:
            content = bytes(data)
            if descriptor not in self._files:
                return int(write(content))
            inode, path = self._files[descriptor]
            offset = os.lseek(descriptor, 0, os.SEEK_END if appends else os.SEEK_CUR)

            def half() -> None:
                part = content[: len(content) // 2]
                write(part)
                self.calls.append(Call("write", inode, offset=offset, data=part, path=path))

            return int(self._record(Call("write", inode, offset=offset, data=content, path=path),
                                    lambda: write(content), half))  # fmt: skip

    def _sync(self, descriptor: Any) -> None:
        with self._lock:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            inode, path = self._files.get(number, (None, ""))
            if inode is None:
                path = self._below(os.readlink(f"/proc/self/fd/{number}")) or ""
                inode = self._inodes.get(path) if path or self._is_root(number) else None
            if inode is None:
                self._real["fsync"](descriptor)
            else:
                self._record(Call("sync", inode, path=path), lambda: self._real["fsync"](descriptor))

    def _is_root(self, descriptor: int) -> bool:
        return os.readlink(f"/proc/self/fd/{descriptor}") == self.root

    def _ftruncate(self, descriptor: int, length: int) -> None:
        with self._lock:
            inode, path = self._files.get(descriptor, (None, ""))
            if inode is None:
                self._real["ftruncate"](descriptor, length)
                return
            call = Call("truncate", inode, offset=length, path=path)
            self._record(call, lambda: self._real["ftruncate"](descriptor, length))

    def _close(self, descriptor: int) -> None:
        with self._lock:
            self.forget(descriptor)
            self._real["close"](descriptor)

    def forget(self, descriptor: int) -> None:
        """The number of an open file may be given to another one."""
        self._files.pop(descriptor, None)

    # ------------------------------------------------------------ names

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        with self._lock:
            below, real = self._below(path, dir_fd), self._real["mkdir"]
            if below is None or os.path.lexists(path):
                real(path, mode, dir_fd=dir_fd)
                return
            inode, place = self._new(), self._place(below)
            self._record(Call("mkdir", inode, place, path=below), lambda: real(path, mode, dir_fd=dir_fd))
            self._inodes[below] = inode

    def _link(self, source: Any, target: Any, **named: Any) -> None:
        with self._lock:
            below, place, real = self._below(source), self._below(target), self._real["link"]
            if below not in self._inodes or place is None or os.path.lexists(target):
                real(source, target, **named)
                return
            inode = self._inodes[below]
            self._record(Call("link", inode, self._place(place), path=place), lambda: real(source, target, **named))
            self._inodes[place] = inode

    def _rename(self, source: Any, target: Any, **named: Any) -> None:
        with self._lock:
            below, place, real = self._below(source), self._below(target), self._real["rename"]
            if below not in self._inodes or place is None:
                real(source, target, **named)
                return
            call = Call("rename", -1, self._place(below), self._place(place), path=f"{below} -> {place}")
            self._record(call, lambda: real(source, target, **named))
            self._inodes.update({place + path: inode for path, inode in self._taken(below).items()})

    def _taken(self, below: str) -> dict[str, int]:
        """What is at a path and below it, by the rest of the path; known there no longer."""
        found = [path for path in self._inodes if path == below or path.startswith(f"{below}/")]
        return {path[len(below) :]: self._inodes.pop(path) for path in found}

    def _exchange(self, one: Path, other: Path) -> bool:
        with self._lock:
            first, second = self._below(one), self._below(other)
            if first not in self._inodes or second not in self._inodes:
                return self._real_exchange(one, other)
            assert first is not None and second is not None
            call = Call("exchange", -1, self._place(first), self._place(second), path=f"{first} <-> {second}")
            swapped = bool(self._record(call, lambda: self._real_exchange(one, other)))
            assert swapped, "this file system cannot"
            ones, others = self._taken(first), self._taken(second)
            self._inodes.update({second + path: inode for path, inode in ones.items()})
            self._inodes.update({first + path: inode for path, inode in others.items()})
            return swapped

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._removed("unlink", path, dir_fd)

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._removed("rmdir", path, dir_fd)

    def _removed(self, kind: str, path: Any, directory: int | None) -> None:
        with self._lock:
            below, real = self._below(path, directory), self._real[kind]
            if below not in self._inodes:
                real(path, dir_fd=directory)
                return
            self._record(Call(kind, -1, self._place(below), path=below), lambda: real(path, dir_fd=directory))
            del self._inodes[below]


class _File(io.FileIO):
    """A file that tells the tracer what is written to it."""

    def __init__(self, tracer: Tracer, path: Any, mode: str) -> None:
        self._tracer = tracer
        self._appends = "a" in mode
        super().__init__(path, mode, opener=lambda name, flags: os.open(name, flags, 0o666))

    def write(self, data: Any) -> int:
        return self._tracer.written(self.fileno(), data, super().write, self._appends)

    def close(self) -> None:
        if not self.closed:
            self._tracer.forget(self.fileno())
        super().close()
