"""Protobuf relations of df.stat, df.na.replace, describe, unpivot, transpose, and the joins by nearness."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pyspark.sql.connect.proto as pb

from penstock.connect.decode_context import DecodeContext
from penstock.connect.decode_expressions import expression, expressions
from penstock.connect.decode_types import decode_literal
from penstock.core.errors import illegal_argument
from penstock.plan import statistic_nodes as nodes
from penstock.plan.nodes import Node

Decode = Callable[[Any, DecodeContext], Node]
_DESCRIBED = ("count", "mean", "stddev", "min", "max")
_SUMMARY = ("count", "mean", "stddev", "min", "25%", "50%", "75%", "max")


def _replace(relation: Decode, m: pb.NAReplace, context: DecodeContext) -> Node:
    pairs = tuple((decode_literal(r.old_value), decode_literal(r.new_value)) for r in m.replacements)
    return nodes.ReplaceNa(relation(m.input, context), tuple(m.cols), pairs)


def _summary(relation: Decode, m: pb.StatSummary, context: DecodeContext) -> Node:
    return nodes.Summary(relation(m.input, context), tuple(m.statistics) or _SUMMARY)


def _describe(relation: Decode, m: pb.StatDescribe, context: DecodeContext) -> Node:
    return nodes.Summary(relation(m.input, context), _DESCRIBED, tuple(m.cols))


def _crosstab(relation: Decode, m: pb.StatCrosstab, context: DecodeContext) -> Node:
    return nodes.CrossTab(relation(m.input, context), m.col1, m.col2)


def _cov(relation: Decode, m: pb.StatCov, context: DecodeContext) -> Node:
    return nodes.Correlation(relation(m.input, context), "cov", m.col1, m.col2)


def _corr(relation: Decode, m: pb.StatCorr, context: DecodeContext) -> Node:
    if m.method not in ("", "pearson"):
        message = f"The only correlation method is pearson, not {m.method}."
        raise illegal_argument("_LEGACY_ERROR_TEMP_3102", message, "XXKD0", msg=message)
    return nodes.Correlation(relation(m.input, context), "corr", m.col1, m.col2)


def _quantiles(relation: Decode, m: pb.StatApproxQuantile, context: DecodeContext) -> Node:
    if m.relative_error < 0:
        message = f"Relative Error must be non-negative but got {m.relative_error}"
        raise illegal_argument("_LEGACY_ERROR_TEMP_3102", message, "XXKD0", msg=message)
    return nodes.Quantiles(relation(m.input, context), tuple(m.cols), tuple(m.probabilities))


def _frequent(relation: Decode, m: pb.StatFreqItems, context: DecodeContext) -> Node:
    support = m.support if m.HasField("support") else 0.01
    return nodes.FrequentItems(relation(m.input, context), tuple(m.cols), support)


def _sample_by(relation: Decode, m: pb.StatSampleBy, context: DecodeContext) -> Node:
    fractions = tuple((decode_literal(f.stratum), f.fraction) for f in m.fractions)
    seed = m.seed if m.HasField("seed") else 0
    return nodes.SampleBy(relation(m.input, context), expression(m.col, context), fractions, seed)


def _unpivot(relation: Decode, m: pb.Unpivot, context: DecodeContext) -> Node:
    values = expressions(m.values.values, context) if m.HasField("values") else None
    child, ids = relation(m.input, context), expressions(m.ids, context)
    return nodes.Unpivot(child, ids, values, m.variable_column_name, m.value_column_name)


def _transpose(relation: Decode, m: pb.Transpose, context: DecodeContext) -> Node:
    index = expressions(m.index_columns, context)
    return nodes.Transpose(relation(m.input, context), index[0] if index else None)


def _as_of_join(relation: Decode, m: pb.AsOfJoin, context: DecodeContext) -> Node:
    return nodes.AsOfJoin(
        relation(m.left, context),
        relation(m.right, context),
        expression(m.left_as_of, context),
        expression(m.right_as_of, context),
        m.join_type,
        expression(m.join_expr, context) if m.HasField("join_expr") else None,
        tuple(m.using_columns),
        expression(m.tolerance, context) if m.HasField("tolerance") else None,
        m.allow_exact_matches,
        m.direction.lower(),
    )


def _nearest_by_join(relation: Decode, m: pb.NearestByJoin, context: DecodeContext) -> Node:
    left, right = relation(m.left, context), relation(m.right, context)
    ranking = expression(m.ranking_expression, context)
    return nodes.NearestByJoin(left, right, ranking, m.num_results, m.join_type, m.direction.lower() == "similarity")


def _observe(relation: Decode, m: pb.CollectMetrics, context: DecodeContext) -> Node:
    return nodes.CollectMetrics(relation(m.input, context), m.name, expressions(m.metrics, context))


def statistic_relations(relation: Callable[[pb.Relation, DecodeContext], Node]) -> dict[str, Decode]:
    """One function for each kind of message."""
    functions = {
        "collect_metrics": _observe,
        "replace": _replace, "summary": _summary, "describe": _describe, "crosstab": _crosstab,
        "cov": _cov, "corr": _corr,
        "approx_quantile": _quantiles, "freq_items": _frequent, "sample_by": _sample_by, "unpivot": _unpivot,
        "transpose": _transpose, "as_of_join": _as_of_join, "nearest_by_join": _nearest_by_join,
    }  # fmt: skip
    return {name: partial(decode, relation) for name, decode in functions.items()}
