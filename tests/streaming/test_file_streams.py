"""Streams of files: each file is in one batch, whatever happens to the directory meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming.file_streams import FileStream
from tests.streaming.conftest import Run
from tests.streaming.test_receivers import until

START = 1_000_000


def put(directory: Path, name: str, second: float, text: str = "") -> Path:
    """A file that came in so many seconds after the start."""
    path = directory / name
    path.write_text(text or f"{name}\n")
    os.utime(path, (START + second, START + second))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "in"
    directory.mkdir()
    return directory


def test_a_file_that_comes_while_the_directory_is_listed_is_in_the_next_batch(
    run: Run, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.keep(run.ssc.textFileStream(str(source)))
    put(source, "a", 0.5)
    listing = os.scandir
    comes = ["b", "c"]

    def scandir(path: Any) -> Any:
        entries = list(listing(path))
        if comes and Path(path) == source:
            put(source, comes.pop(0), run.clock.now_ms() / 1000 - START - 0.1)  # moved in, and older than the batch
        return _Entries(entries)

    monkeypatch.setattr(os, "scandir", scandir)
    assert run.batches(4) == [["a"], ["b"], ["c"], []]


def test_a_file_that_goes_while_the_directory_is_listed_is_left_out(
    run: Run, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.keep(run.ssc.textFileStream(str(source)))
    put(source, "a", 0.5)
    gone = put(source, "gone", 0.5)
    listing = os.scandir

    def scandir(path: Any) -> Any:
        entries = list(listing(path))
        if Path(path) == source:
            gone.unlink(missing_ok=True)
        return _Entries(entries)

    monkeypatch.setattr(os, "scandir", scandir)
    assert run.batches(2) == [["a"], []]


class _Entries(list[Any]):
    def __enter__(self) -> Iterator[Any]:
        return iter(self)

    def __exit__(self, *_: object) -> None:
        pass


def test_a_file_that_grows_after_its_batch_was_made_is_not_read_again(run: Run, source: Path) -> None:
    """It is read as far as it went then, and to the end of the line there: files are to be moved in whole."""
    path = put(source, "a", 0.5, "one\ntwo")
    stream = run.ssc.textFileStream(str(source))

    def more(rdd: Any) -> None:
        if not rdd.isEmpty():
            put(source, "a", 1.5, "one\ntwo and a half\nthree\nfour\n")

    stream.foreachRDD(more)
    run.keep(stream)
    run.ssc._checkpoint_directory = None  # the function knows the directory
    assert run.batches(3) == [["one", "two and a half"], [], []]
    assert path.read_text().endswith("four\n")


def test_batches_are_forgotten_while_others_are_listed(run: Run, source: Path) -> None:
    """The thread that makes batches and the one that ends them use the same table."""
    run.keep(run.ssc.textFileStream(str(source)))
    run.batches(1)
    (stream,) = run.ssc.graph.inputs
    assert isinstance(stream, FileStream)
    stream._selected = {START * 1000 + i: [f"f{i}"] for i in range(4_000)}
    stream.remember_ms = 0
    errors: list[BaseException] = []

    def forget() -> None:
        try:
            for i in range(0, 4_000, 10):
                stream.forget(START * 1000 + i, True)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=forget)
    thread.start()
    try:
        time_ms = START * 1000 + 10_000_000
        while thread.is_alive():
            stream.allocate(time_ms := time_ms + 1)
            stream.describe()
    finally:
        thread.join()
    assert errors == []


def test_batches_that_are_made_up_for_share_a_listing(run: Run, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Any] = []
    listing = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(path), listing(path))[1])
    run.keep(run.ssc.textFileStream(str(source)))
    for second in (0.5, 3.2, 3.4, 5.0, 9.5):
        put(source, f"f{second}", second)
    run.ssc.start()
    run.advance(9000)
    until(lambda: run.done == 9)
    run.batches(1)
    expected = {1: ["f0.5"], 4: ["f3.2", "f3.4"], 5: ["f5.0"], 10: ["f9.5"]}
    assert run.results == [(n, expected.get(n, [])) for n in range(1, 11)]
    assert len([path for path in listed if Path(path) == source]) == 2
