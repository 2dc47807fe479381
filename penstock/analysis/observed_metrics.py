"""What df.observe may compute: aggregates over the rows that pass, each name once in a query."""

from __future__ import annotations

from collections.abc import Iterable

from penstock.analysis.errors import sql_expr
from penstock.analysis.kinds import contains_aggregate, contains_window, is_aggregate
from penstock.core.errors import SparkError, analysis_error
from penstock.functions.names import display_name
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall
from penstock.plan.nodes import Node
from penstock.plan.statistic_nodes import CollectMetrics


def check_metrics(name: str, metrics: Iterable[Expression], child: Node) -> None:
    """Raise Spark's INVALID_OBSERVED_METRICS or DUPLICATED_METRICS_NAME."""
    if not name:
        raise _invalid("MISSING_NAME", "Observed metrics need a name.", operator="CollectMetrics")
    for metric in metrics:
        _check(metric, metric)
    if any(isinstance(node, CollectMetrics) and node.name == name for node in child.walk()):
        message = f"The name {name} stands for two sets of observed metrics: give each its own."
        raise analysis_error("DUPLICATED_METRICS_NAME", message, "42710", metricName=name)


def _check(e: Expression, metric: Expression) -> None:
    if contains_window(e):
        raise _invalid("WINDOW_EXPRESSIONS_UNSUPPORTED", "A window function cannot be observed.", expr=_shown(metric))
    if isinstance(e, FunctionCall) and is_aggregate(e):
        _check_aggregate(e, metric)
    elif isinstance(e, Attribute):
        message = f"The column {sql_expr(e)} can be observed only inside an aggregate function."
        raise _invalid("NON_AGGREGATE_FUNC_ARG_IS_ATTRIBUTE", message, expr=sql_expr(e))
    elif not is_aggregate(e):
        for child in e.children:
            _check(child, metric)


def _check_aggregate(e: FunctionCall, metric: Expression) -> None:
    if e.distinct:
        message = f"Aggregates with DISTINCT cannot be observed: {_shown(metric)}."
        raise _invalid("AGGREGATE_EXPRESSION_WITH_DISTINCT_UNSUPPORTED", message, expr=_shown(metric))
    if e.filter is not None:
        message = f"Aggregates with FILTER cannot be observed: {_shown(metric)}. Use when() inside the aggregate."
        raise _invalid("AGGREGATE_EXPRESSION_WITH_FILTER_UNSUPPORTED", message, expr=_shown(metric))
    if any(contains_aggregate(child) for child in e.children):
        message = f"Aggregates of aggregates cannot be observed: {_shown(metric)}."
        raise _invalid("NESTED_AGGREGATES_UNSUPPORTED", message, expr=_shown(metric))


def _shown(metric: Expression) -> str:
    if isinstance(metric, Alias):
        return f'"{display_name(metric.child)} AS {metric.name}"'
    return sql_expr(metric)


def _invalid(kind: str, message: str, **params: object) -> SparkError:
    return analysis_error(f"INVALID_OBSERVED_METRICS.{kind}", message, "42K0E", **params)
