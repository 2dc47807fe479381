"""Statistics and sketches kept batch by batch equal those of all rows."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.core.config import Conf
from penstock.engine import Engine
from penstock.functions import lookup, resolve, update_sql
from penstock.functions.type_names import duck_type
from penstock.operators.merging import Merge, merge_sql
from penstock.plan.expressions import Attribute, Cast, Expression, FunctionCall, Literal
from penstock.plan.types import BINARY, DOUBLE, INTEGER, LONG, STRING
from penstock.translate import TranslateContext

BATCHES = (
    "(1, 2.5, 'a'), (NULL, 4, 'b'), (7, NULL, NULL), (3, 1, 'a')",
    "(NULL, NULL, NULL)",
    "(9, 9, 'c'), (4, 3.25, 'a'), (4, 7, 'd'), (7, 1.5, 'bb')",
)
A, B, C = Attribute("a", LONG, True, 1), Attribute("b", DOUBLE, True, 2), Attribute("c", STRING, True, 3)


def sql_of(e: Expression) -> str:
    """Arguments are columns, constants and casts of these."""
    if isinstance(e, Cast):
        return f"CAST({sql_of(e.child)} AS {duck_type(e.data_type)})"
    if isinstance(e, Literal):
        return "NULL" if e.value is None else f"'{e.value}'" if isinstance(e.value, str) else str(e.value).upper()
    assert isinstance(e, Attribute)
    return e.name


def called(name: str, *args: Expression) -> FunctionCall:
    call = resolve(name, args, conf=Conf())
    assert isinstance(call, FunctionCall)
    return call


class Running:
    """One aggregate on an engine, the way a stream keeps it."""

    def __init__(self, call: FunctionCall) -> None:
        self.call, self.cursor, self.context = call, Engine(Conf()).cursor(), TranslateContext(Conf())
        incremental = lookup(call.name).incremental
        assert incremental is not None
        self.incremental = incremental
        self.old: Any = None

    def add(self, batch: str) -> None:
        args = [sql_of(arg) for arg in self.call.args]
        columns = ", ".join(
            f"CAST({update_sql(self.call, b.update, args, self.context)} AS {kind}) AS {b.name}"
            for b in self.incremental.buffers
            for kind in [duck_type(b.data_type(self.call))]
        )
        rows = f"(SELECT CAST(a AS BIGINT) AS a, CAST(b AS DOUBLE) AS b, c FROM (VALUES {batch}) t(a, b, c))"
        new = self.cursor.query(f"SELECT {columns} FROM {rows}")
        self.old = new if self.old is None else self.merged(new)

    def merged(self, new: Any) -> Any:
        siblings = {b.name: b.name for b in self.incremental.buffers}
        merges = [
            Merge(b.name, new.schema.field(b.name).type, "{new}" if rule == "last" else rule, siblings)
            for b in self.incremental.buffers
            for rule in [b.merge_rule(self.call)]
        ]
        sides = [new.append_column("i", [[0]]).rename_columns([f"new_{n}" for n in new.column_names] + ["i"])]
        table = self.old.rename_columns([f"old_{n}" for n in self.old.column_names])
        for field, column in zip(sides[0].schema, sides[0].columns, strict=True):
            table = table.append_column(field, column)
        return self.cursor.query(
            merge_sql(merges).replace("FROM merge_input", "FROM (SELECT *, FALSE AS is_new FROM merge_input)"),
            {"merge_input": table},
        )

    def result(self) -> Any:
        names = {b.name: b.name for b in self.incremental.buffers}
        final = self.incremental.final_sql(names, self.call, self.context)
        return self.cursor.query(f"SELECT {final} AS r FROM old", {"old": self.old}).column(0)[0].as_py()


def results(call: FunctionCall) -> tuple[Any, Any]:
    """After all batches one by one, and after one batch of all rows."""
    running, whole = Running(call), Running(call)
    for batch in BATCHES:
        running.add(batch)
    whole.add(", ".join(BATCHES))
    return running.result(), whole.result()


def text(value: str) -> Literal:
    return Literal(value, STRING)


PAIRS = [
    "corr", "covar_pop", "covar_samp", "regr_count", "regr_avgx", "regr_avgy", "regr_sxx", "regr_syy", "regr_sxy",
    "regr_slope", "regr_intercept", "regr_r2",
]  # fmt: skip


@pytest.mark.parametrize("name", ["skewness", "kurtosis", "stddev_samp", "var_pop", "product"])
def test_moments_of_a_column(name: str) -> None:
    running, whole = results(called(name, B))
    assert whole is not None
    assert running == pytest.approx(whole, rel=1e-14)


@pytest.mark.parametrize("name", PAIRS)
def test_moments_of_pairs(name: str) -> None:
    running, whole = results(called(name, A, B))
    assert whole is not None
    assert running == pytest.approx(whole, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (called("percentile", B, Literal(0.5, DOUBLE)), 3.25),
        (called("mode", C), "a"),
        (called("listagg", C, text("-")), "a-b-a-c-a-d-bb"),
        (called("approx_count_distinct", C), 5),
        (called("approx_top_k", C, Literal(2, INTEGER)), [{"item": "a", "count": 3}, {"item": None, "count": 2}]),
    ],
    ids=lambda value: value.name if isinstance(value, FunctionCall) else "",
)  # fmt: skip
def test_values(call: FunctionCall, value: object) -> None:
    running, whole = results(call)
    assert running == value
    assert whole == value


def test_histograms_take_in_each_other() -> None:
    running, whole = results(called("histogram_numeric", A, Literal(4, INTEGER)))
    assert [sum(bin_["y"] for bin_ in bins) for bins in (running, whole)] == [7, 7]
    assert len(running) == len(whole) == 4


@pytest.mark.parametrize(
    "call",
    [
        called("hll_sketch_agg", A),
        called("theta_sketch_agg", C),
        called("tuple_sketch_agg_double", C, B),
        called("tuple_sketch_agg_integer", C, Cast(A, INTEGER, "ansi")),
        called("kll_sketch_agg_bigint", A),
    ],
    ids=lambda call: call.name,
)
def test_sketches_estimate_the_same(call: FunctionCall) -> None:
    running, whole = results(call)
    estimate = {
        "hll_sketch_agg": "hll_sketch_estimate", "theta_sketch_agg": "theta_sketch_estimate",
        "tuple_sketch_agg_double": "tuple_sketch_summary_double",
        "tuple_sketch_agg_integer": "tuple_sketch_summary_integer", "kll_sketch_agg_bigint": "kll_sketch_get_n_bigint",
    }[call.name]  # fmt: skip
    numbers = [estimated(estimate, sketch) for sketch in (running, whole)]
    assert numbers[0] == numbers[1]
    assert numbers[0] > 0


def estimated(name: str, sketch: bytes) -> float:
    column = Attribute("s", BINARY, True, 9)
    call = called(name, column)
    from penstock.functions import function_sql

    args = ["s", *(sql_of(arg) for arg in call.args[1:])]
    sql = f"SELECT {function_sql(call, args, TranslateContext(Conf()))} AS r FROM (SELECT unhex('{sketch.hex()}') AS s)"
    return float(Engine(Conf()).cursor().query(sql).column(0)[0].as_py())
