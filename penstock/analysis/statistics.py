"""df.stat and df.describe: each method as an ordinary aggregation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from penstock.analysis.build import Build, literal, named, requirement_failed
from penstock.analysis.context import AnalysisContext
from penstock.analysis.expressions import resolve_value
from penstock.analysis.observed_metrics import check_metrics
from penstock.analysis.project import resolve_project
from penstock.analysis.scope import Scope
from penstock.analysis.select_list import resolve_select_list
from penstock.core.errors import illegal_argument
from penstock.functions.coercion import is_numeric, is_string
from penstock.plan.expressions import Alias, Attribute, Expression, Lambda, LambdaVariable, Literal, UnresolvedFunction
from penstock.plan.nodes import Aggregate, Join, Node, Project
from penstock.plan.statistic_nodes import CollectMetrics, Correlation, FrequentItems, Quantiles, SampleBy, Summary
from penstock.plan.types import DOUBLE, INTEGER, LONG, STRING, ArrayType, DecimalType, DoubleType, FloatType, StructType

_Statistic = Callable[[Attribute, Build], Expression]


# ---------------------------------------------------------------- describe and summary


def resolve_summary(node: Summary, context: AnalysisContext) -> Node:
    """A row for each statistic, every value as a string; columns that are neither numbers nor strings are left out.
    All columns are nullable, that of the names too."""
    build = Build(context)
    chosen = build.columns(node.column_names, node.child) if node.column_names else list(node.child.output)
    columns = [a for a in chosen if is_numeric(a.type) or is_string(a.type)]
    statistics = [_statistic(name) for name in node.statistics]
    values = [[named(build.cast(f(a, build), STRING), a.name) for a in columns] for f in statistics]
    every = [value for row in values for value in row]
    child = Aggregate((), tuple(every or [named(build.call("count", literal(1)), "rows")]), node.child)
    rows = [
        _struct([build.call("nullif", literal(name), literal("")), *(v.to_attribute() for v in row)])
        for name, row in zip(node.statistics, values, strict=True)
    ]
    table = Alias(
        UnresolvedFunction("inline", (UnresolvedFunction("array", tuple(rows)),)),
        ("summary", *(a.name for a in columns)),
    )
    return resolve_project(Project((table,), child), context)


def _struct(values: list[Expression]) -> Expression:
    parts: list[Expression] = []
    for i, value in enumerate(values):
        parts += [literal(f"_{i}"), value]
    return UnresolvedFunction("named_struct", tuple(parts))


def _statistic(name: str) -> _Statistic:
    known = _STATISTICS.get(name)
    if known is not None:
        return known
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", name)
    if match is None:
        valid = ", ".join(f"`{s}`" for s in _STATISTICS)
        message = f"There is no statistic '{name}': it is one of {valid}, or a percentile such as 25%."
        raise illegal_argument("UNRECOGNIZED_STATISTIC", message, "42704", stats=f"'{name}'")
    fraction = float(match[1]) / 100
    if fraction > 1:
        raise requirement_failed("Percentiles must be in the range [0, 1]")
    return lambda a, build: quantile(_comparable(a, build), fraction, build)


def _number(a: Attribute, build: Build) -> Expression:
    """The column itself, or the numbers that a column of strings holds."""
    return a if is_numeric(a.type) else build.cast(a, DOUBLE, "try")


def _comparable(a: Attribute, build: Build) -> Expression:
    """As a percentile is taken of it: decimals are doubles there."""
    return build.cast(a, DOUBLE) if isinstance(a.type, DecimalType) else _number(a, build)


def _distinct(a: Attribute, build: Build) -> Expression:
    return build.call("count", a, distinct=True)


def _of_numbers(function: str) -> _Statistic:
    return lambda a, build: build.call(function, build.cast(_number(a, build), DOUBLE))


def _plain(function: str) -> _Statistic:
    return lambda a, build: build.call(function, a)


_STATISTICS: dict[str, _Statistic] = {
    "count": _plain("count"),
    "count_distinct": _distinct,
    "approx_count_distinct": _plain("approx_count_distinct"),
    "mean": _of_numbers("avg"),
    "stddev": _of_numbers("stddev_samp"),
    "min": _plain("min"),
    "max": _plain("max"),
}


def quantile(e: Expression, fraction: float, build: Build) -> Expression:
    """The smallest value that at least this fraction of the values does not exceed (no interpolation); NULLs and NaN
    do not count."""
    values: Expression = e
    if isinstance(e.type, (FloatType, DoubleType)):
        values = build.call("nullif", e, build.cast(literal(float("nan")), e.type))
    ordered = build.call("sort_array", build.call("collect_list", values))
    count = build.cast(build.call("size", ordered), DOUBLE)
    rank = build.call("ceil", build.call("*", count, literal(fraction)))
    index = build.cast(
        build.call("-", build.call("greatest", rank, build.cast(literal(1), LONG)), build.cast(literal(1), LONG)),
        INTEGER,
    )
    return build.call("get", ordered, index)


def resolve_quantiles(node: Quantiles, context: AnalysisContext) -> Node:
    """df.approxQuantile, exactly; a column without values has an empty array."""
    build = Build(context)
    columns = build.columns(node.column_names, node.child)
    for a in columns:
        if not is_numeric(a.type):
            raise requirement_failed(
                f"Quantile calculation for column {a.name} with data type {type(a.type).__name__} is not supported."
            )
    if any(not 0 <= p <= 1 for p in node.probabilities):
        raise requirement_failed("percentile should be in the range [0.0, 1.0]")
    found = build.call("array", *(_quantiles(a, node.probabilities, build) for a in columns))
    return Aggregate((), (named(found, "approx_quantile"),), node.child)


def _quantiles(a: Attribute, probabilities: tuple[float, ...], build: Build) -> Expression:
    e = build.cast(a, DOUBLE)
    if not probabilities:
        return Literal((), ArrayType(DOUBLE, False))
    first = quantile(e, probabilities[0], build)
    values = build.call("array", first, *(quantile(e, p, build) for p in probabilities[1:]))
    return build.call(
        "when", build.call("isnotnull", first), values, build.cast(build.call("array"), ArrayType(DOUBLE, True))
    )


# ---------------------------------------------------------------- two columns


def resolve_correlation(node: Correlation, context: AnalysisContext) -> Node:
    """df.corr and df.cov over two columns of numbers; a NULL counts as 0, as in Spark."""
    build = Build(context)
    what = "correlation" if node.function == "corr" else "covariance"
    columns = build.columns((node.first, node.second), node.child)
    for a in columns:
        if not is_numeric(a.type):
            raise requirement_failed(
                f"Currently {what} calculation for columns with dataType {a.type.simpleString()} not supported."
            )
    numbers = [build.call("coalesce", build.cast(a, DOUBLE), literal(0.0)) for a in columns]
    function, empty = ("corr", float("nan")) if node.function == "corr" else ("covar_samp", 0.0)
    value = build.call("coalesce", build.call(function, *numbers), literal(empty))
    return Aggregate((), (named(value, node.function),), node.child)


# ---------------------------------------------------------------- frequent items


def resolve_frequent_items(node: FrequentItems, context: AnalysisContext) -> Node:
    """df.freqItems: all values where there are at most 1/support of them, else exactly those more frequent than the
    support.  (Spark's algorithm may add values that are not.)"""
    if not 1e-4 <= node.support <= 1.0:
        raise requirement_failed(f"Support must be in [1e-4, 1], but got {node.support}.")
    build = Build(context)
    plan: Node | None = None
    for a in build.columns(node.column_names, node.child):
        items = _items(a, node.child, node.support, build)
        plan = items if plan is None else Join(plan, items, "cross")
    if plan is None:
        raise requirement_failed("freqItems needs a column.")
    return plan


def _items(a: Attribute, child: Node, support: float, build: Build) -> Node:
    from penstock.analysis.reinstance import with_fresh_ids

    position = list(child.output).index(a)
    source = with_fresh_ids(child)
    key = source.output[position]
    count = named(build.call("count", literal(1)), "n")
    groups = Aggregate((key,), (key, count), source)
    entry = build.call("named_struct", literal("v"), key, literal("n"), count.to_attribute())
    entries = named(build.call("collect_list", entry), "entries")
    total = named(build.call("sum", count.to_attribute()), "total")
    whole = Aggregate((), (entries, total), groups)
    every, least = entries.to_attribute(), build.call("*", build.cast(total.to_attribute(), DOUBLE), literal(support))
    few = build.call("<=", build.call("size", every), literal(int(1 / support)))
    frequent = _per_entry(
        "filter", every, lambda x: build.call(">", build.cast(_part(x, "n", build), DOUBLE), least), build
    )
    chosen = build.call("when", few, every, frequent)
    values = _per_entry("transform", chosen, lambda x: _part(x, "v", build), build)
    return Project((named(values, f"{a.name}_freqItems"),), whole)


def _part(x: Expression, field: str, build: Build) -> Expression:
    from penstock.analysis.extract import extract

    return extract(x, literal(field), build.context)


def _per_entry(
    function: str, entries: Expression, body: Callable[[Expression], Expression], build: Build
) -> Expression:
    assert isinstance(entries.type, ArrayType) and isinstance(entries.type.elementType, StructType)
    from penstock.functions import resolve
    from penstock.plan.expressions import fresh_id

    x = LambdaVariable("x", fresh_id(), entries.type.elementType, False)
    return resolve(
        function, (entries, Lambda((x,), body(x))), conf=build.context.conf, resolve_lambda=lambda lam, types: lam
    )


# ---------------------------------------------------------------- sampleBy


def resolve_sample_by(node: SampleBy, context: AnalysisContext) -> Node:
    """df.sampleBy: each row by its own random number."""
    build = Build(context)
    for _, fraction in node.fractions:
        if not 0 <= fraction <= 1:
            raise requirement_failed(f"Fractions must be in [0, 1], but got {fraction}.")
    column = resolve_value(node.column, Scope(context, node.child))
    cases: list[Expression] = []
    for value, fraction in node.fractions:
        cases += [build.call("<=>", column, value), literal(float(fraction))]
    least = build.call("when", *cases, literal(0.0)) if cases else literal(0.0)
    return replace(node, column=least, fractions=())


# ---------------------------------------------------------------- observe


def resolve_metrics(node: CollectMetrics, context: AnalysisContext) -> Node:
    """df.observe: aggregates over the rows that pass."""
    metrics = tuple(resolve_select_list(node.metrics, Scope(context, node.child)))
    check_metrics(node.name, metrics, node.child)
    return replace(node, metrics=metrics)
