"""withColumns, drop, toDF, na, unionByName, pivot, ...: the schema that Spark gives, or its error."""

from __future__ import annotations

import pytest

from penstock.plan import nodes as n
from penstock.plan.expressions import Alias, Literal, UnresolvedRegex, UpdateFields
from penstock.plan.types import LONG, STRING
from penstock.sql import parse_schema
from tests.analysis.plans import call, col, lit, rows, shape

DF = rows("a bigint, b string, c int, x double, s struct<x:int,y:int>", 1)
TWO = rows("a bigint, k string", 2)
REST = "x double, s struct<x:int,y:int>"


def schema_of(ddl: str) -> n.Node:
    return n.ToSchema(parse_schema(ddl), TWO)


def aliased(expression: object, name: str) -> Alias:
    return Alias(expression, (name,))  # type: ignore[arg-type]


def pivoted(*aggregates: object) -> n.Node:
    pivot = (col("c"), (lit(1), lit(2)))
    return n.Aggregate((col("b"),), aggregates, DF, include_grouping=True, pivot=pivot)  # type: ignore[arg-type]


CASES: dict[str, tuple[n.Node, str]] = {
    "withColumns": (
        n.WithColumns((aliased(lit(1), "A"), aliased(call("+", col("a"), 1), "n")), DF),
        f"A int!, b string, c int, {REST}, n bigint",
    ),
    "withColumns twice the same": (
        n.WithColumns((aliased(lit(1), "a"), aliased(lit(2), "A")), DF),
        "COLUMN_ALREADY_EXISTS",
    ),
    "withColumnsRenamed": (n.WithColumnsRenamed((("A", "z"), ("nope", "q")), TWO), "z bigint, k string"),
    "toDF": (n.ToDF(("p", "q"), TWO), "p bigint, q string"),
    "toDF with a wrong count": (n.ToDF(("p",), TWO), "ASSIGNMENT_ARITY_MISMATCH"),
    "drop": (n.Drop(TWO, (col("a", 2), col("nope")), ("zz",)), "k string"),
    "drop by name": (n.Drop(TWO, (), ("K",)), "a bigint"),
    "to": (schema_of("k string, a string"), "k string, a string"),
    "to with a missing column": (schema_of("q int"), "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
    "to with a non-null column": (schema_of("k string not null"), "NULLABLE_COLUMN_OR_FIELD"),
    "fillna": (n.FillNa(DF, (), (Literal(0, LONG),)), "a bigint!, b string, c int!, x double!, s struct<x:int,y:int>"),
    "fillna in a subset": (n.FillNa(DF, ("b", "c"), (Literal("x", STRING),)), f"a bigint, b string!, c int, {REST}"),
    "fillna of an unknown column": (n.FillNa(DF, ("zz",), (lit(1),)), "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
    "dropna": (n.DropNa(TWO, (), None), "a bigint, k string"),
    "dropna with a threshold": (n.DropNa(TWO, (), 1), "a bigint, k string"),
    "dropDuplicates": (n.Deduplicate(TWO, ("A",)), "a bigint, k string"),
    "dropDuplicates of an unknown column": (n.Deduplicate(TWO, ("zz",)), "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
    "colRegex": (n.Project((UnresolvedRegex("(A|b)"),), DF), "a bigint, b string"),
    "withField": (
        n.Project((UpdateFields(col("s"), "z", lit(1)),), DF),
        "update_fields(s, WithField(1)) struct<x:int,y:int,z:int>",
    ),
    "dropFields": (n.Project((aliased(UpdateFields(col("s"), "x"), "w"),), DF), "w struct<y:int>"),
    "pivot": (pivoted(call("sum", col("a"))), "b string, 1 bigint, 2 bigint"),
    "pivot with two aggregates": (
        pivoted(call("sum", col("a")), aliased(call("max", col("a")), "m")),
        "b string, 1_sum(a) bigint, 1_m bigint, 2_sum(a) bigint, 2_m bigint",
    ),
    "unionByName": (
        n.SetOperation(TWO, rows("k string, a int"), "union", by_name=True),
        "a bigint, k string",
    ),
    "unionByName without a column": (
        n.SetOperation(TWO, rows("a int, z int"), "union", by_name=True),
        "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES",
    ),
    "unionByName, missing columns allowed": (
        n.SetOperation(TWO, rows("a int, z int"), "union", by_name=True, allow_missing=True),
        "a bigint, k string, z int",
    ),
    "rollup": (
        n.Aggregate(
            (col("b"), col("c")), (call("sum", col("a")), call("grouping_id")), DF, "rollup", include_grouping=True
        ),
        "b string, c int, sum(a) bigint, grouping_id() bigint!",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_method(name: str) -> None:
    plan, expected = CASES[name]
    assert shape(plan) == expected


def test_names_differ_in_case_only_when_asked() -> None:
    plan = n.Project((col("A"),), TWO)
    assert shape(plan) == "A bigint"  # as the program writes it
    assert shape(plan, spark__sql__caseSensitive="true") == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


def test_casts_may_give_null_only_where_values_may_be_refused() -> None:
    assert shape("select cast(c as bigint) as i from t") == "i bigint!"
    assert shape("select cast(c as tinyint) as i from t", spark__sql__ansi__enabled="false") == "i tinyint!"
    assert shape("select try_cast(c as tinyint) as i from t") == "i tinyint"


def test_a_thousand_columns_deep() -> None:
    plan: n.Node = DF
    for _ in range(1000):
        plan = n.WithColumns((aliased(call("+", col("a"), 1), "a"),), plan)
    assert shape(plan).startswith("a bigint")
