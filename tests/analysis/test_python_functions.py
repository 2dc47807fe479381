"""Python functions over frames, groups and state."""

from __future__ import annotations

import pytest

from penstock.analysis.streaming_checks import check_streaming
from penstock.core.errors import SparkError
from penstock.plan.expressions import Attribute, PythonFunction
from penstock.plan.nodes import Node, Watermark
from penstock.plan.python_nodes import ApplyInPandasWithState, GroupMap, MapPartitions, TransformWithState
from penstock.sql import parse_schema
from tests.analysis.plans import call, col, resolved, rows, shape, stream

RESULT = parse_schema("k string, n bigint")
EVENTS = Watermark(stream("ts timestamp, k string"), "ts", 1_000_000)


def function(*args: str) -> PythonFunction:
    return PythonFunction("f", tuple(col(a) for a in args), b"", 205, RESULT)


def with_state(child: Node, mode: str, timeout: str) -> Node:
    return ApplyInPandasWithState((col("k"),), function("k"), child, RESULT, RESULT, mode, timeout)


def test_the_result_has_the_functions_columns() -> None:
    plan = MapPartitions(function("a", "b"), rows("a int, b int"), RESULT)
    assert shape(plan) == "k string, n bigint"
    assert shape(MapPartitions(function("z"), rows("a int"), RESULT)) == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


def test_computed_keys_become_columns_of_the_input() -> None:
    plan = resolved(GroupMap((call("+", col("a"), 1),), function("a"), rows("a int"), RESULT))
    assert isinstance(plan, GroupMap)
    (key,) = plan.grouping
    assert isinstance(key, Attribute) and key in plan.child.output


def test_the_result_of_transform_with_state_may_carry_the_watermark() -> None:
    result = parse_schema("k string, at timestamp")
    plan = TransformWithState((col("k"),), function("k"), EVENTS, result, "append", "EventTime", "at")
    assert dict(resolved(plan).output[1].metadata) == {"spark.watermarkDelayMs": 1000}
    static = TransformWithState((col("k"),), function("k"), rows("k string"), result, "append", "EventTime", "at")
    assert shape(static) == "CANNOT_ASSIGN_EVENT_TIME_COLUMN_WITHOUT_WATERMARK"


def test_with_state_runs_in_its_own_output_mode() -> None:
    check_streaming(resolved(with_state(EVENTS, "append", "EventTimeTimeout")), "append")
    with pytest.raises(SparkError, match="update mode"):
        check_streaming(resolved(with_state(EVENTS, "update", "NoTimeout")), "append")


def test_event_time_timeouts_need_a_watermark() -> None:
    plan = resolved(with_state(stream("k string"), "append", "EventTimeTimeout"))
    with pytest.raises(SparkError, match="Watermark must be specified"):
        check_streaming(plan, "append")
