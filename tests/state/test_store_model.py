"""The store against a dict: random batches, commits, aborts and loads of any version, with every kind of column."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from state_model import HASHES, LAYOUTS, Row, batch, canonical, rows, schema, tuples

from penstock.core import faults
from penstock.state import budget as budgets
from penstock.state import log_column, maintenance, open_store
from penstock.state.budget import MemoryBudget


class StoreAgainstDict(RuleBasedStateMachine):
    """`model` is the state now, `versions` what was committed."""

    @initialize(
        layout=st.sampled_from(LAYOUTS),
        hash_keys=st.sampled_from(HASHES),
        every=st.integers(1, 4),
        partitions=st.sampled_from([1, 1, 3]),
        limit=st.sampled_from([None, None, 4000]),
    )
    def open(
        self,
        layout: tuple[tuple[str, ...], tuple[str, ...]],
        hash_keys: object,
        every: int,
        partitions: int,
        limit: int | None,
    ) -> None:
        self.partitions, self.limit = partitions, limit
        self.directory = Path(tempfile.mkdtemp())
        self.key_types, self.value_types = layout
        self.key_schema, self.value_schema = schema("k", layout[0]), schema("v", layout[1])
        self.hash_keys, self.every = hash_keys, every
        self.model: dict[Row, Row] = {}
        self.versions: dict[int, dict[Row, Row]] = {0: {}}
        self.reopen(0)

    def reopen(self, version: int) -> None:
        self.store = open_store(
            self.directory,
            self.key_schema,
            self.value_schema,
            self.hash_keys,
            operator="0",
            snapshot_every=self.every,
            budget=MemoryBudget(self.limit),
            partitions=1 + (self.partitions + version) % 3,  # another number after most restarts
        )
        self.load(version)

    def load(self, version: int) -> None:
        self.store.load(version)
        self.version, self.model = version, dict(self.versions[version])
        self.versions = {v: state for v, state in self.versions.items() if v <= version}

    def locate(self, keys: list[Row], add: bool) -> np.ndarray:
        asked = batch(keys, self.key_schema)
        hashes = self.hash_keys(asked)
        return self.store.locate_or_add(hashes, asked)[0] if add else self.store.locate(hashes, asked)

    def draw_keys(self, data: st.DataObject) -> list[Row]:
        keys = data.draw(st.lists(rows(self.key_types), max_size=12), label="keys")
        return list({canonical(key): key for key in keys}.values())

    @rule(data=st.data())
    def put(self, data: st.DataObject) -> None:
        keys = self.draw_keys(data)
        values = [data.draw(rows(self.value_types), label="values") for _ in keys]
        slots = self.locate(keys, add=True)
        assert len(set(slots.tolist())) == len(keys)
        self.store.put(slots, batch(values, self.value_schema))
        self.model.update(zip(map(canonical, keys), map(canonical, values), strict=True))

    @rule(data=st.data())
    def add_without_values(self, data: st.DataObject) -> None:
        keys = self.draw_keys(data)
        self.locate(keys, add=True)
        for key in keys:
            self.model.setdefault(canonical(key), (None,) * len(self.value_types))

    @precondition(lambda self: self.value_types[0] == "long")
    @rule(data=st.data())
    def increment(self, data: st.DataObject) -> None:
        keys = self.draw_keys(data)
        slots = self.locate(keys, add=True)
        self.store.numeric(0)[slots] += 1
        self.store.touch(slots)
        for key in map(canonical, keys):
            old = self.model.get(key, (None,) * len(self.value_types))
            self.model[key] = ((old[0] or 0) + 1, *old[1:])

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        keys = self.draw_keys(data)
        slots = self.locate(keys, add=False)
        assert [slot >= 0 for slot in slots] == [canonical(key) in self.model for key in keys]
        self.store.remove(slots[slots >= 0])
        for key in keys:
            self.model.pop(canonical(key), None)

    @rule()
    def commit(self) -> None:
        self.version += 1
        self.store.commit(self.version)
        self.versions[self.version] = dict(self.model)
        assert self.store.metrics().rows_total == len(self.model)

    @rule(back=st.integers(0, 5))
    def purge(self, back: int) -> None:
        oldest = max(0, self.version - back)
        self.store.purge(oldest)
        self.versions = {v: state for v, state in self.versions.items() if v >= oldest}

    @precondition(lambda self: self.version in self.versions)
    @rule()
    def abort(self) -> None:
        self.store.abort()
        self.load(self.version)

    @rule(data=st.data(), crash=st.booleans())
    def load_any(self, data: st.DataObject, crash: bool) -> None:
        version = data.draw(st.sampled_from(sorted(self.versions)), label="version")
        if crash:
            self.store.close()
            self.reopen(version)
        else:
            self.load(version)

    @invariant()
    def same(self) -> None:
        if hasattr(self, "store"):
            slots = self.store.live()
            found = dict(zip(tuples(self.store.keys(slots)), tuples(self.store.values(slots)), strict=True))
            assert found == self.model
            assert len(slots) == len(self.model)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.directory)


@pytest.fixture
def tiny_bounds() -> Iterator[None]:
    """Bounds at which snapshots take many commits and logs are compacted all the time."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(maintenance, "_SMALLEST_PIECE", 2))
        stack.enter_context(mock.patch.object(log_column, "_CHUNK_ROWS", 8))
        stack.enter_context(mock.patch.object(log_column, "SMALLEST", 64))
        stack.enter_context(mock.patch.object(budgets, "SMALLEST", 64))
        stack.enter_context(mock.patch.object(MemoryBudget, "allowance", 1 << 11))
        stack.enter_context(mock.patch.object(maintenance.Maintenance, "_collect", _collect_little))
        yield


_collect = maintenance.Maintenance._collect


def _collect_little(self: maintenance.Maintenance, start, size, version, table) -> None:  # type: ignore[no-untyped-def]
    _collect(self, start, 2, version, table)


LIMITS = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@pytest.mark.usefixtures("tiny_bounds")
def test_store_behaves_as_a_dict() -> None:
    run_state_machine_as_test(StoreAgainstDict, settings=LIMITS)


@pytest.mark.usefixtures("tiny_bounds")
@pytest.mark.parametrize("point", ["before_snapshot", "during_snapshot", "after_snapshot"])
def test_store_behaves_as_a_dict_when_snapshots_fail(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    def fail() -> None:
        nonlocal count
        count += 1
        if count % 2:
            raise OSError("no space left on device")

    monkeypatch.setitem(faults.hooks, point, fail)
    for _ in range(20):  # which of the random programs let a snapshot come so far is a matter of chance
        run_state_machine_as_test(StoreAgainstDict, settings=settings(LIMITS, max_examples=15))
        if count:
            return
    raise AssertionError(f"no program came to {point}")
