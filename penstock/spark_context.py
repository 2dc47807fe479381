"""`spark.sparkContext` and `pyspark.SparkContext` of the embedded engine: the application's name, settings and end.

What makes RDDs is in `rdd/context.py`; it joins the class when one of its calls is first asked for, so that a program
which has no RDDs does not load them."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from pyspark.conf import SparkConf
from pyspark.errors import PySparkAttributeError, PySparkNotImplementedError, PySparkRuntimeError
from pyspark.profiler import BasicProfiler, MemoryProfiler, ProfilerCollector, UDFBasicProfiler
from pyspark.serializers import AutoBatchedSerializer, BatchedSerializer, CPickleSerializer, Serializer

from penstock.rdd.tasks import current

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

    from penstock.rdd.context import RDDCalls
else:

    class RDDCalls:
        """Stands for the class of this name in `penstock.rdd.context` until it is loaded."""


_TASK_ENVIRONMENT = "spark.executorEnv."
_JVM_ATTRIBUTES = frozenset({"_jsc", "_jvm", "_gateway"})
_LEVELS = {
    "ALL": logging.DEBUG, "DEBUG": logging.DEBUG, "ERROR": logging.ERROR, "FATAL": logging.CRITICAL,
    "INFO": logging.INFO, "OFF": logging.CRITICAL + 10, "TRACE": logging.DEBUG, "WARN": logging.WARNING,
}  # fmt: skip

OpenSession = Callable[[SparkConf], "SparkSession"]


def _join_rdd_calls() -> None:
    """Make the calls that are about RDDs part of SparkContext."""
    from penstock.rdd import context

    if not issubclass(SparkContext, context.RDDCalls):
        SparkContext.__bases__ = (context.RDDCalls,)


class _LateCalls(type):
    """The calls of `penstock.rdd.context` are there when they are asked for.  `SparkContext._jvm` and its like are
    None: there is no JVM."""

    def __getattr__(cls, name: str) -> Any:
        if name in _JVM_ATTRIBUTES:
            return None
        if not _is_special(name):
            _join_rdd_calls()  # also when they are joined: another thread may have done it since this one looked
            with contextlib.suppress(AttributeError):
                return super().__getattribute__(name)
        raise AttributeError(f"type object 'SparkContext' has no attribute '{name}'")

    def __dir__(cls) -> Iterable[str]:
        _join_rdd_calls()
        return super().__dir__()


def _is_special(name: str) -> bool:
    """Names that Python itself looks for, in vain as a rule."""
    return name.startswith("__") and name.endswith("__")


class SparkContext(RDDCalls, metaclass=_LateCalls):
    """One application.  Made by `SparkContext(...)`, by `SparkContext.getOrCreate()` or through a session."""

    _active_spark_context: ClassVar[SparkContext | None] = None
    _properties: ClassVar[dict[str, str]] = {"SPARK_SUBMIT": "true"}
    #: How a context without a session gets one; set by the adapter to the client.
    _open_session: ClassVar[OpenSession]

    def __init__(
        self,
        master: str | None = None,
        appName: str | None = None,
        sparkHome: str | None = None,
        pyFiles: list[str] | None = None,
        environment: dict[str, Any] | None = None,
        batchSize: int = 0,
        serializer: Serializer | None = None,
        conf: SparkConf | None = None,
        gateway: None = None,
        jsc: None = None,
        profiler_cls: type[BasicProfiler] = BasicProfiler,
        udf_profiler_cls: type[UDFBasicProfiler] = UDFBasicProfiler,
        memory_profiler_cls: type[MemoryProfiler] = MemoryProfiler,
        *,
        _session: SparkSession | None = None,
    ) -> None:
        _refuse_unless(gateway is None and jsc is None, "gateway and jsc, as there is no JVM")
        for_functions = (udf_profiler_cls, memory_profiler_cls)
        _refuse_unless(for_functions == (UDFBasicProfiler, MemoryProfiler), "profilers for functions of DataFrames")
        if current() is not None:
            raise _only_on_driver()
        if _session is None:
            given = {"spark.master": master, "spark.app.name": appName, "spark.home": sparkHome}
            given.update({f"spark.executorEnv.{name}": str(value) for name, value in (environment or {}).items()})
            _session = SparkContext._new_session({key: value for key, value in given.items() if value}, conf)
        self._session = _session
        before = _session.__dict__.get("_penstock_context")
        self.startTime: int = before.startTime if before is not None else int(time.time() * 1000)
        self.applicationId = f"local-{self.startTime}"
        self.environment: dict[str, str] = before.environment if before is not None else {}
        self._environment_before: dict[str, str | None] = before._environment_before if before is not None else {}
        self._profiler_class = profiler_cls
        self._settle(before._settings if before is not None else {})
        self._ended = False
        self._serialize(serializer, batchSize)
        _session.__dict__["_penstock_context"] = self
        SparkContext._active_spark_context = self
        for path in pyFiles or ():
            self.addPyFile(path)

    def _settle(self, settings: Mapping[str, str]) -> None:
        """Read what stays as it is until the end, and after it.  `settings` are those that the program has given."""
        self._settings = dict(settings)
        self.master = self._setting("spark.master", "local[*]")
        self.appName = self._setting("spark.app.name", "pyspark-shell")
        self.sparkHome = settings.get("spark.home")
        self.pythonVer = "{}.{}".format(*sys.version_info[:2])
        self.pythonExec = os.environ.get("PYSPARK_PYTHON", "python3")
        for key, value in settings.items():
            if key.startswith(_TASK_ENVIRONMENT):
                self._set_variable(key.removeprefix(_TASK_ENVIRONMENT), value)
        self.environment["PYTHONHASHSEED"] = os.environ.get("PYTHONHASHSEED", "0")
        self._profile()

    def _set_variable(self, name: str, value: str) -> None:
        """An environment variable of tasks.  They run in this process, or in ones that inherit its variables."""
        self.environment[name] = value
        self._environment_before.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def _serialize(self, serializer: Serializer | None, batch_size: int) -> None:
        self._batchSize = batch_size
        self._unbatched_serializer = serializer if serializer is not None else CPickleSerializer()
        if batch_size == 0:
            self.serializer: Serializer = AutoBatchedSerializer(self._unbatched_serializer)
        else:
            self.serializer = BatchedSerializer(self._unbatched_serializer, batch_size)

    def _profile(self) -> None:
        """With spark.python.profile what the tasks of each stage do is measured, and shown at the end."""
        wanted = {self._settings.get(key) for key in ("spark.python.profile", "spark.python.profile.memory")}
        self.profiler_collector = None
        if "true" in wanted:
            self.profiler_collector = ProfilerCollector(
                self._profiler_class, UDFBasicProfiler, MemoryProfiler, self._settings.get("spark.python.profile.dump")
            )

    @classmethod
    def _new_session(cls, given: Mapping[str, str], conf: SparkConf | None) -> SparkSession:
        if cls._active_spark_context is not None:
            running = cls._active_spark_context
            raise ValueError(f"Cannot run multiple SparkContexts at once; stop {running!r} first")
        settings = SparkConf()
        settings.setAll([(key, value) for key, value in cls._properties.items() if key.startswith("spark.")])
        settings.setAll(conf.getAll() if conf is not None else [])
        settings.setAll(list(given.items()))
        return cls._open_session(settings)

    @classmethod
    def getOrCreate(cls, conf: SparkConf | None = None) -> SparkContext:
        """The active context, or a new one."""
        if cls._active_spark_context is not None:
            return cls._active_spark_context
        context: SparkContext = cls._new_session({}, conf).sparkContext
        return context

    @classmethod
    def setSystemProperty(cls, key: str, value: str) -> None:
        """Keep a property of the program; those that begin with `spark.` are settings of contexts made later."""
        cls._properties[key] = value

    @classmethod
    def getSystemProperty(cls, key: str) -> str | None:
        """A property that was set.  None for another one: there are no Java properties."""
        return cls._properties.get(key)

    def _setting(self, key: str, default: str) -> str:
        return self._session.conf.get(key, default) or default

    @property
    def version(self) -> str:
        """The version of Spark whose API this is."""
        return str(self._session.version)

    @property
    def uiWebUrl(self) -> None:
        """There is no web page of the application."""
        return

    @property
    def resources(self) -> dict[str, Any]:
        """What the scripts of `spark.driver.resource.NAME.discoveryScript` say is there."""
        scripts = re.compile(r"spark\.driver\.resource\.([\w-]+)\.discoveryScript")
        found = ((scripts.fullmatch(key), script) for key, script in self._settings.items())
        return {name[1]: _discovered(name[1], script) for name, script in found if name is not None}

    def sparkUser(self) -> str:
        """Who runs the program."""
        import getpass

        return os.environ.get("SPARK_USER") or getpass.getuser()

    def getConf(self) -> SparkConf:
        """The settings of the session, as a copy."""
        return SparkConf().setAll(list(self._session.conf.getAll.items()))

    @property
    def _conf(self) -> SparkConf:
        """Where programs look for the settings."""
        return self.getConf()

    def setLogLevel(self, logLevel: str) -> None:
        """The level of Penstock's loggers."""
        level = _LEVELS.get(logLevel.upper())
        if level is None:
            from penstock.rdd.errors import Refused

            raise Refused(f"There is no log level {logLevel}: use one of {', '.join(sorted(_LEVELS))}.")
        logging.getLogger("penstock").setLevel(level)
        logging.getLogger("penstock.program").setLevel(level)  # what the program logs by way of log4j

    def setJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> None:
        """Jobs and queries that this thread starts belong to the group, by which cancelJobGroup finds them."""
        self._session.addTag(groupId)
        self.setLocalProperty("spark.jobGroup.id", groupId)
        self.setLocalProperty("spark.job.description", description)
        self.setLocalProperty("spark.job.interruptOnCancel", str(interruptOnCancel).lower())

    def setInterruptOnCancel(self, interruptOnCancel: bool) -> None:
        """Cancelled tasks are always interrupted; kept as a local property."""
        self.setLocalProperty("spark.job.interruptOnCancel", str(interruptOnCancel).lower())

    def setJobDescription(self, value: str) -> None:
        """A local property."""
        self.setLocalProperty("spark.job.description", value)

    def cancelJobGroup(self, groupId: str) -> None:
        """Stop the jobs and queries of a group."""
        self._cancel(lambda job: job.group == groupId, f"part of cancelled job group {groupId}")
        self._session.interruptTag(groupId)

    def cancelAllJobs(self) -> None:
        """Stop all running jobs and queries."""
        self._cancel(lambda job: True, "as part of cancellation of all jobs")
        self._session.interruptAll()

    def show_profiles(self) -> None:
        """Print what has been measured and not shown yet."""
        self._profiles().show_profiles()

    def dump_profiles(self, path: str) -> None:
        """Write what has been measured to files of a directory."""
        self._profiles().dump_profiles(path)

    def _profiles(self) -> ProfilerCollector:
        if self.profiler_collector is None:
            raise PySparkRuntimeError(errorClass="INCORRECT_CONF_FOR_PROFILE", messageParameters={})
        return self.profiler_collector

    def addPyFile(self, path: str) -> None:
        """Make a Python file or archive importable, here and for functions of SQL."""
        self._added.add_code(path)
        self._session.addArtifacts(path, pyfile=True)

    def stop(self) -> None:
        """End the session, its streaming queries and the jobs.  Again: nothing."""
        if not self._ended:
            self._end()
            self._session.stop()
            self._stopped()

    def _end(self) -> None:
        """End what the context has begun."""
        if "_scheduler" in self.__dict__ or "_added" in self.__dict__:
            self._end_jobs("because SparkContext was shut down")

    def _stopped(self) -> None:
        if not self._ended:
            self._end()
        self._ended = True
        for name, value in self._environment_before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._environment_before.clear()
        if SparkContext._active_spark_context is self:
            SparkContext._active_spark_context = None

    def __getattr__(self, name: str) -> Any:
        if name == "_jvm":
            from penstock.java_logging import JavaNames

            return JavaNames()
        if name in _JVM_ATTRIBUTES:
            raise PySparkAttributeError(errorClass="JVM_ATTRIBUTE_NOT_SUPPORTED", messageParameters={"attr_name": name})
        if not _is_special(name):
            _join_rdd_calls()  # also when they are joined: another thread may have done it since this one looked
            with contextlib.suppress(AttributeError):
                return super().__getattribute__(name)
        raise AttributeError(f"'SparkContext' object has no attribute '{name}'")

    def __dir__(self) -> Iterable[str]:
        _join_rdd_calls()
        return super().__dir__()

    def __getnewargs__(self) -> NoReturn:
        raise _only_on_driver()

    def __enter__(self) -> SparkContext:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<SparkContext master={self.master} appName={self.appName}>"


def _refuse_unless(holds: bool, what: str) -> None:
    if not holds:
        feature = f"SparkContext() with {what}"
        raise PySparkNotImplementedError(errorClass="NOT_IMPLEMENTED", messageParameters={"feature": feature})


def _discovered(name: str, script: str) -> Any:
    """A resource as a script prints it: {"name": "gpu", "addresses": ["0"]}."""
    import json
    import shlex
    import subprocess

    from pyspark.resource import ResourceInformation

    # By the shell, which runs scripts whose first line names no interpreter, too.
    found = json.loads(
        subprocess.run(["/bin/sh", "-c", shlex.quote(script)], stdout=subprocess.PIPE, text=True, check=True).stdout
    )
    if found["name"] != name:
        raise ValueError(f"The script {script} tells of the resource {found['name']}, not of {name}")
    return ResourceInformation(name, found["addresses"])


def _only_on_driver() -> PySparkRuntimeError:
    from penstock.rdd.errors import only_on_driver

    return only_on_driver()
