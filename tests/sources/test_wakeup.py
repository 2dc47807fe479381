"""Queries are woken when files come into their directories."""

from __future__ import annotations

import os
import resource
import threading
import time
from pathlib import Path

import pytest

from penstock.sources.files import wakeup
from penstock.sources.files.wakeup import TOLD_MS, UNTOLD_MS, DirectoryWatch, is_local

pytestmark = pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="inotify is Linux's")


class Woken:
    """Counts calls."""

    def __init__(self) -> None:
        self.count, self.event = 0, threading.Event()

    def __call__(self) -> None:
        self.count += 1
        self.event.set()

    def within(self, seconds: float = 120.0) -> bool:
        came = self.event.wait(seconds)
        self.event.clear()
        return came


@pytest.fixture
def watched(tmp_path: Path):
    if not is_local(str(tmp_path)):
        pytest.skip("the temporary directory is on a file system of others")
    woken = Woken()
    watch = DirectoryWatch(woken)
    assert watch.look_after_ms(frozenset([str(tmp_path)])) == UNTOLD_MS, "files may have come before the watch began"
    assert watch.look_after_ms(frozenset([str(tmp_path)])) == TOLD_MS
    yield tmp_path, watch, woken
    watch.close()


def test_a_file_that_is_moved_in_wakes(watched) -> None:
    directory, _, woken = watched
    (directory.parent / f"{directory.name}-elsewhere").write_text("x")
    (directory.parent / f"{directory.name}-elsewhere").rename(directory / "a")
    assert woken.within()


def test_a_file_that_is_written_in_place_wakes_a_little_later(watched) -> None:
    """So that one that gets its name by a rename in the same directory is not read under the first one."""
    directory, _, woken = watched
    begun = time.monotonic()
    with open(directory / "a", "w") as file:
        file.write("x")
    assert woken.within()
    assert time.monotonic() - begun >= wakeup._GRACE_S


def test_a_link_and_a_directory_wake(watched) -> None:
    directory, _, woken = watched
    (directory.parent / f"{directory.name}-elsewhere").write_text("x")
    os.link(directory.parent / f"{directory.name}-elsewhere", directory / "link")
    assert woken.within()
    (directory / "below").mkdir()
    assert woken.within()


def test_nothing_wakes_after_the_end(watched) -> None:
    directory, watch, woken = watched
    watch.close()
    (directory / "a").write_text("x")
    assert not woken.within(0.1)


def test_two_queries_watch_one_directory(watched) -> None:
    directory, _, woken = watched
    other = Woken()
    second = DirectoryWatch(other)
    second.look_after_ms(frozenset([str(directory)]))
    (directory / "a").write_text("x")
    assert woken.within() and other.within()
    second.close()
    time.sleep(0.05)
    woken.event.clear()
    (directory / "b").write_text("x")
    assert woken.within()


def test_a_directory_that_comes_back_is_watched_anew(watched) -> None:
    directory, watch, woken = watched
    directory.rmdir()
    assert woken.within()
    directory.mkdir()
    assert watch.look_after_ms(frozenset([str(directory)])) == UNTOLD_MS
    assert watch.look_after_ms(frozenset([str(directory)])) == TOLD_MS
    (directory / "a").write_text("x")
    assert woken.within()


def test_where_the_kernel_cannot_tell_all_the_directory_is_looked_at(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(wakeup, "is_local", lambda directory: False)
    watch = DirectoryWatch(Woken())
    for _ in range(3):
        assert watch.look_after_ms(frozenset([str(tmp_path)])) == UNTOLD_MS
    assert DirectoryWatch(Woken()).look_after_ms(None) == UNTOLD_MS
    many = frozenset(f"{tmp_path}/{i}" for i in range(wakeup.MAX_DIRECTORIES + 1))
    assert DirectoryWatch(Woken()).look_after_ms(many) == UNTOLD_MS


def test_a_process_with_very_many_open_files_is_woken_too(tmp_path: Path) -> None:
    """select() knows no descriptor above 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this system allows too few open files")
    if not is_local(str(tmp_path)):
        pytest.skip("the temporary directory is on a file system of others")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        wakeups, woken = wakeup.Wakeups(), Woken()
        assert wakeups.watch(str(tmp_path), woken)
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (tmp_path / "a").write_text("x")
    assert woken.within()
