"""Arithmetic and casts against a model of Spark's rules in Python's integers and decimals, for values found at random.

The examples are derandomised: the same in every run.  Each property asks one query of many rows.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.conftest import Answer

CHECKS = settings(
    derandomize=True, max_examples=6, database=None, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
WIDE = Context(prec=120, rounding=ROUND_HALF_UP)
WIDTHS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
ERROR = "error"


def integers(bits: int) -> st.SearchStrategy[int]:
    edge = 1 << (bits - 1)
    return st.one_of(st.sampled_from([-edge, -edge + 1, -1, 0, 1, edge - 1]), st.integers(-edge, edge - 1))


def wrapped(value: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def truncated(a: int, b: int) -> int:
    """Java's division."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def outcome(answer: Answer, sql: str, *, ansi: bool) -> Any:
    """The one value of a query, or ERROR."""
    from penstock.core.errors import SparkError

    try:
        return answer(sql, ansi=ansi)[0][0]
    except SparkError as error:
        assert error.condition != "INTERNAL_ERROR", (sql, str(error))
        return ERROR


INTEGER_MODEL: dict[str, Callable[[int, int], int | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "%": lambda a, b: a - b * truncated(a, b) if b else None,
}


@pytest.mark.parametrize("kind", WIDTHS)
@pytest.mark.parametrize("op", INTEGER_MODEL)
@CHECKS
@given(data=st.data())
def test_integers(answer: Answer, kind: str, op: str, data: st.DataObject) -> None:
    bits = WIDTHS[kind]
    a, b = data.draw(integers(bits)), data.draw(integers(bits))
    exact = INTEGER_MODEL[op](a, b)
    sql = f"SELECT CAST({a}BD AS {kind}) {op} CAST({b}BD AS {kind})"
    fits = exact is not None and wrapped(exact, bits) == exact
    assert outcome(answer, sql, ansi=True) == (exact if fits else ERROR), sql
    assert outcome(answer, sql, ansi=False) == (None if exact is None else wrapped(exact, bits)), sql


@CHECKS
@given(a=integers(64), b=integers(64))
def test_whole_division(answer: Answer, a: int, b: int) -> None:
    sql = f"SELECT CAST({a}BD AS bigint) div CAST({b}BD AS bigint)"
    exact = truncated(a, b) if b else None
    fits = exact is not None and wrapped(exact, 64) == exact
    assert outcome(answer, sql, ansi=True) == (exact if fits else ERROR), sql


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    units = st.one_of(st.sampled_from([-most, -1, 0, 1, most]), st.integers(-most, most))
    return units.map(lambda n: Decimal(n).scaleb(-scale, WIDE))


def result_type(op: str, p1: int, s1: int, p2: int, s2: int) -> tuple[int, int]:
    """Spark's rules, with loss of precision allowed."""
    if op in "+-":
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
    elif op == "*":
        precision, scale = p1 + p2 + 1, s1 + s2
    else:
        scale = max(6, s1 + p2 + 1)
        precision = p1 - s1 + s2 + scale
    if precision <= 38:
        return precision, scale
    whole = precision - scale
    return 38, max(38 - whole, min(scale, 6))


def decimal_model(op: str, a: Decimal, b: Decimal, scale: int) -> Decimal | None:
    if op == "/":
        exact = WIDE.divide(a, b) if b else None
    else:
        exact = {"+": WIDE.add, "-": WIDE.subtract, "*": WIDE.multiply}[op](a, b)
    return None if exact is None else exact.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, WIDE)


TYPES = (
    (5, 2, 5, 2),
    (10, 0, 12, 6),
    (20, 5, 18, 18),
    (38, 0, 38, 10),
    (38, 18, 38, 18),
    (15, 2, 3, 2),
    (38, 38, 38, 0),
)


@pytest.mark.parametrize("types", TYPES, ids=str)
@pytest.mark.parametrize("op", ["+", "-", "*", "/"])
@CHECKS
@given(data=st.data())
def test_decimals(answer: Answer, op: str, types: tuple[int, int, int, int], data: st.DataObject) -> None:
    p1, s1, p2, s2 = types
    a, b = data.draw(decimals(p1, s1)), data.draw(decimals(p2, s2))
    precision, scale = result_type(op, *types)
    exact = decimal_model(op, a, b, scale)
    columns = f"CAST(x AS decimal({p1},{s1})) AS a, CAST(y AS decimal({p2},{s2})) AS b"
    rows = f"VALUES ('0', '1'), ('{a:f}', '{b:f}') AS t(x, y) WHERE x <> '0' OR y <> '1'"
    sql = f"SELECT a {op} b FROM (SELECT {columns} FROM {rows})"
    fits = exact is not None and abs(exact) < Decimal(10) ** (precision - scale)
    assert outcome(answer, sql, ansi=True) == (exact if fits else ERROR), sql
    assert outcome(answer, sql, ansi=False) == (exact if fits else None), sql


@CHECKS
@given(value=decimals(30, 10), target=st.sampled_from([(10, 2), (38, 0), (5, 5), (38, 30), (20, 10)]))
def test_a_cast_rounds_half_up_or_refuses(answer: Answer, value: Decimal, target: tuple[int, int]) -> None:
    precision, scale = target
    rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, WIDE)
    fits = abs(rounded) < Decimal(10) ** (precision - scale)
    sql = f"SELECT CAST(CAST('{value:f}' AS decimal(30,10)) AS decimal({precision},{scale}))"
    assert outcome(answer, sql, ansi=True) == (rounded if fits else ERROR), sql
    assert outcome(answer, sql, ansi=False) == (rounded if fits else None), sql


@pytest.mark.parametrize("kind", WIDTHS)
@CHECKS
@given(value=decimals(25, 5))
def test_a_cast_to_an_integer_cuts_off(answer: Answer, kind: str, value: Decimal) -> None:
    whole = int(value.to_integral_value(ROUND_DOWN))
    sql = f"SELECT CAST(CAST('{value:f}' AS decimal(25,5)) AS {kind})"
    assert outcome(answer, sql, ansi=True) == (whole if wrapped(whole, WIDTHS[kind]) == whole else ERROR), sql


@pytest.mark.parametrize("kind", [*WIDTHS, "decimal(20,6)", "decimal(38,38)"])
@CHECKS
@given(data=st.data())
def test_text_and_back(answer: Answer, kind: str, data: st.DataObject) -> None:
    if kind in WIDTHS:
        value: Any = data.draw(integers(WIDTHS[kind]))
        text = str(value)
    else:
        precision, scale = (int(n) for n in kind[8:-1].split(","))
        value = data.draw(decimals(precision, scale))
        text = f"{value:f}" if value else f"{abs(value):f}"
    sql = f"SELECT CAST(CAST('{text}' AS {kind}) AS STRING), CAST(CAST(CAST('{text}' AS {kind}) AS STRING) AS {kind})"
    assert answer(sql) == [(text, value)]


@CHECKS
@given(value=st.floats(allow_subnormal=False))
def test_doubles_through_text(answer: Answer, value: float) -> None:
    text = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(value), repr(value))
    ((found,),) = answer(f"SELECT CAST(CAST(CAST('{text}' AS double) AS STRING) AS double)")
    assert found == value or (found != found and value != value)


@CHECKS
@given(days=st.integers(-700_000, 2_900_000))
def test_dates_through_text(answer: Answer, days: int) -> None:
    ((back,),) = answer(f"SELECT unix_date(CAST(CAST(date_from_unix_date({days}) AS STRING) AS DATE))")
    assert back == days


@CHECKS
@given(text=st.text(alphabet="0123456789+-. eE", max_size=8))
def test_texts_that_are_no_integers_are_refused(answer: Answer, text: str) -> None:
    stripped = text.strip(" ")
    digits = stripped[1:] if stripped[:1] in ("+", "-") else stripped
    want = int(stripped) if digits.isdigit() and len(digits) <= 9 else ERROR
    if digits.isdigit() and len(digits) > 9:
        return
    assert outcome(answer, f"SELECT CAST('{text}' AS INT)", ansi=True) == want, text
