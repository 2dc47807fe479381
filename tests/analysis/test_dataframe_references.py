"""`df.a`: columns by the DataFrame they were taken from, as real Spark Connect 4.2 answers."""

from __future__ import annotations

import pytest

from penstock.plan.nodes import Aggregate, Filter, Join, Node, Project, SetOperation, Sort, SubqueryAlias
from tests.analysis.plans import by, call, col, lit, rows, shape

DF = "a bigint, b string, c int"
ALL = "a bigint, b string, c int"


def df(plan_id: int = 1) -> Node:
    return rows(DF, plan_id)


def filtered() -> Node:
    """df.filter("a > 1") as DataFrame 2."""
    return Filter(call(">", col("a"), 1), df(), plan_id=2)


def other() -> Node:
    return rows("a bigint, k string", 3)


def with_a_replaced() -> Node:
    return Project((call("+", col("a"), 1), col("b")), df(), plan_id=4)


CASES: dict[str, tuple[Node, str]] = {
    "select": (Project((col("a", 1),), df()), "a bigint"),
    "replaced column": (Project((col("a", 1),), with_a_replaced()), "CANNOT_RESOLVE_DATAFRAME_COLUMN"),
    "dropped column, select": (Project((col("a", 1),), Project((col("b"),), df())), "CANNOT_RESOLVE_DATAFRAME_COLUMN"),
    "dropped column, filter": (Filter(call(">", col("a", 1), 1), Project((col("b"),), df())), "b string"),
    "dropped column, sort": (Sort(by(col("a", 1)), Project((col("b"),), df())), "b string"),
    "another DataFrame": (Project((col("k", 3),), df()), "CANNOT_RESOLVE_DATAFRAME_COLUMN"),
    "join with itself": (
        Join(df(), df(), condition=call("==", col("a", 1), col("a", 1))),
        "AMBIGUOUS_COLUMN_REFERENCE",
    ),
    "join with a descendant": (Join(df(), filtered(), condition=call("==", col("a", 1), col("a", 2))), f"{ALL}, {ALL}"),
    "ancestor's column over the join": (
        Project((col("a", 1),), Join(df(), filtered(), "cross")),
        "AMBIGUOUS_COLUMN_REFERENCE",
    ),
    "descendant's column over the join": (Project((col("a", 2),), Join(df(), filtered(), "cross")), "a bigint"),
    "only one side has the column": (
        Project((col("b", 1),), Join(df(), Project((col("a"),), filtered()), "cross")),
        "b string",
    ),
    "both sides equally deep": (
        Join(Project((col("a"),), df()), filtered(), condition=call("==", col("a", 1), 1)),
        "AMBIGUOUS_COLUMN_REFERENCE",
    ),
    "semi join": (Project((col("a", 1),), Join(df(), filtered(), "semi")), "a bigint"),
    "outer join makes it nullable": (
        Project((col("x", 8),), Join(df(), rows("x int not null", 8), "left", call("==", col("a"), col("x")))),
        "x int",
    ),
    "USING keys of both sides": (
        Project((col("a", 3), col("a", 1), col("k")), Join(df(), other(), using=("a",))),
        "a bigint, a bigint, k string",
    ),
    "filter on a hidden USING key": (
        Filter(call("isnull", col("a", 3)), Join(df(), other(), "left", using=("a",))),
        f"{ALL}, k string",
    ),
    "key of an aggregate": (
        Project((col("b", 1),), Aggregate((col("b"),), (call("sum", col("a")),), df(), include_grouping=True)),
        "b string",
    ),
    "no key of an aggregate": (
        Filter(call(">", col("a", 1), 1), Aggregate((col("b"),), (call("count", 1),), df(), include_grouping=True)),
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
    ),
    "aggregate over an aggregate's input": (
        Sort(by(call("max", col("a"))), Aggregate((col("b"),), (call("count", 1),), df(), include_grouping=True)),
        "b string, count(1) bigint!",
    ),
    "union is the end": (Project((col("a", 1),), SetOperation(df(), df(), "union")), "CANNOT_RESOLVE_DATAFRAME_COLUMN"),
    "alias": (Project((col("a", 1), col("z.b")), SubqueryAlias("z", df())), "a bigint, b string"),
    "one column twice": (Project((col("a"),), Project((col("a"), col("a")), df())), "a bigint"),
    "condition is no boolean": (Join(df(), other(), condition=lit(1)), "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE"),
}


@pytest.mark.parametrize("name", CASES)
def test_reference(name: str) -> None:
    plan, expected = CASES[name]
    assert shape(plan) == expected
