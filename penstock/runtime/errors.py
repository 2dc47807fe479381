"""Failures of queries and of starting them, in Spark's terms."""

from __future__ import annotations

import traceback
from pathlib import Path

from penstock.checkpoint.errors import cannot_write
from penstock.core.errors import ANALYSIS, ILLEGAL_ARGUMENT, ILLEGAL_STATE, STREAMING, SparkError
from penstock.runtime.progress import QueryIdentity


class StreamingQueryException(SparkError):  # noqa: N818 (Spark's name)
    """STREAM_FAILED: a query ended by an error, which is `cause` (also `__cause__`, with its traceback).

    `cause_condition` is the cause's condition (None for a plain Python exception), `cause_traceback` its Python text.
    """

    def __init__(self, query: QueryIdentity, cause: BaseException, where: str = "") -> None:
        self.cause = cause
        self.cause_text = describe(cause)
        self.cause_condition = cause.condition if isinstance(cause, SparkError) else None
        self.cause_traceback = "".join(traceback.format_exception(cause))
        params = {"id": query.id, "runId": query.run_id, "message": self.cause_text}
        message = f"Query {query.label} terminated with exception{where}: {self.cause_text}"
        super().__init__("STREAM_FAILED", message, params, sqlstate="XXKST", classes=STREAMING)
        self.__cause__ = cause


def describe(cause: BaseException) -> str:
    """An exception as users read it: Spark's text for ours, `Type: text` for others."""
    if isinstance(cause, SparkError):
        return str(cause) if cause.condition else cause.message
    try:
        text = str(cause)
    except Exception:  # a class of the user's whose __str__ fails; in Python's words
        text = "<exception str() failed>"
    return f"{type(cause).__name__}: {text}"


def explained(query: QueryIdentity, cause: BaseException, root: Path) -> BaseException:
    """An error of the operating system turned into one that names query, path, cause and remedy; others unchanged."""
    if not isinstance(cause, OSError) or cause.errno is None:
        return cause
    explanation = cannot_write(query.label, cause, root)
    explanation.__cause__ = cause
    return explanation


def name_in_use(name: str) -> SparkError:
    """Two active queries of a session cannot have one name (no condition in Spark: IllegalArgumentException)."""
    message = f'Cannot start the query "{name}": a query with that name is active in this session. Stop it first.'
    return SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])


def already_active(query: QueryIdentity) -> SparkError:
    """The checkpoint's query runs, and must not be replaced (spark.sql.streaming.stopActiveRunOnRestart is false)."""
    message = (
        f"Cannot start query {query.label}: another run of it is active on the same checkpoint. Stop that run first, "
        "or set spark.sql.streaming.stopActiveRunOnRestart to true."
    )
    return SparkError("CONCURRENT_QUERY", message, {"id": query.id}, sqlstate="0A000", classes=ILLEGAL_STATE)


def session_closed(query: QueryIdentity) -> SparkError:
    """A start met the end of its session (in Spark: a stopped context's IllegalStateException, without condition)."""
    message = f"Cannot start query {query.label}: its session has been closed. Start it from another session."
    return SparkError("", message, classes=ILLEGAL_STATE[1:])


def no_checkpoint_location() -> SparkError:
    """The sink needs a checkpoint location and none is given."""
    key = "spark.sql.streaming.checkpointLocation"
    message = f'Give a checkpoint location: .option("checkpointLocation", path), or set {key} in the session.'
    return SparkError("_LEGACY_ERROR_TEMP_1298", message, {"config": key}, sqlstate="42000", classes=ANALYSIS)


def not_recoverable(root: Path) -> SparkError:
    """The sink forgets its rows, so the query cannot go on from this checkpoint."""
    path = root / "offsets"
    message = f"This query cannot recover from a checkpoint: its sink keeps no rows. Delete {path} to start over."
    return SparkError("_LEGACY_ERROR_TEMP_1299", message, {"checkpointPath": path}, sqlstate="42000", classes=ANALYSIS)


def stop_timed_out(query: QueryIdentity, waited_ms: int) -> SparkError:
    """The batch that runs does not end."""
    message = (
        f"Query {query.label} did not stop within {waited_ms} ms: its batch is still running. "
        "spark.sql.streaming.stopTimeout says how long to wait."
    )
    classes = ("java.util.concurrent.TimeoutException",)
    params = {"timeout": waited_ms}
    return SparkError("STREAMING_QUERY_STOP_TIMEOUT", message, params, sqlstate="57014", classes=classes)
