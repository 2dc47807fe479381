"""What a restart finds: batches that were not done, their data, the state; and what that costs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming import checkpoints, generator
from penstock.streaming.checkpoint_files import Metadata, checkpoint_files
from penstock.streaming.map_with_state import State, StateSpec
from tests.streaming.conftest import PATIENCE_S, Run
from tests.streaming.programs import BEFORE, SEEN, Given, checkpoint_of, collect
from tests.streaming.test_receivers import until

START = 1_000_000_000
LOG = {"spark.streaming.receiver.writeAheadLog.enable": "true"}


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    yield
    SEEN.clear()
    BEFORE.clear()
    FORGOTTEN[0] = 0


def total(new: list[int], old: int | None) -> int:
    return (old or 0) + sum(new)


def running(key: Any, value: Any, state: State) -> Any:
    state.update((state.getOption() or 0) + value)
    return key, state.get()


#: Up to this time generated data is not what it was: as that of a source that has forgotten it.
FORGOTTEN = [0]


def second(ms: int) -> list[tuple[str, int]]:
    """The data of generated streams: the batch's second."""
    return [("k", (ms - START) // 1000 if ms > FORGOTTEN[0] else -1_000_000)]


# ---------------------------------------------------------------- which batches


def test_a_batch_that_is_being_made_stays_pending_while_another_is_done(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    run.keep(run.ssc.generatedStream(lambda ms: [1]))
    go, submit = threading.Event(), run.ssc._scheduler.submit
    run.ssc._scheduler.submit = lambda batch: (go.wait(PATIENCE_S), submit(batch))[1]  # type: ignore[assignment,method-assign]
    run.ssc.start()
    run.advance(1000)
    until(lambda: checkpoint_of(tmp_path).time_ms == START + 1000)
    run.ssc._checkpoints.done(START)  # type: ignore[union-attr]
    assert checkpoint_of(tmp_path).pending == [START + 1000]
    with run.ssc._checkpoints._lock:  # type: ignore[union-attr]
        run.ssc._checkpoints._begin_file({})  # type: ignore[union-attr]
    assert checkpoint_of(tmp_path).pending == [START + 1000]
    go.set()
    until(lambda: run.done == 1)
    until(lambda: checkpoint_of(tmp_path).pending == [])
    run.stop()


def test_missed_batches_are_made_at_their_times_and_share_their_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(str(tmp_path))
    run.ssc.generatedStream(second).updateStateByKey(total).checkpoint(100).foreachRDD(collect)
    run.batches(1)
    run.stop()
    synced: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(generator, "TOGETHER_S", 1e9)  # however slow the machine is
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), sync(descriptor))[1])
    again = Run(str(tmp_path), again=START + 1_000_500)
    again.ssc.start()
    until(lambda: again.done == 999)
    again.stop()
    assert [when for when, _ in SEEN] == list(range(1, 1001))
    assert [elements for _, elements in SEEN] == [[("k", n * (n + 1) // 2)] for n in range(1, 1001)]
    # Two for each group of batches, four for each of the ten times that the state is written; not two a batch.
    assert len(synced) < 100


def test_a_batch_does_not_wait_until_all_missed_ones_are_made(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    run.ssc.generatedStream(second).transform(lambda when, rdd: _checked(when, rdd)).foreachRDD(collect)
    run.batches(1)
    run.stop()
    SEEN.clear()

    def slow(when: int) -> None:
        if when == 2:
            time.sleep(0.12)  # longer than batches are made together
        if when == 9:
            until(lambda: SEEN)

    BEFORE.append(slow)
    again = Run(str(tmp_path), again=START + 9_500)
    again.ssc.start()
    until(lambda: again.done == 8)
    again.stop()
    assert again.ssc._error is None
    assert [when for when, _ in SEEN] == list(range(2, 10))


def test_a_stop_does_not_wait_for_all_missed_batches(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    run.ssc.generatedStream(second).foreachRDD(collect)
    run.batches(1)
    run.stop()
    again = Run(str(tmp_path), again=START + 300_000_500)
    again.ssc.start()
    until(lambda: len(SEEN) > 1)
    again.stop()
    found = checkpoint_of(tmp_path)
    assert found.time_ms < START + 290_000_000  # 300,000 batches take minutes to be made
    last = SEEN[-1][0]
    left = [*found.pending, found.time_ms + 1000]  # those that are made and not done, and then the next
    assert left[0] in (START + last * 1000, START + (last + 1) * 1000)


def test_a_function_may_stop_the_context_and_its_batch_is_done(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    run.ssc.generatedStream(second).foreachRDD(collect)
    BEFORE.append(lambda when: run.ssc.stop(stopSparkContext=False) if when == 2 else None)
    run.batches(1)
    run.advance(1000)
    assert run.ssc.awaitTerminationOrTimeout(PATIENCE_S)
    until(lambda: checkpoint_of(tmp_path) == Metadata(START + 2000, START, []))
    assert SEEN == [(1, [("k", 1)]), (2, [("k", 2)])]
    until(lambda: run.ssc._checkpoints._file is None)  # type: ignore[union-attr]
    run.stop()


def test_checkpoints_do_not_grow_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LINES", 10)
    run = Run(str(tmp_path))
    run.ssc.generatedStream(second).foreachRDD(collect)
    run.batches(60)
    run.stop()
    files = checkpoint_files(tmp_path)
    assert len(files) == checkpoints.KEPT
    assert all(path.read_bytes().count(b"\n") <= 13 for path in files)
    assert checkpoint_of(tmp_path) == Metadata(START + 60_000, START, [])


# ---------------------------------------------------------------- state


@pytest.mark.parametrize("kind", ["updateStateByKey", "mapWithState", "reduceByKeyAndWindow"])
def test_state_outlives_two_restarts_in_a_row(tmp_path: Path, kind: str) -> None:
    """The second comes before the state is written again: what the first began from must still be there."""
    run = Run(str(tmp_path))
    pairs = run.ssc.generatedStream(second)
    if kind == "updateStateByKey":
        stream: Any = pairs.updateStateByKey(total).checkpoint(8)
    elif kind == "mapWithState":
        mapped = pairs.mapWithState(StateSpec.function(running))
        mapped._states.checkpoint(8)
        stream = mapped.stateSnapshots()
    else:
        stream = pairs.reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a - b, 3600, 1).checkpoint(8)
    stream.foreachRDD(collect)
    run.batches(18)
    run.stop()
    FORGOTTEN[0] = START + 16_000  # when the state was last written
    for restart in range(4):
        again = Run(str(tmp_path), again=START + 18_000 + restart * 1000 + 500)
        again.batches(1)
        again.stop()
    assert [when for when, _ in SEEN] == list(range(1, 23))
    assert [elements for _, elements in SEEN] == [[("k", n * (n + 1) // 2)] for n in range(1, 23)]


def test_a_batch_long_after_the_state_that_it_begins_from(tmp_path: Path) -> None:
    """With batches of 10 ms a thousand may lie between two times that the state is written."""
    run = Run(str(tmp_path), batch_seconds=0.01)
    pairs = run.ssc.generatedStream(lambda ms: [("k", 1)])
    pairs.updateStateByKey(total).foreachRDD(collect)
    pairs.mapWithState(StateSpec.function(running)).foreachRDD(collect)
    run.batches(1)
    run.stop()
    SEEN.clear()
    for path in checkpoint_files(tmp_path):
        path.unlink()
    pending = [START + 9_000, START + 9_010]
    (tmp_path / "checkpoint-1000009010").write_bytes(Metadata(pending[-1], START, pending).encode())
    again = Run(str(tmp_path), again=START + 9_011)
    again.ssc.start()
    until(lambda: len(SEEN) == 4)
    again.stop()
    assert [elements for _, elements in SEEN] == [[("k", 900)]] * 2 + [[("k", 901)]] * 2


# ---------------------------------------------------------------- batches that failed


class Failing(Exception):
    """What the sink of the test raises."""


def fail_at(seconds: set[int]) -> None:
    def before(when: int) -> None:
        if when in seconds:
            raise Failing(f"the sink is down at {when}")

    BEFORE.append(before)


def sizes(run: Run) -> dict[str, int]:
    """How many batches each stream holds data of, in memory."""
    found = {}
    for i, stream in enumerate(run.ssc.graph.streams):
        found[f"{i} {type(stream).__name__}"] = len(stream.generated) + len(getattr(stream, "_batches", ()))
    return found


def test_a_batch_that_failed_keeps_files_and_no_memory_and_runs_again(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **LOG)
    receiver = Given()
    stream = run.ssc.receiverStream(receiver)
    pairs = stream.map(lambda x: ("k", x))
    pairs.updateStateByKey(total).checkpoint(2).foreachRDD(collect)
    mapped = pairs.mapWithState(StateSpec.function(running))
    mapped._states.checkpoint(2)
    mapped.stateSnapshots().foreachRDD(collect)
    stream.window(3).foreachRDD(collect)
    fail_at({15})
    run.batches(1)
    for i in range(2, 41):
        receiver.store([i])
        run.batches(1)
        if i == 12:
            early = sizes(run)
    assert sizes(run) == early
    ranges = sorted(t - START for t in stream._ranges)  # type: ignore[attr-defined]
    # Those that the batch of 15 s needs: from the state before it, with its window; and the last ones.
    assert max(t for t in ranges if t < 30_000) == 15_000 and min(ranges) > 5000 and len(ranges) < 16
    run.stop()
    assert checkpoint_of(tmp_path).pending == [START + 15_000]
    SEEN.clear()
    BEFORE.clear()
    again = Run(str(tmp_path), again=START + 40_500, **LOG)
    again.ssc.start()
    until(lambda: again.done == 1)
    again.batches(1)
    again.stop()
    n, m = sum(range(2, 16)), sum(range(2, 41))
    assert SEEN[:3] == [(15, [("k", n)]), (15, [("k", n)]), (15, [13, 14, 15])]
    assert SEEN[3:] == [(41, [("k", m)]), (41, [("k", m)]), (41, [39, 40])]
    assert checkpoint_of(tmp_path).pending == []


def test_a_batch_whose_jobs_cannot_be_made_runs_again(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **LOG)
    receiver = Given()
    run.ssc.receiverStream(receiver).transform(lambda when, rdd: _checked(when, rdd)).foreachRDD(collect)
    fail_at({2})
    run.batches(1)
    receiver.store(["kept"])
    run.advance(1000)
    with pytest.raises(Failing, match="at 2"):
        run.ssc.awaitTermination(PATIENCE_S)
    run.batches(3)
    run.stop()
    assert [when for when, _ in SEEN] == [1, 3, 4, 5]
    assert checkpoint_of(tmp_path).pending == [START + 2000]
    SEEN.clear()
    BEFORE.clear()
    again = Run(str(tmp_path), again=START + 5_500, **LOG)
    again.ssc.start()
    until(lambda: again.done == 1)
    again.stop()
    assert SEEN == [(2, ["kept"])]


def _checked(when: Any, rdd: Any) -> Any:
    for call in BEFORE:
        call(round(when.timestamp()) - 1_000_000)
    return rdd


def test_an_error_when_a_batch_ends_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "LINES", 1)  # each file begins with what is pending
    run = Run(str(tmp_path))
    run.ssc.generatedStream(second).foreachRDD(collect)
    run.batches(1)
    done = run.ssc._checkpoints.done  # type: ignore[union-attr]

    def failing(time_ms: int) -> None:
        if time_ms == START + 2000:
            raise OSError("No space left on device")
        done(time_ms)

    run.ssc._checkpoints.done = failing  # type: ignore[union-attr,method-assign]
    run.batches(3)
    with pytest.raises(OSError, match="No space left"):
        run.ssc.awaitTermination(PATIENCE_S)
    run.ssc.stop(stopSparkContext=False, stopGraceFully=False)
    assert [when for when, _ in SEEN] == [1, 2, 3, 4]
    assert checkpoint_of(tmp_path).pending == [START + 2000]
    run.ssc._scheduler.drain()  # nothing is open, or this would not return


def test_a_batch_that_overtakes_another_lets_nothing_go_that_the_other_needs(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.concurrentJobs": "2"}, **LOG)
    go = threading.Event()
    BEFORE.append(lambda when: go.wait(PATIENCE_S) if when == 2 else None)
    receiver = Given()
    stream = run.ssc.receiverStream(receiver)
    stream.foreachRDD(collect)
    run.batches(1)
    for i in range(2, 9):
        receiver.store([i])
        run.advance(1000)
        until(lambda i=i: START + i * 1000 in stream._ranges)  # type: ignore[attr-defined]
    until(lambda: run.done == 7)
    assert START + 2000 in stream.generated and START + 2000 in stream._ranges  # type: ignore[attr-defined]
    assert checkpoint_of(tmp_path).pending == [START + 2000]
    go.set()
    until(lambda: run.done == 8)
    run.stop()
    assert sorted(SEEN) == [(1, [])] + [(i, [i]) for i in range(2, 9)]
