"""Checkpoints and the write-ahead log as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.streaming.checkpoints import Metadata, checkpoint_files, latest
from penstock.streaming.graph_file import NAME, check_trusted
from penstock.streaming.rate import PidRateEstimator
from penstock.streaming.wal import WriteAheadLog


def test_the_newest_readable_checkpoint_is_used(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    assert latest(tmp_path) is None
    for time in (1000, 2000, 10000):
        (tmp_path / f"checkpoint-{time}").write_bytes(Metadata(time, 0, [time]).encode())
    assert [p.name for p in checkpoint_files(tmp_path)] == ["checkpoint-1000", "checkpoint-2000", "checkpoint-10000"]
    found = latest(tmp_path)
    assert found is not None and (found.time_ms, found.pending) == (10000, [10000])
    torn = (tmp_path / "checkpoint-10000").read_bytes()[:-3]
    (tmp_path / "checkpoint-10000").write_bytes(torn)
    found = latest(tmp_path)
    assert found is not None and found.time_ms == 2000


def test_when_no_checkpoint_can_be_read_it_is_an_error_and_not_a_new_start(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    (tmp_path / "checkpoint-1000").write_bytes(b"v1 00000000\n{}")
    with pytest.raises(ValueError, match="checkpoint-1000: its checksum"):
        latest(tmp_path)


def test_a_graph_that_others_can_write_is_not_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    graph = tmp_path / NAME
    graph.write_bytes(b"")
    graph.chmod(0o600)
    check_trusted(graph)
    graph.chmod(0o666)
    with pytest.raises(PermissionError, match="chmod go-w"):
        check_trusted(graph)


def test_the_log_gives_back_what_was_appended_and_not_what_was_torn(tmp_path: Path) -> None:
    log = WriteAheadLog(tmp_path)
    assert [log.append([i]) for i in range(5)] == [1, 2, 3, 4, 5]
    log.close()
    assert list(WriteAheadLog(tmp_path).read(2, 4)) == [(3, [2]), (4, [3])]
    (segment,) = tmp_path.glob("*.log")
    segment.write_bytes(segment.read_bytes()[:-1])
    again = WriteAheadLog(tmp_path)
    assert [number for number, _ in again.read(0)] == [1, 2, 3, 4]
    assert again.append(["new"]) == 5
    assert list(again.read(3)) == [(4, [3]), (5, ["new"])]


def test_segments_that_nobody_needs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.streaming.wal.SEGMENT_BYTES", 0)
    log = WriteAheadLog(tmp_path)
    for i in range(4):
        log.append([i])
    log.forget(2)
    assert [number for number, _ in log.read(0)] == [3, 4]


def test_the_rate_follows_processing() -> None:
    # As Spark's PIDRateEstimator: the first batch only sets the rate.
    pid = PidRateEstimator(1000)
    assert pid.compute(1000, 1000, 500, 0) is None
    assert pid.compute(2000, 1000, 1000, 0) == 1000.0
    slower = pid.compute(3000, 1000, 2000, 1000)
    assert slower == 500 - 0.2 * 500
    assert pid.compute(3000, 1000, 1000, 0) is None
