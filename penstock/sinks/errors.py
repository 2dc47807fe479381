"""What can go wrong when results are written, said so that a user knows the place, the cause and the way out."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from penstock.core.errors import SPARK, SparkError, analysis_error, unsupported
from penstock.plan.types import DataType

_REMEDIES = {
    errno.ENOSPC: "The disk is full: free some space and start the query again on the same checkpoint.",
    errno.EDQUOT: "The disk quota is used up: free some space and start the query again.",
    errno.EACCES: "Give this user write permission there, or choose another path.",
    errno.EPERM: "Give this user write permission there, or choose another path.",
    errno.EROFS: "The file system is read-only: choose another path.",
    errno.ENOTDIR: "A part of the path is a file: choose another path.",
}


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """OSErrors from the block become TASK_WRITE_FAILED, which names the path, the cause and the remedy."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        remedy = _REMEDIES.get(error.errno or 0, "Remove the cause and start again.")
        message = f"Writing to {path} failed at {where}: {error.strerror or error}. {remedy}"
        raise SparkError("TASK_WRITE_FAILED", message, {"path": str(path)}, sqlstate="58030", classes=SPARK) from error


def refuse_file_limit(options: Mapping[str, str], conf: Mapping[str, str]) -> None:
    """maxRecordsPerFile, as an option or a setting, is refused: a batch is one file a partition.
    Zero and less mean no limit."""
    limit = options.get("maxrecordsperfile") or conf.get("spark.sql.files.maxRecordsPerFile") or "0"
    if limit.strip().lstrip("+0") and not limit.strip().startswith("-"):
        raise unsupported(f"maxRecordsPerFile={limit}", "Leave it out, or repartition by a column with partitionBy.")


def refuse_other_locales(options: Mapping[str, str], sink: str) -> None:
    """Names of months and days are written in English only."""
    if options.get("locale", "en-US").lower() not in ("en-us", "en"):
        raise unsupported(f"the option locale={options['locale']!r} of the {sink} data sink", "Leave the option out.")


def user_function_error(sink: str, error: BaseException) -> SparkError:
    """FOREACH_BATCH_USER_FUNCTION_ERROR or FOREACH_USER_FUNCTION_ERROR: the user's own code raised `error`."""
    reason = f"{type(error).__name__}: {error}"
    message = f"The function given to the {sink} sink failed. Reason: {reason}"
    condition = "FOREACH_BATCH_USER_FUNCTION_ERROR" if sink == "foreach batch" else "FOREACH_USER_FUNCTION_ERROR"
    return SparkError(condition, message, {"reason": reason}, sqlstate="39000", classes=SPARK)


def unsupported_column(format_name: str, column: str, data_type: DataType) -> SparkError:
    """A column whose type the format cannot hold."""
    shown = data_type.simpleString().upper()
    message = f"The {format_name} format cannot hold the column {column!r} of type {shown}. Cast it, or leave it out."
    params = {"format": format_name, "columnName": f"`{column}`", "columnType": f'"{shown}"'}
    return analysis_error("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message, "0A000", **params)


def unsupported_output_mode(sink: str, mode: str) -> SparkError:
    """A sink that cannot take results in this output mode."""
    shown = mode.capitalize()
    message = f"The {sink} sink does not support the output mode {shown}. Use Append, or foreachBatch."
    condition = "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE"
    return analysis_error(condition, message, "42KDE", outputMode=mode, className=sink)


def not_found(name: str, known: tuple[str, ...], elsewhere: frozenset[str]) -> SparkError:
    """The error for a format that is not here: `unsupported` where Spark has it, else DATA_SOURCE_NOT_FOUND."""
    remedy = "The formats are " + ", ".join(sorted(known)) + "."
    if name.lower() in elsewhere:
        return unsupported(f"the {name.lower()} data sink", remedy)
    classes = ("org.apache.spark.SparkClassNotFoundException", "java.lang.ClassNotFoundException")
    message = f"There is no data sink called {name!r}. {remedy}"
    return SparkError("DATA_SOURCE_NOT_FOUND", message, {"provider": name}, sqlstate="42K02", classes=classes)
