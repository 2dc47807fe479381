"""What docs/dstreams.md says happens when something goes wrong, or slowly: each statement as a program."""

from __future__ import annotations

import itertools
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PythonException

from penstock.rdd.errors import Py4JJavaError
from penstock.streaming.context import StreamingContext
from penstock.streaming.listener import StreamingListener
from tests.rdd.conftest import Context
from tests.streaming.conftest import PATIENCE_S, Run
from tests.streaming.test_receivers import Events, Manual, until

# ---------------------------------------------------------------- a poison record, sys.exit()


def test_a_poison_record_fails_one_output_operation_of_one_batch(run: Run) -> None:
    def checked(x: int) -> int:
        if x == 2:
            raise ValueError("a poison record")
        return x

    numbers = run.ssc.queueStream([[1], [2, 20], [3]])
    run.keep(numbers.map(checked))
    run.keep(numbers.map(str))
    assert run.batches(3) == [[1], ["1"], ["2", "20"], [3], ["3"]]
    for _ in range(2):
        with pytest.raises(Py4JJavaError, match="ValueError: a poison record") as caught:
            run.ssc.awaitTermination(PATIENCE_S)
        assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("partitions", [1, 2])
@pytest.mark.parametrize("code", [0, 3])
def test_sys_exit_in_a_task_fails_its_batch_and_nothing_else(run: Run, partitions: int, code: int) -> None:
    def leave(x: int) -> int:
        if x == 2:
            sys.exit(code)
        return x

    inputs = [run.sc.parallelize([x, x + 10], partitions) for x in (1, 2, 3)]
    run.keep(run.ssc.queueStream(inputs).map(leave))
    assert run.batches(3) == [[1, 11], [3, 13]]
    with pytest.raises(PythonException, match=f"SystemExit: {code}"):
        run.ssc.awaitTermination(PATIENCE_S)


@pytest.mark.parametrize("where", ["foreachRDD", "transform"])
def test_sys_exit_in_a_function_of_the_driver_fails_its_batch_and_nothing_else(run: Run, where: str) -> None:
    def leave(rdd: Any) -> Any:
        if rdd.first() == 2:
            sys.exit(0)
        return rdd

    numbers = run.ssc.queueStream([[1], [2], [3]])
    if where == "foreachRDD":
        numbers.foreachRDD(leave)
        run.keep(numbers)
        assert run.batches(3) == [[1], [2], [3]]
    else:
        run.keep(numbers.transform(leave))
        run.batches(1)
        run.advance(1000)
        until(lambda: run.ssc._error is not None)
        assert run.batches(1) == [[1], [3]]
    with pytest.raises(PythonException, match="SystemExit: 0"):
        run.ssc.awaitTermination(PATIENCE_S)


@pytest.mark.parametrize("error", [ValueError("of a listener"), SystemExit(1)])
def test_a_listener_that_raises_stops_neither_batches_nor_other_listeners(
    run: Run, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Any) -> None:
        raise error

    first, second = StreamingListener(), StreamingListener()
    times: list[int] = []
    first.onBatchSubmitted = first.onBatchCompleted = fail  # type: ignore[assignment,method-assign]
    second.onBatchCompleted = lambda event: times.append(int(event.batchInfo().batchTime()) - 1_000_000_000)  # type: ignore[method-assign,assignment]
    run.ssc.addStreamingListener(first)
    run.ssc.addStreamingListener(second)
    run.keep(run.ssc.queueStream([[1], [2]]))
    with caplog.at_level(logging.ERROR, "penstock.streaming.events"):
        assert run.batches(2) == [[1], [2]]
        run.stop()
    assert times == [1000, 2000]
    assert caplog.text.count("A streaming listener failed in onBatchCompleted") == 2
    assert run.ssc.awaitTerminationOrTimeout(0)  # stopped, without an error


# ---------------------------------------------------------------- slow and fast batches


def test_batches_behind_a_slow_one_run_one_by_one_at_their_own_times(run: Run) -> None:
    go = threading.Event()
    events: list[tuple[str, int, int]] = []
    listener = StreamingListener()

    def note(what: str) -> Callable[[Any], None]:
        def told(event: Any) -> None:
            info = event.batchInfo()
            events.append((what, int(info.batchTime()) - 1_000_000_000, info.schedulingDelay()))

        return told

    listener.onBatchStarted = note("started")  # type: ignore[method-assign]
    listener.onBatchCompleted = note("completed")  # type: ignore[method-assign]
    run.ssc.addStreamingListener(listener)
    numbers = run.ssc.queueStream([[0], [1], [2], [3]])
    numbers.foreachRDD(lambda rdd: go.wait(PATIENCE_S) if rdd.first() == 0 else None)
    run.keep(numbers)
    run.ssc._checkpoint_directory = None  # the function cannot be pickled
    run.ssc.start()
    for i in range(4):
        run.advance(1000)
        until(lambda i=i: len(run.ssc._scheduler._open) == i + 1 and events)
    assert run.results == []
    go.set()
    until(lambda: run.done == 4)
    run.stop()
    assert run.results == [(1, [0]), (2, [1]), (3, [2]), (4, [3])]
    assert [(what, when) for what, when, _ in events] == [
        (what, when) for when in (1000, 2000, 3000, 4000) for what in ("started", "completed")
    ]
    assert [delay for what, _, delay in events if what == "completed"] == [0, 2000, 1000, 0]


def test_batches_of_ten_milliseconds(tmp_path: Path) -> None:
    sc = Context("local[2]", **{"spark.default.parallelism": "1"})
    with pytest.warns(FutureWarning, match="deprecated"):
        ssc = StreamingContext(sc, 0.01)
    told: list[int] = []
    listener = StreamingListener()
    listener.onBatchCompleted = lambda event: told.append(int(event.batchInfo().batchTime()))  # type: ignore[method-assign,assignment]
    ssc.addStreamingListener(listener)
    receiver = Manual()
    stored: list[int] = []
    seen: list[tuple[int, list[int]]] = []
    stream = ssc.receiverStream(receiver)
    ssc.generatedStream(lambda ms: [ms]).union(stream).foreachRDD(lambda rdd: _note(seen, rdd.collect()))
    begin = ssc.clock.now_ms()
    ssc.start()
    while (end := ssc.clock.now_ms()) < begin + 2000:
        stored.append(-1 - len(stored))
        receiver.store([stored[-1]])
        time.sleep(0.003)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    over = ssc.clock.now_ms()
    sc._end_jobs("because the test has ended")
    times = [when for when, _ in seen]
    assert times == list(range(times[0], times[-1] + 1, 10)) and times[0] % 10 == 0  # one every 10 ms, none left out
    assert begin < times[0] and end < times[-1] <= over
    assert told == times
    assert [x for _, elements in seen for x in elements] == stored


def _note(seen: list[tuple[int, list[int]]], elements: list[int]) -> None:
    seen.append((elements[0], elements[1:]))


# ---------------------------------------------------------------- sources that fail


def test_a_receiver_that_raises_in_on_start_is_started_again_after_the_delay(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.receiverRestartDelay": "40"})
    events = Events()
    run.ssc.addStreamingListener(events)
    begun: list[float] = []

    class Failing(Manual):
        def onStart(self) -> None:
            super().onStart()
            begun.append(time.monotonic())
            if self.starts < 3:
                raise OSError("no connection")

    receiver = Failing()
    run.keep(run.ssc.receiverStream(receiver))
    run.ssc._checkpoint_directory = None  # the class counts here
    run.batches(2)  # batches do not wait for it
    until(lambda: receiver.starts == 3 and receiver.isStarted())
    receiver.store([1])
    assert run.batches(1) == [[], [], [1]]
    until(lambda: ("started", "") in events.seen)  # told after onStart, by the thread that called it
    run.stop()
    assert receiver.stops == 3
    assert all(b - a >= 0.04 for a, b in itertools.pairwise(begun))
    told = [("error", "Error starting receiver"), ("stopped", "Error starting receiver")]
    assert events.seen == [*told, *told, ("started", ""), ("stopped", "Stopped by driver")]


def test_an_exception_in_a_thread_of_a_receiver_is_the_threads_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends that thread; the receiver is neither stopped nor started again unless it asks for it."""
    uncaught: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: uncaught.append(str(args.exc_value)))
    events = Events()
    run.ssc.addStreamingListener(events)

    class Threaded(Manual):
        def onStart(self) -> None:
            super().onStart()
            self.thread = threading.Thread(target=self.receive)
            self.thread.start()

        def receive(self) -> None:
            if self.starts == 2:
                self.store(["second"])
                return
            self.store(["first"])
            raise OSError("the connection is lost")

    receiver, other = Threaded(), Manual()
    run.keep(run.ssc.receiverStream(receiver).union(run.ssc.receiverStream(other)))
    run.ssc._checkpoint_directory = None  # a thread cannot be pickled
    run.ssc.start()
    receiver.thread.join(PATIENCE_S)
    other.store(["other"])
    assert run.batches(2) == [["first", "other"], []]
    assert uncaught == ["the connection is lost"]
    assert receiver.isStarted() and receiver.starts == 1
    receiver.restart("as it should have done itself", millisecond=1)
    until(lambda: any(stream._buffer for stream in run.ssc.graph.inputs))  # type: ignore[attr-defined]
    assert receiver.starts == 2
    assert run.batches(1)[2] == ["second"]
    until(lambda: events.seen.count(("started", "")) == 3)  # told after onStart
    run.stop()
    assert Counter(events.seen) == Counter(
        [("started", "")] * 3 + [("stopped", "as it should have done itself")] + [("stopped", "Stopped by driver")] * 2
    )


def test_a_socket_that_drops_is_connected_to_again_after_the_delay(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **{"spark.streaming.receiverRestartDelay": "50"})
    held = socket.socket()  # bound and not listening: connections are refused, and nobody else gets the port
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    server = socket.create_server(("127.0.0.1", port), reuse_port=True)
    stream: Any = run.ssc.socketTextStream("127.0.0.1", port)
    run.keep(stream)

    def serve(text: bytes) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(text)

    first = threading.Thread(target=serve, args=(b"one\ntwo\nthe rest of a line",))
    first.start()
    run.ssc.start()
    first.join(PATIENCE_S)
    server.close()
    dropped = time.monotonic()
    until(lambda: len(stream._buffer) == 3)
    assert run.batches(1) == [["one", "two", "the rest of a line"]]  # what came before it dropped is there
    time.sleep(0.15)  # several attempts are refused
    assert run.batches(1)[1] == []  # and batches go on without it
    server = socket.create_server(("127.0.0.1", port), reuse_port=True)
    second = threading.Thread(target=serve, args=(b"three\n",))
    second.start()
    second.join(PATIENCE_S)
    assert time.monotonic() - dropped >= 0.05
    until(lambda: stream._buffer == ["three"])
    assert run.batches(1)[2] == ["three"]
    assert not run.ssc.awaitTerminationOrTimeout(0)  # a connection that is lost is no error of the program
    run.stop()
    server.close()
    held.close()
