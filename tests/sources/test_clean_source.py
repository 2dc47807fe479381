"""cleanSource: files of finished batches are deleted or archived; the stream goes on as if they were there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from reading import batch, relation, stream

from penstock.core.errors import SparkError
from penstock.plan.types import LONG
from penstock.sources.base import StreamSource


def put(root: Path, name: str, value: int) -> Path:
    path = root / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"a": value}) + "\n")
    os.utime(path, (1000 + value, 1000 + value))
    return path


def opened(root: Path, path: str = "in", **options: str) -> StreamSource:
    (root / "in").mkdir(exist_ok=True)
    return stream(relation("json", root / path, {"a": LONG}, streaming=True, **options), root / "meta")


def left(root: Path, directory: str = "in") -> list[str]:
    found = (root / directory).rglob("*")
    return sorted(str(path.relative_to(root / directory)) for path in found if path.is_file())


def test_delete_when_the_batch_is_done(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path, f"{i}", i)
    source = opened(tmp_path, cleanSource="DELETE", maxFilesPerTrigger="1")
    first = source.latest_offset(None)
    assert first is not None
    second = source.latest_offset(first)
    assert second is not None
    assert left(tmp_path) == ["0", "1", "2"]
    source.commit(first)
    assert left(tmp_path) == ["1", "2"]
    assert batch(source, first, second, "a") == [(1,)]
    source.commit(second)
    assert left(tmp_path) == ["2"]
    third = source.latest_offset(second)
    assert third is not None
    assert batch(source, second, third, "a") == [(2,)]


def test_archive_keeps_the_whole_path(tmp_path: Path) -> None:
    paths = [put(tmp_path, "a", 0), put(tmp_path, "k=1/b c", 1)]
    source = opened(tmp_path, cleanSource="archive", sourceArchiveDir=(tmp_path / "old").as_uri())
    end = source.latest_offset(None)
    assert end is not None
    source.commit(end)
    assert left(tmp_path) == []
    assert left(tmp_path, "old") == sorted(str(path).lstrip("/") for path in paths)
    assert source.latest_offset(end) == end


def test_after_a_restart(tmp_path: Path) -> None:
    """Killed between the batch's commit and the cleaning: done at the next commit; what is gone is no trouble."""
    for i in range(2):
        put(tmp_path, f"{i}", i)
    end = None
    for _ in range(2):
        end = opened(tmp_path, cleanSource="delete", maxFilesPerTrigger="1").latest_offset(end)
    again = opened(tmp_path, cleanSource="delete", maxFilesPerTrigger="1")
    (tmp_path / "in" / "0").unlink()
    assert end is not None
    again.commit(end)
    assert left(tmp_path) == []
    put(tmp_path, "0", 7)
    assert again.latest_offset(end) == end, "a name that was read is not read again"


def test_what_cannot_be_cleaned_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "a", 0)
    (tmp_path / "old").write_text("a file where a directory is needed")
    source = opened(tmp_path, cleanSource="archive", sourceArchiveDir=str(tmp_path / "old"))
    end = source.latest_offset(None)
    assert end is not None
    source.commit(end)
    assert left(tmp_path) == ["a"]
    assert "stays where it is" in caplog.text


@pytest.mark.parametrize(
    ("path", "archive"), [("in", "in"), ("in", "in/deep"), ("in", "."), ("i*", "in2"), ("{in,x}", "in/y"), ("in", "/")]
)
def test_an_archive_that_the_stream_may_read(tmp_path: Path, path: str, archive: str) -> None:
    put(tmp_path, "a", 0)
    with pytest.raises(SparkError, match="sourceArchiveDir"):
        opened(tmp_path, path, cleanSource="archive", sourceArchiveDir=str(tmp_path / archive))


def test_options(tmp_path: Path) -> None:
    put(tmp_path, "a", 0)
    with pytest.raises(SparkError, match="sourceArchiveDir") as caught:
        opened(tmp_path, cleanSource="archive")
    assert caught.value.classes[0] == "java.lang.IllegalArgumentException"
    with pytest.raises(SparkError, match="cleanSource"):
        opened(tmp_path, cleanSource="move")
    assert opened(tmp_path, cleanSource="off").latest_offset(None) is not None
    (tmp_path / "in" / "_spark_metadata").mkdir()
    with pytest.raises(SparkError, match="file sink"):
        opened(tmp_path, cleanSource="delete")
