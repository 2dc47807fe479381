"""`metadata`: the id that a query keeps over all restarts; and the mark of its stateful operators in `state/`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from penstock.checkpoint.errors import malformed_log_file, missing_metadata
from penstock.checkpoint.metadata_log import body_lines, json_object
from penstock.checkpoint.paths import CheckpointPaths
from penstock.core import files


def query_id(paths: CheckpointPaths, *, may_be_lost: bool = False) -> str:
    """The id in the checkpoint; a new checkpoint gets one.  A checkpoint with logs but without id is refused, unless
    the id `may_be_lost`: then it gets a new one."""
    try:
        content = files.fs.read(paths.metadata)
    except FileNotFoundError:
        if not may_be_lost and any(files.fs.list(directory) for directory in (paths.offsets, paths.commits)):
            raise missing_metadata(paths.root) from None
        return _new_id(paths)
    text = content.decode(errors="replace")
    found = json_object(text, paths.metadata).get("id")
    if not isinstance(found, str):
        raise malformed_log_file(paths.metadata, text, "it holds no id")
    return found


def _new_id(paths: CheckpointPaths) -> str:
    new = str(uuid.uuid4())
    try:
        files.fs.write_atomic(paths.metadata, json.dumps({"id": new}, separators=(",", ":")).encode(), overwrite=False)
    except (FileExistsError, FileNotFoundError):
        if not paths.metadata.exists():
            raise
        return query_id(paths)  # another start of the query was quicker: both are runs of one query
    return new


def write_operators(paths: CheckpointPaths, names: Sequence[str], partitions: int) -> None:
    """Mark which stateful operators the state belongs to (Spark's `state/<i>/_metadata/metadata`)."""
    for index, name in enumerate(names):
        path = paths.operator_metadata(index)
        store = {"storeName": "default", "numColsPrefixKey": 0, "numPartitions": partitions}
        content = {"operatorInfo": {"operatorId": index, "operatorName": name}, "stateStoreInfo": [store]}
        files.fs.make_directory(path.parent)
        files.fs.remove_temporary(path.parent)
        files.fs.write_atomic(path, b"v1\n" + json.dumps(content, separators=(",", ":")).encode())
    files.fs.remove(paths.operator_metadata(len(names)))


def read_operators(paths: CheckpointPaths) -> tuple[str, ...]:
    """The stateful operators that the state belongs to; empty when there is no state."""
    names: list[str] = []
    while paths.operator_metadata(len(names)).exists():
        path = paths.operator_metadata(len(names))
        lines = body_lines(files.fs.read(path), path, supported_version=2)
        info = json_object(lines[0] if lines else "", path).get("operatorInfo")
        if not isinstance(info, dict) or not isinstance(info.get("operatorName"), str):
            raise malformed_log_file(path, "", "it names no operator")
        names.append(info["operatorName"])
    return tuple(names)
