"""Named stream sources (DataStreamReader.name): a query's sources are told apart by name, not by position, so that they
can be moved, added and removed between two runs on one checkpoint."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from penstock.core.errors import SparkError, analysis_error
from penstock.plan.nodes import Read

KEY = "spark.sql.streaming.queryEvolution.enableSourceEvolution"
_NAME = re.compile(r"[a-zA-Z0-9_]+")


def is_enabled(conf: Mapping[str, str]) -> bool:
    """Whether sources are to be named."""
    return (conf.get(KEY) or "false").strip().lower() == "true"


def check_name(read: Read, conf: Mapping[str, str]) -> None:
    """Raise if a name is given where none may be, or if it is none."""
    if not read.streaming or read.name is None:
        return
    if not _NAME.fullmatch(read.name):
        message = f"The source name {read.name!r} may hold ASCII letters, digits and underscores only."
        raise _evolution("INVALID_SOURCE_NAME", message, sourceName=read.name)
    if not is_enabled(conf):
        message = f"The source name {read.name!r} needs the setting {KEY}=true."
        raise _evolution("SOURCE_NAMING_NOT_SUPPORTED", message, name=read.name)


def check_names(reads: Sequence[Read], conf: Mapping[str, str]) -> None:
    """Raise if names are required and one is missing, or given twice."""
    if not is_enabled(conf):
        return
    if unnamed := [read for read in reads if read.name is None]:
        shown = ", ".join(f"Leaf position {i} - {r.format}[{', '.join(r.paths)}]" for i, r in enumerate(unnamed))
        message = f"With {KEY}=true every stream source needs a name (readStream.name): {shown} has none."
        raise _evolution("UNNAMED_STREAMING_SOURCES_WITH_ENFORCEMENT", message, sourceInfo=shown)
    twice = sorted(name for name, count in Counter(str(read.name) for read in reads).items() if count > 1)
    if twice:
        shown = ", ".join(f"'{name}'" for name in twice)
        raise _evolution("DUPLICATE_SOURCE_NAMES", f"Several sources are called {shown}.", names=shown)


def _evolution(kind: str, message: str, **params: object) -> SparkError:
    return analysis_error(f"STREAMING_QUERY_EVOLUTION_ERROR.{kind}", message, "42KDE", **params)
