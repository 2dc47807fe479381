"""From which files a version is loaded: a pure decision, and the reading."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from penstock.core import files
from penstock.state import errors
from penstock.state.format import BadStateFileError, FutureFormatError, Section, decode, stream
from penstock.state.layout import SnapshotId, StoreFiles
from penstock.state.partitions import Partitions, read_partitions

_log = logging.getLogger(__name__)
_EMPTY = SnapshotId(0, 0)
#: Larger files are read section by section.
_WHOLE_BYTES = 32 << 20


def candidates(deltas: set[int], snapshots: Iterable[SnapshotId], version: int) -> list[SnapshotId]:
    """The snapshots from which `version` can be reached, best first; (0, 0) is the empty state."""
    usable = sorted((s for s in {*snapshots, _EMPTY} if s.version <= version), reverse=True)
    return [s for s in usable if all(v in deltas for v in range(s.base + 1, version + 1))]


def available(store: StoreFiles) -> tuple[set[int], set[SnapshotId]]:
    """The versions that have deltas, and the snapshots, whose files are there in all their partitions."""
    partitions = read_partitions(store)
    found = [store.of(number).list() for number in range(partitions.most)]
    if len(found) == 1:
        return found[0]
    deltas = {
        v for v in set[int]().union(*(d for d, _ in found)) if all(v in found[i][0] for i in range(partitions.at(v)))
    }
    every = set[SnapshotId]().union(*(s for _, s in found))
    return deltas, {s for s in every if all(s in found[i][1] for i in range(partitions.at(s.version)))}


def sections(store: StoreFiles, version: int, expect: Callable[[int], None] = lambda rows: None) -> Iterator[Section]:
    """What to apply, in order, to the empty state to get `version`; `expect` is told how many rows a snapshot has.
    A damaged snapshot is passed over when an older one and the deltas suffice; otherwise SparkError names the file."""
    deltas, snapshots = available(store)
    partitions = read_partitions(store)
    trouble: BadStateFileError | None = None
    failed: Path | None = None
    for snapshot in candidates(deltas, snapshots, version):
        paths = [] if snapshot == _EMPTY else snapshot_files(store, partitions, snapshot)
        try:
            found = []
            for path in paths:
                found.append(_checked(path))
            expect(sum(rows for rows, _ in found))
        except FutureFormatError as error:
            raise errors.future_format(path, error.version) from error
        except BadStateFileError as error:
            _log.warning("State snapshot %s is damaged (%s); loading from an older one and the changelog.", path, error)
            trouble, failed = trouble or error, failed or path
            continue
        for _, part in found:
            yield from part
        yield from _replay(store, partitions, range(snapshot.base + 1, version + 1))
        return
    if trouble is not None and failed is not None:
        raise errors.damaged(failed, str(trouble)) from trouble
    raise errors.missing_delta(first_missing(store, version), version)


def snapshot_files(store: StoreFiles, partitions: Partitions, snapshot: SnapshotId) -> list[Path]:
    """The files of a snapshot."""
    return [store.of(number).snapshot(snapshot) for number in range(partitions.at(snapshot.version))]


def delta_files(store: StoreFiles, partitions: Partitions, version: int) -> list[Path]:
    """The files of a version's changes."""
    return [store.of(number).delta(version) for number in range(partitions.at(version))]


def first_missing(store: StoreFiles, version: int) -> Path:
    """The changelog file without which `version` cannot be reached."""
    deltas, snapshots = available(store)
    base = max((s.base for s in snapshots if s.version <= version), default=0)
    gap = next(v for v in range(base + 1, version + 1) if v not in deltas)
    paths = delta_files(store, read_partitions(store), gap)
    return next((path for path in paths if not path.exists()), paths[0])


def read(path: Path) -> list[Section]:
    """The sections of a state file, checked; BadStateFileError tells what is wrong with it."""
    try:
        data = files.fs.read(path)
    except OSError as error:
        raise BadStateFileError(f"it cannot be read ({error})") from error
    return decode(data)[1]


def _checked(path: Path) -> tuple[int, Iterable[Section]]:
    """The number of rows and the sections of a file, all checksums of which are right; of a large one only two sections
    are in memory at a time."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadStateFileError(f"it cannot be read ({error})") from error
    if size > _WHOLE_BYTES:
        rows, parts = stream(path, size)
        return rows, _ahead(parts)
    whole = read(path)
    return sum(section.batch.num_rows for section in whole), whole


def _ahead(parts: Iterator[Section]) -> Iterator[Section]:
    """The next one is read while one is applied."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, "state snapshot reader") as pool:
        coming = pool.submit(next, parts, None)
        while (found := coming.result()) is not None:
            coming = pool.submit(next, parts, None)
            yield found


def _replay(store: StoreFiles, partitions: Partitions, versions: range) -> Iterator[Section]:
    for version in versions:
        for path in delta_files(store, partitions, version):
            try:
                yield from read(path)
            except FutureFormatError as error:
                raise errors.future_format(path, error.version) from error
            except BadStateFileError as error:
                raise errors.damaged(path, str(error)) from error
