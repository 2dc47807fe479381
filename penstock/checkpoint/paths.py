"""Where things are in a checkpoint: Spark's layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CheckpointPaths:
    """The files and directories of one query's checkpoint."""

    root: Path

    @property
    def metadata(self) -> Path:
        """The query's id."""
        return self.root / "metadata"

    @property
    def offsets(self) -> Path:
        """The offset log."""
        return self.root / "offsets"

    @property
    def commits(self) -> Path:
        """The commit log."""
        return self.root / "commits"

    @property
    def state(self) -> Path:
        """The state of all operators."""
        return self.root / "state"

    @property
    def lock(self) -> Path:
        """Held (flock) by the process that runs the query."""
        return self.root / ".lock"

    def any_state(self) -> Path | None:
        """A file that holds state, if there is one."""
        found = (p for pattern in ("*.delta", "*.snapshot", "*.zip") for p in self.state.glob(f"*/*/{pattern}"))
        return next(found, None)

    def source(self, source: int | str) -> Path:
        """The own directory of a source: by its number, or its name."""
        return self.root / "sources" / str(source)

    def operator_metadata(self, index: int) -> Path:
        """What kind of operator the state in `state/<index>` belongs to."""
        return self.state / str(index) / "_metadata" / "metadata"
