"""The aggregate operator against a plain Python model, on a real state store."""

import random
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from penstock.core.errors import SparkError
from penstock.operators.aggregate import HASH, AggregateOperator
from penstock.operators.merging import Merge
from penstock.state import open_store

TIME = pa.timestamp("us", "UTC")
KEYS = pa.schema([("k0", TIME), ("k1", pa.string())])
MERGES = (
    Merge("n", pa.int64(), "sum"),
    Merge("low", pa.int32(), "min"),
    Merge("high", pa.float64(), "max"),
    Merge("first", pa.string(), "first"),
    Merge("text", pa.string(), "{old} || {new}"),
)


def run_sql(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    return connection.sql(sql).to_arrow_table()


def hash_keys(keys: pa.RecordBatch) -> np.ndarray:
    """Few distinct values, so that collisions happen."""
    return np.array([hash(tuple(row.values())) % 7 for row in keys.to_pylist()], np.uint64)


def make(directory: Path, mode: str, merges: tuple[Merge, ...] = MERGES) -> AggregateOperator:
    values = pa.schema([(m.column, m.type) for m in merges])
    store = open_store(directory, KEYS, values, hash_keys, operator="0")
    store.track_expiry("k0")
    return AggregateOperator(store, KEYS, merges, mode, "k0", run_sql)


def batch(groups: dict[tuple[int, str | None], tuple]) -> pa.Table:
    """Partial buffers by (window end in s, url)."""
    keys = pa.RecordBatch.from_pylist([{"k0": end * 1_000_000, "k1": url} for end, url in groups], schema=KEYS)
    columns = {m.column: pa.array([row[i] for row in groups.values()], m.type) for i, m in enumerate(MERGES)}
    return pa.table({"k0": keys.column(0), "k1": keys.column(1), **columns, HASH: pa.array(hash_keys(keys))})


def rows(table: pa.Table) -> dict[tuple[int, str | None], tuple]:
    found = table.cast(pa.schema([pa.field("k0", pa.int64()), *table.schema][:1] + list(table.schema)[1:])).to_pylist()
    return {(r["k0"] // 1_000_000, r["k1"]): tuple(r[m.column] for m in MERGES) for r in found}


def test_update_emits_the_changed_groups_merged(tmp_path: Path) -> None:
    operator = make(tmp_path, "update")
    operator.process(batch({(10, "/a"): (2, 5, 1.5, "x", "p"), (10, None): (1, None, None, None, None)}), 0, 0)
    out = operator.process(batch({(10, "/a"): (3, 4, float("nan"), "y", "q"), (20, "/b"): (1, 1, 1.0, "z", "r")}), 0, 0)
    merged = rows(out)
    assert set(merged) == {(10, "/a"), (20, "/b")}
    n, low, high, first, text = merged[(10, "/a")]
    assert (n, low, first, text) == (5, 4, "x", "pq")
    assert np.isnan(high), "NaN is the greatest, as in Spark"


def test_nulls_are_no_values(tmp_path: Path) -> None:
    operator = make(tmp_path, "update")
    operator.process(batch({(10, None): (1, None, None, None, "p")}), 0, 0)
    out = operator.process(batch({(10, None): (1, 3, 2.0, "later", "q")}), 0, 0)
    assert rows(out) == {(10, None): (2, 3, 2.0, None, "pq")}, "first keeps a NULL that came first"


def test_append_emits_a_window_once_when_the_watermark_passes_its_end(tmp_path: Path) -> None:
    operator = make(tmp_path, "append")
    one = {(10, "/a"): (1, 1, 1.0, "x", "p"), (20, "/a"): (1, 1, 1.0, "x", "p")}
    assert operator.process(batch(one), 0, 9_999_999).num_rows == 0
    assert set(rows(operator.process(batch({}), 0, 10_000_000))) == {(10, "/a")}
    assert operator.process(batch({}), 0, 10_000_000).num_rows == 0
    assert operator.figures.rows_removed == 0


def test_late_groups_are_dropped_and_counted(tmp_path: Path) -> None:
    operator = make(tmp_path, "update")
    late = {(10, "/a"): (1, 1, 1.0, "x", "p"), (11, "/a"): (1, 1, 1.0, "x", "p")}
    out = operator.process(batch(late), 10_000_000, 10_000_000)
    assert set(rows(out)) == {(11, "/a")}
    assert operator.figures.rows_dropped_by_watermark == 1


def test_a_sum_that_leaves_its_type_is_an_error(tmp_path: Path) -> None:
    operator = make(tmp_path, "update")
    operator.process(batch({(10, "/a"): (2**62, 0, 0.0, "", "")}), 0, 0)
    with pytest.raises(SparkError) as caught:
        operator.process(batch({(10, "/a"): (2**62, 0, 0.0, "", "")}), 0, 0)
    assert caught.value.condition == "ARITHMETIC_OVERFLOW"


@pytest.mark.parametrize("seed", range(8))
def test_random_batches_with_restarts_equal_the_model(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    operator, model, emitted, expected, watermark = make(tmp_path, "append"), {}, {}, {}, 0
    for version in range(1, 25):
        groups = {
            (rng.randrange(1, 30), rng.choice(["/a", "/b", None])): (
                rng.randrange(9),
                rng.randrange(99),
                rng.random(),
                "f",
                "t",
            )
            for _ in range(rng.randrange(6))
        }
        late, watermark = watermark, max(watermark, rng.randrange(version + 2))
        emitted.update(rows(operator.process(batch(groups), late * 1_000_000, watermark * 1_000_000)))
        operator.store.commit(version)
        for key, (n, low, high, first, text) in groups.items():
            if late == 0 or key[0] > late:
                old = model.get(key)
                model[key] = (
                    (n, low, high, first, text)
                    if old is None
                    else (old[0] + n, min(old[1], low), max(old[2], high), old[3], old[4] + text)
                )
        for key in [key for key in model if watermark and key[0] <= watermark]:
            expected[key] = model.pop(key)
        if rng.random() < 0.3:
            operator.store.close()
            operator = make(tmp_path, "append")
            operator.store.load(version)
    assert emitted == expected


class Uncombined:
    """A table of more than 2 GB of strings: it does not become one chunk."""

    column_names: tuple[str, ...] = ()

    def __init__(self, *parts: pa.Table) -> None:
        self.table = pa.concat_tables(parts)
        self.num_rows = self.table.num_rows

    def combine_chunks(self) -> pa.Table:
        return self.table


@pytest.mark.parametrize("mode", ["update", "complete"])
def test_no_group_of_a_batch_of_many_chunks_is_lost(tmp_path: Path, mode: str) -> None:
    operator = make(tmp_path, mode)
    operator._event_time_key = None
    one, two = {(10, "a"): (1, 5, 1.0, "x", "x")}, {(10, "b"): (2, 6, 2.0, "y", "y"), (20, "c"): (1, 1, 1.0, "z", "z")}
    assert rows(operator.process(Uncombined(batch(one), batch(two)), 0, 0)) == {**one, **two}
    assert operator.figures.rows_updated == 3
