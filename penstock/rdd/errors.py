"""How a job ends when it does not end well."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkRuntimeError, PySparkValueError, PythonException

#: Frames of these files say nothing about the user's program.
_OURS = ("/penstock/rdd/", "/penstock/streaming/")


def _has_py4j() -> bool:
    """Whether py4j itself is installed, and not our module of its name."""
    if "py4j" in sys.modules:
        return getattr(sys.modules["py4j"], "__file__", None) is not None
    return importlib.util.find_spec("py4j") is not None


if TYPE_CHECKING or not _has_py4j():

    class Py4JError(Exception):
        """The base of py4j's errors."""

        __module__ = "py4j.protocol"

    class Py4JJavaError(Py4JError):
        """What classic PySpark raises when the JVM does; programs catch it as `py4j.protocol.Py4JJavaError`."""

        __module__ = "py4j.protocol"

        @property
        def java_exception(self) -> str:
            """What there is instead of the JVM's exception: the message."""
            return str(self)
else:
    from py4j.protocol import Py4JError, Py4JJavaError


class Refused(PySparkValueError, Py4JJavaError):  # type: ignore[misc]  # noqa: N818
    """What Spark's JVM refuses: a path that is not there, an argument of no sense."""

    def __init__(self, message: str) -> None:
        PySparkValueError.__init__(self, message=message)

    __str__ = PySparkValueError.__str__


class JobFailed(PythonException, Py4JJavaError):  # type: ignore[misc]  # noqa: N818
    """A task failed as often as it may; `__cause__` is what the user's function raised."""

    def __init__(self, message: str) -> None:
        PythonException.__init__(self, message=message)

    __str__ = PythonException.__str__


class JobCancelled(JobFailed):
    """The job was cancelled by its group, its tag or with all others."""


def failed(stage: int, task: int, attempts: int, cause: BaseException) -> JobFailed:
    """Task `task` of stage `stage` failed for the last time."""
    text = (
        f"Job aborted due to stage failure: Task {task} in stage {stage}.0 failed {attempts} times, "
        f"most recent failure:\n"
        f"{user_traceback(cause)}"
    )
    error = JobFailed(message=text)
    error.__cause__ = cause
    return error


def ended(cause: BaseException) -> JobFailed:
    """A function that the driver called (of foreachRDD, of transform) raised what ends a thread."""
    error = JobFailed(message=f"An exception was raised by Python:\n{user_traceback(cause)}")
    error.__cause__ = cause
    return error


def cancelled(job: int, why: str) -> JobCancelled:
    """Job `job` was cancelled."""
    return JobCancelled(message=f"Job {job} cancelled {why}".rstrip())


def of_user(error: BaseException) -> BaseException:
    """The error of a task as the program is told it: a StopIteration of its function, which Python makes a RuntimeError
    when it leaves a generator of ours, is STOP_ITERATION_OCCURRED."""
    stopped = error.__cause__ if isinstance(error, RuntimeError) else error
    if not isinstance(stopped, StopIteration):
        return error
    trace = stopped.__traceback__
    if stopped is not error and (trace is None or not _is_ours(trace.tb_frame.f_code.co_filename)):
        return error  # it left a generator of the program's own
    parameters = {"exc": str(stopped)}
    told: BaseException = PySparkRuntimeError(errorClass="STOP_ITERATION_OCCURRED", messageParameters=parameters)
    told.__cause__ = stopped
    return told


def on_driver(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what calls a function of the program here; raises what a task would tell of."""
    try:
        return function(*arguments)
    except StopIteration as stopped:
        raise of_user(stopped) from stopped


def _is_ours(filename: str) -> bool:
    return any(part in filename for part in _OURS)


def user_traceback(error: BaseException) -> str:
    """The traceback from the user's first frame on, or all of it if there is none."""
    elsewhere: str | None = getattr(error, "penstock_traceback", None)  # of a task in another process
    if elsewhere is not None:
        return elsewhere
    found = traceback.TracebackException.from_exception(error)
    theirs = [i for i, frame in enumerate(found.stack) if not _is_ours(frame.filename)]
    if theirs:
        del found.stack[: theirs[0]]
    return "".join(found.format())


def only_on_driver() -> PySparkRuntimeError:
    """An RDD or the context was used inside a task."""
    return PySparkRuntimeError(errorClass="CONTEXT_ONLY_VALID_ON_DRIVER", messageParameters={})
