"""Errors on their way to the client: a gRPC status with ErrorInfo first, the whole chain by FetchErrorDetails after."""

from __future__ import annotations

import json
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyspark.sql.connect.proto as pb
from google.rpc import code_pb2, error_details_pb2, status_pb2

from penstock.core.errors import ILLEGAL_ARGUMENT, SPARK, SparkError

_ROOTS = ("java.lang.Exception", "java.lang.Throwable", "java.lang.Object")
_MESSAGE_LIMIT = 2048  # of the status; the details carry the whole text
_METADATA_LIMIT = 1024
_DETAILS_KEPT = 100
_CAUSES = 16
_USER_FUNCTION_ERRORS = ("FOREACH_BATCH_USER_FUNCTION_ERROR", "FOREACH_USER_FUNCTION_ERROR")
_PACKAGE = str(Path(__file__).parents[1])


class RpcFailure(Exception):  # noqa: N818 (it is a reply, not a fault)
    """What a transport turns into a gRPC error."""

    def __init__(self, status: status_pb2.Status) -> None:
        self.status = status
        super().__init__(status.message)


def as_spark_error(error: BaseException) -> SparkError:
    """The error itself, or an internal error that wraps what nobody foresaw."""
    if isinstance(error, SparkError):
        return error
    text = f"{type(error).__name__}: {error}"
    internal = SparkError("INTERNAL_ERROR", text, {"message": text}, sqlstate="XX000", classes=SPARK)
    return internal.with_traceback(error.__traceback__)


def bare(error: SparkError) -> bool:
    """Whether Spark shows the error without its condition (those that never got a proper one)."""
    return error.condition.startswith("_LEGACY_ERROR_TEMP_") or not error.condition


def text_of(error: SparkError) -> str:
    """The message as Spark prints it; below it the traceback of the user's function that a query failed in, which the
    client attaches to its exception."""
    text = error.message if bare(error) else str(error)
    if error.condition != "STREAM_FAILED":
        return text
    cause = error.__cause__
    if isinstance(cause, SparkError) and cause.condition in _USER_FUNCTION_ERRORS:
        cause = cause.__cause__
    return text if cause is None or isinstance(cause, SparkError) else f"{text}\n\n{_user_traceback(cause)}"


def _user_traceback(cause: BaseException) -> str:
    frames = cause.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        frames = frames.tb_next
    if frames is None and isinstance(cause, TypeError):  # the call itself failed: wrong arguments
        return "".join(traceback.format_exception_only(cause)).rstrip()
    return "".join(traceback.format_exception(type(cause), cause, frames or cause.__traceback__)).rstrip()


def hierarchy(error: SparkError) -> list[str]:
    """Java class names from the most specific on; the client picks its exception by the first it knows."""
    return [*error.classes, *(name for name in _ROOTS if name not in error.classes)]


class ErrorLog:
    """The last errors of a session, for FetchErrorDetails."""

    def __init__(self) -> None:
        self._errors: OrderedDict[str, BaseException] = OrderedDict()

    def failure(self, error: BaseException) -> RpcFailure:
        """Remember the error and give the status to send for it."""
        error_id = str(uuid4())
        self._errors[error_id] = error
        while len(self._errors) > _DETAILS_KEPT:
            self._errors.popitem(last=False)
        return RpcFailure(to_status(as_spark_error(error), error_id))

    def details(self, error_id: str) -> list[pb.FetchErrorDetailsResponse.Error]:
        """The error and its causes, or nothing when it is not remembered (it is given out once)."""
        error = self._errors.pop(error_id, None)
        return [] if error is None else list(_chain(error))


def to_status(error: SparkError, error_id: str = "") -> status_pb2.Status:
    """What the client needs at once: class names, condition, parameters, SQLSTATE."""
    metadata = {"classes": json.dumps(hierarchy(error))}
    if error_id:
        metadata["errorId"] = error_id
    if error.condition:
        metadata["errorClass"] = error.condition
        parameters = json.dumps(error.params)
        if len(parameters) <= _METADATA_LIMIT:
            metadata["messageParameters"] = parameters
    if not bare(error):
        metadata["sqlState"] = error.sqlstate
    info = error_details_pb2.ErrorInfo(reason=error.classes[0], domain="org.apache.spark", metadata=metadata)
    status = status_pb2.Status(code=code_pb2.INTERNAL, message=text_of(error)[:_MESSAGE_LIMIT])
    status.details.add().Pack(info)
    return status


def refusal(code: int, message: str) -> RpcFailure:
    """A failure of the transport itself, such as UNAUTHENTICATED."""
    return RpcFailure(status_pb2.Status(code=code, message=message))


def _chain(error: BaseException) -> list[pb.FetchErrorDetailsResponse.Error]:
    found: list[pb.FetchErrorDetailsResponse.Error] = []
    current: BaseException | None = error
    while current is not None and len(found) < _CAUSES:
        found.append(_detail(as_spark_error(current)))
        current = current.__cause__
    for index, detail in enumerate(found[:-1]):
        detail.cause_idx = index + 1
    return found


def _detail(error: SparkError) -> pb.FetchErrorDetailsResponse.Error:
    detail = pb.FetchErrorDetailsResponse.Error(error_type_hierarchy=hierarchy(error), message=text_of(error))
    for frame in traceback.extract_tb(error.__traceback__):
        detail.stack_trace.add(
            declaring_class=frame.filename,
            method_name=frame.name,
            file_name=frame.filename,
            line_number=frame.lineno or 0,
        )
    throwable: Any = detail.spark_throwable
    throwable.message_parameters.update(error.params)
    if error.condition:
        throwable.error_class = error.condition
    if not bare(error):
        throwable.sql_state = error.sqlstate
    return detail


def invalid_handle(problem: str, handle: str, message: str) -> SparkError:
    """INVALID_HANDLE.*: a session or an operation that is not, or not any more."""
    return SparkError(
        f"INVALID_HANDLE.{problem}", f"The handle {handle} is invalid. {message}", {"handle": handle},
        sqlstate="HY000", classes=SPARK,
    )  # fmt: skip


def invalid_cursor(problem: str, message: str, **params: object) -> SparkError:
    """INVALID_CURSOR.*: a position in an execution's results that cannot be given again."""
    return SparkError(
        f"INVALID_CURSOR.{problem}", f"The cursor is invalid. {message}", params, sqlstate="HY109", classes=SPARK
    )


def invalid_plan(problem: str, message: str, **params: object) -> SparkError:
    """CONNECT_INVALID_PLAN.*: a request that is not well formed."""
    return SparkError(
        f"CONNECT_INVALID_PLAN.{problem}", f"The Spark Connect plan is invalid. {message}", params,
        sqlstate="56K00", classes=("org.apache.spark.sql.connect.common.InvalidPlanInput", *SPARK),
    )  # fmt: skip


def canceled() -> SparkError:
    """OPERATION_CANCELED: the client interrupted it."""
    return SparkError("OPERATION_CANCELED", "Operation has been canceled.", sqlstate="HY008", classes=SPARK)


def plain_illegal_argument(message: str) -> SparkError:
    """A Java IllegalArgumentException without a Spark condition."""
    return SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])
