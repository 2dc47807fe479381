"""What Spark 4.2's UnsupportedOperationChecker says of each plan, in each output mode."""

from __future__ import annotations

import pytest

from penstock.analysis.streaming_checks import check_batch, check_streaming
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan import nodes as n
from penstock.plan.expressions import Alias, UnresolvedFunction, UnresolvedStar, WindowExpression
from penstock.sql import parse_expression
from tests.analysis.plans import by, call, col, resolved, rows, stream

S = stream("ts timestamp, v bigint", 1)
LATE = n.Watermark(S, "ts", 10_000_000)
S2 = stream("t2 timestamp, v2 bigint", 2)
LATE2 = n.Watermark(S2, "t2", 10_000_000)
STATIC = rows("k bigint", 3)
OK, MODE, LEGACY = "ok", "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", "_LEGACY_ERROR_TEMP_3102"
COMPLETE_NEEDS_AGGREGATE = MODE


def count(child: n.Node, *keys: object, kind: str = "groupby") -> n.Aggregate:
    aggregates = (Alias(call("count", 1), ("count",)),)
    return n.Aggregate(keys, aggregates, child, kind, include_grouping=True)  # type: ignore[arg-type]


def window(name: str, duration: str) -> UnresolvedFunction:
    return call("window", col(name), duration)


def join(left: n.Node, right: n.Node, kind: str, condition: str) -> n.Join:
    return n.Join(left, right, kind, parse_expression(condition))


WINDOWED = count(LATE, window("ts", "5 seconds"))
DISTINCT = n.Aggregate((window("ts", "5 seconds"),), (UnresolvedFunction("count", (col("v"),), distinct=True),), LATE)
ROW_NUMBER = Alias(WindowExpression(call("row_number"), (col("v"),), by(col("ts"))), ("rn",))
V = n.Project((col("v"),), S)

# plan, then the answers in append, update and complete mode
CASES: dict[str, tuple[n.Node, str, str, str]] = {
    "plain": (S, OK, OK, MODE),
    "static": (STATIC, LEGACY, LEGACY, LEGACY),
    "aggregate": (count(S, col("v")), MODE, OK, OK),
    "global aggregate": (count(S), MODE, OK, OK),
    "windowed aggregate": (WINDOWED, OK, OK, OK),
    "rollup": (count(S, col("v"), kind="rollup"), MODE, OK, OK),
    "cube with a window": (count(LATE, window("ts", "5 seconds"), col("v"), kind="cube"), OK, OK, OK),
    "distinct aggregate": (DISTINCT, LEGACY, LEGACY, LEGACY),
    "aggregate of an aggregate": (count(WINDOWED, window("window", "10 seconds")), OK, LEGACY, LEGACY),
    "aggregate of an aggregate, no watermark": (count(count(S, col("v")), col("count")), MODE, LEGACY, LEGACY),
    "sort": (n.Sort(by(col("v")), S), LEGACY, LEGACY, MODE),
    "sorted aggregate": (n.Sort(by(col("count")), count(S, col("v"))), MODE, LEGACY, OK),
    "limit": (n.Limit(5, S), OK, LEGACY, MODE),
    "limited aggregate": (n.Limit(5, count(S, col("v"))), MODE, LEGACY, OK),
    "offset": (n.Offset(5, S), LEGACY, LEGACY, MODE),
    "sample": (n.Sample(0.0, 0.5, S), LEGACY, LEGACY, MODE),
    "dropDuplicates": (n.Deduplicate(S, ("v",)), OK, OK, MODE),
    "dropDuplicatesWithinWatermark": (n.Deduplicate(LATE, ("v",), True), OK, OK, MODE),
    "dropDuplicatesWithinWatermark, no watermark": (n.Deduplicate(S, ("v",), True), LEGACY, LEGACY, MODE),
    "dropDuplicates of an aggregate": (n.Deduplicate(WINDOWED, ("count",)), OK, OK, OK),
    "aggregate of dropDuplicates": (count(n.Deduplicate(LATE, ("v", "ts")), window("ts", "5 seconds")), OK, OK, OK),
    "row_number": (
        n.Project((ROW_NUMBER,), S),
        "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
        "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
        MODE,
    ),
    "union with static data": (n.SetOperation(V, STATIC, "union"), LEGACY, LEGACY, MODE),
    "union of streams": (n.SetOperation(S, S2, "union"), OK, OK, MODE),
    "static except stream": (n.SetOperation(STATIC, V, "except"), LEGACY, LEGACY, MODE),
    "stream except static": (n.SetOperation(V, STATIC, "except"), OK, OK, MODE),
    "intersect": (n.SetOperation(V, STATIC, "intersect"), LEGACY, LEGACY, MODE),
    "join, then aggregate": (count(join(LATE, LATE2, "inner", "ts = t2"), window("ts", "5 seconds")), OK, OK, LEGACY),
}

KINDS = ("inner", "left", "right", "full", "semi", "anti")
KEY, RANGE = "v = v2 and ts = t2", "v = v2 and t2 >= ts and t2 <= ts + interval 5 seconds"
JOINS: dict[str, tuple[n.Node, n.Node, str, str, str]] = {
    # left, right, condition, modes tried, answers for KINDS (o: ok, x: refused)
    "streams, append": (S, S2, "v = v2", "append", "oxxxxx"),
    "streams, update": (S, S2, "v = v2", "update", "oxxxxx"),
    "stream and static": (S, STATIC, "v = k", "append update", "ooxxoo"),
    "static and stream": (STATIC, S, "v = k", "append update", "oxoxxx"),
    "watermark in the keys": (LATE, LATE2, KEY, "append", "ooooox"),
    "watermark in one key": (LATE, S2, KEY, "append", "ooooox"),
    "range": (LATE, LATE2, RANGE, "append", "ooooox"),
    "lower bound only": (LATE, LATE2, "v = v2 and t2 >= ts", "append", "oxooxx"),
    "upper bound only": (LATE, LATE2, "v = v2 and t2 <= ts + interval 5 seconds", "append", "ooxoox"),
    "no equality": (LATE, LATE2, "t2 > ts", "append", "oxooxx"),
    "watermarked update": (LATE, LATE2, KEY, "update", "oxxxox"),
}


def answer(plan: n.Node, mode: str) -> str:
    try:
        check_streaming(resolved(plan), mode)
    except SparkError as error:
        return error.condition
    return OK


@pytest.mark.parametrize("name", CASES)
def test_plan_in_each_mode(name: str) -> None:
    plan, *expected = CASES[name]
    assert [answer(plan, mode) for mode in ("append", "update", "complete")] == expected


def test_a_setting_turns_off_the_check_of_chains_or_all_checks() -> None:
    chain, sort = (resolved(CASES[name][0]) for name in ("aggregate of an aggregate", "sort"))
    key = "spark.sql.streaming."
    check_streaming(chain, "update", Conf({f"{key}statefulOperator.checkCorrectness.enabled": "false"}))
    check_streaming(sort, "append", Conf({f"{key}unsupportedOperationCheck": "false"}))
    with pytest.raises(SparkError, match="checkCorrectness"):
        check_streaming(chain, "update", Conf())


@pytest.mark.parametrize("name", JOINS)
def test_join_kinds(name: str) -> None:
    left, right, condition, modes, expected = JOINS[name]
    for mode in modes.split():
        answers = [answer(join(left, right, kind, condition), mode) for kind in KINDS]
        assert "".join("o" if a == OK else "x" for a in answers) == expected


def test_a_stream_is_no_batch() -> None:
    check_batch(resolved(STATIC))
    with pytest.raises(SparkError, match=r"writeStream\.start") as caught:
        check_batch(resolved(n.Project((UnresolvedStar(),), S)))
    assert caught.value.condition == LEGACY
