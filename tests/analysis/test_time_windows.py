"""window(), window_time() and withWatermark in resolved plans."""

from __future__ import annotations

import pytest

from penstock.plan.expressions import Alias
from penstock.plan.nodes import Aggregate, ExpandWindows, Node, Project, Watermark
from penstock.plan.session_nodes import ExpandSessions, MergeSessions
from tests.analysis.plans import call, col, resolved, rows, shape, stream

WATERMARK = "spark.watermarkDelayMs"
EVENTS = stream("ts timestamp, v bigint")
LATE = Watermark(EVENTS, "ts", 10_000_000)


def counted(window: object, child: Node = LATE) -> Aggregate:
    count = Alias(call("count", 1), ("n",))
    return Aggregate((window,), (count,), child, include_grouping=True)  # type: ignore[arg-type]


def test_a_tumbling_window_is_a_column_of_its_own_node() -> None:
    plan = resolved(counted(call("window", col("ts"), "10 minutes")))
    assert isinstance(plan, Aggregate)
    below = plan.child
    assert isinstance(below, ExpandWindows)
    assert (below.duration_us, below.slide_us, below.start_us) == (600_000_000, 600_000_000, 0)
    assert plan.grouping == (below.window,)
    assert not below.window.nullable


def test_a_window_bears_the_delay_of_its_time() -> None:
    plan = resolved(counted(call("window", col("ts"), "10 minutes", "5 minutes")))
    window = plan.output[0]
    assert (window.name, window.nullable) == ("window", True)
    assert dict(window.metadata) == {WATERMARK: 10_000, "spark.timeWindow": True}


def test_window_time_is_an_event_time_again() -> None:
    first = counted(call("window", col("ts"), "5 seconds"))
    time = resolved(Project((call("window_time", col("window")),), first)).output[0]
    assert (time.name, time.type.simpleString()) == ("window_time(window)", "timestamp")
    assert dict(time.metadata) == {WATERMARK: 10_000}


def test_windows_over_windows() -> None:
    first = counted(call("window", col("ts"), "5 seconds"))
    window = resolved(counted(call("window", col("window"), "10 seconds"), first)).output[0]
    assert window.metadata[WATERMARK] == 10_000


def test_the_select_list_may_name_the_window_of_group_by() -> None:
    text = "select window.start, window(ts, '1 hour') as w, count(*) as n from t group by window(ts, '1 hour')"
    assert shape(text) == "start timestamp, w struct<start:timestamp,end:timestamp>!, n bigint!"


@pytest.mark.parametrize(
    ("durations", "condition"),
    [
        (("1 month",), "_LEGACY_ERROR_TEMP_3231"),
        (("0 seconds",), "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        (("-1 seconds",), "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        (("5 seconds", "10 seconds"), "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION"),
        (("5 seconds", "5 seconds", "6 seconds"), "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION"),
        (("soon",), "CANNOT_PARSE_INTERVAL"),
    ],
)
def test_durations_that_make_no_windows(durations: tuple[str, ...], condition: str) -> None:
    assert shape(counted(call("window", col("ts"), *durations))) == condition


def test_one_window_a_query_block() -> None:
    windows = (call("window", col("ts"), "5 seconds"), call("window", col("ts"), "6 seconds"))
    assert shape(Project(windows, EVENTS)) == "_LEGACY_ERROR_TEMP_1039"


def test_a_session_is_a_column_of_its_own_node_and_grows_over_the_other_keys() -> None:
    sessions = Aggregate((call("session_window", col("ts"), "5 seconds"), col("v")), (), LATE, include_grouping=True)
    plan = resolved(sessions)
    assert isinstance(plan, Aggregate) and isinstance(plan.child, MergeSessions)
    merged, own = plan.child, plan.child.child
    assert isinstance(own, ExpandSessions)
    assert (own.gap.value, merged.window, merged.keys) == ((0, 0, 5_000_000), own.window, (plan.grouping[1],))  # type: ignore[attr-defined]
    assert dict(plan.output[0].metadata) == {WATERMARK: 10_000, "spark.sessionWindow": True}


def test_a_gap_is_an_interval_or_a_text() -> None:
    assert shape(counted(call("session_window", col("ts"), col("v")))) == "_LEGACY_ERROR_TEMP_1040"
    never = resolved(Project((call("session_window", col("ts"), "soon"),), EVENTS)).children[0]
    assert isinstance(never, ExpandSessions) and never.gap.value is None  # type: ignore[attr-defined]


def test_one_kind_of_window_a_query_block() -> None:
    windows = (call("session_window", col("ts"), "5 seconds"), call("window", col("ts"), "6 seconds"))
    assert shape(Project(windows, EVENTS)) == "_LEGACY_ERROR_TEMP_1039"


def test_a_watermark_marks_its_column_and_takes_the_mark_off_another() -> None:
    two = Watermark(Watermark(stream("ts timestamp, t2 timestamp"), "ts", 1_000_000), "t2", 2_000_000)
    assert [dict(a.metadata) for a in resolved(two).output] == [{}, {WATERMARK: 2000}]


def test_a_watermark_needs_a_timestamp() -> None:
    assert shape(Watermark(EVENTS, "v", 1)) == "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE"
    assert shape(Watermark(EVENTS, "nope", 1)) == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


def test_a_watermark_on_static_data_is_nothing() -> None:
    plan = resolved(Watermark(rows("ts timestamp"), "ts", 1_000_000))
    assert not any(isinstance(node, Watermark) for node in plan.walk())
    assert dict(plan.output[0].metadata) == {}
