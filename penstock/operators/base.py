"""What a stateful operator is: Arrow and state in, Arrow out; no clock, no I/O but its state store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

from penstock.state.base import StateMetrics


@dataclass
class OperatorFigures:
    """What an operator did in the last batch (for progress)."""

    rows_updated: int = 0
    rows_removed: int = 0
    rows_dropped_by_watermark: int = 0
    update_ms: int = 0
    remove_ms: int = 0
    custom: Mapping[str, int] = field(default_factory=dict)


class VersionedState(Protocol):
    """What the batch loop asks of an operator's state: see penstock.state.base.StateStore."""

    def load(self, version: int) -> None:
        """Hold exactly this version."""

    def commit(self, version: int) -> None:
        """Make the changes durable as `version`."""

    def purge(self, oldest_version: int) -> None:
        """Versions before this one are not needed any more."""

    def metrics(self) -> StateMetrics:
        """Figures of the last batch."""

    def close(self) -> None:
        """Release memory and files."""


class KeepsState(Protocol):
    """One stateful node of a query, whatever its inputs."""

    name: str
    figures: OperatorFigures

    @property
    def store(self) -> VersionedState:
        """Its state."""

    @property
    def evicts(self) -> bool:
        """Whether a watermark that has moved makes a batch without new rows worthwhile."""


@runtime_checkable
class HasClock(Protocol):
    """An operator whose state can end by processing time."""

    @property
    def has_clock(self) -> bool:
        """Whether it does."""

    def due(self, now_ms: int) -> bool:
        """Whether something ends at this time or before."""


class StatefulOperator(KeepsState, Protocol):
    """A stateful node with one input."""

    def process(self, batch: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """Take the rows of one batch and give the rows that go on.  Rows at or before `late_us` are late (dropped and
        counted); state at or before `evict_us` is complete (emitted, as the output mode says, and removed)."""
