import os

import pytest
from writing import SIMPLE, simple

from penstock.core import files
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.sinks import batch_writer


def write(path, table, mode="error", form="json", partition_by=(), conf=None, **options):
    batch_writer.write(table, SIMPLE, form, str(path), mode, partition_by, options, conf or Conf())


def lines(path):
    return sorted(line for p in path.rglob("part-*") for line in p.read_text().splitlines())


def test_modes(tmp_path):
    out = tmp_path / "out"
    write(out, simple((1, "x")))
    assert (out / "_SUCCESS").exists()
    with pytest.raises(SparkError, match="PATH_ALREADY_EXISTS") as caught:
        write(out, simple((2, "y")))
    assert caught.value.params == {"outputPath": f"file:{out}"}
    write(out, simple((2, "y")), "append")
    assert len(lines(out)) == 2
    write(out, simple((3, "z")), "ignore")
    assert len(lines(out)) == 2
    write(out, simple((4, "w")), "overwrite")
    assert lines(out) == ['{"a":4,"s":"w"}']
    assert os.listdir(tmp_path) == ["out"]


def test_partitions(tmp_path):
    write(tmp_path / "out", simple((1, "x"), (2, "y"), (3, "x")), partition_by=("s",))
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "s=x", "s=y"]
    assert lines(tmp_path / "out" / "s=x") == ['{"a":1}', '{"a":3}']


def test_a_failed_overwrite_keeps_the_old_data(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write(out, simple((1, "x")))

    class Full(files.LocalFiles):
        def write(self, path, data, *, durable=True):
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(files, "fs", Full())
    with pytest.raises(SparkError, match="TASK_WRITE_FAILED"):
        write(out, simple((2, "y")), "overwrite")
    assert lines(out) == ['{"a":1,"s":"x"}']
    assert os.listdir(tmp_path) == ["out"]


def test_empty_tables_keep_their_schema(tmp_path):
    import pyarrow.parquet as pq

    write(tmp_path / "out", simple(), form="parquet")
    (file,) = (tmp_path / "out").glob("part-*")
    assert pq.read_table(file).schema.names == ["a", "s"]


def test_noop_and_what_is_refused(tmp_path):
    write(None, simple((1, "x")), "overwrite", "noop")
    for arguments, expected in [
        ({"form": "noop"}, "UNSUPPORTED_DATA_SOURCE_SAVE_MODE"),
        ({"form": "nosuch"}, "DATA_SOURCE_NOT_FOUND"),
        ({"form": "delta"}, "delta"),
        ({"mode": "replace"}, "INVALID_SAVE_MODE"),
        ({"mode": "overwrite", "partition_by": ("s",), "partitionoverwritemode": "dynamic"}, "dynamic"),
    ]:
        with pytest.raises(SparkError, match=expected):
            write(tmp_path / "out", simple((1, "x")), **arguments)


@pytest.mark.parametrize("how", ["removed", "held", "held and removed"])
def test_another_writer_may_take_the_new_directory_for_an_abandoned_one(tmp_path, monkeypatch, how):
    """Between its making and its lock."""
    out, original, held = tmp_path / "out", batch_writer.FileLock, []

    class Met(original):
        def __init__(self, path, **options):
            if held:
                held[0].release()
            else:
                held.append(original(path))
                if "removed" in how:
                    path.rmdir()
                if how == "removed":
                    held[0].release()
            super().__init__(path, **options)

    write(out, simple((1, "x")))
    monkeypatch.setattr(batch_writer, "FileLock", Met)
    write(out, simple((2, "y")), "overwrite")
    assert lines(out) == ['{"a":2,"s":"y"}']
    assert os.listdir(tmp_path) == ["out"]
    assert held


def test_what_is_gone_when_it_is_to_be_removed_is_not_made_again(tmp_path, monkeypatch):
    out, original = tmp_path / "out", batch_writer.FileLock
    abandoned = tmp_path / ".out.00000000-0000-0000-0000-000000000000.new"
    abandoned.mkdir()

    def gone(path, **options):
        if path.exists():
            path.rmdir()
        return original(path, **options)

    monkeypatch.setattr(batch_writer, "FileLock", gone)
    batch_writer._remove_abandoned(out)
    assert not abandoned.exists()
