"""An aggregate kept batch by batch equals the aggregate of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from penstock.core.config import Conf
from penstock.functions import lookup, resolve, update_sql
from penstock.functions.macros import MACROS
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import Attribute, FunctionCall
from penstock.plan.types import BOOLEAN, DOUBLE, LONG, DataType, DecimalType

BATCHES = ("(1, 2.5), (NULL, 4)", "(7, NULL), (3, 1)", "(NULL, NULL)", "(9, 9)")


@dataclass(frozen=True)
class Context:
    conf: Conf


CONTEXT = Context(Conf())
SIMPLE = {
    "sum": "CASE WHEN {old} IS NULL THEN {new} WHEN {new} IS NULL THEN {old} ELSE {old} + {new} END",
    "min": "least({old}, {new})",
    "max": "greatest({old}, {new})",
    "first": "{old}",
    "last": "{new}",
}


def run(call: FunctionCall, batches: Sequence[str]) -> Any:
    """The value after all batches, merging buffers one batch at a time in SQL."""
    database = duckdb.connect()
    database.sql(";".join(MACROS))
    incremental = lookup(call.name).incremental
    assert incremental is not None
    args = [f"CAST({a.name} AS {duck_type(a.type)})" for a in call.args if isinstance(a, Attribute)]
    buffers = incremental.buffers
    for number, batch in enumerate(batches):
        updates = ", ".join(
            f"CAST({update_sql(call, b.update, args, CONTEXT)} AS {duck_type(b.data_type(call))}) AS {b.name}"
            for b in buffers
        )
        database.sql(f"CREATE OR REPLACE TABLE new AS SELECT {updates} FROM (VALUES {batch}) t(a, b)")
        if number == 0:
            database.sql("CREATE OR REPLACE TABLE old AS FROM new")
            continue
        slots = {f"{side}_{b.name}": f"{side}.{b.name}" for side in ("old", "new") for b in buffers}
        merged = ", ".join(
            SIMPLE.get(b.merge, b.merge).format(**slots, old=f"old.{b.name}", new=f"new.{b.name}") + f" AS {b.name}"
            for b in buffers
        )
        database.sql(f"CREATE OR REPLACE TABLE merged AS SELECT {merged} FROM old, new")
        database.sql("CREATE OR REPLACE TABLE old AS FROM merged")
    final = incremental.final_sql({b.name: b.name for b in buffers}, call, CONTEXT)
    return database.sql(f"SELECT {final} FROM old").fetchall()[0][0]


ANY_NUMBER = (
    "count", "sum", "avg", "min", "max", "first", "last", "stddev_samp", "stddev_pop", "var_samp", "var_pop",
    "collect_list", "collect_set",
)  # fmt: skip
INTEGERS_ONLY = ("bit_and", "bit_or", "bit_xor")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, kind) for name in ANY_NUMBER for kind in (LONG, DOUBLE, DecimalType(10, 2))),
        *((name, LONG) for name in INTEGERS_ONLY),
    ],
    ids=str,
)
def test_batches_give_what_one_batch_gives(name: str, kind: DataType) -> None:
    call = resolve(name, (Attribute("a", kind, True, 1),), conf=CONTEXT.conf)
    assert isinstance(call, FunctionCall)
    call = FunctionCall(
        call.name, (Attribute("a", call.args[0].type, True, 1),), call.type, call.nullable, call.display
    )
    assert run(call, BATCHES) == pytest.approx(run(call, [", ".join(BATCHES)]))


@pytest.mark.parametrize(("name", "value"), [("max_by", 9), ("min_by", 3)])
def test_by_another_column(name: str, value: int) -> None:
    call = resolve(name, (Attribute("a", LONG, True, 1), Attribute("b", DOUBLE, True, 2)), conf=CONTEXT.conf)
    assert isinstance(call, FunctionCall)
    assert run(call, BATCHES) == value


@pytest.mark.parametrize(("name", "value"), [("bool_and", False), ("bool_or", True), ("count_if", 3)])
def test_booleans(name: str, value: object) -> None:
    call = resolve(name, (Attribute("a", BOOLEAN, True, 1),), conf=CONTEXT.conf)
    assert isinstance(call, FunctionCall)
    assert run(call, ("(true, 1), (NULL, 1)", "(false, 1)", "(true, 1), (true, 1)")) == value
