"""What other threads do between two statements: each test holds one thread there, and lets another one act."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyspark.sql.connect.proto as pb
import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException

from penstock.connect import streaming, table_writes
from penstock.connect.artifact_files import ArtifactFiles
from penstock.connect.caches import Caches
from penstock.connect.catalog import Views
from penstock.connect.errors import RpcFailure
from penstock.connect.listeners import ListenerBus
from penstock.connect.operations import Operation
from penstock.connect.service import Peer, Service
from penstock.connect.session import Session
from penstock.core.config import TIME_ZONE, Conf
from penstock.core.errors import SparkError
from penstock.plan.nodes import OneRow
from penstock.runtime.listener import QueryEvent
from penstock.sinks import batch_writer

#: How long the held thread waits for the other one, which a lock may rightly hold up.
HELD_S = 0.3
PATIENCE_S = 20.0
PEER = Peer()


def beside(action: Callable[[], object]) -> threading.Thread:
    """Run it in a thread of its own, and wait for its end as far as nothing holds it up."""
    thread = threading.Thread(target=action)
    thread.start()
    thread.join(HELD_S)
    return thread


@pytest.fixture
def session(service: Service) -> Session:
    return service.sessions.get("tester", str(uuid4()))


def operation_of(session: Session, source: Iterator[Any]) -> Operation:
    operation = Operation(session.id, session.server_id, str(uuid4()))
    operation.run(source)
    session.begin(operation)
    return operation


def batches(count: int) -> Iterator[pb.ExecutePlanResponse]:
    yield from (pb.ExecutePlanResponse() for _ in range(count))


# ---------------------------------------------------------------- executions and the end of their session


@pytest.mark.parametrize("how", ["once", "attached"])
def test_results_that_the_session_s_end_cuts_off_are_not_whole(service: Service, session: Session, how: str) -> None:
    operation = operation_of(session, batches(3))
    responses = (
        service._once(session, operation, PEER) if how == "once" else service._attached(session, operation, None, PEER)
    )
    next(responses)
    service.sessions.release(session.user_id, session.id)
    with pytest.raises(RpcFailure, match="OPERATION_CANCELED"):
        list(responses)


def test_a_source_that_was_closed_has_not_come_to_its_end(session: Session) -> None:
    operation = operation_of(session, iter(lambda: None, 0))  # it has nothing yet

    def waiting() -> Iterator[None]:
        while True:
            yield None

    operation.run(waiting())

    def listening() -> bool:
        session.end(operation)  # in the server: by another thread
        return True

    with pytest.raises(SparkError, match="OPERATION_CANCELED"):
        list(operation.once(listening))
    assert operation.state == "CANCELLED"


def test_what_fails_because_it_was_closed_was_canceled(session: Session) -> None:
    def source() -> Iterator[None]:
        yield None
        session.end(operation)
        raise ValueError("generator already executing")

    operation = operation_of(session, iter(()))
    operation.run(source())
    with pytest.raises(SparkError, match="OPERATION_CANCELED"):
        list(operation.once(lambda: True))


def test_nothing_begins_in_a_session_that_was_closed(service: Service, session: Session) -> None:
    """A request that found the session just before."""
    service.sessions.release(session.user_id, session.id)
    with pytest.raises(SparkError, match="SESSION_CLOSED"):
        operation_of(session, batches(1))


def test_the_state_of_an_execution_that_ends_is_known_at_every_moment(session: Session) -> None:
    operation = operation_of(session, batches(1))
    threads: list[threading.Thread] = []

    class Operations(dict[str, Operation]):
        def values(self) -> Any:
            threads.append(beside(lambda: session.end(operation)))
            return super().values()

    session.operations = Operations(session.operations)
    assert operation.id in session.status()
    threads[0].join(PATIENCE_S)
    assert session.status()[operation.id] == "CANCELLED"


def test_a_query_that_does_not_end_holds_up_its_own_session_alone(service: Service) -> None:
    sessions = [service.sessions.get("tester", str(uuid4())) for _ in range(3)]
    operations = [operation_of(session, batches(1)) for session in sessions]

    class Endless:
        active: tuple[Any, ...] = ()

        def ask_to_stop(self) -> None: ...

        let_end = ask_to_stop

        def close(self) -> None:
            raise SparkError("", "It does not end.")

    sessions[1]._streams = Endless()  # type: ignore[assignment]
    with pytest.raises(SparkError, match="does not end"):
        service.close()
    assert service.sessions.all() == []
    assert [operation.state for operation in operations] == ["CANCELLED"] * 3


# ---------------------------------------------------------------- starts of queries


def rate_to_noop(spark: Any) -> Any:
    return spark.readStream.format("rate").load().writeStream.format("noop")


def test_an_interrupt_before_a_start_is_noted_stops_the_query(
    spark: Any, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, started = streaming.start, []

    def start(service: Service, session: Session, command: Any) -> Any:
        started.append(original(service, session, command))
        session.interrupt()
        return started[0]

    monkeypatch.setattr(streaming, "start", start)
    with pytest.raises(SparkConnectGrpcException, match="OPERATION_CANCELED"):
        rate_to_noop(spark).start()
    assert not started[0].is_active
    assert spark.streams.active == []


def test_a_start_that_meets_the_end_of_its_session_leaves_no_query(
    spark: Any, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, started = streaming.start, []

    def start(service: Service, session: Session, command: Any) -> Any:
        started.append(original(service, session, command))
        with session.lock:
            session._is_closed = True  # and the queries that were there then are stopped
        return started[0]

    monkeypatch.setattr(streaming, "start", start)
    with pytest.raises(SparkConnectGrpcException, match="SESSION_CLOSED"):
        rate_to_noop(spark).start()
    assert not started[0].is_active


def test_two_starts_are_both_noted(session: Session) -> None:
    class Query:
        def __init__(self, run_id: str) -> None:
            self.run_id = run_id

    class Manager:
        def __init__(self, *active: Query) -> None:
            self.active = active

    threads: list[threading.Thread] = []

    class Starts(dict[str, Any]):
        def items(self) -> Any:
            found = list(super().items())
            threads.append(beside(lambda: session.note_start(other, operations[1])))  # type: ignore[arg-type]
            return found

    one, other = Query("one"), Query("other")
    operations = [operation_of(session, batches(1)) for _ in range(2)]
    session._streams, session._query_starts = Manager(one, other), Starts()  # type: ignore[assignment]
    session.note_start(one, operations[0])  # type: ignore[arg-type]
    threads[0].join(PATIENCE_S)
    session._streams = None
    assert session._query_starts.keys() == {"one", "other"}


# ---------------------------------------------------------------- what sessions know


def test_a_view_that_is_replaced_is_there_at_every_moment() -> None:
    views, old, new = Views(), OneRow(), OneRow()
    views.put("v", old, replace=False, case_sensitive=False)
    found: list[Any] = []
    threads: list[threading.Thread] = []

    class Slow(dict[str, Any]):
        def __delitem__(self, key: str) -> None:
            super().__delitem__(key)
            threads.append(beside(lambda: found.append((views.get("V", False), views.names()))))

    views._views = Slow(views._views)
    views.put("v", new, replace=True, case_sensitive=False)
    for thread in threads:
        thread.join(PATIENCE_S)
    assert found == [(new, ["v"])]


def test_a_setting_may_go_while_it_is_read() -> None:
    conf = Conf({TIME_ZONE: "Asia/Tokyo"})

    class Going(dict[str, str]):
        def __contains__(self, key: object) -> bool:
            return super().__contains__(key) and self.pop(str(key)) is not None

    conf._set = Going(conf._set)
    assert conf.time_zone == "Asia/Tokyo"


def test_caches_are_cleared_while_a_write_looks_at_them() -> None:
    caches = Caches()
    threads: list[threading.Thread] = []

    class Plan:
        def walk(self) -> Iterator[Any]:
            threads.append(beside(caches.clear))
            yield from ()

    for key in ("one", "other"):
        caches._entries[key] = type("Entry", (), {"plan": Plan(), "table": None})()
    caches.forget_path("/data")
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not caches._entries


def test_two_uploads_at_once_have_one_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    files, original = ArtifactFiles(Conf()), tempfile.TemporaryDirectory
    threads: list[threading.Thread] = []

    def made(*args: Any, **kwargs: Any) -> Any:
        if not threads:
            threads.append(threading.current_thread())
            threads.append(beside(lambda: files.place("files/other.txt", b"2")))
        return original(*args, **kwargs)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", made)
    files.place("files/one.txt", b"1")
    threads[1].join(PATIENCE_S)
    root = files._root() / "files"
    assert sorted(path.name for path in root.iterdir()) == ["one.txt", "other.txt"]
    files.close()
    assert not root.exists()


def test_events_are_not_kept_for_a_stream_that_has_ended() -> None:
    bus = ListenerBus()
    stream = bus.stream(Operation("s", "s", "o"))
    next(stream)
    stream.close()
    bus(QueryEvent("QueryIdleEvent", json.loads('{"id": "q"}')))
    assert bus._events is None


# ---------------------------------------------------------------- tables


def test_partitions_of_two_inserts_at_once_are_both_known(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spark.sql("CREATE TABLE t (a INT, b STRING) USING parquet PARTITIONED BY (b)")
    original = table_writes.with_partitions
    threads: list[threading.Thread] = []

    def slow(*args: Any) -> Any:
        found = original(*args)
        if not threads:
            threads.append(threading.current_thread())
            threads.append(beside(lambda: spark.sql("INSERT INTO t VALUES (2, 'y')")))
        return found

    monkeypatch.setattr(table_writes, "with_partitions", slow)
    spark.sql("INSERT INTO t VALUES (1, 'x')")
    threads[1].join(PATIENCE_S)
    assert sorted(row.a for row in spark.table("t").collect()) == [1, 2]


def test_an_insert_does_not_bring_back_a_table_that_was_dropped(
    spark: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spark.sql("CREATE TABLE t (a INT) USING parquet")
    original = batch_writer.write

    def write(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        spark.sql("DROP TABLE t")

    monkeypatch.setattr(batch_writer, "write", write)
    spark.sql("INSERT INTO t VALUES (1)")
    assert not spark.catalog.tableExists("t")
