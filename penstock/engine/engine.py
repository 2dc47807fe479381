"""One in-memory DuckDB database per server session, and a cursor of it per thread.

DuckDB here is an executor of SQL over Arrow tables and files: it keeps no tables of its own.  Extensions are neither
installed nor loaded on demand, so nothing reaches for the network.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa

from penstock.core.beside_main import beside_main
from penstock.core.config import Conf
from penstock.core.errors import illegal_argument
from penstock.core.sql_text import BATCH_TIME
from penstock.engine.errors import to_spark_error
from penstock.functions.kernels import KERNEL_PREFIX, KernelSet

#: Settings of the database.  Plans nest about three levels an operator; the stack holds far more than 1,000.
_FIXED: dict[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "true",
    "max_expression_depth": "5000",
}
_OPTIONS = {"penstock.threads": "threads", "penstock.memory.limit": "memory_limit"}
#: How often a query that is to end is told so until it does.
_INSIST_S = 0.02
_OFFSET_ZONE = re.compile(r"^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?$")


class Engine:
    """The database of one session.  Threads share it through cursors of their own."""

    def __init__(self, conf: Mapping[str, str] | None = None) -> None:
        self._settings = _settings(conf or {})
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._kernels = KernelSet()

    def cursor(self) -> EngineCursor:
        """A cursor for one thread (or one query); the first one opens the database."""
        with self._lock:
            if self._database is None:
                self._database = _open(self._settings)
            return EngineCursor(self._database.cursor(), self._kernels)

    def close(self) -> None:
        """Close the database; cursors of it fail from now on."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
                self._kernels = KernelSet()


class EngineCursor:
    """Runs SQL in one thread at a time; only `interrupt` may be called from another."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, kernels: KernelSet) -> None:
        self._connection = connection
        self._kernels = kernels
        self._interrupting = threading.Lock()
        self._is_busy = self.is_interrupted = False  # guarded by _interrupting
        self._time_zone: str | None = None
        self._batch_time_ms: int | None = None
        self._told_batch_time_ms: int | None = None

    def at(self, batch_time_ms: int) -> None:
        """The time that current_timestamp() has from now on, in milliseconds since 1970."""
        self._batch_time_ms = batch_time_ms

    def query(
        self,
        sql: str,
        tables: Mapping[str, pa.Table] | None = None,
        conf: Conf | None = None,
        fallbacks: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """All rows of one SELECT.  `tables` are visible to it, under their names, while it runs.

        `fallbacks`: parts of the text and slower parts for the same rows, put in their place when the query fails (a
        scan that takes clean data for granted met other data)."""
        with self._prepared(tables, conf, sql):
            try:
                return self._connection.sql(sql).to_arrow_table()
            except duckdb.Error as error:
                slower = _with_fallbacks(sql, error, fallbacks)
            self._install(slower)
            return self._connection.sql(slower).to_arrow_table()

    def record_batches(
        self, sql: str, tables: Mapping[str, pa.Table] | None = None, conf: Conf | None = None, rows: int = 100_000
    ) -> Iterator[pa.RecordBatch]:
        """As `query`, in batches of `rows` rows; the cursor is busy until the iterator is used up or closed."""
        with self._prepared(tables, conf, sql):
            yield from self._connection.sql(sql).to_arrow_reader(rows)

    def execute(self, sql: str, conf: Conf | None = None) -> None:
        """Run statements that return nothing."""
        with self._prepared(None, conf, sql):
            self._connection.sql(sql)

    def create_table(self, name: str, select: str, conf: Conf | None = None, fallback: str | None = None) -> int:
        """Keep the rows of a SELECT as the temporary table `name`, in place of an older one; returns how many there
        are.
        `fallback` is a slower SELECT for the same rows, run when `select` meets data that it cannot read."""
        create = f"CREATE OR REPLACE TEMP TABLE {name} AS "
        with self._prepared(None, conf, select):
            try:
                made = self._connection.execute(create + select).fetchone()
            except duckdb.Error as error:
                slower = _with_fallbacks(select, error, {select: fallback} if fallback else None)
                self._install(slower)
                made = self._connection.execute(create + slower).fetchone()
            return int(made[0]) if made else 0

    def register(self, name: str, table: pa.Table) -> None:
        """Make `table` visible to this cursor as `name`, in place of what bore that name."""
        self._connection.register(name, table)

    def unregister(self, name: str) -> None:
        """Undo `register`."""
        self._connection.unregister(name)

    def interrupt(self) -> None:
        """End the cursor's work: what runs in it and what it is asked for after that raises OPERATION_CANCELED.  May be
        called from any thread, also when the cursor has just been closed."""
        with self._interrupting:
            self.is_interrupted = True
        if self._interrupt_once():
            threading.Thread(target=self._insist, name="penstock interrupt", daemon=True).start()

    def _interrupt_once(self) -> bool:
        """Interrupt the query that runs, if there is one; whether there was."""
        with self._interrupting:
            if self._is_busy:
                with suppress(duckdb.ConnectionException):
                    self._connection.interrupt()
            return self._is_busy

    def _insist(self) -> None:
        """DuckDB forgets an interrupt that comes just before it begins with a query, so one is not enough."""
        while self._interrupt_once():
            time.sleep(_INSIST_S)

    def close(self) -> None:
        """Release the cursor."""
        self._connection.close()

    @contextmanager
    def _prepared(self, tables: Mapping[str, pa.Table] | None, conf: Conf | None, sql: str) -> Iterator[None]:
        registered: list[str] = []
        try:
            self._begin()
            self._install(sql)
            if conf is not None:
                self._use_time_zone(conf.time_zone)
            self._tell_batch_time(sql)
            for name, table in (tables or {}).items():
                self._connection.register(name, table)
                registered.append(name)
            yield
        except duckdb.Error as error:
            raise to_spark_error(error, sql) from error
        finally:
            with self._interrupting:
                self._is_busy = False
            for name in registered:
                self._connection.unregister(name)

    def _begin(self) -> None:
        """From now on an interrupt reaches the query; one that came before is heeded, too."""
        with self._interrupting:
            self._is_busy = True
            if self.is_interrupted:
                raise duckdb.InterruptException("the cursor was interrupted before its query began")

    def _install(self, sql: str) -> None:
        """Make the Python functions that the text names known to the database."""
        if KERNEL_PREFIX in sql:
            self._kernels.install(self._connection, sql)

    def _tell_batch_time(self, sql: str) -> None:
        """Set the variable if the text reads it and it is another one by now: most queries never do."""
        time_ms = self._batch_time_ms
        if time_ms is not None and time_ms != self._told_batch_time_ms and BATCH_TIME in sql:
            self._connection.execute(f"SET VARIABLE {BATCH_TIME} = make_timestamptz({time_ms * 1000})")
            self._told_batch_time_ms = time_ms

    def _use_time_zone(self, zone: str) -> None:
        if zone != self._time_zone:
            name = engine_zone(zone).replace("'", "''")
            try:
                self._connection.sql(f"SET TimeZone='{name}'")
            except duckdb.NotImplementedException as error:
                raise _unknown_zone(zone) from error
            self._time_zone = zone


def _with_fallbacks(sql: str, error: duckdb.Error, fallbacks: Mapping[str, str] | None) -> str:
    """The text with slower parts; raises `error` again when there are none, or when the query was cancelled."""
    slower = sql
    for part, slow in (fallbacks or {}).items():
        slower = slower.replace(part, slow)
    if slower == sql or isinstance(error, duckdb.InterruptException):
        raise error
    return slower


def engine_zone(zone: str) -> str:
    """DuckDB's name of a session time zone: Spark also takes `Z`, `+02:00` and `UTC+2`."""
    if zone in ("Z", "UTC", "GMT", "UT"):
        return "UTC"
    if (match := _OFFSET_ZONE.match(zone)) is None:
        return zone
    sign, hours, minutes = match[1], int(match[2]), int(match[3] or 0)
    return f"GMT{sign}{hours:02d}:{minutes:02d}" if hours or minutes else "UTC"


def _open(settings: dict[str, str]) -> duckdb.DuckDBPyConnection:
    from penstock.engine.macros import CAST_MACROS
    from penstock.functions.macros import MACROS

    try:
        database = duckdb.connect(":memory:", config=settings)
        macros = ";\n".join((*CAST_MACROS, *MACROS))
        beside_main(lambda: database.sql(macros), database.interrupt)
    except duckdb.Error as error:
        raise to_spark_error(error) from error
    return database


def _settings(conf: Mapping[str, str]) -> dict[str, str]:
    chosen = {name: str(conf[key]) for key, name in _OPTIONS.items() if key in conf}
    if "threads" in chosen and not chosen["threads"].isdigit():
        raise illegal_argument(
            "INVALID_CONF_VALUE.DEFAULT", f"penstock.threads must be a positive number, not {chosen['threads']!r}.",
            confName="penstock.threads", confValue=chosen["threads"],
        )  # fmt: skip
    return {**_FIXED, **chosen}


def _unknown_zone(zone: str) -> Exception:
    return illegal_argument(
        "INVALID_CONF_VALUE.TIME_ZONE",
        f'The value {zone!r} of "spark.sql.session.timeZone" is no time zone: give a region or an offset.',
        confName="spark.sql.session.timeZone", confValue=zone,
    )  # fmt: skip
