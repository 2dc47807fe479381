"""What can be wrong with a checkpoint, said so that a user knows the file, the fault and the way out."""

from __future__ import annotations

import errno
from pathlib import Path

from penstock.core.errors import ANALYSIS, ILLEGAL_STATE, SPARK, SparkError

_START_ANEW = "Restore the file from a copy, or start the query anew with another checkpointLocation."
_OS_REMEDIES = {
    errno.ENOSPC: "The disk is full: free some space and start the query again on the same checkpoint.",
    errno.EDQUOT: "The disk quota is used up: free some space and start the query again on the same checkpoint.",
    errno.EACCES: "Give this user write permission there, or choose another checkpointLocation.",
    errno.EPERM: "Give this user write permission there, or choose another checkpointLocation.",
    errno.EROFS: "The file system is read-only: choose another checkpointLocation.",
    errno.EEXIST: "A file is where a directory is needed: remove it, or choose another checkpointLocation.",
    errno.ENOTDIR: "A file is where a directory is needed: remove it, or choose another checkpointLocation.",
    errno.EIO: "The device reports an error: check it, then start the query again on the same checkpoint.",
}


def incomplete_log_file(path: Path) -> SparkError:
    """A log file without content (Spark: `Incomplete log file`)."""
    return malformed_log_file(path, "", "it is incomplete (empty)")


def malformed_log_file(path: Path, text: str, fault: str) -> SparkError:
    """A log file that does not parse."""
    message = f"The log file {path} is malformed: {fault}. {_START_ANEW}"
    return SparkError("MALFORMED_LOG_FILE", message, {"text": text}, sqlstate="KD002", classes=ILLEGAL_STATE)


def unsupported_log_version(path: Path, version: int, supported: int) -> SparkError:
    """A log file of a later format."""
    message = (
        f"The log file {path} has version v{version}, but the highest that can be read is v{supported}: "
        "a newer program wrote it. Upgrade Penstock, or use another checkpointLocation."
    )
    params = {"version": version, "maxSupportedVersion": supported}
    condition = "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION"
    return SparkError(condition, message, params, sqlstate="KD002", classes=ILLEGAL_STATE)


def missing_batch(path: Path, why: str) -> SparkError:
    """A log entry that must be there is not."""
    message = f"Cannot find {path}, {why}. {_START_ANEW}"
    params = {"batchMetadataFile": path}
    return SparkError("BATCH_METADATA_NOT_FOUND", message, params, sqlstate="42K03", classes=ILLEGAL_STATE)


def missing_metadata(root: Path) -> SparkError:
    """Logs without the query's id."""
    message = (
        f"The checkpoint {root} has offsets or commits but no metadata file, so its query is unknown. "
        "Restore the metadata file, or use another checkpointLocation."
    )
    condition = "STREAMING_CHECKPOINT_MISSING_METADATA_FILE"
    return SparkError(condition, message, {"checkpointLocation": root}, sqlstate="42K03", classes=SPARK)


def state_left_over(root: Path, found: Path) -> SparkError:
    """State without logs: of a query whose logs were removed, or of another one."""
    message = (
        f"The checkpoint {root} has no offsets and commits, but state that a query has left ({found.name}). Use an "
        "empty checkpointLocation, or restore what was removed from this one."
    )
    condition = "STATE_STORE_CHECKPOINT_LOCATION_NOT_EMPTY"
    return SparkError(condition, message, {"checkpointLocation": root}, sqlstate="42K03", classes=SPARK)


def concurrent_update(root: Path, batch: object) -> SparkError:
    """Somebody else writes the same checkpoint."""
    message = (
        f"Another streaming query is using the checkpoint {root} (noticed at batch {batch}). "
        "Only one query may run on a checkpoint location at a time: stop the other one, or give this one its own."
    )
    condition = "CONCURRENT_STREAM_LOG_UPDATE"
    return SparkError(condition, message, {"batchId": batch}, sqlstate="40000", classes=SPARK)


def other_sources(logged: int, requested: int) -> SparkError:
    """The checkpoint belongs to a query with another number of sources (an assertion without condition in Spark)."""
    message = (
        f"There are {logged} sources in the checkpoint's offsets, but the query has {requested}. "
        "Sources cannot be added or removed under one checkpoint: use another checkpointLocation."
    )
    params = {"logged": logged, "requested": requested}
    condition = "STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT"
    return SparkError(condition, message, params, sqlstate="42K03", classes=ILLEGAL_STATE)


def other_naming(logged: tuple[str, ...] | None, requested: tuple[str, ...] | None) -> SparkError:
    """The checkpoint's sources have names and the query's have none, or the other way round."""
    key = "spark.sql.streaming.queryEvolution.enableSourceEvolution"
    if logged is not None:
        message = (
            f"The sources in the checkpoint are named ({', '.join(logged)}), those of the query are not: "
            f"set {key}=true and give them their names with readStream.name."
        )
    else:
        shown = ", ".join(requested or ())
        message = (
            f"The sources in the checkpoint have no names, those of the query are named ({shown}): "
            f"leave the names out and set {key}=false, or use another checkpointLocation."
        )
    params = {"logged": logged or (), "requested": requested or ()}
    condition = "STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT"
    return SparkError(condition, message, params, sqlstate="42K03", classes=ILLEGAL_STATE)


def foreign_offset(source: str, offset: str) -> SparkError:
    """An offset in the checkpoint that the query's source cannot have written."""
    message = (
        f"The source {source} cannot go on from {offset[:120]!r}, which is in the checkpoint: it belongs to a "
        "source of another kind, or was changed. Restore the checkpoint from a copy, or use another checkpointLocation."
    )
    params = {"source": source, "offset": offset}
    condition = "STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT"
    return SparkError(condition, message, params, sqlstate="42K03", classes=ILLEGAL_STATE)


def other_operators(logged: tuple[str, ...], requested: tuple[str, ...]) -> SparkError:
    """The checkpoint's state belongs to other stateful operators."""
    was, now = _operator_list(logged), _operator_list(requested)
    message = (
        "The stateful operators of the query are not those whose state is in the checkpoint: "
        f"the checkpoint has [{was}], the query has [{now}]. "
        "Stateful operators cannot be added, removed or changed under one checkpoint: use another checkpointLocation."
    )
    params = {"OpsInMetadataSeq": was, "OpsInCurBatchSeq": now}
    condition = "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA"
    return SparkError(condition, message, params, sqlstate="42K03", classes=ANALYSIS)


def missing_state(root: Path, requested: tuple[str, ...]) -> SparkError:
    """A stateful query on a checkpoint that has batches but no state."""
    now = _operator_list(requested)
    message = (
        f"The query has stateful operators [{now}], but the checkpoint {root} has batches and no state for them: "
        "its state was deleted, or its batches ran without them. Restore the state, or use another checkpointLocation."
    )
    condition = "STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY"
    return SparkError(condition, message, {"OpsInCurBatchSeq": now}, sqlstate="42K03", classes=ANALYSIS)


def foreign_state(root: Path, provider: str) -> SparkError:
    """State written by another engine."""
    message = (
        f"The state in the checkpoint {root} was written by the state store provider {provider}, which Penstock cannot "
        "read. Start the query with another checkpointLocation; its sources are then read from the beginning."
    )
    params = {"checkpointLocation": root, "provider": provider}
    condition = "STATE_REPARTITION_INVALID_CHECKPOINT.UNSUPPORTED_PROVIDER"
    return SparkError(condition, message, params, sqlstate="55019", classes=SPARK)


def cannot_write(query: str, error: OSError, root: Path) -> SparkError:
    """The operating system refused a file of the query; names query, path, cause and remedy."""
    path = error.filename or root
    cause = error.strerror or str(error)
    remedy = _OS_REMEDIES.get(error.errno or 0, "Remove the cause and start the query again on the same checkpoint.")
    message = f"The streaming query {query} could not use {path}: {cause}. {remedy}"
    return SparkError("TASK_WRITE_FAILED", message, {"path": path}, sqlstate="58030", classes=SPARK)


def _operator_list(names: tuple[str, ...]) -> str:
    return ", ".join(f"(OperatorId: {index} -> OperatorName: {name})" for index, name in enumerate(names))
