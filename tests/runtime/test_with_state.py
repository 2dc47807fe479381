"""Functions with state of their own in streams: restarts, crashes, the clock, variables that come and go, errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.errors import IllegalArgumentException, UnsupportedOperationException
from pyspark.sql import Row
from pyspark.sql.streaming import StatefulProcessor

import penstock
from penstock.core import faults
from penstock.state.format import decode
from penstock.testing import (
    AddData,
    AdvanceManualClock,
    CheckAnswer,
    CheckNewAnswer,
    CrashAt,
    ExpectFailure,
    MemoryStream,
    ProcessAllAvailable,
    StartStream,
    StopStream,
    check_stream,
)

SCHEMA = "user string, n int"


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC"})


def transformed(
    frame: Any, processor: StatefulProcessor, output: str, mode: str = "Update", time: str = "None", **more: Any
) -> Any:
    return frame.groupBy("user").transformWithState(processor, output, mode, time, **more)


class Everything(StatefulProcessor):
    """A value, a list and a map of each user."""

    def init(self, handle: Any) -> None:
        self.total = handle.getValueState("total", "n long")
        self.seen = handle.getListState("seen", "n int")
        self.counts = handle.getMapState("counts", "n int", "times int")

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
        for row in rows:
            if row.n == 0:
                self.seen.clear()
                self.counts.clear()
                self.total.clear()
                continue
            self.total.update(((self.total.get() or (0,))[0] + row.n,))
            self.seen.appendValue((row.n,))
            self.counts.updateValue((row.n,), ((self.counts.getValue((row.n,)) or (0,))[0] + 1,))
        total = (self.total.get() or (None,))[0]
        seen = ",".join(str(n) for (n,) in self.seen.get())
        counts = ",".join(f"{n}:{times}" for (n,), (times,) in sorted(self.counts.iterator()))
        yield Row(user=key[0], total=total, seen=seen, counts=counts)


OUTPUT = "user string, total long, seen string, counts string"


def everything(stream: MemoryStream, spark: Any) -> Any:
    return transformed(stream.to_df(spark), Everything(), OUTPUT)


@pytest.mark.parametrize("point", [p for p in faults.POINTS if "snapshot" not in p])
def test_a_crash_at_any_point_changes_nothing(spark: Any, point: str) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        everything(stream, spark),
        AddData(stream, ("a", 1), ("b", 2), ("a", 3)),
        CheckNewAnswer(("a", 4, "1,3", "1:1,3:1"), ("b", 2, "2", "2:1")),
        CrashAt(point, AddData(stream, ("a", 3), ("b", 0), ("c", 5))),
        StartStream(),
        CheckNewAnswer(("a", 7, "1,3,3", "1:1,3:2"), ("b", None, "", ""), ("c", 5, "5", "5:1")),
        AddData(stream, ("b", 9), ("a", 1)),
        CheckNewAnswer(("a", 8, "1,3,3,1", "1:2,3:2"), ("b", 9, "9", "9:1")),
        output_mode="update",
    )


class Sum(StatefulProcessor):
    def __init__(self, *names: str, kind: str = "n long") -> None:
        self.names, self.kind = names, kind

    def init(self, handle: Any) -> None:
        self.states = {name: handle.getValueState(name, self.kind) for name in self.names}

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
        add = sum(row.n for row in rows)
        for state in self.states.values():
            state.update(((state.get() or (0,))[0] + add,))
        yield Row(user=key[0], sums=" ".join(f"{name}={state.get()[0]}" for name, state in self.states.items()))


def test_a_variable_that_is_new_begins_empty(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream(SCHEMA)
    for names, n, wanted in (
        (("x",), 1, "x=1"),
        (("x", "y"), 2, "x=3 y=2"),
        (("y",), 4, "y=6"),
    ):
        check_stream(
            transformed(stream.to_df(spark), Sum(*names), "user string, sums string"),
            AddData(stream, ("a", n)),
            CheckAnswer(("a", wanted)),
            output_mode="update",
            checkpoint=tmp_path,
        )


def test_fields_are_added_and_widened(spark: Any, tmp_path: Path) -> None:
    class Evolving(Sum):
        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            (state,) = self.states.values()
            before = state.get()
            values = [sum(row.n for row in rows), "text"]
            state.update(tuple(values[: 1 + ("s string" in self.kind)]))
            yield Row(user=key[0], sums=str(before))

    stream = MemoryStream(SCHEMA)
    for kind, wanted in (("n int", "None"), ("n int, s string", "(5, None)"), ("n long, s string", "(5, 'text')")):
        check_stream(
            transformed(stream.to_df(spark), Evolving("x", kind=kind), "user string, sums string"),
            AddData(stream, ("a", 5)),
            CheckAnswer(("a", wanted)),
            output_mode="update",
            checkpoint=tmp_path,
        )
    check_stream(
        transformed(stream.to_df(spark), Evolving("x", kind="n string"), "user string, sums string"),
        AddData(stream, ("a", 5)),
        ExpectFailure("STATE_STORE_INVALID_VALUE_SCHEMA_EVOLUTION"),
        output_mode="update",
        checkpoint=tmp_path,
    )


class Alarm(StatefulProcessor):
    def init(self, handle: Any) -> None:
        self.handle = handle
        self.last = handle.getValueState("last", "n int", 10_000)

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
        before = self.last.get()
        for row in rows:
            self.last.update((row.n,))
            self.handle.registerTimer(timerValues.getCurrentProcessingTimeInMs() + row.n)
        yield Row(user=key[0], what=f"{before} {list(self.handle.listTimers())}")

    def handleExpiredTimer(self, key: Any, timerValues: Any, expiredTimerInfo: Any) -> Iterator[Row]:
        yield Row(user=key[0], what=f"timer {expiredTimerInfo.getExpiryTimeInMs()} {self.last.get()}")


def test_timers_and_times_to_live_end_without_new_rows(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        transformed(stream.to_df(spark), Alarm(), "user string, what string", time="ProcessingTime"),
        StartStream(trigger={"processingTime": "1 second"}),
        AddData(stream, ("a", 2500), ("b", 20_000)),
        AdvanceManualClock(1000),
        CheckNewAnswer(("a", "None [3500]"), ("b", "None [21000]")),
        AdvanceManualClock(2000),
        CheckNewAnswer(),
        AdvanceManualClock(1000),
        CheckNewAnswer(("a", "timer 3500 (2500,)")),
        StopStream(),
        StartStream(trigger={"processingTime": "1 second"}),
        AdvanceManualClock(20_000),
        CheckNewAnswer(("b", "timer 21000 None")),
        output_mode="update",
    )


def test_a_batch_writes_what_it_touches(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        everything(stream, spark),
        AddData(stream, *[(f"user {i}", 1) for i in range(500)]),
        CheckNewAnswer(*[(f"user {i}", 1, "1", "1:1") for i in range(500)]),
        AddData(stream, ("user 7", 2)),
        CheckNewAnswer(("user 7", 3, "1,2", "1:1,2:1")),
        output_mode="update",
        checkpoint=tmp_path,
    )
    for store in ("0-var.total", "0-var.seen", "0-var.counts"):
        _, sections = decode((tmp_path / "state" / store / "0" / "2.delta").read_bytes())
        assert [(s.name, s.batch.num_rows) for s in sections] == [("rows", 1)]


def test_a_large_map_is_kept_between_batches(spark: Any) -> None:
    class Large(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.big = handle.getMapState("big", "n int", "n int")

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            for row in rows:
                old = self.big.getValue((row.n,))
                self.big.updateValue((row.n,), ((old[0] if old else 0) + 1,))
            yield Row(user=key[0], size=len(list(self.big.keys())), zero=self.big.getValue((0,))[0])

    stream = MemoryStream(SCHEMA)
    check_stream(
        transformed(stream.to_df(spark), Large(), "user string, size int, zero int"),
        AddData(stream, *[("a", i) for i in range(3000)]),
        CheckNewAnswer(("a", 3000, 1)),
        AddData(stream, ("a", 0), ("a", 9999)),
        CheckNewAnswer(("a", 3001, 2)),
        AddData(stream, ("a", 0)),
        CheckNewAnswer(("a", 3001, 3)),
        StopStream(),
        StartStream(),
        AddData(stream, ("a", 0)),
        CheckNewAnswer(("a", 3001, 4)),
        output_mode="update",
    )


def test_a_map_that_is_small_for_a_while_is_not_taken_for_what_it_was(spark: Any) -> None:
    """Large maps are kept in memory; a small one changes in the store alone."""

    class Changing(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.map = handle.getMapState("m", "n int", "n int")

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            for row in rows:
                if row.n > 0:
                    self.map.updateValue((row.n,), (row.n,))
                else:
                    self.map.removeKey((-row.n,))
            yield Row(user=key[0], size=len(list(self.map.keys())))

    stream = MemoryStream(SCHEMA)
    check_stream(
        transformed(stream.to_df(spark), Changing(), "user string, size int"),
        AddData(stream, *[("a", i) for i in range(1, 1101)]),
        CheckNewAnswer(("a", 1100)),
        AddData(stream, ("a", 1)),  # from here on it is kept
        CheckNewAnswer(("a", 1100)),
        AddData(stream, *[("a", -i) for i in range(1, 201)]),
        CheckNewAnswer(("a", 900)),
        AddData(stream, *[("a", i) for i in range(2000, 2300)]),
        CheckNewAnswer(("a", 1200)),
        AddData(stream, ("a", 2000)),
        CheckNewAnswer(("a", 1200)),
        output_mode="update",
    )


def test_nan_is_one_key_of_a_map(spark: Any) -> None:
    class NotANumber(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.map = handle.getMapState("m", "n double", "n int")

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            old = self.map.getValue((float("nan"),))
            for _ in rows:
                self.map.updateValue((float("nan"),), ((old[0] if old else 0) + 1,))
            yield Row(user=key[0], size=len(list(self.map.keys())), n=self.map.getValue((float("nan"),))[0])

    stream = MemoryStream(SCHEMA)
    check_stream(
        transformed(stream.to_df(spark), NotANumber(), "user string, size int, n int"),
        AddData(stream, ("a", 1), ("a", 2)),
        CheckNewAnswer(("a", 1, 1)),
        AddData(stream, ("a", 1)),
        CheckNewAnswer(("a", 1, 2)),
        output_mode="update",
    )


INVALID = "STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID"
FAILURES = {
    "a variable among rows": ("rows", lambda s: s.handle.getValueState("w", "n int"), f"{INVALID}_HANDLE_STATE"),
    "a timer in init": ("init", lambda s: s.handle.registerTimer(5), f"{INVALID}_TIME_MODE"),
    "a timer without time": ("rows", lambda s: s.handle.registerTimer(5), f"{INVALID}_TIME_MODE"),
    "a time to live without time": (
        "init",
        lambda s: s.handle.getValueState("w", "n int", 100),
        "STATEFUL_PROCESSOR_INCORRECT_TIME_MODE_TO_ASSIGN_TTL",
    ),
    "a variable twice": ("init", lambda s: s.handle.getValueState("v", "n int"), "Value state v already exists"),
    "two of a name": (
        "init",
        lambda s: s.handle.getMapState("v", "n int", "n int"),
        "STATEFUL_PROCESSOR_DUPLICATE_STATE_VARIABLE_DEFINED",
    ),
    "state in init": ("init", lambda s: s.value.get(), "Implicit key"),
    "too few values": ("rows", lambda s: s.value.update(()), "STRUCT_ARRAY_LENGTH_MISMATCH"),
    "nothing": ("rows", lambda s: s.value.update(None), "'NoneType' object is not iterable"),
    "an empty list": ("rows", lambda s: s.list.put([]), "ILLEGAL_STATE_STORE_VALUE.EMPTY_LIST_VALUE"),
    "the user's own": ("rows", lambda s: 1 / 0, "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(spark: Any, name: str) -> None:
    where, act, match = FAILURES[name]

    class Failing(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.handle = handle
            self.value = handle.getValueState("v", "n int")
            self.list = handle.getListState("l", "n int")
            if where == "init":
                act(self)

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            act(self)
            yield Row(user="never")

    stream = MemoryStream(SCHEMA)
    check_stream(
        transformed(stream.to_df(spark), Failing(), "user string"),
        AddData(stream, ("a", 1)),
        ExpectFailure("PYTHON_EXCEPTION", match),
        output_mode="update",
    )


APPLY_FAILURES = {
    "no frame": (lambda key, frames, state: iter([1]), "UDF_RETURN_TYPE"),
    "a frame instead of frames": (lambda key, frames, state: pd.DataFrame(), "UDF_RETURN_TYPE"),
    "too many columns": (
        lambda key, frames, state: iter([pd.DataFrame({"a": [1], "b": [2]})]),
        "RESULT_COLUMN_SCHEMA_MISMATCH",
    ),
    "a duration without timeout": (
        lambda key, frames, state: state.setTimeoutDuration(5) or iter([]),
        "CANNOT_WITHOUT",
    ),
    "no state": (lambda key, frames, state: [state.get], "STATE_NOT_EXISTS"),
}


@pytest.mark.parametrize("name", APPLY_FAILURES)
def test_failures_of_apply(spark: Any, name: str) -> None:
    function, match = APPLY_FAILURES[name]
    stream = MemoryStream(SCHEMA)
    frame = stream.to_df(spark).groupBy("user")
    check_stream(
        frame.applyInPandasWithState(function, "a int", "n int", "append", "NoTimeout"),
        AddData(stream, ("a", 1)),
        ExpectFailure("PYTHON_EXCEPTION", match),
    )


def test_a_time_that_is_not_set_again_stays_if_nothing_else_is_written(spark: Any) -> None:
    def watch(key: Any, frames: Any, state: Any) -> Iterator[pd.DataFrame]:
        n = 0 if state.hasTimedOut else sum(int(frame["n"].sum()) for frame in frames)
        if n == 1:
            state.update((n,))
            state.setTimeoutDuration(1500)
        what = "timed out" if state.hasTimedOut else "rows"
        if state.hasTimedOut:
            state.remove()
        yield pd.DataFrame({"what": [f"{key[0]} {what} {state.getOption}"]})

    stream = MemoryStream(SCHEMA)
    grouped = stream.to_df(spark).groupBy("user")
    check_stream(
        grouped.applyInPandasWithState(watch, "what string", "n int", "update", "ProcessingTimeTimeout"),
        StartStream(trigger={"processingTime": "1 second"}),
        AddData(stream, ("a", 1), ("b", 2)),
        AdvanceManualClock(1000),
        CheckNewAnswer("a rows (1,)", "b rows None"),
        AddData(stream, ("a", 2)),
        AdvanceManualClock(1000),
        CheckNewAnswer("a rows (1,)"),
        AdvanceManualClock(1000),
        CheckNewAnswer("a timed out None"),
        output_mode="update",
    )


def test_many_columns_and_frames_in_chunks(spark: Any) -> None:
    """Rows of every type come as they went into the stream."""

    class Echo(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.kept = handle.getValueState("kept", "d date, t timestamp, a array<int>, m map<string,int>, f float")

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            for row in rows:
                self.kept.update((row.d, row.t.replace(tzinfo=None), row.a, {"x": row.n}, 0.1))
            d, t, a, m, f = self.kept.get()
            yield Row(user=key[0], text=json.dumps([str(d), str(t), a, m, round(f, 9)]))

    stream = MemoryStream(SCHEMA)
    frame = stream.to_df(spark).selectExpr(
        "user", "n", "date'2026-03-01' + n AS d", "timestamp_seconds(n) AS t", "array(n, NULL) AS a"
    )
    check_stream(
        transformed(frame, Echo(), "user string, text string"),
        AddData(stream, ("a", 1)),
        CheckNewAnswer(("a", '["2026-03-02", "1970-01-01 00:00:01", [1, null], {"x": 1}, 0.100000001]')),
        output_mode="update",
    )


def test_rows_behind_the_watermark_may_not_be_emitted(spark: Any) -> None:
    class Old(StatefulProcessor):
        def init(self, handle: Any) -> None:
            pass

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            for row in rows:
                yield Row(user=key[0], at=row.t.replace(second=0))

    stream = MemoryStream(SCHEMA)
    frame = stream.to_df(spark).selectExpr("user", "timestamp_seconds(n) AS t").withWatermark("t", "5 seconds")
    emitted = transformed(frame, Old(), "user string, at timestamp", "Append", "EventTime", eventTimeColumnName="at")
    check_stream(
        emitted.groupBy("user", "at").count(),
        AddData(stream, ("a", 30)),
        ProcessAllAvailable(),
        AddData(stream, ("a", 31)),
        ExpectFailure("EMITTING_ROWS_OLDER_THAN_WATERMARK_NOT_ALLOWED"),
    )


def test_chained_processors_and_an_aggregate_below(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    frame = stream.to_df(spark).selectExpr("user", "n", "timestamp_seconds(n) AS t").withWatermark("t", "5 seconds")
    counts = frame.groupBy("t", "user").count().selectExpr("user", "CAST(count AS INT) AS n")
    first = transformed(counts, Sum("x"), "user string, sums string", "Append")
    second = transformed(first.selectExpr("user", "length(sums) AS n"), Sum("y"), "user string, sums string", "Append")
    check_stream(
        second,
        AddData(stream, ("a", 10), ("a", 10), ("b", 11)),
        CheckNewAnswer(),
        AddData(stream, ("c", 30)),
        CheckNewAnswer(("a", "y=3"), ("b", "y=3")),
        AddData(stream, ("a", 26), ("c", 60)),
        CheckNewAnswer(("a", "y=6"), ("c", "y=3")),
    )


def test_a_batch_query_is_one_batch(spark: Any) -> None:
    rows = spark.createDataFrame([("a", 1), ("b", 2), ("a", 3)], SCHEMA)
    initial = spark.createDataFrame([("a", 100), ("z", 7)], SCHEMA)

    class Starting(Sum):
        def handleInitialState(self, key: Any, initialState: Any, timerValues: Any) -> None:
            self.states["x"].update((initialState.n,))

    made = transformed(rows, Starting("x"), "user string, sums string", initialState=initial.groupBy("user"))
    assert sorted(tuple(row) for row in made.collect()) == [("a", "x=104"), ("b", "x=2")]
    applied = rows.groupBy("user").applyInPandasWithState(
        lambda key, frames, state: [pd.DataFrame({"user": key, "n": [sum(len(f) for f in frames)]})],
        "user string, n int", "n int", "update", "NoTimeout",
    )  # fmt: skip
    with pytest.raises(UnsupportedOperationException, match="applyInPandas"):
        applied.collect()


MODES = {
    "time": ({"mode": "Update", "time": "Foo"}, "STATEFUL_PROCESSOR_UNKNOWN_TIME_MODE"),
    "output": ({"mode": "Bar", "time": "None"}, "STREAMING_OUTPUT_MODE.INVALID"),
}


@pytest.mark.parametrize("name", MODES)
def test_modes_that_do_not_exist(spark: Any, name: str) -> None:
    modes, condition = MODES[name]
    frame = spark.createDataFrame([("a", 1)], SCHEMA)
    with pytest.raises(IllegalArgumentException) as raised:
        transformed(frame, Sum("x"), "user string, sums string", **modes).schema  # noqa: B018
    assert raised.value.getCondition() == condition


ROWS = [("a", 1), ("a", None), ("b", 2)]


def test_frames_have_the_types_that_spark_gives_them(spark: Any) -> None:
    """Whole numbers of 64 bits, names that are no identifiers replaced, flags with NULL as objects."""

    class Types(StatefulProcessor):
        def init(self, handle: Any) -> None:
            pass

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[pd.DataFrame]:
            for frame in rows:
                types = " ".join(f"{name}={kind}" for name, kind in frame.dtypes.items())
                yield pd.DataFrame({"user": key, "types": [types]})

    stream = MemoryStream(SCHEMA)
    frame = stream.to_df(spark).selectExpr(
        "user", "CAST(n AS TINYINT) AS `a b`", "n > 1 AS flag", "CAST(1 AS FLOAT) AS f"
    )
    made = frame.groupBy("user").transformWithStateInPandas(Types(), "user string, types string", "Update", "None")
    check_stream(
        made,
        AddData(stream, *ROWS),
        CheckNewAnswer(
            ("a", "user=object _1=float64 flag=object f=float64"), ("b", "user=object _1=float64 flag=bool f=float64")
        ),
        AddData(stream, ("b", 2)),
        CheckNewAnswer(("b", "user=object _1=int64 flag=bool f=float64")),
        output_mode="update",
    )
