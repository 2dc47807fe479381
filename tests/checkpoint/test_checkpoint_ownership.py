"""A checkpoint belongs to one query, and to one run of it at a time."""

import subprocess
import sys

import pytest

from penstock.checkpoint.checkpoint import Checkpoint
from penstock.checkpoint.commit_log import CommitEntry
from penstock.checkpoint.offset_log import OffsetEntry
from penstock.core.errors import SparkError


def opened(root):
    checkpoint = Checkpoint(root)
    checkpoint.lock()
    return checkpoint


def with_batch(root, operators=(), sources=1):
    checkpoint = opened(root)
    checkpoint.mark_operators(operators, 1)
    checkpoint.offset_log.add(0, OffsetEntry(("1",) * sources, 0, 0))
    checkpoint.commit_log.add(0, CommitEntry(0))
    checkpoint.release()
    return opened(root)


def test_id_is_kept(tmp_path):
    assert Checkpoint(tmp_path / "ck").query_id == Checkpoint(tmp_path / "ck").query_id


def test_lost_id_is_refused(tmp_path):
    with_batch(tmp_path / "ck").release()
    (tmp_path / "ck" / "metadata").unlink()
    with pytest.raises(SparkError) as caught:
        Checkpoint(tmp_path / "ck")
    assert caught.value.condition == "STREAMING_CHECKPOINT_MISSING_METADATA_FILE"


def test_damaged_id_is_refused(tmp_path):
    (tmp_path / "metadata").write_text("{")
    with pytest.raises(SparkError, match="metadata"):
        Checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("operators", "sources", "condition", "text"),
    [
        (("dedupe",), 2, "STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT", "1 sources in the checkpoint's offsets"),
        (("dedupe",), 1, "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA", "stateStoreSave"),
        ((), 1, "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA", "the query has []"),
        (("stateStoreSave", "dedupe"), 1, "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA", "dedupe"),
    ],
)
def test_another_query_is_refused(tmp_path, operators, sources, condition, text):
    checkpoint = with_batch(tmp_path, ("stateStoreSave",))
    checkpoint.check_belongs(1, ("stateStoreSave",), has_state=True)
    with pytest.raises(SparkError) as caught:
        checkpoint.check_belongs(sources, operators, has_state=bool(operators))
    assert caught.value.condition == condition
    assert text in str(caught.value)


def test_state_that_is_gone_is_refused(tmp_path):
    checkpoint = with_batch(tmp_path)
    with pytest.raises(SparkError) as caught:
        checkpoint.check_belongs(1, ("dedupe",), has_state=True)
    assert caught.value.condition == "STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY"


def test_one_run_at_a_time(tmp_path):
    checkpoint = opened(tmp_path)
    with pytest.raises(SparkError) as caught:
        opened(tmp_path)
    assert caught.value.condition == "CONCURRENT_STREAM_LOG_UPDATE"
    checkpoint.release()
    opened(tmp_path).release()


def test_one_process_at_a_time(tmp_path):
    checkpoint = opened(tmp_path)
    imports = "from pathlib import Path; from penstock.checkpoint.checkpoint import Checkpoint"
    code = f"{imports}; Checkpoint(Path({str(tmp_path)!r})).lock()"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    checkpoint.release()
    assert "CONCURRENT_STREAM_LOG_UPDATE" in other.stderr
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
