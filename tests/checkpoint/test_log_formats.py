"""The log files are Spark's: files written by Spark 4.2 (tests/golden/checkpoint) read and come out byte for byte."""

import json
import os
import shutil
from pathlib import Path

import pytest

from penstock.checkpoint.checkpoint import Checkpoint
from penstock.checkpoint.commit_log import CommitEntry, CommitLog, parse_commit
from penstock.checkpoint.metadata_log import MetadataLog
from penstock.checkpoint.offset_log import OffsetEntry, OffsetLog, parse_offsets
from penstock.checkpoint.recovery import Continue, Replay
from penstock.checkpoint.source_log import source_log_entry
from penstock.core.errors import SparkError

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint"


@pytest.mark.parametrize("batch", range(4))
def test_sparks_files_come_out_unchanged(batch):
    offsets, commit = GOLDEN / "offsets" / str(batch), GOLDEN / "commits" / str(batch)
    assert parse_offsets(offsets.read_bytes(), offsets).to_bytes() == offsets.read_bytes()
    assert parse_commit(commit.read_bytes(), commit).to_bytes() == commit.read_bytes()


def test_sparks_checkpoint_is_recovered(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "ck")
    checkpoint = Checkpoint(tmp_path / "ck")
    checkpoint.lock()
    assert checkpoint.query_id == json.loads((GOLDEN / "metadata").read_text())["id"]
    assert checkpoint.recover() == Continue(4, ('{"logOffset":1}',), 1704067250000, 1704067250000)
    assert checkpoint.stored_conf()["spark.sql.shuffle.partitions"] == "1"
    checkpoint.release()


def test_sparks_state_is_refused(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "ck")
    checkpoint = Checkpoint(tmp_path / "ck")
    checkpoint.lock()
    checkpoint.check_belongs(1, (), has_state=False)
    with pytest.raises(SparkError, match="HDFSBackedStateStoreProvider"):
        checkpoint.check_belongs(1, ("stateStoreSave",), has_state=True)
    checkpoint.release()


def test_round_trip(tmp_path):
    offsets, commits = OffsetLog(tmp_path / "offsets"), CommitLog(tmp_path / "commits")
    entry = OffsetEntry(('{"a":1}', None), -5, 1700000000000, {"k": "v"})
    offsets.add(0, entry)
    commits.add(0, CommitEntry(77))
    assert offsets.get(0) == entry
    assert (tmp_path / "offsets" / "0").read_text().split("\n")[2:] == ['{"a":1}', "-"]
    assert commits.get(0) == CommitEntry(77)
    assert (OffsetLog(tmp_path / "offsets").latest, CommitLog(tmp_path / "commits").latest) == (0, 0)


@pytest.mark.parametrize(
    ("content", "condition", "fault"),
    [
        (b"", "MALFORMED_LOG_FILE", "incomplete"),
        (b"xx\n{}\n-", "MALFORMED_LOG_FILE", "'xx'"),
        (b"v9\n{}\n-", "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION", "v9"),
        (b"v1", "MALFORMED_LOG_FILE", "ends after"),
        (b'v1\n{"batch', "MALFORMED_LOG_FILE", "does not parse"),
        (b"v1\n[1]\n-", "MALFORMED_LOG_FILE", "not a JSON object"),
        (b'v1\n{"batchWatermarkMs":"x","nextBatchWatermarkMs":"x"}\n-', "MALFORMED_LOG_FILE", "WatermarkMs"),
        (b"\xff\xfe", "MALFORMED_LOG_FILE", "UTF-8"),
    ],
)
@pytest.mark.parametrize("parse", [parse_offsets, parse_commit])
def test_damaged_file_is_named_with_fault_and_remedy(parse, content, condition, fault):
    with pytest.raises(SparkError) as caught:
        parse(content, Path("/ck/offsets/3"))
    assert caught.value.condition == condition
    assert "/ck/offsets/3" in str(caught.value)
    assert fault in str(caught.value)
    assert "checkpointLocation" in str(caught.value)


def test_log_never_overwrites_with_different_content(tmp_path):
    log = MetadataLog(tmp_path / "log")
    log.add(0, b"a")
    log.add(0, b"a")
    with pytest.raises(SparkError) as caught:
        log.add(0, b"b")
    assert (caught.value.condition, caught.value.params) == ("CONCURRENT_STREAM_LOG_UPDATE", {"batchId": "0"})
    assert log.get(0) == b"a"


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / ".3.0123.tmp").write_bytes(b"v1")
    assert MetadataLog(tmp_path / "log").latest is None
    assert list((tmp_path / "log").iterdir()) == []


def test_purge_removes_only_older_entries(tmp_path):
    log = MetadataLog(tmp_path / "log")
    for batch in range(5):
        log.add(batch, b"x")
    log.purge(3)
    log.purge(2)
    assert sorted(p.name for p in (tmp_path / "log").iterdir()) == ["3", "4"]
    reopened = MetadataLog(tmp_path / "log")
    assert reopened.latest == 4
    with pytest.raises(SparkError) as caught:
        reopened.get(2)
    assert caught.value.condition == "BATCH_METADATA_NOT_FOUND"


@pytest.mark.parametrize("left", [b"", b"\0" * 40])
def test_commit_that_a_failing_machine_lost_is_replayed(tmp_path, left):
    shutil.copytree(GOLDEN, tmp_path / "ck")
    (tmp_path / "ck" / "commits" / "3").write_bytes(left)
    checkpoint = Checkpoint(tmp_path / "ck")
    checkpoint.lock()
    decision = checkpoint.recover()
    checkpoint.end_batch(3, CommitEntry(5))
    checkpoint.release()
    assert isinstance(decision, Replay) and decision.batch_id == 3
    assert CommitLog(tmp_path / "ck" / "commits").get(3) == CommitEntry(5)


def test_last_commit_is_synced_at_the_end_only(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    checkpoint = Checkpoint(tmp_path / "ck")
    checkpoint.lock()
    synced.clear()
    for batch in range(3):
        checkpoint.begin_batch(batch, OffsetEntry((str(batch),), 0, 0))
        offsets, synced[:] = list(synced), []
        assert [Path(path).parent.name for path in offsets] == ["offsets", "ck"]
        checkpoint.end_batch(batch, CommitEntry(0))
        assert synced == []
    checkpoint.flush(clean=True)
    checkpoint.release()
    assert synced == [str(tmp_path / "ck" / "commits" / "2"), str(tmp_path / "ck" / "commits")]


def test_a_file_name_that_is_no_text_is_named():
    with pytest.raises(SparkError, match=r"/data/a�\.json is not UTF-8.*pathGlobFilter"):
        source_log_entry(os.fsdecode(b"/data/a\xff.json"), 0, 0)
