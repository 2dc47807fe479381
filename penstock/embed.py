"""The one adapter to pyspark's client: puts the engine behind it, in the same process, without a socket.

Everything that replaces or reaches into parts of `pyspark` is here, each with a test (tests/test_embed.py) that says
when a new client has changed.  `.remote("sc://other:15002")` still goes out to a real server.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from penstock import classic_modules
from penstock.classic import patch, submitted

if TYPE_CHECKING:
    from pyspark.conf import SparkConf
    from pyspark.sql.connect.session import SparkSession

    from penstock.connect.inprocess import InProcessChannel
    from penstock.connect.service import Service

#: The address of the embedded engine, as the client writes it.
URL = "sc://penstock.embedded"
_HOST = URL.removeprefix("sc://")

_lock = threading.RLock()
_service: Service | None = None
_installed = False


def install() -> None:
    """Put the engine behind this process's `pyspark`; further calls change nothing."""
    global _installed
    with _lock:
        if _installed:
            return
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # also where the full pyspark is installed
        import pyspark.sql.connect  # noqa: F401

        for patch in _PATCHES:
            patch()
        _at_exit(shutdown)
        _installed = True


def install_names() -> None:
    """Only what modules of a program import: for processes that have no session, which start four times as fast."""
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    with _lock:
        for patch in (_patch_spark_context, _patch_pyspark_names):
            patch()


def _own_clients() -> MutableMapping[str, Any]:
    """The open client sessions of this process, by id."""
    from penstock.connect.clients import own

    return own


def session(conf: Mapping[str, Any] | None = None) -> SparkSession:
    """The SparkSession of the embedded engine, made if there is none; `conf` is set in it."""
    install()
    from pyspark.sql import SparkSession as Entry

    builder = Entry.builder
    for key, value in (conf or {}).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def service() -> Service:
    """The engine's service, one per process."""
    global _service
    with _lock:
        if _service is None:
            from penstock.connect import deep_messages
            from penstock.connect.service import Service

            deep_messages.allow()  # here only the program itself sends messages; a server keeps the limit
            _service = Service()
        return _service


def shutdown() -> None:
    """Stop all queries and sessions; the client has nothing left to clean up."""
    global _service
    _stop_dstreams()
    with _lock:
        stopping = _service
    if stopping is None:
        return
    stopping.close()  # functions of running batches may ask for it meanwhile
    with _lock:
        _service = None
    for client in list(_own_clients().values()):
        client.client.close()
    _let_threads_end()


#: How long the batch of a StreamingContext that runs when the program is told to end may still take.
BATCH_END_S = 5.0


def _stop_dstreams() -> None:
    """The batch of a StreamingContext that runs may end, and that is noted, while there is a session."""
    module = sys.modules.get("penstock.streaming.context")
    active = None if module is None else module.StreamingContext.getActive()
    if active is not None:
        stop = threading.Thread(target=active.stop, args=(False,), name="penstock streaming end", daemon=True)
        stop.start()
        stop.join(BATCH_END_S)


def _let_threads_end(limit_s: float = 4.0) -> None:
    """Wait for the threads that wait for the service: what they hold of the engine when the interpreter is taken apart,
    the engine's library reports as leaked."""
    ours = ("penstock wait", "state snapshot")
    deadline = time.monotonic() + limit_s
    for thread in threading.enumerate():
        waits = thread.name.startswith(ours) or thread.name.endswith("(_query_event_handler)")
        if waits and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))


def _at_exit(function: Callable[[], None]) -> None:
    """Before Python waits for threads: a query's thread would keep the process alive."""
    register = getattr(threading, "_register_atexit", None)
    if register is None:
        import atexit

        register = atexit.register
    register(function)


# ---------------------------------------------------------------- the channel


def channel() -> InProcessChannel:
    """A channel to the service."""
    from penstock.connect.inprocess import InProcessChannel

    return InProcessChannel(service())


def is_embedded(client_session: Any) -> bool:
    """Whether a client session talks to the engine in this process."""
    from penstock.connect.inprocess import InProcessChannel

    return isinstance(client_session._client._channel, InProcessChannel)


def _patch_channel() -> None:
    from pyspark.sql.connect.client.core import DefaultChannelBuilder

    original = DefaultChannelBuilder.toChannel

    def to_channel(self: Any) -> Any:
        return channel() if self.host == _HOST else original(self)

    DefaultChannelBuilder.toChannel = to_channel


# ---------------------------------------------------------------- the builder


def _wants_embedded(options: Mapping[str, Any]) -> bool:
    remote = options.get("spark.remote", os.environ.get("SPARK_REMOTE"))
    return remote is None or remote.startswith("local") or remote == URL


def _check_master(options: Mapping[str, Any]) -> None:
    master = options.get("spark.master")
    if master is not None and not master.startswith("local"):
        from pyspark.errors import PySparkValueError

        raise PySparkValueError(
            f"Penstock runs programs in this process: it takes the master local or local[*], not {master}. "
            "To use a cluster, connect to its Spark Connect server with .remote('sc://host:port')."
        )


def _patch_builder() -> None:
    from pyspark.sql.session import SparkSession as Entry

    builder = Entry.Builder
    originals = {"getOrCreate": builder.getOrCreate, "create": builder.create}

    def entry(name: str) -> Callable[[Any], Any]:
        @functools.wraps(originals[name])
        def make(self: Any) -> Any:
            options = {**submitted, **self._options}
            if not _wants_embedded(options):
                return originals[name](self)
            _check_master(options)
            return _open(options, name)

        return make

    builder.getOrCreate = entry("getOrCreate")
    builder.create = entry("create")


def _open(options: dict[str, Any], how: str = "getOrCreate") -> SparkSession:
    """Make (or get) the session; the options Spark leaves to the application can be read from its conf."""
    from pyspark.sql.connect.session import SparkSession as Remote

    master = options.pop("spark.master", None)
    options["spark.remote"] = URL
    opened = getattr(Remote.builder.config(map=options), how)()
    own = _own_clients()
    if is_embedded(opened) and opened.session_id not in own:
        opened.client.disable_reattachable_execute()  # nothing can break between client and service
        own[opened.session_id] = opened
        initial = {"spark.master": master or "local[*]", "spark.app.id": opened.sparkContext.applicationId}
        if "spark.app.name" not in options:
            initial["spark.app.name"] = "pyspark-shell"
        opened.conf._set_all(initial, silent=True)
        opened.sparkContext._settle(options)
    return opened


# ---------------------------------------------------------------- SparkContext


def _patch_session() -> None:
    from pyspark.sql.connect.session import SparkSession as Remote
    from pyspark.sql.session import SparkSession as Entry

    from penstock.spark_context import SparkContext

    stop = Remote.stop

    def spark_context(self: Any) -> SparkContext:
        if not is_embedded(self):
            return self.__getattr__("sparkContext")  # type: ignore[no-any-return]
        if "_penstock_context" not in self.__dict__:
            self._penstock_context = SparkContext(_session=self)
        return self._penstock_context  # type: ignore[no-any-return]

    def new_session(self: Any) -> Any:
        if not is_embedded(self):
            return self.__getattr__("newSession")
        fresh = Remote(connection=URL)
        fresh.client.disable_reattachable_execute()
        _own_clients()[fresh.session_id] = fresh
        return fresh

    def stop_session(self: Any) -> None:
        context = self.__dict__.get("_penstock_context")
        stop(self)
        if context is not None:
            context._stopped()

    def of_context(cls: Any, sparkContext: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: N803
        return sparkContext._session if isinstance(sparkContext, SparkContext) else object.__new__(cls)

    Remote.sparkContext = property(spark_context)
    Remote.newSession = new_session
    Remote.stop = stop_session
    Entry.__new__ = of_context  # SparkSession(sc)


def _patch_spark_context() -> None:
    from penstock.spark_context import SparkContext

    def open_session(conf: SparkConf) -> SparkSession:
        options = {**submitted, **dict(conf.getAll())}
        _check_master(options)
        return _open(options)

    SparkContext._open_session = staticmethod(open_session)
    classic_modules.provide("pyspark.core", {})
    for name, members in classic_modules.MODULES.items():
        classic_modules.provide(name, members)


def _patch_pyspark_names() -> None:
    """`from pyspark import SparkContext, RDD`, and the task's context."""
    import pyspark
    from pyspark.taskcontext import BarrierTaskContext, TaskContext

    from penstock.rdd import threads
    from penstock.spark_context import SparkContext

    pyspark.SparkContext = SparkContext
    pyspark.util.InheritableThread = pyspark.InheritableThread = threads.InheritableThread
    pyspark.util.inheritable_thread_target = threads.inheritable_thread_target
    pyspark.inheritable_thread_target = threads.inheritable_thread_target
    classic_modules.provide_py4j()
    classic_modules.import_later(pyspark, classic_modules.IN_PYSPARK)
    TaskContext.__new__ = lambda cls, *args, **kwargs: _task_context().new(cls, *args, **kwargs)
    TaskContext.get = classmethod(lambda cls: _task_context().task_context())
    BarrierTaskContext.get = classmethod(lambda cls: _task_context().barrier_task_context())


def _task_context() -> Any:
    from penstock.rdd import task_context

    return task_context


def _patch_rdd_bridges() -> None:
    """`df.rdd` and `createDataFrame(rdd)`."""
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.session import SparkSession as Remote

    create = Remote.createDataFrame

    def create_data_frame(self: Any, data: Any, schema: Any = None, *args: Any, **kwargs: Any) -> Any:
        if "penstock.rdd.rdd" in sys.modules:  # else nothing can be an RDD
            from penstock.rdd.bridge import rows_of

            data = rows_of(data, schema)
        return create(self, data, schema, *args, **kwargs)

    def rdd(self: Any) -> Any:
        if not is_embedded(self._session):
            return self.__getattr__("rdd")
        from penstock.connect.pinned import pinned
        from penstock.rdd.bridge import rdd_of

        return rdd_of(pinned(service(), self), self._session.sparkContext)

    Remote.createDataFrame = create_data_frame
    DataFrame.rdd = property(rdd)


# ---------------------------------------------------------------- streams


def _patch_foreach() -> None:
    """The user's own objects instead of pickled copies: they may hold locks and change what surrounds them."""
    from pyspark.sql.connect.streaming.readwriter import DataStreamWriter
    from pyspark.sql.streaming.readwriter import DataStreamWriter as Classic

    foreach, foreach_batch = DataStreamWriter.foreach, DataStreamWriter.foreachBatch

    def with_rows(self: Any, f: Any) -> Any:
        if not is_embedded(self._session):
            return foreach(self, f)
        from penstock.connect.foreach import RowTarget

        Classic._construct_foreach_function(f)  # checks f
        return _hand_over(self, self._write_proto.foreach_writer, RowTarget(f))

    def with_batches(self: Any, func: Callable[[Any, int], None]) -> Any:
        if not is_embedded(self._session):
            return foreach_batch(self, func)
        if not callable(func):
            from pyspark.errors import PySparkTypeError

            parameters = {"arg_name": "func", "expected_type": "a function", "arg_type": type(func).__name__}
            raise PySparkTypeError(errorClass="NOT_EXPECTED_TYPE", messageParameters=parameters)
        return _hand_over(self, self._write_proto.foreach_batch, func)

    DataStreamWriter.foreach = with_rows
    DataStreamWriter.foreachBatch = with_batches


def _hand_over(writer: Any, message: Any, value: Any) -> Any:
    from penstock.connect.python_objects import objects

    message.python_function.command = objects.remember(value, writer)
    message.python_function.python_ver = "{}.{}".format(*sys.version_info[:2])
    return writer


def _patch_listener_threads() -> None:
    """The thread that takes events must not keep a finished program alive."""
    from pyspark.sql.connect.streaming import query

    class DaemonThread(threading.Thread):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "daemon": True})

    query.Thread = DaemonThread


def _patch_listener_removal() -> None:
    """The client removes its last listener, and waits for the thread that brings events, while it holds the lock that
    this thread needs for an event: both may wait for ever.  Here the wait comes after, without the lock."""
    from pyspark.sql.connect.streaming.query import StreamingQueryListenerBus

    original = StreamingQueryListenerBus.remove

    def remove(self: Any, listener: Any) -> None:
        with self._lock:
            thread = self._execution_thread if self._listener_bus == [listener] else None
            if thread is not None:
                self._execution_thread = None  # so that the original waits for nothing
        original(self, listener)
        with self._lock:
            if self._listener_bus and self._execution_thread is None:  # added meanwhile: the thread goes on for it
                self._execution_thread, thread = thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    StreamingQueryListenerBus.remove = remove


def _patch_progress() -> None:
    """`query.lastProgress["numInputRows"]`: the client leaves the totals to its properties, classic Spark has them."""
    from pyspark.sql.streaming.listener import StreamingQueryProgress

    original = StreamingQueryProgress.fromJson.__func__
    totals = ("numInputRows", "inputRowsPerSecond", "processedRowsPerSecond")

    def from_json(cls: Any, j: dict[str, Any]) -> Any:
        filled = dict(j)
        for key in totals:
            if filled.get(key) is None:
                filled[key] = sum(source.get(key) or 0 for source in j["sources"])
        return original(cls, filled)

    StreamingQueryProgress.fromJson = classmethod(from_json)


_PATCHES: tuple[Callable[[], None], ...] = (
    _patch_channel,
    _patch_builder,
    _patch_session,
    _patch_spark_context,
    _patch_pyspark_names,
    _patch_rdd_bridges,
    _patch_foreach,
    _patch_listener_threads,
    _patch_listener_removal,
    _patch_progress,
    functools.partial(patch, is_embedded),
)
