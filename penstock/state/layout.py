"""Where the files of one state store are: `<state dir>/<operator>/<partition>/<version>.delta` and `.snapshot`.

A snapshot's name is `<version>.<base>.snapshot`: it was collected while the versions base to version were committed, so
it gives version `version` (and, with later deltas, any later one) once the deltas after `base` are applied to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from penstock.core import files

_DELTA = re.compile(r"(\d+)\.delta")
_SNAPSHOT = re.compile(r"(\d+)\.(\d+)\.snapshot")


@dataclass(frozen=True, order=True)
class SnapshotId:
    """A snapshot usable for versions >= `version`, given the deltas after `base`."""

    version: int
    base: int


@dataclass(frozen=True)
class StoreFiles:
    """The paths of one store."""

    directory: Path
    operator: str
    partition: int

    @property
    def folder(self) -> Path:
        """Where the deltas and snapshots are."""
        return self.directory / self.operator / str(self.partition)

    @property
    def schema(self) -> Path:
        """The types of the operator's state, common to its partitions."""
        return self.directory / self.operator / "_schema"

    @property
    def partitions(self) -> Path:
        """How many partitions the versions of the operator's state have."""
        return self.directory / self.operator / "_partitions"

    def of(self, partition: int) -> StoreFiles:
        """Another partition of the same state."""
        return replace(self, partition=partition)

    def delta(self, version: int) -> Path:
        """The changes from version - 1 to version."""
        return self.folder / f"{version}.delta"

    def snapshot(self, snapshot: SnapshotId) -> Path:
        """A whole state."""
        return self.folder / f"{snapshot.version}.{snapshot.base}.snapshot"

    def list(self) -> tuple[set[int], set[SnapshotId]]:
        """The versions that have deltas, and the snapshots."""
        names = files.fs.list(self.folder)
        deltas = {int(match[1]) for name in names if (match := _DELTA.fullmatch(name))}
        snapshots = {SnapshotId(int(m[1]), int(m[2])) for name in names if (m := _SNAPSHOT.fullmatch(name))}
        return deltas, snapshots
