"""The state of a checkpoint: its files by operator and partition, and whether they can be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from penstock.core import files
from penstock.state.format import BadStateFileError
from penstock.state.layout import StoreFiles
from penstock.state.recovery import available, candidates, first_missing, read


@dataclass(frozen=True)
class PartitionReport:
    """One store.  `versions` are the oldest and the newest version with a file; sizes in bytes."""

    store: StoreFiles
    versions: tuple[int, int] | None
    deltas: int
    snapshots: int
    size: int


@dataclass(frozen=True)
class OperatorReport:
    """One stateful operator."""

    index: int
    name: str
    partitions: tuple[PartitionReport, ...]


def read_operator(state: Path, index: int, name: str) -> OperatorReport:
    """What an operator has on the disk, by the names of the files.  Where an operator keeps several stores, they are
    all its partitions here."""
    folders = sorted(folder for folder in _folders(state, index) if folder.is_dir())
    return OperatorReport(index, name, tuple(_partition(state, folder) for folder in folders))


def _folders(state: Path, index: int) -> Iterator[Path]:
    for operator in files.fs.list(state):
        if operator == str(index) or operator.startswith(f"{index}-"):
            yield from (state / operator / name for name in files.fs.list(state / operator) if name.isdigit())


def _partition(state: Path, folder: Path) -> PartitionReport:
    store = StoreFiles(state, folder.parent.name, int(folder.name))
    deltas, snapshots = store.list()
    versions = sorted(deltas | {snapshot.version for snapshot in snapshots})
    size = sum(map(_size, folder.iterdir()))
    return PartitionReport(store, (versions[0], versions[-1]) if versions else None, len(deltas), len(snapshots), size)


def _size(path: Path) -> int:
    try:
        found = path.stat()
    except FileNotFoundError:  # a running query has just removed or renamed it
        return 0
    return found.st_size if S_ISREG(found.st_mode) else 0


def damaged_files(operator: OperatorReport, version: int | None) -> Iterator[tuple[Path, str]]:
    """Every file of an operator that fails its checksums, and the files without which `version` cannot be loaded."""
    for partition in operator.partitions:
        store = partition.store
        deltas, snapshots = store.list()
        for path in [*map(store.delta, sorted(deltas)), *map(store.snapshot, sorted(snapshots))]:
            try:
                read(path)
            except BadStateFileError as error:
                if path.exists():  # else a running query has just removed it
                    yield path, str(error)
        # A version has files in all its partitions: one of them speaks for all.
        if version is not None and store.partition == 0 and not candidates(*available(store), version):
            yield first_missing(store, version), f"it is missing, and a restart needs version {version} of the state"
