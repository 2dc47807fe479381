"""Engine and cursor: queries over Arrow, session zones, errors in Spark's terms, interruption."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from penstock.core.config import Conf
from penstock.core.errors import ARITHMETIC, SparkError
from penstock.engine import Engine, EngineCursor
from penstock.engine.engine import engine_zone
from penstock.functions import macros


@pytest.fixture
def cursor() -> Iterator[EngineCursor]:
    engine = Engine(Conf({"penstock.threads": "2", "penstock.memory.limit": "500MB"}))
    yield engine.cursor()
    engine.close()


def one(table: pa.Table) -> object:
    return table.column(0)[0].as_py()


def test_tables_are_visible_only_during_their_query(cursor: EngineCursor) -> None:
    assert one(cursor.query("SELECT sum(c1) FROM v", {"v": pa.table({"c1": [1, 2, 3]})})) == 6
    with pytest.raises(SparkError, match="INTERNAL_ERROR"):
        cursor.query("SELECT * FROM v")


def test_a_registered_table_stays_and_is_replaced(cursor: EngineCursor) -> None:
    cursor.register("batch", pa.table({"c1": [1]}))
    cursor.register("batch", pa.table({"c1": [5]}))
    assert one(cursor.query("SELECT c1 FROM batch")) == 5
    cursor.unregister("batch")


def test_record_batches_stream_a_result(cursor: EngineCursor) -> None:
    batches = list(cursor.record_batches("SELECT range AS c1 FROM range(250000)", rows=100_000))
    assert sum(batch.num_rows for batch in batches) == 250_000 and len(batches) > 1
    assert one(cursor.query("SELECT 1 AS c1")) == 1


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2020-07-01 00:00:00"),
        ("Europe/Paris", "2020-07-01 02:00:00"),
        ("+02:30", "2020-07-01 02:30:00"),
        ("UTC-8", "2020-06-30 16:00:00"),
        ("Z", "2020-07-01 00:00:00"),
    ],
)
def test_the_session_zone_is_spark_s(cursor: EngineCursor, zone: str, text: str) -> None:
    conf = Conf({"spark.sql.session.timeZone": zone})
    sql = "SELECT CAST(CAST(TIMESTAMPTZ '2020-07-01 00:00:00+00' AS TIMESTAMP) AS VARCHAR) AS c1"
    assert one(cursor.query(sql, conf=conf)) == text


def test_an_unknown_zone_names_the_setting(cursor: EngineCursor) -> None:
    with pytest.raises(SparkError) as caught:
        cursor.query("SELECT 1", conf=Conf({"spark.sql.session.timeZone": "Mars/Base"}))
    assert caught.value.condition == "INVALID_CONF_VALUE.TIME_ZONE"


def test_zone_names() -> None:
    assert [engine_zone(zone) for zone in ("Z", "+2", "GMT+02:00", "Asia/Tokyo")] == [
        "UTC",
        "GMT+02:00",
        "GMT+02:00",
        "Asia/Tokyo",
    ]


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("SELECT 9223372036854775807 + CAST(1 AS BIGINT)", "ARITHMETIC_OVERFLOW"),
        ("SELECT CAST('x' AS INTEGER)", "CAST_INVALID_INPUT"),
        ("SELECT CAST(300 AS TINYINT)", "CAST_OVERFLOW"),
        ("SELECT (SELECT * FROM range(2))", "SCALAR_SUBQUERY_TOO_MANY_ROWS"),
        ("SELECT * FROM read_parquet('/no/such/file.parquet')", "FAILED_READ_FILE.FILE_NOT_EXIST"),
        ("SELECT map([1, 1], [1, 2])", "DUPLICATED_MAP_KEY"),
        ("SELECT nonsense FROM nowhere", "INTERNAL_ERROR"),
    ],
)
def test_duckdb_errors_are_spark_s(cursor: EngineCursor, sql: str, condition: str) -> None:
    with pytest.raises(SparkError) as caught:
        cursor.query(sql)
    assert caught.value.condition == condition


def test_marked_errors_carry_condition_and_classes(cursor: EngineCursor) -> None:
    from penstock.functions.markers import DIVIDE_BY_ZERO

    with pytest.raises(SparkError) as caught:
        cursor.query(f"SELECT CASE WHEN range = 3 THEN {DIVIDE_BY_ZERO} ELSE range END FROM range(5)")
    assert (caught.value.condition, caught.value.sqlstate, caught.value.classes) == (
        "DIVIDE_BY_ZERO",
        "22012",
        ARITHMETIC,
    )


def test_a_cursor_works_after_an_error(cursor: EngineCursor) -> None:
    with pytest.raises(SparkError):
        cursor.query("SELECT CAST('x' AS INTEGER)")
    assert one(cursor.query("SELECT 1 AS c1")) == 1


def test_interrupt_stops_a_running_query(cursor: EngineCursor) -> None:
    timer = threading.Timer(0.2, cursor.interrupt)
    timer.start()
    with pytest.raises(SparkError) as caught:
        cursor.query("SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE hash(a.range, b.range) = 7")
    assert caught.value.condition == "OPERATION_CANCELED"


@pytest.mark.parametrize("after_ms", [0, 0.05, 0.2, 0.5, 1])
def test_an_interrupt_is_heeded_however_early_it_comes(after_ms: float) -> None:
    """DuckDB forgets one that comes before it has begun with the query, which then runs to its end."""
    engine = Engine()
    for _ in range(10):
        cursor = engine.cursor()
        timer = threading.Timer(after_ms / 1000, cursor.interrupt)
        timer.start()
        with pytest.raises(SparkError) as caught:
            cursor.query("SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE hash(a.range, b.range) = 7")
        assert caught.value.condition == "OPERATION_CANCELED"
        timer.join()
        with pytest.raises(SparkError, match="OPERATION_CANCELED"):
            cursor.query("SELECT 1 AS c1")
        cursor.close()
    engine.close()


def test_interrupting_a_cursor_that_has_just_been_closed_is_nothing() -> None:
    """stop() interrupts a query whose thread may be on its last lines."""
    cursor = Engine().cursor()
    cursor.close()
    cursor.interrupt()


def test_cursors_work_in_parallel_threads() -> None:
    engine, results = Engine(), []

    def work(number: int) -> None:
        cursor = engine.cursor()
        results.append(one(cursor.query("SELECT sum(c1) FROM v", {"v": pa.table({"c1": [number]})})))
        cursor.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()
    assert sorted(results) == [0, 1, 2, 3]


def test_files_may_be_read_but_extensions_not_fetched(cursor: EngineCursor, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}\n')
    assert one(cursor.query(f"SELECT a FROM read_json('{tmp_path}/x.json')")) == 1
    assert one(cursor.query("SELECT current_setting('autoinstall_known_extensions')")) is False


def test_threads_must_be_a_number() -> None:
    with pytest.raises(SparkError, match=r"penstock\.threads"):
        Engine(Conf({"penstock.threads": "many"}))


def test_a_trivial_query_is_fast(cursor: EngineCursor) -> None:
    conf = Conf()
    cursor.query("SELECT 1 AS c1", conf=conf)

    def seconds() -> float:
        started = time.perf_counter()
        cursor.query("SELECT 1 AS c1", conf=conf)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(50)) < 0.01  # 0.3 ms when the machine is idle


class Came(BaseException):
    """What the handler of a signal raises."""


def test_what_a_signals_handler_raises_while_the_database_opens_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB, which looks for signals itself, would make a RuntimeError of it."""

    def raises(*_: object) -> None:
        raise Came

    send = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))

    class Macros:
        def __iter__(self) -> Iterator[str]:
            send.start()
            yield "CREATE TABLE slow AS SELECT sum(i * 3 + 1) FROM range(10000000000000) t(i)"

    monkeypatch.setattr(macros, "MACROS", Macros())
    before = signal.signal(signal.SIGUSR1, raises)
    try:
        with pytest.raises(Came):
            Engine().cursor()
    finally:
        send.join()  # the signal's own action is to end the process
        signal.signal(signal.SIGUSR1, before)
    monkeypatch.undo()
    assert one(Engine().cursor().query("SELECT 1")) == 1
