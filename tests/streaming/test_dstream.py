"""Streams, batch by batch.  Behaviours that Apache's own tests of DStreams check, and those they leave out."""

# ruff: noqa: E501

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from penstock.streaming.listener import StreamingListener
from penstock.streaming.map_with_state import State, StateSpec
from tests.streaming.conftest import PATIENCE_S, Run, outcome
from tests.streaming.test_receivers import until

NUMBERS = [[1, 2, 3, 4], [5, 6, 7, 8], [9]]
PAIRS = [[("a", 1), ("a", 2), ("b", 1)], [("", 1), ("", 1)], []]

SINGLE: dict[str, tuple[list[Any], Callable[[Any], Any], list[Any]]] = {
    "map": (NUMBERS, lambda s: s.map(str), [["1", "2", "3", "4"], ["5", "6", "7", "8"], ["9"]]),
    "flatMap": (NUMBERS, lambda s: s.flatMap(lambda x: (x, -x)), [[1, -1, 2, -2, 3, -3, 4, -4], [5, -5, 6, -6, 7, -7, 8, -8], [9, -9]]),
    "filter": (NUMBERS, lambda s: s.filter(lambda x: x % 2 == 0), [[2, 4], [6, 8], []]),
    "count": (NUMBERS, lambda s: s.count(), [[4], [4], [1]]),
    "reduce": (NUMBERS, lambda s: s.reduce(operator.add), [[10], [26], [9]]),
    "glom": (NUMBERS, lambda s: s.repartition(1).glom(), [[[1, 2, 3, 4]], [[5, 6, 7, 8]], [[9]]]),
    "mapPartitions": (NUMBERS, lambda s: s.mapPartitions(lambda it: [sum(it)]), [[10], [26], [9]]),
    "mapPartitionsWithIndex": (NUMBERS, lambda s: s.mapPartitionsWithIndex(lambda i, it: [(i, sum(it))]), [[(0, 10)], [(0, 26)], [(0, 9)]]),
    "countByValue": ([[1, 2, 1], ["a", "a"]], lambda s: s.countByValue(), [[(1, 2), (2, 1)], [("a", 2)]]),
    "reduceByKey": (PAIRS, lambda s: s.reduceByKey(operator.add), [[("a", 3), ("b", 1)], [("", 2)], []]),
    "groupByKey": (PAIRS, lambda s: s.groupByKey().mapValues(list), [[("a", [1, 2]), ("b", [1])], [("", [1, 1])], []]),
    "combineByKey": (PAIRS, lambda s: s.combineByKey(str, lambda a, b: a + str(b), operator.add), [[("a", "12"), ("b", "1")], [("", "11")], []]),
    "mapValues": (PAIRS, lambda s: s.mapValues(lambda x: x + 10), [[("a", 11), ("a", 12), ("b", 11)], [("", 11), ("", 11)], []]),
    "flatMapValues": (PAIRS, lambda s: s.flatMapValues(lambda x: (x, 0)), [[("a", 1), ("a", 0), ("a", 2), ("a", 0), ("b", 1), ("b", 0)], [("", 1), ("", 0), ("", 1), ("", 0)], []]),
    "transform": (NUMBERS, lambda s: s.transform(lambda rdd: rdd.cartesian(rdd).filter(lambda p: p[0] == p[1])), [[(x, x) for x in part] for part in NUMBERS]),
    "window": ([[0], [0, 1], [0, 1, 2], []], lambda s: s.window(2).count(), [[1], [3], [5], [3]]),
    "countByWindow": ([[0]] * 3, lambda s: s.countByWindow(2, 1), [[1], [2], [2]]),
    "countByWindow with the inverse": ([[0]] * 4 + [[]] * 4, lambda s: s.countByWindow(5, 1), [[1], [2], [3], [4], [4], [3], [2], [1]]),
    "countByValueAndWindow": ([[0, 1], [1], [], [], [], []], lambda s: s.countByValueAndWindow(5, 1), [[(0, 1), (1, 1)], [(0, 1), (1, 2)], [(0, 1), (1, 2)], [(0, 1), (1, 2)], [(0, 1), (1, 2)], [(1, 1)]]),
    "groupByKeyAndWindow": ([[("a", i)] for i in range(4)], lambda s: s.groupByKeyAndWindow(3, 1).mapValues(list), [[("a", [0])], [("a", [0, 1])], [("a", [0, 1, 2])], [("a", [1, 2, 3])]]),
    "groupByKeyAndWindow with the inverse": ([[("a", i)] for i in range(7)], lambda s: s.groupByKeyAndWindow(5, 1).mapValues(list), [[("a", list(range(max(0, i - 4), i + 1)))] for i in range(7)]),
    "reduceByKeyAndWindow without inverse": ([[("a", 3)], [("a", 1), ("b", 2)], [], []], lambda s: s.reduceByKeyAndWindow(max, None, 2, 1), [[("a", 3)], [("a", 3), ("b", 2)], [("a", 1), ("b", 2)], []]),
    "a long window's keys stay at zero": ([[("a", 1)]] + [[]] * 5, lambda s: s.reduceByKeyAndWindow(operator.add, operator.sub, 5, 1), [[("a", 1)]] * 5 + [[("a", 0)]]),
    "unless they are filtered": ([[("a", 1)]] + [[]] * 5, lambda s: s.reduceByKeyAndWindow(operator.add, operator.sub, 5, 1, filterFunc=lambda kv: kv[1] > 0), [[("a", 1)]] * 5 + [[]]),
    "updateStateByKey": ([[("k", i)] for i in range(3)], lambda s: s.updateStateByKey(lambda new, old: (old or []) + new), [[("k", [0])], [("k", [0, 1])], [("k", [0, 1, 2])]]),
    "updateStateByKey forgets": ([[("k", 1)], [], [("j", 1)]], lambda s: s.updateStateByKey(lambda new, old: sum(new) or None), [[("k", 1)], [], [("j", 1)]]),
    "updateStateByKey from an initial state": ([[("k", 2)], [("k", 3)]], lambda s: s.updateStateByKey(lambda new, old: (old or []) + new, initialRDD=[("k", [0, 1])]), [[("k", [0, 1, 2])], [("k", [0, 1, 2, 3])]]),
}  # fmt: skip


@pytest.mark.parametrize("case", SINGLE)
def test_one_stream(run: Run, case: str) -> None:
    inputs, stream, expected = SINGLE[case]
    assert outcome(run, inputs, stream) == expected


DOUBLE: dict[str, tuple[Callable[[Any, Any], Any], list[Any]]] = {
    "union": (lambda a, b: a.union(b), [("a", 1), ("b", 2), ("b", 3), ("c", 4)]),
    "join": (lambda a, b: a.join(b), [("b", (2, 3))]),
    "leftOuterJoin": (lambda a, b: a.leftOuterJoin(b), [("a", (1, None)), ("b", (2, 3))]),
    "rightOuterJoin": (lambda a, b: a.rightOuterJoin(b), [("b", (2, 3)), ("c", (None, 4))]),
    "fullOuterJoin": (lambda a, b: a.fullOuterJoin(b), [("a", (1, None)), ("b", (2, 3)), ("c", (None, 4))]),
    "cogroup": (
        lambda a, b: a.cogroup(b).mapValues(lambda vs: tuple(map(list, vs))),
        [("a", ([1], [])), ("b", ([2], [3])), ("c", ([], [4]))],
    ),
    "transformWith": (lambda a, b: a.transformWith(lambda x, y: x.subtractByKey(y), b), [("a", 1)]),
    "StreamingContext.union": (lambda a, b: a.ssc.union(a, b), [("a", 1), ("b", 2), ("b", 3), ("c", 4)]),
    "StreamingContext.transform": (lambda a, b: a.ssc.transform([b, a], lambda rdds: rdds[0].join(rdds[1])), [("b", (3, 2))]),
}  # fmt: skip


@pytest.mark.parametrize("case", DOUBLE)
def test_two_streams(run: Run, case: str) -> None:
    function, expected = DOUBLE[case]
    left = run.ssc.queueStream([[("a", 1), ("b", 2)]])
    right = run.ssc.queueStream([[("b", 3), ("c", 4)]])
    run.keep(function(left, right))
    assert sorted(run.batches(1)[0]) == expected


def test_slide(run: Run) -> None:
    run.keep(run.ssc.queueStream([[i] for i in range(6)]).window(3, 2))
    run.batches(6)
    assert run.results == [(2, [0, 1]), (4, [1, 2, 3]), (6, [3, 4, 5])]


def test_slice_and_remember(run: Run) -> None:
    stream = run.ssc.queueStream([[1], [2], [3], [4]])
    run.ssc.remember(10)
    times: list[Any] = []
    stream.foreachRDD(lambda when, rdd: times.append(when))
    run.batches(4)
    first = times[0]
    found = stream.slice(first + timedelta(seconds=1), first + timedelta(seconds=2))
    assert [rdd.collect() for rdd in found] == [[2], [3]]
    assert [rdd.collect() for rdd in stream.slice(first, first)] == [[1]]


def test_rdds_are_let_go_unless_they_are_remembered(run: Run) -> None:
    stream = run.ssc.queueStream([[i] for i in range(6)])
    stream.foreachRDD(lambda rdd: None)
    run.batches(6)
    assert len(stream.generated) <= 2


@pytest.mark.parametrize("durations", [(0.1, 1), (1, 0.1), (1.5, 1), (2, 1.5), (0, 1)])
def test_windows_are_multiples_of_the_interval(run: Run, durations: tuple[float, float]) -> None:
    stream = run.ssc.queueStream([])
    with pytest.raises(ValueError, match="must be multiple of the parent dstream's slide"):
        stream.window(*durations)
    with pytest.raises(ValueError, match="must be multiple of the parent dstream's slide"):
        stream.reduceByKeyAndWindow(operator.add, None, *durations)


def test_a_failed_batch_is_told_and_the_others_go_on(run: Run) -> None:
    def failing(x: int) -> int:
        if x == 1:
            raise ValueError("This is a special error")
        return x

    assert outcome(run, [[0], [1], [2], [3]], lambda s: s.map(failing)) == [[0], [2], [3]]
    with pytest.raises(Exception, match="This is a special error"):
        run.ssc.awaitTermination(PATIENCE_S)


def test_batches_behind_a_slow_one_queue_and_drain(run: Run) -> None:
    go = threading.Event()

    def slow(x: int) -> int:
        if x == 0:
            assert go.wait(PATIENCE_S)
        return x

    run.keep(run.ssc.queueStream([[0], [1], [2], [3]]).map(slow))
    run.ssc._checkpoint_directory = None  # the function cannot be pickled
    run.ssc.start()
    for _ in range(4):
        run.advance(1000)
    assert run.clock.wait_for_waiter(PATIENCE_S)
    assert run.results == []
    go.set()
    until(lambda: run.done == 4)
    assert run.results == [(1, [0]), (2, [1]), (3, [2]), (4, [3])]


def test_a_function_that_fails_when_the_batch_is_made_is_told(run: Run) -> None:
    def failing(a: Any, b: Any) -> Any:
        raise ValueError("This is a special error")

    stream = run.ssc.queueStream([[1]])
    run.keep(stream.transformWith(failing, run.ssc.queueStream([[2]])))
    run.ssc.start()
    run.advance(1000)
    with pytest.raises(ValueError, match="This is a special error"):
        run.ssc.awaitTermination(PATIENCE_S)


def test_nothing_can_be_added_after_the_start(run: Run) -> None:
    stream = run.ssc.queueStream([])
    run.keep(stream)
    run.batches(1)
    with pytest.raises(ValueError, match="after starting a context is not supported"):
        stream.map(str)


def test_a_start_needs_an_output_and_state_a_checkpoint_directory(run: Run) -> None:
    with pytest.raises(ValueError, match="No output operations registered"):
        run.ssc.start()
    run.keep(run.ssc.queueStream([]).updateStateByKey(lambda new, old: old))
    run.ssc._checkpoint_directory = run.sc._checkpoint_directory = None
    with pytest.raises(ValueError, match="checkpoint directory has not been set"):
        run.ssc.start()


def test_pprint(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.ssc.queueStream([[1, 2, 3]]).pprint(2)
    run.batches(1)
    line = "-" * 43
    head, when, *rest = capsys.readouterr().out.split("\n")
    assert (head, when[:6], rest) == (line, "Time: ", [line, "1", "2", "...", "", ""])


def test_save_as_text_files(run: Run, tmp_path: Any) -> None:
    run.ssc.queueStream([["x", "y"]]).saveAsTextFiles(str(tmp_path / "out"), "txt")
    run.batches(1)
    (directory,) = tmp_path.glob("out-*.txt")
    assert (directory / "part-00000").read_text() == "x\ny\n"
    assert (directory / "_SUCCESS").exists()


def test_a_queue_may_be_taken_at_once_and_has_a_default(run: Run) -> None:
    run.keep(run.ssc.queueStream([[1], [2, 3]], oneAtATime=False, default=[0]))
    assert run.batches(3) == [[1, 2, 3], [0], [0]]


# ---------------------------------------------------------------- mapWithState


def running_sum(key: Any, value: Any, state: State) -> Any:
    total = (state.getOption() or 0) + value
    state.update(total)
    return key, total


def test_map_with_state(run: Run) -> None:
    spec = StateSpec.function(running_sum).initialState([("b", 10)])
    result = outcome(run, [[("a", 1), ("a", 2)], [("b", 1)], []], lambda s: s.mapWithState(spec))
    assert result == [[("a", 1), ("a", 3)], [("b", 11)], []]


def test_state_snapshots(run: Run) -> None:
    spec = StateSpec.function(running_sum)
    result = outcome(run, [[("a", 1)], [("b", 5)]], lambda s: s.mapWithState(spec).stateSnapshots())
    assert [sorted(part) for part in result] == [[("a", 1)], [("a", 1), ("b", 5)]]


def test_idle_keys_time_out(run: Run) -> None:
    def function(when: Any, key: Any, value: Any, state: State) -> Any:
        if state.isTimingOut():
            with pytest.raises(ValueError, match="timing out"):
                state.update(0)
            return key, "out", state.get()
        return running_sum(key, value, state)

    spec = StateSpec.function(function).timeout(2)
    inputs: list[Any] = [[("a", 1), ("b", 1)], [("b", 1)], [], [], []]
    result = outcome(run, inputs, lambda s: s.mapWithState(spec))
    assert result == [[("a", 1), ("b", 1)], [("b", 2)], [("a", "out", 1)], [("b", "out", 2)], []]


def test_state_can_be_removed(run: Run) -> None:
    def function(key: Any, value: Any, state: State) -> Any:
        if value is None:
            state.remove()
            return key, state.exists()
        return running_sum(key, value, state)

    inputs: list[Any] = [[("a", 1)], [("a", None)], [("a", 7)]]
    result = outcome(run, inputs, lambda s: s.mapWithState(StateSpec.function(function)))
    assert result == [[("a", 1)], [("a", False)], [("a", 7)]]


def test_older_snapshots_can_still_be_read(run: Run) -> None:
    kept: list[Any] = []
    stream = run.ssc.queueStream([[("a", i)] for i in range(12)]).mapWithState(StateSpec.function(running_sum))
    stream.stateSnapshots().foreachRDD(kept.append)
    run.batches(12)
    assert [rdd.collect() for rdd in kept] == [[("a", sum(range(i + 1)))] for i in range(12)]


def test_a_listener_is_told(run: Run) -> None:
    infos: list[Any] = []
    listener = StreamingListener()
    listener.onBatchCompleted = lambda event: infos.append(event.batchInfo())
    run.ssc.addStreamingListener(listener)
    run.keep(run.ssc.queueStream([[1]]))
    run.batches(1)
    run.stop()  # everything has been told then
    (info,) = infos
    assert info.batchTime().milliseconds() == 1_000_001_000
    assert info.schedulingDelay() >= 0 and info.processingDelay() >= 0 and info.totalDelay() >= 0
    (output,) = info.outputOperationInfos().values()
    assert output.failureReason() is None and output.endTime() >= output.startTime()


def test_listeners_do_not_hear_of_batches_without_jobs(run: Run) -> None:
    heard: list[tuple[str, int]] = []

    class Listener(StreamingListener):
        def onBatchSubmitted(self, batchSubmitted: Any) -> None:
            heard.append(("submitted", batchSubmitted.batchInfo().numRecords()))

        def onBatchCompleted(self, batchCompleted: Any) -> None:
            heard.append(("completed", batchCompleted.batchInfo().numRecords()))

    run.ssc.addStreamingListener(Listener())
    run.keep(run.ssc.queueStream([[1], [2], [3], [4]]).window(4, 2))
    assert run.batches(4) == [[1, 2], [1, 2, 3, 4]]
    run.ssc.stop(stopSparkContext=False)
    assert [what for what, _ in heard] == ["submitted", "completed"] * 2
