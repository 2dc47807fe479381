"""One program at a time in a checkpoint directory: what two that overlap, or follow each other closely, do to it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.checkpoint.lock import FileLock
from penstock.core import files
from penstock.streaming import checkpoints
from penstock.streaming.checkpoint_files import latest
from penstock.streaming.context import StreamingContext
from penstock.streaming.wal import WriteAheadLog
from tests.rdd.conftest import Context, until
from tests.streaming.conftest import Run
from tests.streaming.programs import BEFORE, SEEN, Given, checkpoint_of, collect

START = 1_000_000_000
LOG = {"spark.streaming.receiver.writeAheadLog.enable": "true"}


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    yield
    SEEN.clear()
    BEFORE.clear()


def total(new: list[int], old: int | None) -> int:
    return (old or 0) + sum(new)


def ones(ms: int) -> list[tuple[str, int]]:
    return [("k", 1)]


def program(directory: Path) -> Run:
    run = Run(str(directory))
    run.ssc.generatedStream(ones).updateStateByKey(total).checkpoint(1).foreachRDD(collect)
    return run


HOLDER = """if True:
    import sys, time
    from pathlib import Path
    from penstock.checkpoint.lock import FileLock
    lock = FileLock(Path(sys.argv[1]) / ".lock")
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    run = program(tmp_path)
    run.batches(2)
    run.stop()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        for again in (None, START + 2_500):
            other = Run(str(tmp_path), again=again)
            if again is None:
                other.ssc.generatedStream(ones).foreachRDD(collect)
            with pytest.raises(ValueError, match=f"Another program runs on the checkpoint directory {tmp_path}"):
                other.ssc.start()
            assert other.ssc.state == "INITIALIZED" and StreamingContext.getActive() is None
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    third = Run(str(tmp_path), again=START + 2_500)
    third.batches(1)
    third.stop()
    assert [(n, [("k", n)]) for n in (1, 2, 3)] == SEEN


def test_a_start_that_fails_lets_the_directory_go(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    lock = threading.Lock()
    run.ssc.generatedStream(ones).foreachRDD(lambda rdd: lock.acquire())
    with pytest.raises(TypeError, match="cannot be pickled"):
        run.ssc.start()
    again = program(tmp_path)
    again.batches(1)
    again.stop()
    assert SEEN == [(1, [("k", 1)])]


def test_what_another_program_did_after_the_checkpoint_was_read_counts(tmp_path: Path) -> None:
    run = program(tmp_path)
    run.batches(1)
    run.stop()
    slow = Run(str(tmp_path), again=START + 1_500)  # has read the checkpoint of the first batch
    quick = Run(str(tmp_path), again=START + 1_500)
    quick.batches(3)
    quick.stop()
    slow.clock.set(START + 4_500)
    slow.batches(1)
    slow.stop()
    assert [(n, [("k", n)]) for n in range(1, 6)] == SEEN


def test_a_program_that_was_to_begin_does_not_remove_one_that_has_begun(tmp_path: Path) -> None:
    def create() -> StreamingContext:
        return program(tmp_path / "checkpoint").ssc

    late = StreamingContext.getOrCreate(str(tmp_path / "checkpoint"), create)
    run = program(tmp_path / "checkpoint")
    run.batches(2)
    run.stop()
    left = checkpoint_of(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="Another program has begun in .*: start this one again"):
        late.start()
    assert checkpoint_of(tmp_path / "checkpoint") == left


def test_a_directory_that_is_let_go_while_the_next_context_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner ends between the two questions: whether it is locked, and whether its owner ends."""
    checkpoints._ending.add(tmp_path)
    owner = FileLock(tmp_path / ".lock")

    def asked(path: Path) -> FileLock:
        try:
            return FileLock(path)
        except BlockingIOError:
            owner.release()
            checkpoints._ending.discard(tmp_path)
            raise

    monkeypatch.setattr(checkpoints, "FileLock", asked)
    run = program(tmp_path)
    run.batches(1)
    run.stop()
    assert [when for when, _ in SEEN] == [1]


def test_a_context_that_follows_one_whose_function_stopped_it(tmp_path: Path) -> None:
    """The next context waits until the batch of the function is noted: it does not run again."""
    run = program(tmp_path)
    go, ended = threading.Event(), threading.Event()

    def stop(second: int) -> None:
        if second == 2:
            run.ssc.stop(stopSparkContext=False)
            ended.set()
            assert go.wait(60)

    BEFORE.append(stop)
    run.batches(1)
    run.advance(1000)
    assert ended.wait(60)
    assert latest(tmp_path).pending == [START + 2000]  # type: ignore[union-attr]
    BEFORE.clear()
    again = Run(str(tmp_path), again=START + 2_500)
    starting = threading.Thread(target=again.ssc.start)
    starting.start()
    starting.join(0.1)
    assert starting.is_alive() and again.ssc.state == "INITIALIZED"
    go.set()
    starting.join(60)
    again.batches(1)
    again.stop()
    assert [(n, [("k", n)]) for n in (1, 2, 3)] == SEEN


def test_a_receiver_that_outlives_its_context_is_not_told_that_records_were_kept(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **LOG)
    receiver = Given()
    run.ssc.receiverStream(receiver).foreachRDD(collect)
    run.batches(1)
    receiver.store(["one"])
    run.stop()
    again = Run(str(tmp_path), again=START + 1_500, **LOG)
    again.ssc.start()
    with pytest.raises(ValueError, match="not stored: the StreamingContext has stopped"):
        receiver.store(["late"])
    (now,) = (stream.receiver for stream in again.ssc.graph.inputs)  # type: ignore[attr-defined]
    now.store(["two"])
    again.batches(1)
    again.stop()
    assert SEEN == [(1, []), (2, ["one", "two"])]
    assert [records for _, records in WriteAheadLog(tmp_path / "receivedData" / "receiver-0").read(0)] == [
        ["one"],
        ["two"],
    ]


def test_a_clock_that_was_set_back_makes_no_batch_twice(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **LOG)
    receiver = Given()
    run.ssc.receiverStream(receiver).foreachRDD(collect)
    for n in range(3):
        run.batches(1) if n == 0 else (receiver.store([n]), run.batches(1))
    run.stop()
    again = Run(str(tmp_path), again=START + 500, **LOG)
    again.ssc.start()
    (now,) = (stream.receiver for stream in again.ssc.graph.inputs)  # type: ignore[attr-defined]
    now.store(["new"])
    again.advance(2000)
    again.advance(1500)
    until(lambda: again.done)
    again.stop()
    assert SEEN == [(1, []), (2, [1]), (3, [2]), (4, ["new"])]


class FailingSync(files.LocalFiles):
    """A directory that cannot be synced, once."""

    def __init__(self) -> None:
        self.left = 0

    def sync_directory(self, path: Path) -> None:
        if self.left:
            self.left -= 1
            raise OSError(5, os.strerror(5), str(path))
        super().sync_directory(path)


def test_batches_after_a_checkpoint_that_was_replaced_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new file has its name, but not durably: what comes next must not go into the old one, which has none."""
    run = program(tmp_path)
    run.batches(1)
    run.stop()
    failing = FailingSync()
    monkeypatch.setattr(checkpoints, "fs", failing)
    again = Run(str(tmp_path), again=START + 1_500)
    again.ssc.start()
    done = again.ssc._checkpoints.done  # type: ignore[union-attr]
    pending = []

    def in_vain(time_ms: int) -> None:
        failing.left = 1 if time_ms == START + 2000 else 0
        try:
            done(time_ms)
        finally:
            pending.append(again.ssc._unfinished())  # what a file that another thread begins here would have

    again.ssc._checkpoints.done = in_vain  # type: ignore[union-attr,method-assign]
    BEFORE.append(lambda second: None if second < 3 else (_ for _ in ()).throw(OSError("the sink is down")))
    again.batches(2)
    assert isinstance(again.ssc._error, OSError)
    found = checkpoint_of(tmp_path)
    again.stop()
    assert pending == [[START + 2000]]
    assert (found.time_ms, found.pending) == (START + 3000, [START + 2000, START + 3000])
    SEEN.clear()
    BEFORE.clear()
    third = Run(str(tmp_path), again=START + 3_500)
    third.batches(1)
    until(lambda: third.done == 3)
    third.stop()
    assert [(n, [("k", n)]) for n in (2, 3, 4)] == SEEN


def test_data_that_no_checkpoint_names_goes_with_the_next_start(tmp_path: Path) -> None:
    run = program(tmp_path)
    run.batches(3)
    kept = Context()
    kept.setCheckpointDir(str(tmp_path))
    own = kept.parallelize([1, 2], 1)
    own.checkpoint()
    own.count()
    run.stop()
    (place,) = {Path(path).parent for path in checkpoint_of(tmp_path).directories()}
    for name in ("stream-7-0a", "state-8-0b"):
        (place / name).mkdir()
        (place / name / "part-00000").write_bytes(b"half")
    (tmp_path / ".checkpoint-1.0a.tmp").write_bytes(b"half")
    empty = tmp_path / "11111111-2222-3333-4444-555555555555"
    empty.mkdir()
    (tmp_path / "mine").mkdir()
    needed = set(map(Path, checkpoint_of(tmp_path).directories()))
    again = Run(str(tmp_path), again=START + 3_500)
    again.ssc.start()
    assert set(place.iterdir()) >= needed and not any(path.name.endswith(("0a", "0b")) for path in place.iterdir())
    assert not empty.exists() and not list(tmp_path.glob(".*.tmp"))
    assert (tmp_path / "mine").exists() and kept._checkpointFile(own._checkpoint_directory()).collect() == [1, 2]
    again.batches(1)
    again.stop()
    assert SEEN[-1] == (4, [("k", 4)])
