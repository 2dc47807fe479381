"""One at a time; who only looks is waited for."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from penstock.checkpoint import lock
from penstock.checkpoint.lock import FileLock


def test_one_at_a_time(tmp_path: Path) -> None:
    for place in (tmp_path / ".lock", tmp_path):
        first = FileLock(place)
        with pytest.raises(BlockingIOError):
            FileLock(place)
        first.release()
        first.release()
        with FileLock(place), pytest.raises(BlockingIOError):
            FileLock(place)
        FileLock(place).release()


def test_two_threads_that_release_it_close_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second close could hit a file that has been opened meanwhile."""
    held, closed, close = FileLock(tmp_path / ".lock"), [], os.close

    def slowly(descriptor: int) -> None:
        if not closed:
            closed.append(descriptor)
            other = threading.Thread(target=held.release)
            other.start()
            other.join()
        else:
            closed.append(descriptor)
        close(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(lock.os, "close", slowly)
        held.release()
    assert len(closed) == 1


def test_somebody_who_looks_whether_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`penstock checkpoint show` shares the lock for a moment: a query that starts then is not refused."""
    path = tmp_path / ".lock"
    looker = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looker, fcntl.LOCK_SH)
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: fcntl.flock(looker, fcntl.LOCK_UN))
    FileLock(path).release()
    os.close(looker)
