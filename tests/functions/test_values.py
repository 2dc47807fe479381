"""Values, as Spark 4.2 gives them, on columns (constants could be folded away)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock.core.errors import SparkError

NUMBERS = "FROM VALUES (7, 2), (-7, 2), (7, -2), (NULL, 2) AS t(a, b)"


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("a / b", [3.5, -3.5, -3.5, None]),
        ("a div b", [3, -3, -3, None]),
        ("a % b", [1, -1, 1, None]),
        ("pmod(a, b)", [1, 1, 1, None]),
        ("a <=> NULL", [False, False, False, True]),
        ("a IN (7, NULL)", [True, None, True, None]),
        ("coalesce(a, b)", [7, -7, 7, 2]),
        ("greatest(a, b)", [7, 2, 7, 2]),
        ("CASE WHEN a > b THEN 'x' END", ["x", None, "x", None]),
        ("shiftleft(a, 1)", [14, -14, 14, None]),
        ("shiftright(a, 1)", [3, -4, 3, None]),
        ("shiftrightunsigned(a, 28)", [0, 15, 0, None]),
        ("round(a / 3, 2)", [2.33, -2.33, 2.33, None]),
        ("CAST(a AS DECIMAL(10,2)) / b", [Decimal("3.5"), Decimal("-3.5"), Decimal("-3.5"), None]),
        ("hex(a)", ["7", "FFFFFFFFFFFFFFF9", "7", None]),
    ],
)
def test_arithmetic(answer: Any, expression: str, values: list[Any]) -> None:
    assert [row[0] for row in answer(f"SELECT {expression} {NUMBERS}")] == values


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("substr(s, -3, 2)", "te"),
        ("substring_index(s, 'e', -1)", "s"),
        ("split(s, 'e')", ["T", "stst", "s"]),
        ("regexp_replace(s, '(e)s', '<$1>')", "T<e>tst<e>"),
        ("locate('e', s, 3)", 7),
        ("initcap('hello wORLD')", "Hello World"),
        ("lpad(s, 10, 'ab')", "abTeststes"),
        ("concat_ws('-', s, NULL, array('x', NULL))", "Teststes-x"),
        ("date_format(timestamp '2024-02-03 04:05:06.789', 'yyyy/M/d HH:mm:ss.SSS a')", "2024/2/3 04:05:06.789 AM"),
        ("CAST(to_date('03/02/2024', 'dd/MM/yyyy') AS STRING)", "2024-02-03"),
        ("months_between('1997-02-28 10:30:00', '1996-10-30')", 3.94959677),
        ("unix_timestamp('2016-04-08 00:00:01')", 1460073601),
        ("from_unixtime(1, 'yyyy-MM-dd')", "1970-01-01"),
        ("datediff('2024-03-01', '2024-02-01')", 29),
        ("element_at(array(1, 2, 3), -1)", 3),
        ("array_contains(array(1, NULL), 2)", None),
        ("array_distinct(array(3, 1, NULL, 3, NULL))", [3, 1, None]),
        ("aggregate(array(1, 2, 3), 0, (a, x) -> a + x)", 6),
        ("exists(array(1, NULL), x -> x > 5)", None),
        ("transform(array(1, 2), (x, i) -> x * 10 + i)", [10, 21]),
        ('get_json_object(\'{"a":[1,{"b":"c"}]}\', \'$.a[1].b\')', "c"),
        ("get_json_object('broken', '$.a')", None),
        ("to_json(named_struct('a', 1, 'b', CAST(NULL AS INT), 'c', 'x\"y'))", '{"a":1,"c":"x\\"y"}'),
    ],
)
def test_functions(answer: Any, sql: str, value: Any) -> None:
    assert answer(f"SELECT {sql} FROM VALUES ('Teststes') AS t(s)") == [(value,)]


def test_from_json_fills_what_fits_and_nulls_the_rest(answer: Any) -> None:
    rows = answer(
        "SELECT from_json(j, 'a INT, b STRING, c ARRAY<DOUBLE>, t TIMESTAMP') AS r FROM VALUES "
        """('{"a":1,"b":{"x":1},"c":[1,2.5],"t":"2024-01-01T00:00:00Z"}'), ('{"a":"1","b":"y"}'), ('{"a":1.5}'), """
        "('{'), (''), (CAST(NULL AS STRING)) AS t(j)"
    )
    values = [row[0] for row in rows]
    assert values[0]["a"] == 1 and values[0]["b"] == '{"x":1}' and values[0]["c"] == [1.0, 2.5]
    assert values[0]["t"].isoformat() == "2024-01-01T00:00:00+00:00"
    nothing = {"a": None, "b": None, "c": None, "t": None}
    assert values[1:] == [{**nothing, "b": "y"}, nothing, nothing, None, None]


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("1 / x", "DIVIDE_BY_ZERO"),
        ("1 % x", "REMAINDER_BY_ZERO"),
        ("2147483647 + 1 + x", "ARITHMETIC_OVERFLOW"),
        ("sum(9223372036854775807L) OVER () + sum(1L) OVER ()", "ARITHMETIC_OVERFLOW"),
        ("array(1, 2)[x + 5]", "INVALID_ARRAY_INDEX"),
        ("element_at(array(1), x + 5)", "INVALID_ARRAY_INDEX_IN_ELEMENT_AT"),
        ("to_timestamp('nope' || x, 'yyyy')", "CANNOT_PARSE_TIMESTAMP"),
        ("raise_error('boom' || x)", "USER_RAISED_EXCEPTION"),
    ],
)
def test_ansi_errors(answer: Any, sql: str, condition: str) -> None:
    with pytest.raises(SparkError) as error:
        answer(f"SELECT {sql} FROM VALUES (0) AS t(x)")
    assert error.value.condition == condition


@pytest.mark.parametrize(
    ("sql", "value"),
    [("1 / x", None), ("1 % x", None), ("2147483647 + CAST(x + 1 AS INT)", -2147483648), ("array(1)[x + 5]", None)],
)
def test_without_ansi_there_are_nulls_and_wrapping(answer: Any, sql: str, value: Any) -> None:
    assert answer(f"SELECT {sql} FROM VALUES (0) AS t(x)", ansi=False) == [(value,)]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("count(a), count(*), count(DISTINCT a), count(a, b)", (3, 4, 2, 3)),
        ("sum(a), avg(a), min(a), max(a)", (5, 5 / 3, 1, 3)),
        ("first(a), first(a, true), last(a), last(a, true)", (1, 1, None, 3)),
        ("collect_list(a), collect_set(b)", ([1, 1, 3], [2, 4])),
        ("sum(a) FILTER (WHERE a > 1), count_if(a = 1)", (3, 2)),
        ("max_by(a, b), min_by(a, b)", (3, 1)),
        ("var_pop(b), percentile(b, 0.5), median(b)", (0.75, 2.0, 2.0)),
        ("avg(CAST(a AS DECIMAL(5,2)))", (Decimal("1.666667"),)),
        ("bool_and(a > 0), bool_or(a > 2), bit_or(b)", (True, True, 6)),
    ],
)
def test_aggregates(answer: Any, sql: str, value: tuple[Any, ...]) -> None:
    rows = answer(f"SELECT {sql} FROM VALUES (1, 2), (1, 2), (3, 4), (NULL, 2) AS t(a, b)")
    assert [tuple(sorted(v) if isinstance(v, list) else v for v in rows[0])] == [value]
