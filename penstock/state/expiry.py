"""Which slots have expired: the smallest values of one column, found without looking at the others.

New values are kept as sorted runs (one a batch, neighbours joined while they are of like size); a threshold takes a
prefix of each run.  The cost follows what is new and what expires, plus a binary search a run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.state.base import Slots
from penstock.state.budget import UNLIMITED, MemoryBudget, is_placed
from penstock.state.memory import Growable

_RUN_ROWS = 1 << 20


class ExpiryQueue:
    """Slots ordered by an integer value.  An entry that is out of date (the slot was freed or has another value by now)
    is recognised when it comes up, by comparing with the value registered last."""

    def __init__(self, capacity: int, budget: MemoryBudget = UNLIMITED) -> None:
        self._budget = budget
        self._registered = Growable(np.int64, capacity, budget)  # value by slot
        self._known = Growable(np.bool_, capacity, budget)
        self._runs: list[tuple[NDArray[np.int64], Slots]] = []
        budget.add(self)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._registered.nbytes + self._known.nbytes + sum(a.nbytes + b.nbytes for a, b in self._runs)

    @property
    def spilled_bytes(self) -> int:
        """How many of them are in scratch files."""
        in_runs = sum(values.nbytes + slots.nbytes for values, slots in self._runs) - self.resident_bytes
        return self._registered.spilled_bytes + self._known.spilled_bytes + in_runs

    @property
    def resident_bytes(self) -> int:
        """Bytes of the runs that no file backs."""
        return sum(part.nbytes for run in self._runs for part in run if not is_placed(part))

    def spill(self, wanted: int = 0) -> None:
        """Move the runs to scratch files."""
        self._runs = [(self._budget.place(values), self._budget.place(slots)) for values, slots in self._runs]

    def add(self, slots: Slots, values: NDArray[Any], valid: NDArray[np.bool_] | None) -> None:
        """These (distinct) slots now hold these values; NULL never expires."""
        if len(slots) == 0:
            return
        top = int(slots.max()) + 1
        self._registered.ensure(top)
        self._known.ensure(top)
        if valid is not None:
            self._known.set(slots[~valid], False)
            slots, values = slots[valid], values[valid]
        fresh = ~self._known.get(slots) | (self._registered.get(slots) != values)
        slots, values = slots[fresh], values[fresh].astype(np.int64)
        self._registered.set(slots, values)
        self._known.set(slots, True)
        order = np.argsort(values, kind="stable")
        self._push(values[order], slots[order])

    def discard(self, slots: Slots) -> None:
        """These slots were freed."""
        self._known.set(slots[slots < len(self._known)], False)

    def expired(self, threshold: int) -> Slots:
        """All slots whose value is <= threshold, ascending.  They stay registered until discarded."""
        found: list[Slots] = []
        rest: list[tuple[NDArray[np.int64], Slots]] = []
        for values, slots in self._runs:
            end = int(np.searchsorted(values, threshold, side="right"))
            due = slots[:end]
            found.append(due[self._known.get(due) & (self._registered.get(due) == values[:end])])
            rest.append((values[end:], slots[end:]))
        self._runs = [run for run in rest if len(run[0])]
        result = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
        if len(result):
            values = self._registered.get(result)
            order = np.argsort(values, kind="stable")
            self._runs.append((values[order], result[order]))
        return result

    def _push(self, values: NDArray[np.int64], slots: Slots) -> None:
        while self._runs and len(self._runs[-1][0]) <= 2 * len(values) and len(values) < _RUN_ROWS:
            older, older_slots = self._runs.pop()
            values, slots = np.concatenate([older, values]), np.concatenate([older_slots, slots])
            order = np.argsort(values, kind="stable")  # linear for two sorted halves
            values, slots = values[order], slots[order]
        if len(values):
            self._runs.append((self._budget.place(values), self._budget.place(slots)))
