"""Files that a client ships with `spark.addArtifact` and `copyFromLocalToFs`, where programs look for them."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from penstock.core.config import Conf
from penstock.core.errors import UNSUPPORTED, SparkError, unsupported
from penstock.rdd.files import SparkFiles

_ALLOW_COPY = "spark.sql.artifact.copyFromLocalToFs.allowDestLocal"
_UNPACKED = (".zip", ".jar", ".tar.gz", ".tgz", ".tar")


class ArtifactFiles:
    """The shipped files of one session, in a directory of its own that lasts as long as the session.

    Python code can be imported by every function that runs in this process; other files are found by SparkFiles.
    """

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._places: list[str] = []
        self._lock = threading.Lock()

    def place(self, name: str, data: bytes) -> None:
        """Take an artifact by its name, which begins with its kind.  Raises for classes of a JVM."""
        kind, _, rest = name.partition("/")
        take = self._kinds().get(kind)
        if take is None:
            raise unsupported(f"the artifact {name}", "Python files, other files and archives can be shipped.")
        with self._lock:
            take(rest, data)

    def _kinds(self) -> dict[str, Callable[[str, bytes], None]]:
        return {
            "cache": lambda rest, data: None,  # local relations and functions: kept in memory
            "pyfiles": self._code,
            "files": self._file,
            "archives": self._archive,
            "forward_to_fs": self._copy,
        }

    def _root(self) -> Path:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="penstock-artifacts-", ignore_cleanup_errors=True)
        return Path(self._directory.name)

    def _written(self, kind: str, rest: str, data: bytes) -> Path:
        target = (self._root() / kind / rest).resolve()
        if not target.is_relative_to(self._root().resolve()):
            raise unsupported(f"the artifact {rest}", "Its name leads out of the session's directory.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return target

    def _code(self, rest: str, data: bytes) -> None:
        added = self._written("pyfiles", rest, data)
        place = str(added.parent if added.suffix == ".py" else added)
        if place not in sys.path:
            sys.path.insert(1, place)
            self._places.append(place)
        importlib.invalidate_caches()

    def _file(self, rest: str, data: bytes) -> None:
        added = self._written("files", rest, data)
        if SparkFiles._root is None:
            SparkFiles._root = str(added.parent)

    def _archive(self, rest: str, data: bytes) -> None:
        name, _, alias = rest.partition("#")
        added = self._written("archives", name, data)
        if not name.endswith(_UNPACKED):
            raise unsupported(f"the archive {name}", f"Archives are {', '.join(_UNPACKED)}.")
        target = self._root() / "files" / (alias or name)
        kind = "zip" if name.endswith((".zip", ".jar")) else "tar" if name.endswith(".tar") else "gztar"
        if kind == "zip":
            shutil.unpack_archive(added, target, kind)
        else:
            shutil.unpack_archive(added, target, kind, filter="data")  # members may not leave the directory
        if SparkFiles._root is None:
            SparkFiles._root = str(self._root() / "files")

    def _copy(self, rest: str, data: bytes) -> None:
        """copyFromLocalToFs: to the file system of the service, where that is allowed."""
        if (self._conf.get(_ALLOW_COPY) or "false").lower() != "true":
            message = f"A client may write to local files of the service only where {_ALLOW_COPY} is true."
            raise SparkError("_LEGACY_ERROR_TEMP_3102", message, {}, sqlstate="XXKD0", classes=UNSUPPORTED)
        target = Path("/") / rest
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def close(self) -> None:
        """At the end of the session: the directory goes, and its code is forgotten."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        for place in self._places:
            if place in sys.path:
                sys.path.remove(place)
        if self._directory is None:
            return
        root = self._directory.name
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(root):
                del sys.modules[name]
        if (SparkFiles._root or "").startswith(root):
            SparkFiles._root = None
        self._directory.cleanup()
