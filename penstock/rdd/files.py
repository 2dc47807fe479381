"""Files that a program ships to its tasks: `SparkContext.addFile` and `SparkFiles`."""

# The names and parameters are Spark's.
# ruff: noqa: N802

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlparse

from pyspark.errors import PySparkValueError

from penstock.core.files import local_path
from penstock.rdd.errors import Refused

_log = logging.getLogger(__name__)
_places: list[str] = []


class SparkFiles:
    """Where added files are."""

    _root: ClassVar[str | None] = None

    def __init__(self) -> None:
        raise NotImplementedError("Do not construct SparkFiles objects")

    @classmethod
    def get(cls, filename: str) -> str:
        """The path of an added file."""
        return str(Path(cls.getRootDirectory()) / filename)

    @classmethod
    def getRootDirectory(cls) -> str:
        """The directory of added files."""
        if cls._root is None:
            raise PySparkValueError("No SparkContext has added a file yet")
        return cls._root


class AddedFiles:
    """The added files of one context, in a directory of its own."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="penstock-files-", ignore_cleanup_errors=True)
        self.root = Path(self._directory.name)
        self.files: list[str] = []
        self.archives: list[str] = []
        SparkFiles._root = self._directory.name

    def add(self, location: str, recursive: bool) -> None:
        """Copy a file, with `recursive` a directory, or fetch it from a web address.  What was added already stays."""
        known = _uri(location)
        if known in self.files:
            _log.warning("The path %s has been added already. Overwriting of added paths is not supported.", location)
            return
        if urlparse(location).scheme in ("http", "https", "ftp"):
            name = Path(urlparse(location).path).name
            with urllib.request.urlopen(location) as found, (self.root / name).open("wb") as target:
                shutil.copyfileobj(found, target)
        else:
            self._copy(location, recursive)
        self.files.append(known)

    def add_code(self, location: str) -> None:
        """Add a Python file or an archive of them, and make it importable."""
        self.add(location, recursive=False)
        added = self.root / Path(urlparse(location).path).name
        place = str(self.root if added.suffix == ".py" else added)
        if place not in sys.path:
            sys.path.insert(1, place)
            _places.append(place)
        importlib.invalidate_caches()

    def _copy(self, location: str, recursive: bool) -> None:
        source = Path(local_path(location))
        if not source.exists():
            raise Refused(f"Input path does not exist: {location}")
        if not source.is_dir():
            shutil.copy(source, self.root / source.name)
        elif recursive:
            shutil.copytree(source, self.root / source.name, dirs_exist_ok=True)
        else:
            raise Refused(f"Added file {location} is a directory and recursive is not turned on.")

    def add_archive(self, location: str) -> None:
        """Unpack an archive to a directory of its name, or of the name after `#`."""
        path, _, alias = location.partition("#")
        if _uri(location) in self.archives:
            _log.warning("The archive %s has been added already.", location)
            return
        source = Path(local_path(path))
        if not source.exists():
            raise Refused(f"Input path does not exist: {path}")
        target = self.root / (alias or source.name)
        if source.suffix == ".zip":
            shutil.unpack_archive(source, target)
        else:
            shutil.unpack_archive(source, target, filter="data")  # members may not leave the directory
        self.archives.append(_uri(location))

    def remove(self) -> None:
        """At the end of the context.  Modules of added code are forgotten: another context may add other ones."""
        SparkFiles._root = None
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(f"{self.root}{os.sep}"):
                del sys.modules[name]
        while _places:
            with contextlib.suppress(ValueError):
                sys.path.remove(_places.pop())
        self._directory.cleanup()


def import_places() -> list[str]:
    """The directories and archives of added code."""
    return list(_places)


def _uri(location: str) -> str:
    """As it is listed: a local path as file:/..."""
    if urlparse(location).scheme in ("http", "https", "ftp"):
        return location
    return f"file:{Path(local_path(location)).absolute()}"
