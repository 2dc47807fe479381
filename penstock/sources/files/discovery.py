"""The new files of a stream, at a cost that does not grow with those that were read.

A directory that has not changed is not listed; of one that has, only unknown names are looked up (`stat`); a huge one
is not listed at all where the kernel tells what has come (see notify.py).  Every so often everything is listed anew,
however quiet it looks: times of directories are coarse on some file systems, and cached on remote ones.
"""

# Plain strings, not Path: a million names pass through here.
# ruff: noqa: PTH112, PTH116, PTH118

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from penstock.core.files import local_path
from penstock.sources.files import listing
from penstock.sources.files.listing import DataFile, ListingOptions, Partitions
from penstock.sources.files.notify import NameEvents
from penstock.sources.files.seen import SeenFiles

#: Everything is listed again after this time, or this many times what it cost the last time.
RELIST_AFTER_S = 1.0
RELIST_COST_FACTOR = 100.0
#: A directory that changed less than this before it was listed may change again without another time to show it.
_SETTLED_NS = 20_000_000
#: From this many names on the kernel is asked to tell what comes.
_HUGE = 20_000


@dataclass
class _Directory:
    """What is known of one directory since it was last listed.  `reads`: its files belong to the stream.
    `doubtful`: it has changed, but nobody has told how."""

    partitions: Partitions
    reads: bool
    modified_ns: int = -1
    settled: bool = False
    watched: bool = False
    doubtful: bool = False
    below: set[str] = field(default_factory=set)


class Discovery:
    """The files that are not in `seen`, again and again.  `now` is in seconds."""

    def __init__(
        self, pattern: str, options: ListingOptions, seen: SeenFiles, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._pattern, self._seen, self._now = pattern, seen, now
        self._options = replace(options, follows=True)
        self._root = os.path.abspath(local_path(pattern))  # noqa: PTH100
        self._directories: dict[str, _Directory] = {}
        self._waiting: dict[str, Partitions] = {}
        self._logs: dict[str, tuple[int, list[DataFile]]] = {}  # of file sinks: when read, and the files not seen yet
        self._rejected: set[str] = set()
        self._present: list[NDArray[np.int64]] | None = None
        self._events = NameEvents()
        self._listed_at, self._cost_s = float("-inf"), 0.0

    def find(self) -> list[DataFile]:
        """The files that are there and not seen, in no order (but see `is_ordered`); again and again, until they are
        assigned to a batch."""
        begun = self._now()
        is_full = begun - self._listed_at > max(RELIST_AFTER_S, RELIST_COST_FACTOR * self._cost_s)
        if is_full:
            self._directories, self._rejected, self._present = {}, set(), []
            self._logs = {}
        found = [file for root in self._roots() for file in self._under(root)]
        found += self._still_waiting({file.path for file in found})
        if self._present is not None:
            self._seen.forget_gone(np.concatenate([np.empty(0, np.int64), *self._present]))
            self._present = None
        if is_full:
            self._listed_at, self._cost_s = self._now(), self._now() - begun
        self._waiting = {file.path: file.partitions for file in found}
        return found

    def directories(self) -> frozenset[str] | None:
        """The directories to which new files can come; None when there may be others (a pattern, a place that is not
        there yet, the output of a file sink)."""
        roots = listing.expand(self._pattern)
        if roots != [self._root] or self._root not in self._directories:
            return None
        return frozenset(self._directories)

    @property
    def is_ordered(self) -> bool:
        """Whether `find` gives all files in an order of their own: that of a file sink's log."""
        return bool(self._logs) and not self._directories

    def close(self) -> None:
        """Release what the kernel holds."""
        self._events.close()

    # ------------------------------------------------------------ one location

    def _roots(self) -> list[str]:
        """What the pattern stands for, without the files that were read."""
        roots = listing.expand(self._pattern)
        hashes = self._seen.hashes_of(roots)
        if self._present is not None:
            self._present.append(hashes)
        return [roots[i] for i in np.flatnonzero(~self._seen.known(hashes))]

    def _under(self, root: str) -> list[DataFile]:
        if listing.has_sink_log(root, self._options):  # perhaps only now: a sink may have begun after this stream
            self._directories.pop(root, None)
            self._waiting = {p: own for p, own in self._waiting.items() if not p.startswith(root + os.sep)}
            return self._committed(root)
        if root in self._directories:
            return self._walk(root, self._directories[root].partitions, top=True)
        if os.path.isdir(root):
            return self._walk(root, listing.root_partitions(root, self._options), top=True)
        return [f for f in listing.under(root, self._options) if self._seen.is_new(f.path, f.modified_ms)]

    def _committed(self, root: str) -> list[DataFile]:
        """What the log of a file sink names; a log that has not changed since it was read is not read again."""
        begun_ns, modified_ns = time.time_ns(), directory_time(os.path.join(root, listing.METADATA))
        known_ns, files = self._logs.get(root, (-1, []))
        if known_ns != modified_ns:
            files = list(listing.under(root, self._options))
            known_ns = modified_ns if begun_ns - modified_ns > _SETTLED_NS else -1
        new = [file for file in files if self._seen.is_new(file.path, file.modified_ms)]
        self._logs[root] = known_ns, new
        return new

    def _still_waiting(self, found: set[str]) -> list[DataFile]:
        """What was found before and not read since, from directories that were not listed this time."""
        files = (self._examine(path, own) for path, own in self._waiting.items() if path not in found)
        return [file for file in files if isinstance(file, DataFile)]

    # ------------------------------------------------------------ directories

    def _walk(self, path: str, partitions: Partitions, top: bool = False) -> list[DataFile]:
        """The new files of a directory and of those below it; without recursiveFileLookup, only partitions are read."""
        reads = top or self._options.recursive or bool(partitions)
        known = self._directories.setdefault(path, _Directory(partitions, reads))
        names = self._changed(path, known)
        found = [file for name in names if (file := self._look_up(path, name, known)) is not None]
        for name in sorted(known.below):
            found += self._walk(os.path.join(path, name), listing.below(partitions, name, self._options))
        return found

    def _changed(self, path: str, known: _Directory) -> list[str]:
        """The names in a directory that may be new."""
        modified_ns = directory_time(path)
        told = self._events.take(path) if known.watched else None
        if known.watched and told is not None:
            return self._told(path, known, modified_ns, told)
        if known.settled and modified_ns == known.modified_ns:
            return []
        return self._list(path, known)

    def _told(self, path: str, known: _Directory, modified_ns: int, told: set[str]) -> list[str]:
        """The kernel tells a little later than the directory's time; one that says nothing at all is not believed."""
        if modified_ns != known.modified_ns and not told:
            if known.doubtful:
                return self._list(path, known)
            known.doubtful = True
            return []
        known.modified_ns, known.doubtful = modified_ns, False
        names = [name for name in told if name and not listing.is_hidden(name)]
        self._rejected.difference_update(os.path.join(path, name) for name in names)
        return names

    def _list(self, path: str, known: _Directory) -> list[str]:
        known.watched = self._events.take(path) is not None
        begun_ns, known.modified_ns = time.time_ns(), directory_time(path)
        names = self._names(path)
        if not known.watched and len(names) > _HUGE and self._events.watch(path):
            known.watched = True
            self._events.take(path)
            known.modified_ns = directory_time(path)
            names = self._names(path)  # what came before the watch began
        known.settled = begun_ns - known.modified_ns > _SETTLED_NS
        known.doubtful, known.below = False, set()
        hashes = self._seen.hashes(path, names)
        if self._present is not None:
            self._present.append(hashes)
        unknown = np.flatnonzero(~self._seen.known(hashes))
        return [name for i in unknown if not listing.is_hidden(name := names[i])]

    def _names(self, path: str) -> list[str]:
        try:
            return os.listdir(path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError as error:
            raise listing.no_permission(path) from error

    # ------------------------------------------------------------ files

    def _look_up(self, directory: str, name: str, known: _Directory) -> DataFile | None:
        path = os.path.join(directory, name)
        if path in self._rejected:
            return None
        found = self._examine(path, known.partitions)
        if isinstance(found, DataFile) and known.reads:
            return found
        if found is True:
            known.below.add(name)
        else:
            self._rejected.add(path)
        return None

    def _examine(self, path: str, partitions: Partitions) -> DataFile | bool:
        """The file if it is to be read; else whether it is a directory."""
        try:
            status = os.stat(path)
        except OSError:  # removed meanwhile, or a link to nowhere
            return False
        if stat.S_ISDIR(status.st_mode):
            return True
        modified_ms = status.st_mtime_ns // 1_000_000
        name = os.path.basename(path)  # noqa: PTH119
        if self._options.accepts(name, modified_ms) and self._seen.is_new(path, modified_ms):
            return DataFile(path, status.st_size, modified_ms, partitions)
        return False


def directory_time(path: str) -> int:
    """When a directory changed last, in nanoseconds; 0 when it is gone."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
