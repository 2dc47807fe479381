"""Receivers: what comes in is a batch; restarts, errors, the log, limits."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.storagelevel import StorageLevel

from penstock.streaming.listener import StreamingListener
from penstock.streaming.receiver import Receiver
from penstock.streaming.socket_receiver import SocketReceiver
from tests.streaming.conftest import PATIENCE_S, Run


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.002)


class Manual(Receiver):
    """Stores what the test gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.starts = 0
        self.stops = 0

    def onStart(self) -> None:
        self.starts += 1

    def onStop(self) -> None:
        self.stops += 1


class Events(StreamingListener):
    """What listeners are told of receivers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def onReceiverStarted(self, receiverStarted: Any) -> None:
        self.seen.append(("started", ""))

    def onReceiverError(self, receiverError: Any) -> None:
        self.seen.append(("error", receiverError.receiverInfo().lastErrorMessage()))

    def onReceiverStopped(self, receiverStopped: Any) -> None:
        self.seen.append(("stopped", receiverStopped.receiverInfo().lastErrorMessage()))


def test_what_came_in_between_two_batches_is_a_batch(run: Run) -> None:
    receiver = Manual()
    run.keep(run.ssc.receiverStream(receiver))
    run.batches(1)
    receiver.store("one record")
    receiver.store(["two", "three"])
    receiver.store(("a tuple", "is one record"))
    run.batches(1)
    receiver.store({"a dict": "too"})
    assert sorted(run.batches(1)[1], key=str) == [("a tuple", "is one record"), "one record", "three", "two"]
    assert run.results[2][1] == [{"a dict": "too"}]
    assert receiver.isStarted() and receiver.streamId == 0


def test_a_receiver_that_raises_is_started_again(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.receiverRestartDelay": "10"})
    events = Events()
    run.ssc.addStreamingListener(events)

    class Failing(Manual):
        def onStart(self) -> None:
            super().onStart()
            if self.starts < 3:
                raise OSError("no connection")

    receiver = Failing()
    run.keep(run.ssc.receiverStream(receiver))
    run.batches(1)
    until(lambda: receiver.starts == 3)
    receiver.store([1])
    run.batches(1)
    assert run.results[-1][1] == [1]
    until(lambda: ("started", "") in events.seen)  # told after onStart, by the thread that called it
    run.stop()
    assert events.seen.count(("error", "Error starting receiver")) == 2
    assert events.seen[-2:] == [("started", ""), ("stopped", "Stopped by driver")]


def test_restart_and_stop_of_the_receivers_own(run: Run) -> None:
    receiver = Manual()
    run.keep(run.ssc.receiverStream(receiver))
    run.batches(1)
    receiver.restart("the source moved", millisecond=1)
    until(lambda: receiver.starts == 2)
    assert receiver.stops == 1 and receiver.isStarted()
    receiver.stop("enough")
    assert receiver.stops == 2 and receiver.isStopped()


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_a_receiver_that_is_stopped_while_it_restarts_stays_stopped(run: Run) -> None:
    receiver = Manual()
    stream = run.ssc.receiverStream(receiver)
    run.keep(stream)
    run.batches(1)

    class TooLate(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            receiver.stop("enough")  # just after the delay
            return False

    stream.supervisor._wake = TooLate()  # type: ignore[attr-defined]
    receiver.restart("the source moved")
    for thread in threads("penstock receiver restart"):
        thread.join(PATIENCE_S)
    assert (receiver.starts, receiver.stops, receiver.isStopped()) == (1, 1, True)


def test_a_socket_receiver_ends_with_its_context(run: Run) -> None:
    """Also while it waits for a server that has nothing to say; half a line is no line."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = run.ssc.socketTextStream("127.0.0.1", server.getsockname()[1])
        run.keep(stream)
        run.batches(1)
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"one\nhalf of")
            until(lambda: stream._buffer == ["one"])  # type: ignore[attr-defined]
            run.stop()
            until(lambda: not threads("penstock socket receiver"))
    assert stream._buffer == ["one"]  # type: ignore[attr-defined]


def test_a_receiver_outside_a_context_says_so() -> None:
    with pytest.raises(ValueError, match="use it with receiverStream"):
        Manual().store(1)


def test_a_socket_that_drops_and_comes_back(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.receiverRestartDelay": "20"})
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    stream = run.ssc.socketTextStream("127.0.0.1", port)
    run.keep(stream)
    run.batches(1)

    def serve(text: bytes) -> None:
        connection, _ = server.accept()
        connection.sendall(text)
        connection.close()

    for text in (b"one\ntwo\r\n", "dr\u00e9i\nvier".encode()):
        thread = threading.Thread(target=serve, args=(text,))
        thread.start()
        thread.join(PATIENCE_S)
    until(lambda: len(stream._buffer) == 4)  # type: ignore[attr-defined]
    run.batches(1)
    assert run.results[-1][1] == ["one", "two", "dr\u00e9i", "vier"]
    run.stop()
    server.close()


def test_with_the_log_a_batch_can_be_made_again(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.receiver.writeAheadLog.enable": "true"})
    receiver = Manual()
    stream = run.ssc.receiverStream(receiver)
    run.keep(stream)
    run.ssc.remember(60)
    run.batches(1)
    receiver.store([1, 2])
    receiver.store(3)
    run.batches(1)
    receiver.store([4])
    run.batches(1)
    assert [elements for _, elements in run.results] == [[], [1, 2, 3], [4]]
    stream._batches.clear()  # type: ignore[attr-defined]
    stream.generated.clear()
    times = sorted(stream._ranges)  # type: ignore[attr-defined]
    again = [stream.get_or_compute(t) for t in times]
    assert [rdd.collect() for rdd in again if rdd is not None] == [[], [1, 2, 3], [4]]
    run.stop()


def test_the_log_needs_a_checkpoint_directory(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.receiver.writeAheadLog.enable": "true"})
    run.keep(run.ssc.receiverStream(Manual()))
    run.ssc._checkpoint_directory = None
    with pytest.raises(ValueError, match="needs a checkpoint directory"):
        run.ssc.start()
    run.stop()


def test_the_highest_rate_holds_the_receiver_back(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.receiver.maxRate": "1000"})
    receiver = Manual()
    run.keep(run.ssc.receiverStream(receiver))
    run.batches(1)
    begin = time.monotonic()
    for _ in range(3):
        receiver.store([0] * 100)
    assert time.monotonic() - begin >= 0.19
    run.stop()


def test_backpressure_lowers_the_rate_of_a_slow_program(tmp_path: Path) -> None:
    settings = {"spark.streaming.backpressure.enabled": "true", "spark.streaming.backpressure.pid.minRate": "1"}
    run = Run(str(tmp_path), **settings)
    receiver = Manual()
    stream = run.ssc.receiverStream(receiver)

    def slow(rdd: Any) -> None:
        if rdd.count():
            run.clock.advance(500)  # as if it took half a second

    stream.foreachRDD(slow)
    run.ssc._checkpoint_directory = None  # the function knows the clock
    run.ssc.start()
    for expected in (1, 3):
        receiver.store(list(range(100)))
        run.advance(1000)
        until(lambda expected=expected: run.done >= expected)
    until(lambda: stream.rate_limit is not None)  # type: ignore[attr-defined]
    assert 1 <= stream.rate_limit <= 400  # type: ignore[attr-defined]
    run.stop()


def test_an_unknown_estimator_is_refused(tmp_path: Path) -> None:
    settings = {
        "spark.streaming.backpressure.enabled": "true",
        "spark.streaming.backpressure.rateEstimator": "magic",
    }
    run = Run(str(tmp_path), **settings)
    run.keep(run.ssc.receiverStream(Manual()))
    with pytest.raises(ValueError, match="rateEstimator is pid, not magic"):
        run.ssc.start()
    run.stop()


def segments(directory: Path) -> list[int]:
    """The first numbers of the log's segments."""
    return sorted(int(path.stem) for path in directory.glob("receivedData/receiver-0/*.log"))


def test_segments_are_removed_when_no_batch_of_a_durable_checkpoint_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.streaming.wal.SEGMENT_BYTES", 0)  # a segment a block, a block a batch
    run = Run(str(tmp_path), **{"spark.streaming.receiver.writeAheadLog.enable": "true"})
    receiver = Manual()
    stream = run.ssc.receiverStream(receiver)
    run.keep(stream.window(3))
    run.batches(1)
    found = []
    for i in range(1, 31):
        receiver.store([i])
        run.batches(1)
        found.append(segments(tmp_path))
    assert run.results[-1][1] == [28, 29, 30]
    for i, there in enumerate(found, 1):
        assert set(range(max(1, i - 3), i + 1)) <= set(there)  # the window's, and those before it
        assert len(there) <= 6
    run.stop()


def test_a_segment_stays_while_the_end_of_its_batch_is_not_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.streaming.wal.SEGMENT_BYTES", 0)
    run = Run(str(tmp_path), **{"spark.streaming.receiver.writeAheadLog.enable": "true"})
    receiver = Manual()
    run.keep(run.ssc.receiverStream(receiver))
    run.batches(1)
    for i in range(1, 4):
        receiver.store([i])
        run.batches(1)
    there = segments(tmp_path)
    assert there == [2, 3]  # of the batch before the last, and of the last, whose end no checkpoint has made durable
    monkeypatch.setattr(run.ssc._checkpoints, "_add", lambda lines, durable: None)  # nothing is written any more
    for stream in run.ssc.graph.inputs:
        stream.forget(run.clock.now_ms() + 10_000, True)
    assert segments(tmp_path) == there
    monkeypatch.undo()
    run.batches(1)
    assert len(segments(tmp_path)) == 1
    run.stop()


def test_lines_that_come_while_the_context_stops_are_no_error_of_a_thread() -> None:
    """The log is closed between the line's arrival and its being stored."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        receiver = SocketReceiver("127.0.0.1", server.getsockname()[1], StorageLevel.MEMORY_ONLY)

        class Stopping:
            state = "STARTED"
            restarts = 0

            def store_many(self, items: list[Any]) -> None:
                self.state = "STOPPED"
                raise ValueError("The records were not stored: the StreamingContext has stopped")

            def restart(self, message: str, error: BaseException | None, delay_ms: int | None) -> None:
                self.restarts += 1

        stopping = Stopping()
        receiver._supervisor = stopping  # type: ignore[assignment]
        sender = threading.Thread(target=lambda: server.accept()[0].sendall(b"a line\n"))
        sender.start()
        receiver._receive()
        sender.join(PATIENCE_S)
    assert stopping.state == "STOPPED" and stopping.restarts == 0
