"""Spark's errors of the state data source."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.errors import RUNTIME, SparkError


def required(option: str) -> SparkError:
    """An option that has to be there."""
    message = f"'{option}' must be specified: set this option of the state data source."
    return _error("STDS_REQUIRED_OPTION_UNSPECIFIED", message, "42601", optionName=option)


def conflict(*options: str) -> SparkError:
    """Options that exclude each other."""
    shown = ", ".join(f"'{option}'" for option in options)
    shown = f"[{shown}]"
    message = f"The options {shown} exclude each other: leave one out."
    return _error("STDS_CONFLICT_OPTIONS", message, "42613", options=shown)


def negative(option: str) -> SparkError:
    """A number below 0."""
    message = f"The option '{option}' of the state data source cannot be negative."
    return _error("STDS_INVALID_OPTION_VALUE.IS_NEGATIVE", message, "42616", optionName=option)


def empty(option: str) -> SparkError:
    """A text without characters."""
    message = f"The option '{option}' of the state data source cannot be empty."
    return _error("STDS_INVALID_OPTION_VALUE.IS_EMPTY", message, "42616", optionName=option)


def invalid(option: str, why: str) -> SparkError:
    """Any other wrong value."""
    message = f"The option '{option}' of the state data source is wrong: {why}"
    params = {"optionName": option, "message": why}
    condition = "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE"
    return SparkError(condition, message, params, sqlstate="42616", classes=RUNTIME)


def no_committed_batch(checkpoint: str, batch_id: int | None = None) -> SparkError:
    """A checkpoint of a query that has done nothing yet, or not this batch."""
    message = f"No batch has been committed in the checkpoint {checkpoint}. Let the query finish a batch first."
    if batch_id is not None:
        message = f"Batch {batch_id} has not been committed in the checkpoint {checkpoint}, or has been thrown away."
    return _error("STDS_COMMITTED_BATCH_UNAVAILABLE", message, "KD006", checkpointLocation=checkpoint)


def no_offsets(batch_id: int, checkpoint: str) -> SparkError:
    """A batch of which nothing is known (any more)."""
    message = (
        f"Batch {batch_id} is not in the offset log of the checkpoint {checkpoint}. The state metadata source "
        "(state-metadata) tells which batches are."
    )
    params = {"batchId": batch_id, "checkpointLocation": checkpoint}
    return SparkError("STDS_OFFSET_LOG_UNAVAILABLE", message, params, sqlstate="KD006", classes=RUNTIME)


def no_schema(options: str) -> SparkError:
    """No such operator or store."""
    message = f"The checkpoint has no state for {options}: look at operatorId, storeName, joinSide and stateVarName."
    return _error("STDS_FAILED_TO_READ_STATE_SCHEMA", message, "42K03", sourceOptions=options)


def no_operators(checkpoint: str, batch_id: int) -> SparkError:
    """A checkpoint without stateful operators."""
    message = f"The checkpoint {checkpoint} names no stateful operators."
    return _error(
        "STDS_FAILED_TO_READ_OPERATOR_METADATA", message, "42K03", checkpointLocation=checkpoint, batchId=batch_id
    )


def names(values: Sequence[str]) -> str:
    """A list for a message."""
    return ",".join(values)


def _error(condition: str, message: str, sqlstate: str, **params: object) -> SparkError:
    return SparkError(condition, message, params, sqlstate=sqlstate, classes=RUNTIME)
