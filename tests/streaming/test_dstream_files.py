"""Checkpoints and the write-ahead log as files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.streaming.checkpoint_files import Metadata, checkpoint_files, encoded_line, latest
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
    assert latest(tmp_path) == Metadata(2000, 0, [2000])
    (tmp_path / "checkpoint-10000").write_bytes(b"")
    found = latest(tmp_path)
    assert found is not None and found.time_ms == 2000


def test_lines_after_a_checkpoint_change_it_up_to_the_first_that_is_torn(tmp_path: Path) -> None:
    begin = Metadata(1000, 0, [1000], {}, {"0": {"started": 7, "batches": {"1000": ["a"]}}}).encode()
    lines = [
        encoded_line({"made": 2000, "inputs": {"0": ["b"]}}),
        encoded_line({"done": 1000}),
        encoded_line({"made": 3000, "inputs": {}}),
    ]
    whole = Metadata.decode(begin + b"".join(lines))
    assert (whole.time_ms, whole.pending) == (3000, [2000, 3000])
    assert whole.inputs == {"0": {"started": 7, "batches": {"1000": ["a"], "2000": ["b"]}}}
    for cut in range(1, len(lines[2])):
        torn = Metadata.decode(begin + b"".join(lines)[:-cut])
        assert (torn.time_ms, torn.pending) == (2000, [2000])


def test_a_checkpoint_of_another_version_says_so() -> None:
    with pytest.raises(ValueError, match="another version of Penstock \\(v1\\)"):
        Metadata.decode(b"v1 00000000\n{}")


def test_when_no_checkpoint_can_be_read_it_is_an_error_and_not_a_new_start(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    (tmp_path / "checkpoint-1000").write_bytes(b"v2 00000000\n{}\n")
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


def test_half_of_a_block_is_taken_back_and_the_next_one_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = WriteAheadLog(tmp_path)
    assert log.append(["first"]) == 1
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", no_space)
        return write(descriptor, bytes(data)[:10])

    def no_space(descriptor: int, data: bytes) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        log.append(["second"])
    assert list(log.read(0)) == [(1, ["first"])]
    monkeypatch.setattr(os, "write", write)
    assert log.append(["third"]) == 2
    assert list(WriteAheadLog(tmp_path).read(0)) == [(1, ["first"]), (2, ["third"])]


def test_when_half_of_a_block_cannot_be_taken_back_a_segment_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = WriteAheadLog(tmp_path)
    log.append(["first"])

    def broken(*_: object) -> None:
        raise OSError("Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        patch.setattr(os, "ftruncate", broken)
        with pytest.raises(OSError, match="Input/output"):
            log.append(["second"])
    assert log.append(["third"]) == 2
    assert [p.name for p in sorted(tmp_path.glob("*.log"))] == [f"{n:020d}.log" for n in (1, 2)]
    assert list(log.read(1)) == [(2, ["third"])]


def test_a_log_with_a_block_missing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.streaming.wal.SEGMENT_BYTES", 0)
    log = WriteAheadLog(tmp_path)
    for i in range(5):
        log.append([i])
    (tmp_path / f"{3:020d}.log").unlink()
    assert list(log.read(0, 2)) == [(1, [0]), (2, [1])]
    with pytest.raises(ValueError, match="lacks the blocks 3 to 3"):
        list(log.read(1, 4))
    log.close()
    (tmp_path / f"{5:020d}.log").unlink()
    with pytest.raises(ValueError, match="lacks the blocks 5 to 5"):
        list(log.read(3, 5))


def test_segments_between_those_that_are_needed_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.streaming.wal.SEGMENT_BYTES", 0)
    log = WriteAheadLog(tmp_path)
    for i in range(8):
        log.append([i])
    log.forget(6, [(1, 2), (3, 3), (4, 5)])
    assert [int(p.stem) for p in sorted(tmp_path.glob("*.log"))] == [2, 5, 7, 8]


def test_numbers_go_on_when_only_an_empty_segment_is_left(tmp_path: Path) -> None:
    """As after a kill between the begin of a segment and its first block, when all before it have been removed."""
    (tmp_path / f"{11:020d}.log").touch()
    assert WriteAheadLog(tmp_path).append(["eleventh"]) == 11
