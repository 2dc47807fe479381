"""The options of the state data source, checked by Spark's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.checkpoint.paths import CheckpointPaths
from penstock.core import files
from penstock.sources.state import errors

SIDES = ("left", "right", "none")
DEFAULT_STORE = "default"
_KNOWN = (
    "path", "batchId", "operatorId", "storeName", "joinSide", "snapshotStartBatchId", "snapshotPartitionId",
    "readChangeFeed", "changeStartBatchId", "changeEndBatchId", "stateVarName", "readRegisteredTimers",
    "flattenCollectionTypes",
)  # fmt: skip


@dataclass(frozen=True)
class StateOptions:
    """What to read: the state after `batch_id`, or (changes) what the batches from the first to the second changed."""

    paths: CheckpointPaths
    batch_id: int
    operator_id: int
    store: str
    side: str
    variable: str | None
    timers: bool
    flatten: bool
    changes: tuple[int, int] | None

    def __str__(self) -> str:
        return (
            f"checkpointLocation={self.paths.root}, batchId={self.batch_id}, operatorId={self.operator_id}, "
            f"storeName={self.store}, joinSide={self.side}, stateVarName={self.variable}"
        )


def read_options(given: Mapping[str, str], paths: Sequence[str]) -> StateOptions:
    """The options of a read; raises Spark's STDS_ errors."""
    options = {key.lower(): value for key, value in given.items()}
    location = options.get("path") or (paths[0] if paths else None)
    if not location:
        raise errors.required("path")
    root = CheckpointPaths(files.local_path(location))
    operator_id = _number(options, "operatorId") or 0
    if operator_id < 0:
        raise errors.negative("operatorId")
    store = options.get("storename", DEFAULT_STORE).strip()
    if not store:
        raise errors.empty("storeName")
    side = options.get("joinside", "none")
    if side not in SIDES:
        raise errors.invalid("joinSide", f"Valid values are {errors.names(SIDES)}")
    if side != "none" and store != DEFAULT_STORE:
        raise errors.conflict("joinSide", "storeName")
    variable = options["statevarname"].strip() if "statevarname" in options else None
    timers = _flag(options, "readRegisteredTimers", False)
    if variable is not None and timers:
        raise errors.conflict("readRegisteredTimers", "stateVarName")
    flatten = _flag(options, "flattenCollectionTypes", True)
    changes = _changes(options, root, side)
    batch_id = changes[1] if changes is not None else _batch(options, root)
    _known_batch(root, batch_id)
    return StateOptions(root, batch_id, operator_id, store, side, variable, timers, flatten, changes)


def _changes(options: Mapping[str, str], root: CheckpointPaths, side: str) -> tuple[int, int] | None:
    if not _flag(options, "readChangeFeed", False):
        for name in ("changeStartBatchId", "changeEndBatchId"):
            if name.lower() in options:
                raise errors.invalid(name, "Only specify this option when readChangeFeed is set to true.")
        return None
    if side != "none":
        raise errors.conflict("joinSide", "readChangeFeed")
    for name in ("batchId", "snapshotStartBatchId", "snapshotPartitionId"):
        if name.lower() in options:
            raise errors.conflict(name, "readChangeFeed")
    start = _number(options, "changeStartBatchId")
    if start is None:
        raise errors.required("changeStartBatchId")
    end = _number(options, "changeEndBatchId")
    end = last_batch(root) if end is None else end
    if start < 0:
        raise errors.negative("changeStartBatchId")
    if end < start:
        why = f"changeEndBatchId cannot be smaller than changeStartBatchId: they are {end} and {start}."
        raise errors.invalid("changeEndBatchId", why)
    return start, end


def _batch(options: Mapping[str, str], root: CheckpointPaths) -> int:
    batch_id = _number(options, "batchId")
    batch_id = last_batch(root) if batch_id is None else batch_id
    if batch_id < 0:
        raise errors.negative("batchId")
    start, partition = _number(options, "snapshotStartBatchId"), _number(options, "snapshotPartitionId")
    if start is not None and start < 0:
        raise errors.negative("snapshotStartBatchId")
    if start is not None and start > batch_id:
        raise errors.invalid("snapshotStartBatchId", f"value should be less than or equal to {batch_id}")
    if partition is not None and partition < 0:
        raise errors.negative("snapshotPartitionId")
    if partition is not None and start is None:
        raise errors.required("snapshotStartBatchId")
    if start is not None and partition is None:
        raise errors.required("snapshotPartitionId")
    if partition:
        raise errors.invalid("snapshotPartitionId", f"there is no partition {partition}: state has one, 0")
    return batch_id


def _known_batch(root: CheckpointPaths, batch_id: int) -> None:
    if not (root.commits / str(batch_id)).exists():
        raise errors.no_committed_batch(str(root.root), batch_id)
    if not (root.offsets / str(batch_id)).exists():
        raise errors.no_offsets(batch_id, str(root.root))


def last_batch(root: CheckpointPaths) -> int:
    """The newest batch that is done."""
    done = batches(root)
    if not done:
        raise errors.no_committed_batch(str(root.root))
    return done[-1]


def batches(root: CheckpointPaths) -> list[int]:
    """The batches in the commit log."""
    return sorted(int(name) for name in files.fs.list(root.commits) if name.isdigit())


def _number(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name.lower())
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise errors.invalid(name, f"{text!r} is not a number") from None


def _flag(options: Mapping[str, str], name: str, default: bool) -> bool:
    text = options.get(name.lower(), str(default)).strip().lower()
    if text not in ("true", "false"):
        raise errors.invalid(name, f"{text!r} is neither true nor false")
    return text == "true"
