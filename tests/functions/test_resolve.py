"""Types, nullability, names and errors of resolved calls."""

from __future__ import annotations

from decimal import Decimal

import pytest

from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.functions import display_name, lookup, names, resolve
from penstock.functions.coercion import common_type
from penstock.plan.expressions import Attribute, Expression, FunctionCall, Literal, NamedArgument, WindowExpression
from penstock.plan.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    NULL,
    STRING,
    TIMESTAMP,
    ArrayType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
)

CONF = Conf()


def column(name: str, kind: DataType, nullable: bool = True) -> Attribute:
    return Attribute(name, kind, nullable, abs(hash(name)) % 1000)


A, B, S, D = column("a", INTEGER), column("b", LONG, False), column("s", STRING), column("d", DecimalType(10, 2))
T, DAY = column("t", TIMESTAMP), column("day", DATE)
ONE, TEXT, HALF = Literal(1, INTEGER), Literal("x", STRING), Literal(Decimal("0.5"), DecimalType(1, 1))


@pytest.mark.parametrize(
    ("name", "args", "shown", "kind", "nullable"),
    [
        ("+", (A, ONE), "(a + 1)", "int", True),
        ("+", (B, B), "(b + b)", "bigint", False),
        ("+", (A, S), "(a + s)", "bigint", True),
        ("/", (B, B), "(b / b)", "double", True),
        ("*", (D, D), "(d * d)", "decimal(21,4)", True),
        ("/", (D, D), "(d / d)", "decimal(23,13)", True),
        ("+", (D, ONE), "(d + 1)", "decimal(11,2)", True),
        ("+", (DAY, ONE), "date_add(day, 1)", "date", True),
        ("-", (T, T), "(t - t)", "interval day to second", True),
        ("+", (T, Literal(3_600_000_000, DayTimeIntervalType(1, 1))), "t + INTERVAL '01' HOUR", "timestamp", True),
        ("==", (B, ONE), "(b = 1)", "boolean", False),
        ("not", (Literal(True, BOOLEAN),), "(NOT true)", "boolean", False),
        ("isnull", (A,), "(a IS NULL)", "boolean", False),
        ("in", (A, ONE), "(a IN (1))", "boolean", True),
        ("when", (Literal(True, BOOLEAN), ONE, HALF), "CASE WHEN true THEN 1 ELSE 0.5 END", "decimal(11,1)", False),
        ("coalesce", (A, ONE), "coalesce(a, 1)", "int", False),
        ("acos", (A,), "ACOS(a)", "double", True),
        ("upper", (A,), "upper(a)", "string", True),
        ("substr", (S, ONE), "substr(s, 1, 2147483647)", "string", True),
        ("concat", (S, A), "concat(s, a)", "string", True),
        ("year", (T,), "year(t)", "int", True),
        ("to_date", (S,), "to_date(s)", "date", True),
        ("array", (A, B), "array(a, b)", "array<bigint>", False),
        ("struct", (A, B), "struct(a, b)", "struct<a:int,b:bigint>", False),
        ("count", (ONE,), "count(1)", "bigint", False),
        ("sum", (A,), "sum(a)", "bigint", True),
        ("sum", (D,), "sum(d)", "decimal(20,2)", True),
        ("avg", (D,), "avg(d)", "decimal(14,6)", True),
        ("mean", (A,), "mean(a)", "double", True),
        ("collect_list", (A,), "collect_list(a)", "array<int>", False),
        ("first", (A, Literal(True, BOOLEAN)), "first(a)", "int", True),
        ("int", (S,), "s", "int", True),
    ],
)
def test_a_call_has_sparks_name_type_and_nullability(
    name: str, args: tuple[Expression, ...], shown: str, kind: str, nullable: bool
) -> None:
    call = resolve(name, args, conf=CONF)
    assert (display_name(call), call.type.simpleString(), call.nullable) == (shown, kind, nullable)


@pytest.mark.parametrize(
    ("name", "args", "condition"),
    [
        ("no_such_function", (A,), "UNRESOLVED_ROUTINE"),
        ("upper", (), "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ("+", (A, column("f", BOOLEAN)), "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"),
        ("+", (column("f", BOOLEAN), column("f", BOOLEAN)), "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE"),
        ("explode", (A,), "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("array", (A, column("f", BOOLEAN)), "DATATYPE_MISMATCH.DATA_DIFF_TYPES"),
        ("theta_sketch_agg", (A, Literal(3, INTEGER)), "SKETCH_INVALID_LG_NOM_ENTRIES"),
        ("explode", (NamedArgument("nope", A),), "UNRECOGNIZED_PARAMETER_NAME"),
    ],
)
def test_a_wrong_call_raises_sparks_condition(name: str, args: tuple[Expression, ...], condition: str) -> None:
    with pytest.raises(SparkError) as error:
        resolve(name, args, conf=CONF)
    assert error.value.condition == condition


def test_distinct_and_filter_show_in_the_name() -> None:
    call = resolve("count", (A,), conf=CONF, distinct=True, filter=resolve(">", (A, ONE), conf=CONF))
    assert display_name(call) == "count(DISTINCT a) FILTER (WHERE (a > 1))"


def test_a_window_shows_its_frame() -> None:
    window = WindowExpression(resolve("row_number", (), conf=CONF), (A,))
    assert display_name(window) == "row_number() OVER (PARTITION BY a ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ((INTEGER, LONG), LONG),
        ((INTEGER, FLOAT), DOUBLE),
        ((STRING, INTEGER), LONG),
        ((STRING, DATE), DATE),
        ((DATE, TIMESTAMP), TIMESTAMP),
        ((NULL, STRING), STRING),
        ((DecimalType(10, 2), INTEGER), DecimalType(12, 2)),
        ((ArrayType(INTEGER, False), ArrayType(LONG, True)), ArrayType(LONG, True)),
        ((BOOLEAN, INTEGER), None),
    ],
)
def test_the_common_type_follows_ansi(types: tuple[DataType, ...], common: DataType | None) -> None:
    assert common_type(types, CONF) == common


def test_every_name_finds_its_row() -> None:
    for name in names():
        row = lookup(name)
        assert name == row.name or name in row.aliases
        assert row.sql or row.build is not None


def test_the_aggregates_of_streams_are_incremental() -> None:
    needed = (
        "count sum avg min max first last any_value bool_and bool_or stddev_samp stddev_pop var_samp var_pop "
        "collect_list collect_set approx_count_distinct min_by max_by count_if bit_and bit_or bit_xor"
    )
    assert [n for n in needed.split() if lookup(n).incremental is None] == []


def test_first_ignores_nulls_by_its_second_argument() -> None:
    call = resolve("first", (A, Literal(True, BOOLEAN)), conf=CONF)
    assert isinstance(call, FunctionCall) and call.ignore_nulls and call.args == (A,)
