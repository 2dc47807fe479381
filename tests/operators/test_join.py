"""The join operator against a plain Python model, on real state stores, with late rows, eviction and restarts."""

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from penstock.operators import join
from penstock.operators.join import ELIGIBLE, HASH, JoinOperator, JoinRules, SideRules
from penstock.operators.join_state import ROW_NUMBER, JoinState, SideLayout, SideState, hash_numbers
from penstock.state import open_store

TIME = pa.timestamp("us", "UTC")
SECOND = 1_000_000
#: Left columns c1 (key), c2 (time), c3 (number); right columns c4, c5, c6.
LEFT = pa.schema([("c1", pa.string()), ("c2", TIME), ("c3", pa.int64())])
RIGHT = pa.schema([("c4", pa.string()), ("c5", TIME), ("c6", pa.int64())])
#: right.time between left.time and left.time + 5 s
CONDITION = "c5 >= c2 AND c5 <= c2 + INTERVAL 5 SECONDS AND c3 + c6 <> 13"
KINDS = ("inner", "left", "right", "full", "semi")


connection = duckdb.connect()
connection.execute("SET TimeZone='UTC'")


def run_sql(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    for name, table in tables.items():
        connection.register(name, table)
    return connection.sql(sql).to_arrow_table()


def hash_keys(keys: pa.RecordBatch) -> np.ndarray:
    """Few distinct values, so that collisions happen."""
    return np.array([len(key or "") % 3 for key in keys.column(0).to_pylist()], np.uint64)


def make(directory: Path, kind: str, condition: str | None = CONDITION) -> JoinOperator:
    sides = []
    for name, schema, key, expiry in (("left", LEFT, "c1", "c2"), ("right", RIGHT, "c4", "c5")):
        matched = kind in (name, "full")
        layout = SideLayout(schema, (key,), (False,), matched, expiry)
        store = open_store(directory, ROW_NUMBER, layout.value_schema, hash_numbers, operator=f"0-{name}")
        sides.append(SideState(store, layout, hash_keys))
    output = LEFT if kind == "semi" else pa.schema([*LEFT, *RIGHT])
    # left.time >= right.time - 5 s: kept until 5 s behind the watermark; right.time >= left.time: until the watermark.
    left = SideRules("c2", kind in ("left", "full"), tuple(LEFT.names), -5 * SECOND, True)
    right = SideRules("c5", kind in ("right", "full"), tuple(RIGHT.names) if kind != "semi" else (), 0, True)
    return JoinOperator(JoinState(*sides), JoinRules(left, right, kind == "semi", condition, output), run_sql)


Row = tuple[str | None, int, int]  # key, seconds, number; a number below 0 is not eligible


def batch(rows: list[Row], schema: pa.Schema) -> pa.Table:
    key, time, number = schema.names
    made = [{key: k, time: t * SECOND, number: n} for k, t, n in rows]
    table = pa.RecordBatch.from_pylist(made, schema=schema)
    hashes = pa.array(hash_keys(table), pa.uint64())
    eligible = pa.array([n >= 0 for _, _, n in rows], pa.bool_())
    return pa.Table.from_batches([table]).append_column(HASH, hashes).append_column(ELIGIBLE, eligible)


def result(table: pa.Table) -> Counter:
    columns = [(c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c).to_pylist() for c in table.columns]
    times = [i for i, field in enumerate(table.schema) if pa.types.is_timestamp(field.type)]
    rows = [[*row] for row in zip(*columns, strict=True)]
    for row in rows:
        for i in times:
            row[i] = None if row[i] is None else row[i] // SECOND
    return Counter(map(tuple, rows))


class Model:
    """The same, a row at a time; rows are [key, time, number, matched]."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.left: list[list] = []
        self.right: list[list] = []

    def run(self, lefts: list[Row], rights: list[Row], late: int, watermark: int) -> Counter:
        out: Counter = Counter()
        for row in (r for r in lefts if not late or r[1] > late):
            if row[2] < 0:
                if self.kind in ("left", "full"):
                    out[(*row, None, None, None)] += 1
                continue
            found = [r for r in self.right if self.matches(row, r)]
            for r in found:
                r[3] = True
            self.emit(out, row, found)
            if not (self.kind == "semi" and found):
                self.left.append([*row, bool(found)])
        for row in (r for r in rights if not late or r[1] > late):
            if row[2] < 0:
                if self.kind in ("right", "full"):
                    out[(None, None, None, *row)] += 1
                continue
            found = [r for r in self.left if self.matches(r, row)]
            for r in found:
                r[3] = True
                out[tuple(r[:3]) if self.kind == "semi" else (*r[:3], *row)] += 1
            self.right.append([*row, bool(found)])
            if self.kind == "semi":
                self.left = [r for r in self.left if not r[3]]
        self.evict(out, watermark)
        return out

    def emit(self, out: Counter, row: Row, found: list[list]) -> None:
        if self.kind == "semi":
            out[row] += bool(found)
            return
        for r in found:
            out[(*row, *r[:3])] += 1

    def evict(self, out: Counter, watermark: int) -> None:
        if watermark:
            gone = [r for r in self.left if r[1] < watermark - 5]
            if self.kind in ("left", "full"):
                out.update((*r[:3], None, None, None) for r in gone if not r[3])
            self.left = [r for r in self.left if r[1] >= watermark - 5]
            gone = [r for r in self.right if r[1] < watermark]
            if self.kind in ("right", "full"):
                out.update((None, None, None, *r[:3]) for r in gone if not r[3])
            self.right = [r for r in self.right if r[1] >= watermark]

    @staticmethod
    def matches(left: list | Row, right: list | Row) -> bool:
        return left[0] == right[0] is not None and 0 <= right[1] - left[1] <= 5 and left[2] + right[2] != 13


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_random_batches_with_restarts_equal_the_model(
    tmp_path: Path, kind: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed:
        monkeypatch.setattr(join, "_PAIRS_AT_A_TIME", 3)
    rng = random.Random(f"{kind} {seed}")
    operator, model, watermark = make(tmp_path, kind), Model(kind), 0

    def rows(version: int) -> list[Row]:
        count = rng.choice([0, 1, 5, 20])
        keys = rng.choice([["a"], ["a", "b", "cc", None]])
        return [(rng.choice(keys), version + rng.randrange(12), rng.randrange(-1, 30)) for _ in range(count)]

    for version in range(1, 20):
        lefts, rights = rows(version), rows(version)
        late, watermark = watermark, max(watermark, rng.randrange(version + 4))
        found = operator.process(batch(lefts, LEFT), batch(rights, RIGHT), late * SECOND, watermark * SECOND)
        expected = model.run(lefts, rights, late, watermark)
        assert result(found) == +expected, f"batch {version}"
        operator.store.commit(version)
        assert operator.store.metrics().rows_total == len(model.left) + len(model.right)
        if rng.random() < 0.3:
            operator.store.close()
            operator = make(tmp_path, kind)
            operator.store.load(version)


def test_a_match_survives_a_restart_and_is_not_given_out_as_unmatched(tmp_path: Path) -> None:
    operator = make(tmp_path, "left")
    operator.process(batch([("a", 10, 1), ("a", 10, 2)], LEFT), batch([], RIGHT), 0, 0)
    operator.store.commit(1)
    found = operator.process(batch([], LEFT), batch([("a", 11, 12)], RIGHT), 0, 0)
    assert set(result(found)) == {("a", 10, 2, "a", 11, 12)}
    operator.store.commit(2)
    operator.store.close()
    operator = make(tmp_path, "left")
    operator.store.load(2)
    found = operator.process(batch([], LEFT), batch([], RIGHT), 0, 30 * SECOND)
    assert set(result(found)) == {("a", 10, 1, None, None, None)}
    operator.store.commit(3)
    assert operator.store.metrics().rows_total == 0
    assert operator.figures.rows_removed == 1  # those of the outer side are not counted, as in Spark


def test_the_replay_of_a_batch_starts_from_the_version_before(tmp_path: Path) -> None:
    operator = make(tmp_path, "inner", None)
    operator.process(batch([("a", 10, 1)], LEFT), batch([], RIGHT), 0, 0)
    operator.store.commit(1)
    for _ in range(2):
        found = operator.process(batch([("a", 12, 2)], LEFT), batch([("a", 11, 3)], RIGHT), 0, 0)
        assert sum(result(found).values()) == 2
        operator.store.left.store.commit(2)  # the crash comes before the right side's commit
        operator.store.close()
        operator = make(tmp_path, "inner", None)
        operator.store.load(1)


def test_what_is_late_and_what_is_dropped_is_counted(tmp_path: Path) -> None:
    operator = make(tmp_path, "full")
    lefts, rights = [("a", 10, 1), ("a", 11, 1)], [("a", 9, 1), (None, 11, 1), ("b", 12, -1)]
    found = operator.process(batch(lefts, LEFT), batch(rights, RIGHT), 10 * SECOND, 10 * SECOND)
    assert set(result(found)) == {(None, None, None, "b", 12, -1)}
    assert operator.figures.rows_dropped_by_watermark == 2
    assert operator.figures.rows_updated == 2
