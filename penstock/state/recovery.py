"""From which files a version is loaded: a pure decision, and the reading."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from penstock.core import files
from penstock.state import errors
from penstock.state.format import BadStateFileError, FutureFormatError, Section, decode
from penstock.state.layout import SnapshotId, StoreFiles

_log = logging.getLogger(__name__)
_EMPTY = SnapshotId(0, 0)


def candidates(deltas: set[int], snapshots: Iterable[SnapshotId], version: int) -> list[SnapshotId]:
    """The snapshots from which `version` can be reached, best first; (0, 0) is the empty state."""
    usable = sorted((s for s in {*snapshots, _EMPTY} if s.version <= version), reverse=True)
    return [s for s in usable if all(v in deltas for v in range(s.base + 1, version + 1))]


def sections(store: StoreFiles, version: int) -> Iterator[Section]:
    """What to apply, in order, to the empty state to get `version`.  A damaged snapshot is passed over when an older
    one and the deltas suffice; otherwise SparkError names the file."""
    deltas, snapshots = store.list()
    trouble: BadStateFileError | None = None
    failed: Path | None = None
    for snapshot in candidates(deltas, snapshots, version):
        path = store.snapshot(snapshot)
        try:
            found = [] if snapshot == _EMPTY else read(path)
        except FutureFormatError as error:
            raise errors.future_format(path, error.version) from error
        except BadStateFileError as error:
            _log.warning("State snapshot %s is damaged (%s); loading from an older one and the changelog.", path, error)
            trouble, failed = trouble or error, failed or path
            continue
        yield from found
        yield from _replay(store, range(snapshot.base + 1, version + 1))
        return
    if trouble is not None and failed is not None:
        raise errors.damaged(failed, str(trouble)) from trouble
    raise _missing(store, deltas, snapshots, version)


def read(path: Path) -> list[Section]:
    """The sections of a state file, checked; BadStateFileError tells what is wrong with it."""
    try:
        data = files.fs.read(path)
    except OSError as error:
        raise BadStateFileError(f"it cannot be read ({error})") from error
    return decode(data)[1]


def _replay(store: StoreFiles, versions: range) -> Iterator[Section]:
    for version in versions:
        path = store.delta(version)
        try:
            yield from read(path)
        except FutureFormatError as error:
            raise errors.future_format(path, error.version) from error
        except BadStateFileError as error:
            raise errors.damaged(path, str(error)) from error


def _missing(store: StoreFiles, deltas: set[int], snapshots: set[SnapshotId], version: int) -> Exception:
    base = max((s.base for s in snapshots if s.version <= version), default=0)
    gap = next(v for v in range(base + 1, version + 1) if v not in deltas)
    return errors.missing_delta(store.delta(gap), version)
