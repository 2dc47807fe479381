"""Which watermark each stateful operator sees: the query's, held back by the joins below it.

Every withWatermark gives the query's one watermark; an operator sees the least of what its inputs pass on, and passes
it on itself, except that a join whose condition keeps rows longer passes on as much less.  So what an operator sees is
the query's watermark moved back by a constant: its *lag*, known when the query is compiled; None where there is no
withWatermark below.  Semantics: Spark's PropagateWatermarkSimulator.
"""

from __future__ import annotations

from collections.abc import Mapping

from penstock.core.errors import SparkError, analysis_error
from penstock.operators.join import JoinRules, SideRules
from penstock.plan.nodes import Node, Watermark

ALLOW_MULTIPLE = "spark.sql.streaming.statefulOperator.allowMultiple"


def is_single(conf: Mapping[str, str]) -> bool:
    """Whether all operators see the query's watermark as it is, also for late rows, as in Spark before it could chain
    them."""
    return (conf.get(ALLOW_MULTIPLE) or "true").strip().lower() == "false"


def seen_by(watermark_ms: int, lag_ms: int | None) -> int:
    """What an operator with this lag sees of the query's watermark; 0 before there is any."""
    if lag_ms is None or watermark_ms <= 0:
        return 0
    return max(0, watermark_ms - lag_ms)


def input_lag(node: Node, held_back: Mapping[int, int]) -> int | None:
    """The lag of what reaches `node` (milliseconds).  held_back: by the `id` of each join, what it holds back."""
    lags = [lag for child in node.children if (lag := _output_lag(child, held_back)) is not None]
    return max(lags, default=None)


def _output_lag(node: Node, held_back: Mapping[int, int]) -> int | None:
    if not node.is_streaming:
        return None
    if isinstance(node, Watermark):
        return 0
    lag = input_lag(node, held_back)
    return None if lag is None else lag + held_back.get(id(node), 0)


def join_lag(rules: JoinRules, evicts_left: bool, evicts_right: bool) -> int:
    """By how many milliseconds a join holds the watermark back: the rows that it may still give out are that old."""
    sides = [side for side, evicts in ((rules.left, evicts_left), (rules.right, evicts_right)) if evicts]
    return max([0, *(_side_lag(side) for side in sides)])


def _side_lag(side: SideRules) -> int:
    return side.expiry_is_exclusive - side.expiry_offset_us // 1000


def redefines_watermark(plan: Node) -> bool:
    """Whether a withWatermark stands over another one."""
    marks = (n for n in plan.walk() if isinstance(n, Watermark) and n.is_streaming)
    return any(isinstance(below, Watermark) for mark in marks for below in mark.child.walk())


def redefined() -> SparkError:
    """The error of a query that redefines its watermark, raised as in Spark by the first batch that has one."""
    return analysis_error(
        "_LEGACY_ERROR_TEMP_3076",
        "This query calls withWatermark on rows that bear a watermark already; call it once for each source. "
        f"({ALLOW_MULTIPLE}=false does not allow it here.)",
        "XXKD0",
        config=ALLOW_MULTIPLE,
    )
