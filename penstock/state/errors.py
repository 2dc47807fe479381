"""The errors of state stores, with Spark's conditions; each names the file, what is wrong with it and what to do."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from penstock.core.errors import SPARK, UNSUPPORTED, SparkError

PROVIDER = "penstock.state.store.KeyedStore"
_REMEDY = (
    "Restore the file from a copy of the checkpoint; if there is none, start the query with a new checkpointLocation, "
    "which computes the state anew from the source."
)


def cannot_load(detail: str, message: str, **params: object) -> SparkError:
    """State files are missing or damaged."""
    return SparkError(f"CANNOT_LOAD_STATE_STORE.{detail}", message, params, sqlstate="58030", classes=SPARK)


def damaged(path: Path, what: str) -> SparkError:
    """A file that fails its checks."""
    message = f"Cannot load streaming state: the file {path} is damaged: {what}. {_REMEDY}"
    return cannot_load("UNCATEGORIZED", message, fileToRead=path)


def missing_delta(path: Path, version: int) -> SparkError:
    """A changelog file that the version needs is not there."""
    return cannot_load(
        "CANNOT_READ_DELTA_FILE_NOT_EXISTS",
        f"Cannot load version {version} of the streaming state: the changelog file {path} does not exist. {_REMEDY}",
        fileToRead=path,
        clazz=PROVIDER,
    )


def future_format(path: Path, version: int) -> SparkError:
    """A file written by a newer release."""
    return cannot_load(
        "INVALID_CHANGE_LOG_READER_VERSION",
        f"Cannot load streaming state: {path} has format version {version}, which this release does not read. "
        "Run the query with the release that wrote the checkpoint, or a newer one.",
        version=version,
    )


def unexpected_version(version: int) -> SparkError:
    """A version below 0."""
    message = f"A state version cannot be {version}; versions count from 0."
    return cannot_load("UNEXPECTED_VERSION", message, version=version)


def out_of_order(message: str) -> SparkError:
    """The operator called the store at a wrong time."""
    return SparkError(
        "STATE_STORE_OPERATION_OUT_OF_ORDER", message, {"errorMsg": message}, sqlstate="XXKST", classes=SPARK
    )


def cannot_commit(path: Path, error: OSError) -> SparkError:
    """The disk refused a changelog file."""
    return SparkError(
        "CANNOT_WRITE_STATE_STORE.CANNOT_COMMIT",
        f"Cannot write the state changelog {path}: {error}. Free or repair the disk, then restart the query; "
        "it continues after the last committed batch.",
        {"providerClass": PROVIDER},
        sqlstate="58030",
        classes=SPARK,
    )


def cannot_evolve(path: Path, stored: pa.Schema, new: pa.Schema) -> SparkError:
    """The values of a state variable cannot be read as what it is now."""
    shown = [", ".join(f"{f.name}: {f.type}" for f in schema) for schema in (stored, new)]
    return SparkError(
        "STATE_STORE_INVALID_VALUE_SCHEMA_EVOLUTION",
        f"The values of the state variable in {path} cannot become what the query now has: stored {shown[0]}, now "
        f"{shown[1]}. Fields may be added and left out, and types may widen (int to long, float to double); take back "
        "any other change, or use a new name for the variable.",
        {"oldValueSchema": shown[0], "newValueSchema": shown[1]},
        sqlstate="XXKST",
        classes=UNSUPPORTED,
    )


def other_variable(name: str, was: str, now: str) -> SparkError:
    """A state variable of another kind has this name in the checkpoint."""
    return SparkError(
        "STATE_STORE_INVALID_VARIABLE_TYPE_CHANGE",
        f"The state variable {name} is a {was} in the checkpoint, and cannot become a {now}. Give the {now} another "
        "name, or start the query with a new checkpointLocation.",
        {"stateVarName": name, "oldType": was, "newType": now},
        sqlstate="42K06",
        classes=UNSUPPORTED,
    )


def other_setting(name: str, was: str, now: str) -> SparkError:
    """A mode of a transformWithState that is fixed by its first run."""
    return SparkError(
        "STATE_STORE_INVALID_CONFIG_AFTER_RESTART",
        f"transformWithState ran with {name} {was} on this checkpoint, and cannot go on with {now}. Set {name} to "
        f"{was}, or start the query with a new checkpointLocation.",
        {"configName": name, "oldConfig": was, "newConfig": now},
        sqlstate="42K06",
        classes=UNSUPPORTED,
    )


def schema_mismatch(kind: str, path: Path, stored: str, new: str) -> SparkError:
    """The query's state has other types than the checkpoint's; `kind` is KEY or VALUE."""
    lower = kind.lower()
    return SparkError(
        f"STATE_STORE_{kind}_SCHEMA_NOT_COMPATIBLE",
        f"The {lower} columns of this query's streaming state do not match those in the checkpoint ({path}): "
        f"stored {stored}, now {new}. Take back the change of the query, or start it with a new checkpointLocation.",
        {f"stored{kind.title()}Schema": stored, f"new{kind.title()}Schema": new},
        sqlstate="XXKST",
        classes=UNSUPPORTED,
    )
