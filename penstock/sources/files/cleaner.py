"""cleanSource: what becomes of a stream's files when their batch is done.  As in Spark: a file that cannot be moved or
deleted stays where it is, with a warning, and is not read again."""

# ruff: noqa: PTH107, PTH118

from __future__ import annotations

import fnmatch
import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, unsupported
from penstock.core.files import local_path
from penstock.sources import options as opt
from penstock.sources.files.listing import expand, has_sink_log, names_of_braces

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceCleaner:
    """Deletes files, or moves them below `archive`, where they keep their whole path."""

    archive: str | None

    @staticmethod
    def of(options: Mapping[str, str], pattern: str) -> SourceCleaner | None:
        """What the options cleanSource and sourceArchiveDir ask for; None for nothing."""
        mode = opt.one_of(options, "cleanSource", ("off", "archive", "delete"), "off")
        if mode == "off":
            return None
        if any(has_sink_log(root) for root in expand(pattern)):
            remedy = "Leave the option out: the sink's log names these files."
            raise unsupported("the option cleanSource on the output of a streaming file sink", remedy)
        if mode == "delete":
            return SourceCleaner(None)
        archive = options.get("sourcearchivedir")
        if archive is None:
            raise _illegal("cleanSource=archive needs the option sourceArchiveDir: give it the directory to move to.")
        directory = os.path.abspath(local_path(archive))  # noqa: PTH100
        _check_outside(directory, os.path.abspath(local_path(pattern)))  # noqa: PTH100
        return SourceCleaner(directory)

    def clean(self, paths: Iterable[str]) -> None:
        """Delete or move these files, which no batch will read any more."""
        for path in paths:
            try:
                self._clean(path)
            except FileNotFoundError:
                continue  # done before a restart
            except OSError as error:
                _log.warning("cleanSource: %s stays where it is (%s).", path, error)

    def _clean(self, path: str) -> None:
        if self.archive is None:
            os.remove(path)
            return
        target = Path(os.path.join(self.archive, path.lstrip(os.sep)))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)


def _check_outside(archive: str, pattern: str) -> None:
    """Archived files must never be found by the stream itself: compared are as many directories as the shorter of the
    two paths has."""
    parts, patterns = _parts(archive), _parts(pattern)
    if all(_matches(part, own) for part, own in zip(parts, patterns, strict=False)):
        message = (
            f"requirement failed: sourceArchiveDir {archive} lies where the stream, which reads {pattern}, may find "
            "the archived files, or above it. Choose a directory that the pattern does not match at any depth."
        )
        raise _illegal(message)


def _parts(path: str) -> list[str]:
    return list(Path(path).parts)


def _matches(name: str, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, one) for one in names_of_braces(pattern))


def _illegal(message: str) -> SparkError:
    return SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])  # Spark has no condition for these
