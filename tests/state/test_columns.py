"""Columns by slot: exact values of every type through set, take, comparison; the log column's upkeep."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_model import TYPES, canonical

from penstock.core.errors import SparkError
from penstock.state import log_column
from penstock.state.bridge import is_fixed_width, to_arrow, to_numpy
from penstock.state.columns import FixedColumn
from penstock.state.equality import same_values
from penstock.state.log_column import LogColumn
from penstock.state.memory import Growable
from penstock.state.table import SlotTable


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_set_take_and_comparison(name: str, data: st.DataObject) -> None:
    type_, values = TYPES[name]
    column = (FixedColumn if is_fixed_width(type_) else LogColumn)(type_, 4)
    column.ensure(30)
    column.clear(np.arange(30))
    model = [None] * 30
    for _ in range(3):
        new = data.draw(st.dictionaries(st.integers(0, 29), st.none() | values, max_size=20))
        padded = pa.array([None, *new.values()], type_).slice(1)  # a slice: its buffers have an offset
        column.set(np.array(list(new), np.int64), padded)
        for slot, value in new.items():
            model[slot] = value
    slots = np.array(data.draw(st.lists(st.integers(0, 29), max_size=40)), np.int64)
    taken = column.take(slots)
    taken.validate(full=True)
    assert taken.type == type_
    assert [canonical(v) for v in taken.to_pylist()] == [canonical(model[s]) for s in slots]
    asked = pa.array([None, *data.draw(st.lists(st.none() | values, min_size=len(slots), max_size=len(slots)))], type_)
    rows = np.arange(1, len(slots) + 1)
    equal = column.same(slots, column.prepare(asked), rows)
    expected = [canonical(model[s]) == canonical(v) for s, v in zip(slots, asked.to_pylist()[1:], strict=True)]
    assert equal.tolist() == expected


LESS_COMMON = [pa.large_string(), pa.large_list(pa.int8()), pa.list_(pa.int8(), 2), pa.month_day_nano_interval()]


@pytest.mark.parametrize("type_", [*LESS_COMMON, pa.duration("us"), pa.float32(), pa.binary(3)])
def test_less_common_types(type_: pa.DataType) -> None:
    samples = {"string": "x", "list": [1, 2], "float": 1.5, "fixed_size_binary": b"abc", "duration": 5}
    value = next((v for part, v in samples.items() if part in str(type_)), pa.MonthDayNano([1, 2, 3]))
    array = pa.array([value, None, value], type_)
    column = (FixedColumn if is_fixed_width(type_) else LogColumn)(type_, 4)
    column.set(np.array([2, 1, 0]), array)
    assert column.take(np.array([0, 1, 2])).equals(array)
    assert same_values(array, array).all()


@pytest.mark.parametrize("type_", [pa.dictionary(pa.int8(), pa.string()), pa.string_view()])
def test_encoded_columns_are_refused_by_name(type_: pa.DataType) -> None:
    with pytest.raises(SparkError, match=r"(dictionary|string_view).*column city"):
        SlotTable(pa.schema([("city", type_)]), pa.schema([]))


def test_bridge_keeps_offsets_and_nulls() -> None:
    for array in (pa.array([True, None, False] * 9), pa.array([1, None, 3] * 9, pa.int16())):
        for part in (array, array.slice(5, 11), array.slice(26), array.slice(3, 0)):
            assert to_arrow(part.type, *to_numpy(part)).equals(part)


def test_log_of_overwritten_values_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_column, "_CHUNK_ROWS", 64)
    column, rng = LogColumn(pa.string(), 16), np.random.default_rng(3)
    column.ensure(500)
    model = [f"start {i}" for i in range(500)]
    column.set(np.arange(500), pa.array(model))
    for batch in range(300):
        slots = rng.choice(500, 20, replace=False)
        new = [f"{batch} {slot}" for slot in slots]
        column.set(slots, pa.array(new))
        for slot, text in zip(slots, new, strict=True):
            model[slot] = text
        assert column.take(np.arange(500)).to_pylist() == model
        assert sum(c.live for c in column._chunks) == 500
    assert sum(len(c.values) for c in column._chunks) < 3 * 500
    assert len(column._chunks) < 60
    column.clear(np.arange(500))
    assert column.take(np.arange(3)).to_pylist() == [None] * 3
    assert not column._chunks


def test_log_does_not_keep_the_batch_a_slice_came_from() -> None:
    column = LogColumn(pa.string(), 16)
    column.set(np.array([0]), pa.array(["x" * 1000] * 1000).slice(500, 1))
    assert column._chunks[0].values.get_total_buffer_size() < 10_000


def test_growable_keeps_old_views_readable() -> None:
    memory = Growable(np.int64, 10)
    memory.array[:10] = np.arange(10)
    view = memory.array
    memory.ensure(3_000_000)
    assert memory.array[:11].tolist() == [*range(10), 0]
    memory.array[0] = 99
    assert view[0] == 0  # the view is the memory of before


def test_numeric_state_imports_neither_pandas_nor_arrow_compute() -> None:
    """They take longer to import than a short streaming job may last."""
    program = """
import sys, tempfile, pathlib
import numpy as np, pyarrow as pa
from penstock.state import open_store
from penstock.state.bridge import to_arrow
keys, values = pa.schema([("k", pa.int64())]), pa.schema([("n", pa.int64())])
store = open_store(pathlib.Path(tempfile.mkdtemp()), keys, values, lambda k: np.arange(9), operator="0")
batch = pa.RecordBatch.from_arrays([to_arrow(pa.int64(), np.arange(9), None)], schema=keys)
slots, new = store.locate_or_add(np.arange(9, dtype=np.uint64), batch)
store.numeric(0)[slots] += 1
store.touch(slots)
store.commit(1)
store.values(slots)
store.remove(slots)
store.commit(2)
assert not {"pandas", "pyarrow.compute"} & set(sys.modules), "heavy import"
"""
    subprocess.run([sys.executable, "-c", program], check=True)
