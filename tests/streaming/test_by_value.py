"""Elements are values: a function that changes one in place changes nothing that somebody else reads."""

from __future__ import annotations

import operator
from typing import Any

from penstock.streaming.map_with_state import State, StateSpec
from tests.streaming.conftest import Run
from tests.streaming.test_receivers import Manual


def spoil(rdd: Any) -> None:
    """An output operation that changes the lists that it is given."""

    def add(pair: Any) -> None:
        pair[1].append("spoilt")

    rdd.foreach(add)


PAIRS = [[("a", ["x"]), ("a", ["y"])], [("a", ["z"])], []]


def test_what_a_shuffle_gives_to_two_readers(run: Run) -> None:
    for reduced in (
        run.ssc.queueStream(PAIRS).reduceByKey(operator.add),
        run.ssc.queueStream(PAIRS).groupByKey().mapValues(list),
        run.ssc.queueStream(PAIRS).partitionBy(2),
    ):
        reduced.foreachRDD(spoil)
        run.keep(reduced)
    results = run.batches(2)
    assert results[:3] == [[("a", ["x", "y"])], [("a", [["x"], ["y"]])], [("a", ["x"]), ("a", ["y"])]]
    assert results[3:] == [[("a", ["z"])], [("a", [["z"]])], [("a", ["z"])]]


def test_what_a_receiver_has_stored(run: Run) -> None:
    receiver = Manual()
    stream = run.ssc.receiverStream(receiver)
    stream.map(lambda x: ("k", x)).foreachRDD(spoil)
    run.keep(stream)
    run.batches(1)
    receiver.store([["one"]])
    assert run.batches(1)[1] == [["one"]]


def joined(new: list[Any], old: Any) -> Any:
    return [*(old or []), *(x for values in new for x in values)]


def test_the_state_of_update_state_by_key(run: Run) -> None:
    state = run.ssc.queueStream(PAIRS).updateStateByKey(joined)
    state.foreachRDD(spoil)
    run.keep(state)
    assert run.batches(3) == [[("a", ["x", "y"])], [("a", ["x", "y", "z"])], [("a", ["x", "y", "z"])]]


def extended(new: list[Any], old: Any) -> Any:
    held = [] if old is None else old
    for values in new:
        held.extend(values)
    return held


def test_a_function_of_update_state_by_key_that_changes_the_state_it_is_given(run: Run) -> None:
    """The states of the batches before are what they were."""
    kept: list[Any] = []
    run.ssc.remember(60)
    state = run.ssc.queueStream(PAIRS).updateStateByKey(extended)
    state.foreachRDD(kept.append)
    run.keep(state)
    run.ssc._checkpoint_directory = None  # what is kept is here
    expected = [[("a", ["x", "y"])], [("a", ["x", "y", "z"])], [("a", ["x", "y", "z"])]]
    assert run.batches(3) == expected
    assert [rdd.collect() for rdd in kept] == expected


def remember(key: Any, value: Any, state: State) -> Any:
    state.update([*(state.getOption() or []), *value])
    return key, state.get()


def test_the_state_of_map_with_state_and_what_it_gives(run: Run) -> None:
    mapped = run.ssc.queueStream(PAIRS).mapWithState(StateSpec.function(remember))
    mapped.foreachRDD(spoil)
    run.keep(mapped)
    snapshots = mapped.stateSnapshots()
    snapshots.foreachRDD(spoil)
    run.keep(snapshots)
    results = run.batches(3)
    assert results[::2] == [[("a", ["x"]), ("a", ["x", "y"])], [("a", ["x", "y", "z"])], []]
    assert results[1::2] == [[("a", ["x", "y"])], [("a", ["x", "y", "z"])], [("a", ["x", "y", "z"])]]


def test_a_state_that_the_function_changes_and_then_fails(tmp_path: Any) -> None:
    """The attempt that fails leaves the state as it was: the next one begins from that."""
    run = Run(str(tmp_path))
    run.sc.master = "local[2,2]"
    attempts: list[int] = []

    def function(key: Any, value: Any, state: State) -> Any:
        held = state.getOption() or []
        held.extend(value)
        attempts.append(len(held))
        if len(attempts) == 2:
            raise ValueError("the first attempt of the second batch")
        state.update(held)
        return held

    run.ssc._checkpoint_directory = None  # the function counts here
    run.keep(run.ssc.queueStream([[("a", ["x"])], [("a", ["y"])]]).mapWithState(StateSpec.function(function)))
    assert run.batches(2) == [[["x"]], [["x", "y"]]]
    assert attempts == [1, 2, 2]
    run.stop()


def test_windows_kept_with_an_inverse_function(run: Run) -> None:
    lists = run.ssc.queueStream([[("a", ["x"])]] + [[]] * 6)
    windowed = lists.reduceByKeyAndWindow(operator.add, lambda a, b: a[len(b) :], 5, 1)
    windowed.foreachRDD(spoil)
    run.keep(windowed)
    assert run.batches(7) == [[("a", ["x"])]] * 5 + [[("a", [])]] * 2


def test_what_is_given_besides_a_state_that_has_been_written_and_gone_on(run: Run) -> None:
    """A mapped batch is read again when its state has been cut from its lineage and is eleven versions old."""
    kept: list[Any] = []
    mapped = run.ssc.queueStream([[("a", [i])] for i in range(12)]).mapWithState(StateSpec.function(remember))
    mapped._states.checkpoint(1)
    mapped.foreachRDD(kept.append)
    run.keep(mapped)
    run.ssc._checkpoint_directory = None  # what is kept is here
    results = run.batches(12)
    nodes = [rdd._node.parents[0] for rdd in kept]
    assert all(not node.parents for node in nodes[:10])
    assert [rdd.collect() for rdd in kept] == results == [[("a", list(range(i + 1)))] for i in range(12)]


def test_counts_by_value_keep_nothing_of_values_that_have_left(run: Run) -> None:
    stream = run.ssc.queueStream([[i] for i in range(12)]).countByValueAndWindow(5, 1)
    run.keep(stream)
    results = run.batches(12)
    assert sorted(results[-1]) == [(i, 1) for i in range(7, 12)]
    (states,) = [s for s in run.ssc.graph.streams if type(s).__name__ == "ReducedWindowStream"]
    newest = states.generated[max(states.generated)]
    assert sorted(newest.collect()) == sorted(results[-1])
