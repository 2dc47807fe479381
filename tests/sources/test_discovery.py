"""New files are found at a cost that does not grow with those that were read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.core.config import Conf
from penstock.sources.files import discovery, listing
from penstock.sources.files.discovery import RELIST_AFTER_S, Discovery
from penstock.sources.files.listing import ListingOptions
from penstock.sources.files.seen import SeenFiles

WEEK_MS = 7 * 86_400_000


class Found:
    """A discovery that reads whatever it finds, and counts what that costs."""

    def __init__(self, root: Path, pattern: str = "", *, read: bool = True, **options: str) -> None:
        self.now, self.read = 0.0, read
        self.seen = SeenFiles(WEEK_MS, name_only=False)
        chosen = ListingOptions.of(options, Conf())
        self.discovery = Discovery(str(root) + pattern, chosen, self.seen, lambda: self.now)

    def __call__(self) -> list[str]:
        files = self.discovery.find()
        for file in files if self.read else []:
            self.seen.add(file.path, file.modified_ms)
        return sorted(os.path.basename(file.path) for file in files)


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The directories that are listed and the files that are looked up."""
    made: list[str] = []
    real_names, real_examine = Discovery._names, Discovery._examine

    def names(self: Discovery, path: str) -> list[str]:
        made.append(os.path.basename(path) + "/")
        return real_names(self, path)

    def examine(self: Discovery, path: str, partitions: listing.Partitions) -> object:
        made.append(os.path.basename(path))
        return real_examine(self, path, partitions)

    monkeypatch.setattr(Discovery, "_names", names)
    monkeypatch.setattr(Discovery, "_examine", examine)
    yield made


def put(path: Path, ms: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    if ms is not None:
        os.utime(path, (ms / 1000, ms / 1000))


def settle(*directories: Path) -> None:
    """A change that is made right after this shows in the directory's time, however coarse that is."""
    for directory in directories:
        os.utime(directory, (1_700_000_000, 1_700_000_000))


def test_a_quiet_directory_is_not_listed(tmp_path: Path, lookups: list[str]) -> None:
    put(tmp_path / "a")
    settle(tmp_path)
    found = Found(tmp_path)
    assert found() == ["a"]
    assert found() == []
    lookups.clear()
    assert found() == []
    assert lookups == []
    put(tmp_path / "b")
    assert found() == ["b"]
    assert lookups == [f"{tmp_path.name}/", "b"]


def test_only_the_directory_that_changed_is_listed(tmp_path: Path, lookups: list[str]) -> None:
    days = [tmp_path / f"day={i}" for i in range(3)]
    for day in days:
        put(day / "a")
    settle(*days, tmp_path)
    found = Found(tmp_path)
    assert found() == ["a", "a", "a"]
    found()
    lookups.clear()
    put(days[1] / "b")
    assert found() == ["b"]
    assert lookups == ["day=1/", "b"]
    put(tmp_path / "day=9" / "c")
    assert found() == ["c"]


def test_everything_is_listed_after_a_while(tmp_path: Path, lookups: list[str]) -> None:
    put(tmp_path / "a")
    settle(tmp_path)
    found = Found(tmp_path)
    found()
    put(tmp_path / "b")
    settle(tmp_path)  # as on a file system that caches its times
    assert found() == []
    found.now += RELIST_AFTER_S + 0.1
    lookups.clear()
    assert found() == ["b"]
    found.now += RELIST_AFTER_S + 0.1
    lookups.clear()
    found()
    found.now += RELIST_AFTER_S + 0.1
    lookups.clear()
    assert found() == []
    assert lookups == [f"{tmp_path.name}/"], "listed, but no file looked up"


def test_what_is_not_read_is_found_again(tmp_path: Path) -> None:
    put(tmp_path / "a")
    settle(tmp_path)
    found = Found(tmp_path, read=False)
    assert [found(), found(), found()] == [["a"]] * 3
    (tmp_path / "a").unlink()
    assert found() == []


def test_globs_and_single_files(tmp_path: Path) -> None:
    put(tmp_path / "a.json")
    put(tmp_path / "b.txt")
    found = Found(tmp_path, "/*.json")
    assert [found(), found()] == [["a.json"], []]
    put(tmp_path / "c.json")
    assert found() == ["c.json"]
    assert Found(tmp_path / "b.txt")() == ["b.txt"]
    assert Found(tmp_path / "missing")() == []


def test_old_and_filtered_files(tmp_path: Path) -> None:
    put(tmp_path / "new.json", 2 * WEEK_MS)
    found = Found(tmp_path, pathglobfilter="*.json")
    assert found() == ["new.json"]
    found.seen.purge()
    put(tmp_path / "old.json", WEEK_MS - 1)
    put(tmp_path / "other.txt", 2 * WEEK_MS)
    put(tmp_path / "younger.json", WEEK_MS + 1)
    assert found() == ["younger.json"]


def test_hidden_files(tmp_path: Path) -> None:
    for name in ("_temporary/x", ".a", "_b", "c._COPYING_", "d"):
        put(tmp_path / name)
    assert Found(tmp_path)() == ["d"]


def test_of_the_directories_below_only_partitions_are_read(tmp_path: Path) -> None:
    for name in ("plain/a", "plain/sub/b", "plain/sub/deep/c", "keyed/k=1/d", "keyed/k=2/e"):
        put(tmp_path / name)
    plain = Found(tmp_path / "plain")
    assert [plain(), plain()] == [["a"], []]
    put(tmp_path / "plain" / "sub" / "f")
    put(tmp_path / "plain" / "g")
    assert plain() == ["g"]
    assert Found(tmp_path / "plain", "/s*")() == ["b", "f"]
    assert Found(tmp_path / "plain", recursivefilelookup="true")() == ["a", "b", "c", "f", "g"]
    assert Found(tmp_path / "keyed")() == ["d", "e"]


# ---------------------------------------------------------------- a huge directory


@pytest.fixture
def huge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(discovery, "_HUGE", 3)
    for i in range(5):
        put(tmp_path / f"{i}")
    settle(tmp_path)
    return tmp_path


def test_the_kernel_tells_what_comes_into_a_huge_directory(huge: Path, lookups: list[str]) -> None:
    found = Found(huge)
    assert len(found()) == 5
    found()
    lookups.clear()
    put(huge / "x")
    put(huge / "y.tmp")
    (huge / "y.tmp").rename(huge / "y")
    (huge / "0").unlink()
    assert found() == ["x", "y"]
    assert set(lookups) == {"x", "y", "y.tmp"}
    assert found() == []
    put(huge / "k=1" / "z")
    assert found() == ["z"]
    found.discovery.close()


def test_a_change_of_which_nothing_is_told_leads_to_a_listing(huge: Path, lookups: list[str]) -> None:
    found = Found(huge)
    found()
    put(huge / "x")
    found.discovery._events.take(str(huge))  # lost
    assert found() == []
    assert found() == ["x"]
    assert f"{huge.name}/" in lookups
    put(huge / "y")
    assert found() == ["y"]


def test_more_events_than_the_kernel_keeps_lead_to_a_listing(huge: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Found(huge)
    assert len(found()) == 5
    put(huge / "x")
    read, overflow = os.read, struct.pack("iIII", -1, 0x4000, 0, 0)
    with monkeypatch.context() as patched:
        patched.setattr(os, "read", lambda *args: patched.setattr(os, "read", read) or overflow)
        assert found() == ["x"]
    put(huge / "y")
    assert found() == ["y"]
    found.discovery.close()


def test_without_the_kernels_help(huge: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery.NameEvents, "watch", lambda self, path: False)
    found = Found(huge)
    assert len(found()) == 5
    put(huge / "x")
    assert found() == ["x"]


# ---------------------------------------------------------------- what is known


def test_seen_files_forget_the_old_ones_that_are_gone() -> None:
    seen = SeenFiles(1000, name_only=False)
    for i in range(2000):
        seen.add(f"/f{i}", i * 10)
    seen.purge()
    assert len(seen) == 2000
    seen.forget_gone(seen.hashes("/", ["f0", "f1", "nothing"]))
    assert len(seen) == 103
    assert not seen.is_new("/f1", 10)
    assert not seen.is_new("/f1999", 19_990)
    assert seen.is_new("/f1", 19_000), "written anew after maxFileAge"
    assert seen.is_new("/g", 19_500)


def test_many_files_take_sixteen_bytes_each() -> None:
    seen = SeenFiles(WEEK_MS, name_only=True)
    for i in range(50_000):
        seen.add(f"/d/{i}", i)
    for i in range(100):
        seen.add(f"/e/{i}", i)
    assert len(seen) == 50_000
    assert seen.memory_bytes == 16 * 50_000
    assert seen.known(seen.hashes("/other", ["7", "x"])).tolist() == [True, False]


def test_a_sink_that_begins_after_the_stream_shows_its_committed_files_only(tmp_path: Path) -> None:
    found = Found(tmp_path)
    assert found() == []
    log = tmp_path / "_spark_metadata"
    log.mkdir()
    put(tmp_path / "part-0")
    assert found() == [], "it is not in the sink's log yet"
    (log / "0").write_text(f'v1\n{{"path":"file://{tmp_path}/part-0","size":1,"modificationTime":1,"action":"add"}}')
    assert found() == ["part-0"]
