"""When a directory has to be listed again."""

from __future__ import annotations

import os
from pathlib import Path

from penstock.core.config import Conf
from penstock.sources.files.listing import ListingOptions, list_files
from penstock.sources.files.watch import RELIST_AFTER_S, DirectoryWatch


def listed(root: Path, pattern: str = "") -> tuple[DirectoryWatch, list[float]]:
    now = [0.0]
    watch = DirectoryWatch(lambda: now[0])
    list_files([str(root) + pattern], ListingOptions.of({}, Conf()), must_exist=False, visited=watch.begin())
    return watch, now


def age(path: Path) -> None:
    """A change that is made right after this shows in the directory's time, however coarse that is."""
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_quiet_until_a_file_comes(tmp_path: Path) -> None:
    age(tmp_path)
    watch, _ = listed(tmp_path)
    assert watch.is_quiet
    (tmp_path / "a.json").write_text("{}")
    assert not watch.is_quiet


def test_a_file_deep_below(tmp_path: Path) -> None:
    deep = tmp_path / "day=1" / "hour=2"
    deep.mkdir(parents=True)
    for directory in (deep, deep.parent, tmp_path):
        age(directory)
    watch, _ = listed(tmp_path)
    assert watch.is_quiet
    (deep / "a.json").write_text("{}")
    assert not watch.is_quiet


def test_it_is_never_trusted_for_long(tmp_path: Path) -> None:
    watch, now = listed(tmp_path)
    now[0] = RELIST_AFTER_S + 0.1
    assert not watch.is_quiet


def test_globs_files_and_sinks_are_always_listed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert not listed(tmp_path, "/*.json")[0].is_quiet
    assert not listed(tmp_path / "a.json")[0].is_quiet
    assert not listed(tmp_path / "missing")[0].is_quiet
    (tmp_path / "_spark_metadata").mkdir()
    assert not listed(tmp_path)[0].is_quiet
