"""Protobuf relations of df.stat, df.na.replace, describe, unpivot, transpose, and the joins by nearness."""

from __future__ import annotations

from collections.abc import Callable
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


def statistic_relations(relation: Callable[[pb.Relation, DecodeContext], Node]) -> dict[str, Decode]:
    """One function for each kind of message."""

    def replace(m: pb.NAReplace, context: DecodeContext) -> Node:
        pairs = tuple((decode_literal(r.old_value), decode_literal(r.new_value)) for r in m.replacements)
        return nodes.ReplaceNa(relation(m.input, context), tuple(m.cols), pairs)

    def summary(m: pb.StatSummary, context: DecodeContext) -> Node:
        return nodes.Summary(relation(m.input, context), tuple(m.statistics) or _SUMMARY)

    def describe(m: pb.StatDescribe, context: DecodeContext) -> Node:
        return nodes.Summary(relation(m.input, context), _DESCRIBED, tuple(m.cols))

    def crosstab(m: pb.StatCrosstab, context: DecodeContext) -> Node:
        return nodes.CrossTab(relation(m.input, context), m.col1, m.col2)

    def cov(m: pb.StatCov, context: DecodeContext) -> Node:
        return nodes.Correlation(relation(m.input, context), "cov", m.col1, m.col2)

    def corr(m: pb.StatCorr, context: DecodeContext) -> Node:
        if m.method not in ("", "pearson"):
            message = f"The only correlation method is pearson, not {m.method}."
            raise illegal_argument("_LEGACY_ERROR_TEMP_3102", message, "XXKD0", msg=message)
        return nodes.Correlation(relation(m.input, context), "corr", m.col1, m.col2)

    def quantiles(m: pb.StatApproxQuantile, context: DecodeContext) -> Node:
        if m.relative_error < 0:
            message = f"Relative Error must be non-negative but got {m.relative_error}"
            raise illegal_argument("_LEGACY_ERROR_TEMP_3102", message, "XXKD0", msg=message)
        return nodes.Quantiles(relation(m.input, context), tuple(m.cols), tuple(m.probabilities))

    def frequent(m: pb.StatFreqItems, context: DecodeContext) -> Node:
        support = m.support if m.HasField("support") else 0.01
        return nodes.FrequentItems(relation(m.input, context), tuple(m.cols), support)

    def sample_by(m: pb.StatSampleBy, context: DecodeContext) -> Node:
        fractions = tuple((decode_literal(f.stratum), f.fraction) for f in m.fractions)
        seed = m.seed if m.HasField("seed") else 0
        return nodes.SampleBy(relation(m.input, context), expression(m.col, context), fractions, seed)

    def unpivot(m: pb.Unpivot, context: DecodeContext) -> Node:
        values = expressions(m.values.values, context) if m.HasField("values") else None
        child, ids = relation(m.input, context), expressions(m.ids, context)
        return nodes.Unpivot(child, ids, values, m.variable_column_name, m.value_column_name)

    def transpose(m: pb.Transpose, context: DecodeContext) -> Node:
        index = expressions(m.index_columns, context)
        return nodes.Transpose(relation(m.input, context), index[0] if index else None)

    def as_of_join(m: pb.AsOfJoin, context: DecodeContext) -> Node:
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

    def nearest_by_join(m: pb.NearestByJoin, context: DecodeContext) -> Node:
        left, right = relation(m.left, context), relation(m.right, context)
        ranking = expression(m.ranking_expression, context)
        return nodes.NearestByJoin(
            left, right, ranking, m.num_results, m.join_type, m.direction.lower() == "similarity"
        )

    def observe(m: pb.CollectMetrics, context: DecodeContext) -> Node:
        return nodes.CollectMetrics(relation(m.input, context), m.name, expressions(m.metrics, context))

    return {
        "collect_metrics": observe,
        "replace": replace, "summary": summary, "describe": describe, "crosstab": crosstab, "cov": cov, "corr": corr,
        "approx_quantile": quantiles, "freq_items": frequent, "sample_by": sample_by, "unpivot": unpivot,
        "transpose": transpose, "as_of_join": as_of_join, "nearest_by_join": nearest_by_join,
    }  # fmt: skip
