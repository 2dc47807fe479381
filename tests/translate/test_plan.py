"""Plans as SQL, executed: each query with the rows that Spark gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest

from penstock.analysis import analyze
from penstock.analysis.context import AnalysisContext
from penstock.core.config import Conf
from penstock.core.errors import SparkError, analysis_error
from penstock.engine import Engine, EngineCursor
from penstock.functions.resolve import resolve
from penstock.plan.expressions import Alias, Attribute, Expression, Literal, fresh_id
from penstock.plan.nodes import Filter, Limit, Node, Offset, Project, Range, Read, Sample, SetOperation, Tail
from penstock.plan.types import LONG, STRING
from penstock.sources.base import Scan
from penstock.sql import parse_query
from penstock.translate import Input, TranslateContext, to_sql
from penstock.translate.pruning import referenced_attributes

T = "SELECT * FROM VALUES (1, 'a', 10.5D), (2, 'b', 20.5D), (3, 'a', NULL), (NULL, 'b', 1.0D) AS t(id, k, v)"


class Views:
    """One view, t."""

    def __init__(self, view: Node | None) -> None:
        self.view = view

    def lookup(self, parts: tuple[str, ...], *, streaming: bool = False) -> Node | None:
        return self.view if parts[-1] == "t" else None

    def cached(self, relation_id: str) -> Node | None:
        return None


def no_source(read: Read) -> Any:
    raise analysis_error("TABLE_OR_VIEW_NOT_FOUND", "no tables", "42P01")


CONF = Conf()
VIEWS = Views(analyze(parse_query(T), AnalysisContext(CONF, Views(None), no_source)))


@pytest.fixture(scope="module")
def cursor() -> Iterator[EngineCursor]:
    engine = Engine()
    yield engine.cursor()
    engine.close()


def rows(cursor: EngineCursor, plan: Node) -> list[tuple[Any, ...]]:
    context = TranslateContext(CONF)
    table = cursor.query(to_sql(plan, context), context.tables, CONF)
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def resolved(sql: str) -> Node:
    return analyze(parse_query(sql), AnalysisContext(CONF, VIEWS, no_source))


CASES: list[tuple[str, Sequence[tuple[Any, ...]]]] = [
    ("SELECT id, k FROM t WHERE id > 1 ORDER BY id DESC", [(3, "a"), (2, "b")]),
    ("SELECT id FROM t ORDER BY id", [(None,), (1,), (2,), (3,)]),
    ("SELECT id FROM t ORDER BY id DESC", [(3,), (2,), (1,), (None,)]),
    ("SELECT id FROM t ORDER BY id NULLS LAST LIMIT 2", [(1,), (2,)]),
    (
        "SELECT x FROM VALUES (1.0D), (double('NaN')), (-0.0D), (0.0D) AS n(x) WHERE x >= 0 ORDER BY x DESC LIMIT 1",
        [(float("nan"),)],
    ),
    (
        "SELECT k, count(*) c, sum(v) s FROM t GROUP BY k HAVING count(*) > 1 ORDER BY k",
        [("a", 2, 10.5), ("b", 2, 21.5)],
    ),
    ("SELECT count(*), sum(id) FROM t WHERE false", [(0, None)]),
    ("SELECT 'x' AS c FROM t GROUP BY 'x'", [("x",)]),
    ("SELECT k, upper(k) u, count(1) FROM t GROUP BY k, upper(k) ORDER BY k", [("a", "A", 2), ("b", "B", 2)]),
    ("SELECT id + 1 AS n, count(*) FROM t GROUP BY id + 1 ORDER BY n", [(None, 1), (2, 1), (3, 1), (4, 1)]),
    ("SELECT sum(DISTINCT id % 2), sum(id) FILTER (WHERE id > 1) FROM t", [(1, 5)]),
    (
        "SELECT k, grouping(k) g, count(*) c FROM t GROUP BY ROLLUP(k) ORDER BY g, k",
        [("a", 0, 2), ("b", 0, 2), (None, 1, 4)],
    ),
    (
        "SELECT k, id, sum(v) s FROM t WHERE id < 3 GROUP BY GROUPING SETS ((k), (id), ()) ORDER BY k, id",
        [(None, None, 31.0), (None, 1, 10.5), (None, 2, 20.5), ("a", None, 10.5), ("b", None, 20.5)],
    ),
    ("SELECT a.id, b.k FROM t a JOIN t b ON a.id = b.id WHERE a.id < 3 ORDER BY 1", [(1, "a"), (2, "b")]),
    (
        "SELECT a.id, b.id FROM t a LEFT JOIN t b ON a.id = b.id + 1 ORDER BY 1",
        [(None, None), (1, None), (2, 1), (3, 2)],
    ),
    (
        "SELECT a.id, b.id FROM t a RIGHT JOIN t b ON a.id = b.id + 2 WHERE b.id IS NOT NULL ORDER BY 2",
        [(3, 1), (None, 2), (None, 3)],
    ),
    ("SELECT count(*) FROM t a FULL JOIN t b ON a.id = b.id AND b.id > 100", [(8,)]),
    ("SELECT count(*) FROM t a JOIN t b ON a.id <=> b.id", [(4,)]),
    ("SELECT count(*) FROM t a CROSS JOIN t b", [(16,)]),
    ("SELECT a.id FROM t a LEFT SEMI JOIN t b ON a.id < b.id ORDER BY 1", [(1,), (2,)]),
    ("SELECT a.id FROM t a LEFT ANTI JOIN t b ON a.id = b.id", [(None,)]),
    ("SELECT id FROM t a WHERE EXISTS (SELECT 1 FROM t b WHERE b.id = a.id + 1) ORDER BY 1", [(1,), (2,)]),
    ("SELECT id FROM t WHERE id IN (SELECT id FROM t WHERE k = 'a') ORDER BY 1", [(1,), (3,)]),
    ("SELECT id FROM t WHERE id NOT IN (SELECT id FROM t WHERE k = 'b')", []),
    ("SELECT id FROM t WHERE (id, k) IN (SELECT id, k FROM t WHERE v > 15)", [(2,)]),
    (
        "SELECT id, (SELECT max(v) FROM t b WHERE b.k = a.k) m FROM t a ORDER BY id",
        [(None, 20.5), (1, 10.5), (2, 20.5), (3, 10.5)],
    ),
    (
        "SELECT x FROM (SELECT id + 1 AS x, k FROM t) a WHERE EXISTS (SELECT 1 FROM t b WHERE b.id = a.x) ORDER BY 1",
        [(2,), (3,)],
    ),
    ("SELECT DISTINCT k FROM t ORDER BY k", [("a",), ("b",)]),
    ("SELECT count(*) FROM (SELECT DISTINCT k, id FROM t)", [(4,)]),
    ("SELECT k FROM t UNION SELECT k FROM t ORDER BY k", [("a",), ("b",)]),
    ("SELECT id FROM t WHERE id = 1 UNION ALL SELECT 7 ORDER BY 1", [(1,), (7,)]),
    ("SELECT k FROM t EXCEPT ALL SELECT 'a' ORDER BY k", [("a",), ("b",), ("b",)]),
    ("SELECT k FROM t INTERSECT SELECT 'a'", [("a",)]),
    ("SELECT id FROM (SELECT id FROM t ORDER BY id DESC LIMIT 2) WHERE id = 2", [(2,)]),
    ("SELECT x, x + 1 AS y FROM (SELECT id + 1 AS x FROM t) WHERE x > 3", [(4, 5)]),
    ("WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b", [(1, 2)]),
    (
        "SELECT id, row_number() OVER (PARTITION BY k ORDER BY id) r FROM t WHERE id > 0 ORDER BY id",
        [(1, 1), (2, 1), (3, 2)],
    ),
    ("SELECT n FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM t) WHERE id = 3", [(4,)]),
    (
        "SELECT sum(id) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) s FROM t WHERE id > 0 ORDER BY s",
        [(1,), (3,), (5,)],
    ),
    ("SELECT first(v), last(v) FROM t", [(10.5, 1.0)]),
    ("SELECT s.b FROM (SELECT struct(1 AS a, 'x' AS b) AS s)", [("x",)]),
    (
        "SELECT id, e FROM t LATERAL VIEW explode(array(id, id + 10)) x AS e WHERE id < 3 ORDER BY e",
        [(1, 1), (2, 2), (1, 11), (2, 12)],
    ),
    (
        "SELECT a.id, x.s FROM t a, LATERAL (SELECT sum(b.id) s FROM t b WHERE b.id <= a.id) x WHERE a.id > 1 ORDER BY 1",  # noqa: E501
        [(2, 3), (3, 6)],
    ),
    ("SELECT transform(array(1, 2), x -> x + 1) AS a", [([2, 3],)]),
]


@pytest.mark.parametrize(("sql", "expected"), CASES, ids=[sql for sql, _ in CASES])
def test_query(cursor: EngineCursor, sql: str, expected: Sequence[tuple[Any, ...]]) -> None:
    assert repr(rows(cursor, resolved(sql))) == repr(list(expected))


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("SELECT id / 0 FROM t", "DIVIDE_BY_ZERO"),
        ("SELECT (SELECT id FROM t) x", "SCALAR_SUBQUERY_TOO_MANY_ROWS"),
        ("SELECT CAST(k AS INT) FROM t", "CAST_INVALID_INPUT"),
        ("SELECT 9223372036854775807L + id FROM t", "ARITHMETIC_OVERFLOW"),
    ],
)
def test_errors(cursor: EngineCursor, sql: str, condition: str) -> None:
    with pytest.raises(SparkError) as caught:
        rows(cursor, resolved(sql))
    assert caught.value.condition == condition


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("window(ts, '10 seconds')", [(0, 10)]),
        ("window(ts, '10 seconds', '5 seconds')", [(0, 10), (5, 15)]),
        ("window(ts, '4 seconds', '10 seconds')", []),
        ("window(ts, '10 seconds', '10 seconds', '3 seconds')", [(3, 13)]),
    ],
)
@pytest.mark.parametrize("day", ["1970-01-02", "1969-12-30"])
def test_time_windows_are_aligned_to_1970(
    cursor: EngineCursor, window: str, expected: list[tuple[int, int]], day: str
) -> None:
    source = f"SELECT timestamp'{day} 00:00:07' AS ts UNION ALL SELECT NULL"
    start, end = (
        f"(unix_timestamp(w.{part}) - unix_timestamp(timestamp'{day} 00:00:00'))" for part in ("start", "end")
    )
    sql = f"SELECT {start}, {end} FROM (SELECT {window} AS w, count(*) FROM ({source}) GROUP BY 1) ORDER BY 1"
    if "4 seconds'," in window:
        with pytest.raises(SparkError):
            rows(cursor, resolved(sql))
    else:
        assert rows(cursor, resolved(sql)) == expected


def attribute(name: str) -> Attribute:
    return Attribute(name, LONG, True, fresh_id())


def call(name: str, *args: Expression) -> Expression:
    return resolve(name, args, conf=CONF)


def test_rows_by_position(cursor: EngineCursor) -> None:
    numbers = Range(0, 10, 1, (attribute("id"),))
    assert rows(cursor, Tail(2, numbers)) == [(8,), (9,)]
    assert rows(cursor, Limit(2, Offset(3, numbers))) == [(3,), (4,)]
    assert rows(cursor, Offset(1, Limit(3, numbers))) == [(1,), (2,)]
    assert rows(cursor, Limit(5, Limit(2, numbers))) == [(0,), (1,)]


def test_samples_with_adjoining_bounds_split_the_rows(cursor: EngineCursor) -> None:
    numbers = Range(0, 1000, 1, (attribute("id"),))
    one, other = (rows(cursor, Sample(a, b, numbers, seed=7)) for a, b in ((0.0, 0.3), (0.3, 1.0)))
    assert sorted(one + other) == [(i,) for i in range(1000)] and 200 < len(one) < 400
    assert rows(cursor, Sample(0.0, 0.3, numbers, seed=7)) == one
    assert 1700 < len(rows(cursor, Sample(0.0, 2.0, numbers, with_replacement=True, seed=7))) < 2300


def test_only_needed_columns_are_scanned(cursor: EngineCursor) -> None:
    asked: list[list[str]] = []

    class Files:
        def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
            asked.append([name for name, _ in columns])
            return Scan(table=pa.table({sql: [1, 2] for _, sql in columns}))

    columns = tuple(attribute(name) for name in "abc")
    read = Read("memory", {}, columns=columns, relation=Files())
    plan = Project((columns[0],), Filter(call(">", columns[2], Literal(1, LONG)), read))
    assert rows(cursor, plan) == [(2,)]
    assert rows(cursor, Project((Alias(Literal(1, LONG), ("n",), fresh_id()),), read)) == [(1,), (1,)]
    assert asked == [["a", "c"], ["a"]]
    assert referenced_attributes(plan) == {columns[0].id, columns[2].id}


def test_an_input_is_a_view_of_the_caller(cursor: EngineCursor) -> None:
    column = Attribute("x", STRING, True, fresh_id())
    cursor.register("batch_0", pa.table({column.sql_name: ["a"]}))
    assert rows(cursor, Input("batch_0", (column,))) == [("a",)]
    cursor.unregister("batch_0")


@pytest.mark.parametrize("length", [50, 2000])
def test_long_chains_stay_flat(cursor: EngineCursor, length: int) -> None:
    column: Attribute = attribute("id")
    plan: Node = Range(0, 3, 1, (column,))
    for _ in range(length):
        alias = Alias(call("+", column, Literal(1, LONG)), ("id",), fresh_id())
        plan = Filter(call(">", alias.to_attribute(), Literal(0, LONG)), Project((alias,), plan))
        column = alias.to_attribute()
    assert rows(cursor, plan) == [(length,), (length + 1,), (length + 2,)]


def test_a_thousand_unions(cursor: EngineCursor) -> None:
    plan: Node = Range(0, 1, 1, (attribute("id"),))
    for _ in range(1000):
        plan = SetOperation(plan, Range(0, 1, 1, (attribute("id"),)), "union", columns=(attribute("id"),))
    assert len(rows(cursor, plan)) == 1001
