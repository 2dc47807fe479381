"""`spark.sparkContext` and `pyspark.SparkContext` of the embedded engine: the application's name, settings and end.

What makes RDDs is in `rdd/context.py`."""

from __future__ import annotations

import getpass
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from pyspark.conf import SparkConf
from pyspark.errors import PySparkAttributeError, PySparkNotImplementedError, PySparkValueError

from penstock.rdd.context import RDDCalls
from penstock.rdd.errors import only_on_driver
from penstock.rdd.tasks import current

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

_JVM_ATTRIBUTES = frozenset({"_jsc", "_jvm", "_gateway"})
_LEVELS = {
    "ALL": logging.DEBUG, "DEBUG": logging.DEBUG, "ERROR": logging.ERROR, "FATAL": logging.CRITICAL,
    "INFO": logging.INFO, "OFF": logging.CRITICAL + 10, "TRACE": logging.DEBUG, "WARN": logging.WARNING,
}  # fmt: skip

OpenSession = Callable[[SparkConf], "SparkSession"]


class _NoGateway(type):
    """`SparkContext._jvm` and its like are None: there is no JVM."""

    def __getattr__(cls, name: str) -> Any:
        if name in _JVM_ATTRIBUTES:
            return None
        raise AttributeError(f"type object 'SparkContext' has no attribute '{name}'")


class SparkContext(RDDCalls, metaclass=_NoGateway):
    """One application.  Made by `SparkContext(...)`, by `SparkContext.getOrCreate()` or through a session."""

    _active_spark_context: ClassVar[SparkContext | None] = None
    _properties: ClassVar[dict[str, str]] = {"SPARK_SUBMIT": "true"}
    #: How a context without a session gets one; set by the adapter to the client.
    _open_session: ClassVar[OpenSession]

    def __init__(
        self,
        master: str | None = None,
        appName: str | None = None,  # noqa: N803 (Spark's name)
        conf: SparkConf | None = None,
        *,
        _session: SparkSession | None = None,
        **unsupported: Any,
    ) -> None:
        if unsupported:
            raise PySparkNotImplementedError(
                errorClass="NOT_IMPLEMENTED", messageParameters={"feature": f"SparkContext({', '.join(unsupported)})"}
            )
        if current() is not None:
            raise only_on_driver()
        if _session is None:
            _session = SparkContext._new_session(master, appName, conf)
        self._session = _session
        before = _session.__dict__.get("_penstock_context")
        self.startTime: int = before.startTime if before is not None else int(time.time() * 1000)
        self.applicationId = f"local-{self.startTime}"
        self._settle()
        self._ended = False
        _session.__dict__["_penstock_context"] = self
        SparkContext._active_spark_context = self

    def _settle(self) -> None:
        """Read what stays as it is until the end, and after it."""
        self.master = self._setting("spark.master", "local[*]")
        self.appName = self._setting("spark.app.name", "pyspark-shell")

    @classmethod
    def _new_session(cls, master: str | None, name: str | None, conf: SparkConf | None) -> SparkSession:
        if cls._active_spark_context is not None:
            running = cls._active_spark_context
            raise ValueError(f"Cannot run multiple SparkContexts at once; stop {running!r} first")
        settings = SparkConf()
        settings.setAll([(key, value) for key, value in cls._properties.items() if key.startswith("spark.")])
        settings.setAll(conf.getAll() if conf is not None else [])
        if master:
            settings.setMaster(master)
        if name:
            settings.setAppName(name)
        return cls._open_session(settings)

    @classmethod
    def getOrCreate(cls, conf: SparkConf | None = None) -> SparkContext:  # noqa: N802
        """The active context, or a new one."""
        if cls._active_spark_context is not None:
            return cls._active_spark_context
        context: SparkContext = cls._new_session(None, None, conf).sparkContext
        return context

    @classmethod
    def setSystemProperty(cls, key: str, value: str) -> None:  # noqa: N802
        """Keep a property of the program; those that begin with `spark.` are settings of contexts made later."""
        cls._properties[key] = value

    @classmethod
    def getSystemProperty(cls, key: str) -> str | None:  # noqa: N802
        """A property that was set.  None for another one: there are no Java properties."""
        return cls._properties.get(key)

    def _setting(self, key: str, default: str) -> str:
        return self._session.conf.get(key, default) or default

    @property
    def version(self) -> str:
        """The version of Spark whose API this is."""
        return str(self._session.version)

    @property
    def uiWebUrl(self) -> None:  # noqa: N802
        """There is no web page of the application."""
        return

    @property
    def resources(self) -> dict[str, Any]:
        """There are no accelerators."""
        return {}

    def sparkUser(self) -> str:  # noqa: N802
        """Who runs the program."""
        return os.environ.get("SPARK_USER") or getpass.getuser()

    def getConf(self) -> SparkConf:  # noqa: N802
        """The settings of the session, as a copy."""
        return SparkConf().setAll(list(self._session.conf.getAll.items()))

    @property
    def _conf(self) -> SparkConf:
        """Where programs look for the settings."""
        return self.getConf()

    def setLogLevel(self, logLevel: str) -> None:  # noqa: N802, N803
        """The level of Penstock's loggers."""
        level = _LEVELS.get(logLevel.upper())
        if level is None:
            raise PySparkValueError(f"There is no log level {logLevel}: use one of {', '.join(sorted(_LEVELS))}.")
        logging.getLogger("penstock").setLevel(level)

    def setJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> None:  # noqa: N802, N803
        """Jobs and queries that this thread starts belong to the group, by which cancelJobGroup finds them."""
        self._session.addTag(groupId)
        self.setLocalProperty("spark.jobGroup.id", groupId)
        self.setLocalProperty("spark.job.description", description)
        self.setLocalProperty("spark.job.interruptOnCancel", str(interruptOnCancel).lower())

    def setInterruptOnCancel(self, interruptOnCancel: bool) -> None:  # noqa: N802, N803
        """Cancelled tasks are always interrupted; kept as a local property."""
        self.setLocalProperty("spark.job.interruptOnCancel", str(interruptOnCancel).lower())

    def setJobDescription(self, value: str) -> None:  # noqa: N802
        """A local property."""
        self.setLocalProperty("spark.job.description", value)

    def cancelJobGroup(self, groupId: str) -> None:  # noqa: N802, N803
        """Stop the jobs and queries of a group."""
        self._cancel(lambda job: job.group == groupId, f"part of cancelled job group {groupId}")
        self._session.interruptTag(groupId)

    def cancelAllJobs(self) -> None:  # noqa: N802
        """Stop all running jobs and queries."""
        self._cancel(lambda job: True, "as part of cancellation of all jobs")
        self._session.interruptAll()

    def addPyFile(self, path: str) -> None:  # noqa: N802
        """Make a Python file or archive importable, here and for functions of SQL."""
        self._added.add_code(path)
        self._session.addArtifacts(path, pyfile=True)

    def stop(self) -> None:
        """End the session, its streaming queries and the jobs.  Again: nothing."""
        if not self._ended:
            self._end_jobs("because SparkContext was shut down")
            self._session.stop()
            self._stopped()

    def _stopped(self) -> None:
        self._ended = True
        if SparkContext._active_spark_context is self:
            SparkContext._active_spark_context = None

    def __getattr__(self, name: str) -> Any:
        if name in _JVM_ATTRIBUTES:
            raise PySparkAttributeError(errorClass="JVM_ATTRIBUTE_NOT_SUPPORTED", messageParameters={"attr_name": name})
        raise AttributeError(f"'SparkContext' object has no attribute '{name}'")

    def __enter__(self) -> SparkContext:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<SparkContext master={self.master} appName={self.appName}>"
