"""Files that a client ships: where programs find them, and that nothing of them is left."""

from __future__ import annotations

import importlib
import io
import sys
import zipfile
from pathlib import Path

import pytest

from penstock.connect.artifact_files import ArtifactFiles
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.rdd.files import SparkFiles


def archive(**files: str) -> bytes:
    """A zip of texts by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name, text in files.items():
            target.writestr(f"{name}.py", text)
    return made.getvalue()


def test_python_code_can_be_imported_until_the_session_ends() -> None:
    files, before = ArtifactFiles(Conf()), list(sys.path)
    files.place("pyfiles/shipped_one.py", b"VALUE = 1")
    files.place("pyfiles/shipped.zip", archive(shipped_two="VALUE = 2"))
    assert importlib.import_module("shipped_one").VALUE == 1
    assert importlib.import_module("shipped_two").VALUE == 2
    files.close()
    assert sys.path == before
    assert not {"shipped_one", "shipped_two"} & set(sys.modules)


def test_files_and_archives_are_found_by_spark_files() -> None:
    files = ArtifactFiles(Conf())
    files.place("files/numbers.txt", b"1 2 3")
    files.place("archives/code.zip#lib", archive(inner="VALUE = 3"))
    assert Path(SparkFiles.get("numbers.txt")).read_text() == "1 2 3"
    assert Path(SparkFiles.get("lib/inner.py")).read_text() == "VALUE = 3"
    root = Path(SparkFiles.getRootDirectory())
    files.close()
    assert SparkFiles._root is None
    assert not root.exists()


@pytest.mark.parametrize("name", ["jars/x.jar", "classes/X.class", "files/../../out.txt", "archives/x.rar"])
def test_what_cannot_be_shipped_is_refused_by_name(name: str) -> None:
    files = ArtifactFiles(Conf())
    with pytest.raises(SparkError, match=name.rpartition("/")[2]) as caught:
        files.place(name, b"")
    assert caught.value.condition == "UNSUPPORTED_FEATURE.PENSTOCK"
    files.close()


def test_copies_go_to_local_files_only_where_that_is_allowed(tmp_path: Path) -> None:
    conf = Conf()
    files = ArtifactFiles(conf)
    with pytest.raises(SparkError, match="allowDestLocal"):
        files.place(f"forward_to_fs{tmp_path}/a/copy.txt", b"text")
    conf.set("spark.sql.artifact.copyFromLocalToFs.allowDestLocal", "true")
    files.place(f"forward_to_fs{tmp_path}/a/copy.txt", b"text")
    assert (tmp_path / "a" / "copy.txt").read_text() == "text"
    files.close()
