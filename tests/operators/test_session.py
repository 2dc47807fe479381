"""The session operator against a plain Python model, on a real state store, with keys whose hashes collide."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from penstock.operators.aggregate import HASH
from penstock.operators.folding import fold
from penstock.operators.join_state import ROW_NUMBER, SideLayout, SideState, hash_numbers
from penstock.operators.merging import Merge
from penstock.operators.session import SessionColumns, SessionOperator
from penstock.state import open_store

TIME = pa.timestamp("us", "UTC")
MERGES = (
    Merge("n", pa.int64(), "sum"),
    Merge("first", pa.string(), "first"),
    Merge("all", pa.string(), "{old} || {new}"),
)
SCHEMA = pa.schema(
    [
        ("k", pa.string()),
        ("start", TIME),
        ("end", TIME),
        ("n", pa.int64()),
        ("first", pa.string()),
        ("all", pa.string()),
    ]
)
Session = tuple[str | None, int, int, int, str]


def run_sql(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    return connection.sql(sql).to_arrow_table()


def hash_keys(keys: pa.RecordBatch) -> np.ndarray:
    return np.array([{"a": 1, "b": 1, None: 2}.get(key, 3) for key in keys.column(0).to_pylist()], np.uint64)


def operator(directory: Path, mode: str = "append") -> SessionOperator:
    layout = SideLayout(SCHEMA, ("k",), (True,), matched=False, expiry="end")
    store = open_store(directory, ROW_NUMBER, layout.value_schema, hash_numbers, operator="0")
    columns = SessionColumns("start", "end", has_watermark=True)
    return SessionOperator(SideState(store, layout, hash_keys), MERGES, columns, mode, run_sql)


def batch(sessions: list[Session]) -> pa.Table:
    """Sorted as the segment sorts: by hash, key, start."""
    made = [
        {"k": k, "start": start, "end": end, "n": n, "first": text, "all": text} for k, start, end, n, text in sessions
    ]
    rows = pa.Table.from_pylist(made, schema=pa.schema([SCHEMA.field("k"), ("start", pa.int64()), ("end", pa.int64()),
                                                        *list(SCHEMA)[3:]])).cast(SCHEMA)  # fmt: skip
    hashes = hash_keys(rows.select(["k"]).combine_chunks().to_batches()[0]) if rows.num_rows else np.empty(0, np.uint64)
    order = sorted(range(rows.num_rows), key=lambda i: (hashes[i], str(sessions[i][0]), sessions[i][1], sessions[i][2]))
    return rows.append_column(HASH, pa.array(hashes)).take(pa.array(order, pa.int64()))


def shown(table: pa.Table) -> list[tuple[str | None, int, int, int, str]]:
    plain = table.set_column(1, "start", table.column("start").cast(pa.int64()))
    plain = plain.set_column(2, "end", plain.column("end").cast(pa.int64()))
    return sorted((tuple(row.values()) for row in plain.to_pylist()), key=str)


def test_a_row_extends_bridges_and_opens_sessions(tmp_path: Path) -> None:
    sessions = operator(tmp_path)
    assert (
        sessions.process(batch([("a", 10, 15, 1, "x"), ("a", 30, 35, 2, "y"), ("b", 12, 17, 4, "z")]), 0, 0).num_rows
        == 0
    )
    assert sessions.figures.rows_updated == 3
    # at 15 touches the first, reaches to 30: one session now; the other key is not looked at
    result = sessions.process(batch([("a", 15, 30, 8, "w")]), 0, 20)
    assert shown(result) == [("b", 12, 17, 4, "z", "z")]
    assert (sessions.figures.rows_updated, sessions.figures.rows_removed) == (1, 2)
    assert shown(sessions.process(batch([]), 20, 40)) == [("a", 10, 35, 11, "x", "xwy")]


def test_rows_of_sessions_that_the_watermark_has_passed_are_late(tmp_path: Path) -> None:
    sessions = operator(tmp_path)
    result = sessions.process(batch([("a", 1, 6, 1, "x"), ("a", 2, 7, 2, "y"), (None, 3, 9, 4, "z")]), 6, 7)
    assert shown(result) == [("a", 2, 7, 2, "y", "y")]
    assert sessions.figures.rows_dropped_by_watermark == 1


def test_complete_mode_gives_all_and_removes_nothing(tmp_path: Path) -> None:
    sessions = operator(tmp_path, "complete")
    sessions.process(batch([("a", 1, 6, 1, "x")]), 0, 0)
    assert shown(sessions.process(batch([("b", 50, 60, 2, "y")]), 0, 40)) == [
        ("a", 1, 6, 1, "x", "x"), ("b", 50, 60, 2, "y", "y")
    ]  # fmt: skip
    assert not sessions.evicts


@pytest.mark.parametrize("seed", range(8))
def test_random_sessions_in_any_cut_and_over_restarts(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    rows = [(rng.choice(["a", "b", "c", None]), s, s + rng.randrange(1, 12), i, f"{i},") for i, s in
            enumerate(rng.randrange(300) for _ in range(120))]  # fmt: skip
    sessions, version, left = operator(tmp_path), 0, list(rows)
    while left:
        count = rng.randrange(1, 25)
        sessions.process(batch(left[:count]), 0, 0)
        left, version = left[count:], version + 1
        sessions.store.commit(version)
        if rng.random() < 0.4:
            sessions.store.close()
            sessions = operator(tmp_path)
            sessions.store.load(version)
    found = [(k, start, end, n) for k, start, end, n, _, _ in shown(sessions.process(batch([]), 0, 1000))]
    assert found == merged(rows)
    assert len(sessions.store.store.live()) == 0


def merged(rows: list[Session]) -> list[tuple[str | None, int, int, int]]:
    result: list[list] = []
    for k, start, end, n, _ in sorted(rows, key=lambda row: (str(row[0]), row[1])):
        if result and result[-1][0] == k and start <= result[-1][2]:
            result[-1][2], result[-1][3] = max(result[-1][2], end), result[-1][3] + n
        else:
            result.append([k, start, end, n])
    return sorted((tuple(session) for session in result), key=str)


def test_folding_keeps_the_order_of_each_group() -> None:
    texts = pa.RecordBatch.from_arrays([pa.array(list("abcdefgh"))], names=["text"])
    merge = Merge("text", pa.string(), "{old} || {new}")
    folded = fold([merge], texts, np.array([1, 5, 2]), run_sql)
    assert folded.column(0).to_pylist() == ["a", "bcdef", "gh"]
