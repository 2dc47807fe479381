"""Every aggregate over several batches and restarts gives what a batch query over all rows gives."""

from __future__ import annotations

import json
import math
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

import penstock

SCHEMA = (
    "k string, i int, l long, d double, s string, b boolean, c decimal(10,2), t timestamp, y date, w binary, "
    "v array<float>, m struct<p: int, q: string>, o string"
)
_KEYS = ("k", "i", "l", "d", "s", "b", "c", "t", "y", "w", "v", "m", "o")


def row(*values: Any) -> dict[str, Any]:
    return dict(zip(_KEYS, values, strict=True))


def some(k: str | None, n: int) -> dict[str, Any]:
    """A row of values that depend on n."""
    return row(
        k, n % 5, n * 7, n / 4, f"s{n % 3}", n % 2 == 0, f"{n}.25", f"2026-03-01T10:00:{n:02d}Z",
        f"2026-03-{n + 1:02d}", "YQ==" if n % 2 else "Yg==", [n, 0.5], {"p": n, "q": "x"}, f'{{"n": {n}}}',
    )  # fmt: skip


def empty(k: str | None) -> dict[str, Any]:
    return row(k, *[None] * 12)


#: Keys come, stay away, come again; a key has NULLs alone, or NULLs first.
FILES = [
    [some("a", 1), some("a", 2), some("b", 3), empty("n")],
    [some("a", 4), empty("a"), empty("late"), some(None, 5)],
    [some("b", 6), some("b", 6), some("late", 7), empty("n")],
    [some("a", 8), some(None, 9), some(None, 9), some("a", 1)],
]

EXACT = [
    "count(*)", "count(i)", "count(i, l)", "count_if(b)", "sum(i)", "sum(l)", "sum(c)", "avg(i)", "avg(c)",
    "mean(l)", "try_sum(i)", "try_sum(l)", "try_sum(c)", "try_avg(i)", "try_avg(c)", "min(i)", "max(i)", "min(s)",
    "max(s)", "min(d)", "max(d)", "min(t)", "max(t)", "min(y)", "max(c)", "max(m)", "min(m)", "max(v)", "min(b)",
    "first(i)", "first(i, true)", "last(i)", "last(i, true)", "first(s) IGNORE NULLS", "any_value(i)",
    "any_value(i, true)", "first_value(l, true)", "last_value(l)", "min_by(s, l)", "max_by(s, l)", "max_by(i, t)",
    "max_by(m, l)", "collect_list(i)", "array_agg(s)", "sort_array(collect_set(i))", "collect_list(m)",
    "bool_and(b)", "bool_or(b)", "every(b)", "some(b)", "any(b)", "bit_and(i)", "bit_or(i)", "bit_xor(l)",
    "listagg(s, ',')", "string_agg(s)", "listagg(s, '-') WITHIN GROUP (ORDER BY s DESC)", "mode(s)", "mode(i)",
    "median(i)", "median(d)", "percentile(i, 0.3)", "percentile(l, array(0.1, 0.9))", "percentile(i, 0.5, l)",
    "percentile_cont(0.25) WITHIN GROUP (ORDER BY i)", "percentile_disc(0.25) WITHIN GROUP (ORDER BY i)",
    "percentile_cont(0.25) WITHIN GROUP (ORDER BY l DESC)", "percentile_approx(i, 0.5)",
    "percentile_approx(d, array(0.25, 0.75))", "percentile_approx(l, 0.5, 100)", "approx_percentile(y, 0.5)",
    "approx_count_distinct(l)", "approx_count_distinct(s, 0.1)", "hll_sketch_estimate(hll_sketch_agg(l))",
    "hll_sketch_estimate(hll_sketch_agg(s, 12))", "theta_sketch_estimate(theta_sketch_agg(l))",
    "theta_sketch_estimate(theta_sketch_agg(s))", "kll_sketch_get_n_bigint(kll_sketch_agg_bigint(l))",
    "kll_sketch_get_n_double(kll_sketch_agg_double(d))",
    "tuple_sketch_estimate_double(tuple_sketch_agg_double(l, d))",
    "tuple_sketch_estimate_integer(tuple_sketch_agg_integer(l, i))",
    "bitmap_count(bitmap_construct_agg(bitmap_bit_position(l)))",
    "hex(substring(bitmap_construct_agg(bitmap_bit_position(i)), 1, 4))",
    "bitmap_count(bitmap_or_agg(unhex('0F')))", "bitmap_count(bitmap_and_agg(unhex('0F')))",
    "hex(count_min_sketch(l, 0.5d, 0.5d, 1))", "hex(count_min_sketch(s, 0.5d, 0.5d, 1))",
    "schema_of_variant_agg(parse_json(o))", "approx_top_k(s)", "approx_top_k(i, 2)", "histogram_numeric(i, 3)",
    "sum(i) FILTER (WHERE b)", "count(*) FILTER (WHERE i > 1)", "collect_list(i) FILTER (WHERE NOT b)",
    "avg(l) FILTER (WHERE s = 's1')", "max_by(i, l) FILTER (WHERE b)",
]  # fmt: skip
CLOSE = [
    "sum(d)", "avg(d)", "product(i)", "stddev(l)", "std(i)", "stddev_samp(d)", "stddev_pop(d)", "variance(l)",
    "var_samp(d)", "var_pop(i)", "skewness(l)", "kurtosis(l)", "corr(l, d * d)", "covar_pop(l, i)",
    "covar_samp(l, i)", "regr_count(l, i)", "regr_avgx(l, i)", "regr_avgy(l, i)", "regr_sxx(l, i)",
    "regr_sxy(l, i)", "regr_syy(l, i)", "regr_slope(l, i)", "regr_intercept(l, i)", "regr_r2(l, i)", "try_sum(d)",
    "try_avg(d)", "vector_sum(v)", "vector_avg(v)",
]  # fmt: skip
#: Corr of a constant divides by zero under ANSI, as in Spark; product has no name in SQL.
CALLS = [call for call in EXACT + CLOSE if not call.startswith(("product", "corr"))]


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "false"})


def write(place: Path, number: int) -> None:
    place.mkdir(exist_ok=True)
    path = place / f"{number}.json"
    path.write_text("".join(json.dumps(r) + "\n" for r in FILES[number]))
    os.utime(path, (1_700_000_000 + number,) * 2)


def columns() -> list[Any]:
    made = [F.expr(call).alias(call) for call in CALLS]
    return [*made, F.product("i").alias("product(i)"), F.corr("l", F.col("d") * F.col("d")).alias("corr(l, d * d)")]


def same(name: str, ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, float) or name in CLOSE:
        return close(ours, theirs)
    return bool(ours == theirs)


def close(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(close, ours, theirs))
    if ours is None or theirs is None:
        return ours is theirs
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(ours) and math.isnan(theirs))


def stream(spark: Any, place: Path, query: Any, mode: str = "update") -> dict[Any, Any]:
    """The last row of each key: two runs of two files each."""
    found: dict[Any, Any] = {}

    def keep(batch: Any, number: int) -> None:
        found.update({r[0]: r for r in batch.collect()})

    for first in (0, 2):
        for number in (first, first + 1):
            write(place / "in", number)
        events = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).json(str(place / "in"))
        writer = query(events).writeStream.outputMode(mode).foreachBatch(keep)
        writer.option("checkpointLocation", str(place / "cp")).trigger(availableNow=True).start().awaitTermination()
    return found


@pytest.fixture(scope="module")
def everything(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All rows, in the order in which the stream has them."""
    place = tmp_path_factory.mktemp("all")
    (place / "0.json").write_text("".join(json.dumps(r) + "\n" for rows in FILES for r in rows))
    return spark.read.schema(SCHEMA).json(str(place))


def differences(spark: Any, everything: Any, place: Path, query: Any, names: list[str]) -> dict[str, Any]:
    """By column and key, what the stream and the batch query give where it is not the same."""
    ours = stream(spark, place, query)
    theirs = {r[0]: r for r in query(everything).collect()}
    assert set(ours) == set(theirs) == {"a", "b", "n", "late", None}
    pairs = ((name, k, ours[k][1 + i], theirs[k][1 + i]) for i, name in enumerate(names) for k in theirs)
    return {f"{name} of {k}": (mine, wanted) for name, k, mine, wanted in pairs if not same(name, mine, wanted)}


def test_as_in_a_batch_query(spark: Any, everything: Any, tmp_path: Path) -> None:
    names = [*CALLS, "product(i)", "corr(l, d * d)"]
    assert differences(spark, everything, tmp_path, lambda df: df.groupBy("k").agg(*columns()), names) == {}


def test_values_are_what_one_expects(everything: Any) -> None:
    """Of aggregates that had no part in a stream before, so that both sides cannot be wrong alike."""
    calls = [
        "try_sum(i)",
        "try_avg(c)",
        "listagg(s, '-') WITHIN GROUP (ORDER BY s DESC)",
        "percentile_approx(i, 0.5)",
        "hex(substring(bitmap_construct_agg(bitmap_bit_position(i)), 1, 1))",
        "schema_of_variant_agg(parse_json(o))",
        "vector_sum(v)",
        "vector_avg(v)",
    ]
    row = everything.where("k = 'b'").groupBy("k").agg(*(F.expr(call) for call in calls)).collect()[0]
    assert list(row)[1:5] == [5, Decimal("5.250000"), "s0-s0-s0", 1]
    assert row[5:] == ("05", "OBJECT<n: BIGINT>", [15.0, 1.5], [5.0, 0.5])


@pytest.mark.parametrize("kind", ["groupBy", "rollup", "cube", "sets"])
def test_grouping_sets(spark: Any, everything: Any, tmp_path: Path, kind: str) -> None:
    calls = "count(*); sum(i); max_by(s, l); sort_array(collect_list(i)); percentile_approx(l, 0.5); try_avg(c)"
    measures = [F.expr(call) for call in calls.split("; ")]
    last = "" if kind == "groupBy" else ", grouping_id()"
    name = f"concat_ws('|', coalesce(k, '-'), coalesce(string(b), '-'){last})"

    def query(df: Any) -> Any:
        groups = df.groupingSets([["k"], ["b"], []], "k", "b") if kind == "sets" else getattr(df, kind)("k", "b")
        return groups.agg(F.expr(name).alias("name"), *measures).drop("k", "b")

    ours = stream(spark, tmp_path, query)
    theirs = {r[0]: r for r in query(everything).collect()}
    assert len(theirs) > 5
    assert {name: tuple(r) for name, r in ours.items()} == {name: tuple(r) for name, r in theirs.items()}


OVERFLOWS = {
    "try_sum(9223372036854775807)": "BIGINT",
    "try_sum(CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0)))": "DECIMAL",
    "try_avg(CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0)))": "DECIMAL",
    "try_avg(INTERVAL '106751991' DAY)": "INTERVAL",
    "try_sum(INTERVAL '106751991' DAY)": "INTERVAL",
}


def test_sums_that_leave_their_types(spark: Any, everything: Any, tmp_path: Path) -> None:
    """Two rows of one key are in different batches: their sum is NULL from then on."""
    calls = [F.expr(call).alias(call) for call in OVERFLOWS]
    assert differences(spark, everything, tmp_path, lambda df: df.groupBy("k").agg(*calls), list(OVERFLOWS)) == {}
    rows = {r[0]: r for r in everything.groupBy("k").agg(*calls).collect()}
    assert list(rows["a"])[1:4] == [None, None, None]


@pytest.mark.parametrize(
    ("call", "condition"),
    [
        ("count(DISTINCT i)", "_LEGACY_ERROR_TEMP_3102"),
        ("sum(DISTINCT i)", "_LEGACY_ERROR_TEMP_3102"),
        ("collect_list(DISTINCT i)", "_LEGACY_ERROR_TEMP_3102"),
        ("listagg(DISTINCT s)", "_LEGACY_ERROR_TEMP_3102"),
    ],
)
def test_distinct_is_refused(spark: Any, tmp_path: Path, call: str, condition: str) -> None:
    write(tmp_path / "in", 0)
    with pytest.raises(PySparkException) as refused:
        stream(spark, tmp_path, lambda df: df.groupBy("k").agg(F.expr(call)))
    assert refused.value.getCondition() == condition


def test_python_aggregates_are_refused(spark: Any, tmp_path: Path) -> None:
    @F.pandas_udf("double")
    def mean(values: pd.Series) -> float:
        return float(values.mean())

    write(tmp_path / "in", 0)
    with pytest.raises(PySparkException) as refused:
        stream(spark, tmp_path, lambda df: df.groupBy("k").agg(mean("l")))
    assert refused.value.getCondition() == "_LEGACY_ERROR_TEMP_3067"
