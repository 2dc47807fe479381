"""File systems that fail, and what a query says and does then."""

import errno
import sys
from pathlib import Path

import pytest

from penstock.core import files
from penstock.testing import FailingFiles, failing_files

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from query_fakes import Bench

from penstock.runtime.errors import StreamingQueryException
from penstock.runtime.trigger import AvailableNow


def test_pattern_count_and_kind(tmp_path):
    with failing_files(FailingFiles(f"{tmp_path}/b*", nth=2, times=1, error=errno.EIO)) as failing:
        for name in ("a", "b1"):
            files.fs.write_atomic(tmp_path / name, b"x")
        with pytest.raises(OSError, match="b2") as caught:
            files.fs.write_atomic(tmp_path / "b2", b"x")
        assert caught.value.errno == errno.EIO
        files.fs.write_atomic(tmp_path / "b3", b"x")
    assert (failing.matched, failing.failed) == (3, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b1", "b3"]
    assert not isinstance(files.fs, FailingFiles)


def test_torn_write(tmp_path):
    with failing_files(FailingFiles("*/log", torn=True)), pytest.raises(OSError, match="log"):
        files.fs.write_atomic(tmp_path / "log", b"abcdef")
    assert (tmp_path / "log").read_bytes() == b"abc"


@pytest.mark.parametrize("operation", ["write", "sync", "read", "make_directory", "remove"])
def test_operations(tmp_path, operation):
    calls = {
        "write": lambda: files.fs.write(tmp_path / "f", b""),
        "sync": lambda: files.fs.sync(tmp_path),
        "read": lambda: files.fs.read(tmp_path / "f"),
        "make_directory": lambda: files.fs.make_directory(tmp_path / "d"),
        "remove": lambda: files.fs.remove(tmp_path / "f"),
    }
    with failing_files(FailingFiles(operations=(operation,), error=errno.EACCES)), pytest.raises(PermissionError):
        calls[operation]()


def run(bench):
    bench.start(trigger=AvailableNow(), name="sums").await_termination()


@pytest.mark.parametrize("log", ["offsets", "commits", "state"])
@pytest.mark.parametrize(
    ("error", "remedy"),
    [(errno.ENOSPC, "free some space"), (errno.EACCES, "write permission"), (errno.EIO, "device")],
)
def test_query_names_what_failed_and_goes_on_afterwards(tmp_path, log, error, remedy):
    bench = Bench(tmp_path / "ck")
    bench.source.limit = 1
    bench.source.add(1, 2, 3)
    failing = FailingFiles(f"*/{log}/*[0-9]*", nth=2, error=error)
    with failing_files(failing), pytest.raises(StreamingQueryException) as caught:
        run(bench)
    assert all(text in str(caught.value) for text in ("sums [id", f"/{log}/", remedy, "STREAM_FAILED"))
    run(bench)
    assert bench.sink.batches == {0: [1], 1: [3], 2: [6]}


@pytest.mark.parametrize("log", ["offsets", "commits"])
def test_torn_log_is_found_and_named(tmp_path, log):
    bench = Bench(tmp_path / "ck")
    bench.source.add(1)
    with failing_files(FailingFiles(f"*/{log}/0", torn=True)), pytest.raises(StreamingQueryException):
        run(bench)
    with pytest.raises(StreamingQueryException, match=f"{log}/0") as caught:
        run(bench)
    assert caught.value.cause_condition == "MALFORMED_LOG_FILE"
