"""A checkpoint read without changing it: no lock is taken and no file is made, so a running query is not disturbed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from penstock.checkpoint.checkpoint import GAPS_KEY
from penstock.checkpoint.commit_log import CommitEntry, parse_commit
from penstock.checkpoint.metadata_log import json_object
from penstock.checkpoint.offset_log import OffsetEntry, parse_offsets
from penstock.checkpoint.paths import CheckpointPaths
from penstock.checkpoint.query_metadata import read_operators
from penstock.checkpoint.recovery import Decision, Fresh, Inconsistent, LogTail, decide
from penstock.core import files
from penstock.core.errors import SparkError
from penstock.inspection.state_report import OperatorReport, read_operator

_Entry = TypeVar("_Entry")
#: How often a checkpoint in use is read once more in which something was missing.
_AGAIN = 5


@dataclass(frozen=True)
class Damage:
    """A file that cannot be used, or that is missing, and what is wrong with it."""

    path: Path
    fault: str


@dataclass
class Report:
    """What a checkpoint holds.  `offsets` and `commits` are the entries that can be read, by batch; `decision` is what
    a restart does first, None where damage hides it."""

    root: Path
    query_id: str | None = None
    in_use: bool = False
    offsets: dict[int, OffsetEntry] = field(default_factory=dict)
    commits: dict[int, CommitEntry] = field(default_factory=dict)
    operators: tuple[OperatorReport, ...] = ()
    decision: Decision | None = None
    damage: list[Damage] = field(default_factory=list)

    @property
    def latest(self) -> OffsetEntry | None:
        """The newest planned batch."""
        return self.offsets[max(self.offsets)] if self.offsets else None

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that win over the session's at a restart."""
        return {} if self.latest is None else self.latest.conf


def read_report(root: Path) -> Report:
    """Read the logs of a checkpoint, and what its state consists of; not yet the state itself.  Of a query that runs
    meanwhile: how it was at one moment."""
    report = _read(root)
    for _ in range(_AGAIN):
        if not report.in_use or (report.decision is not None and not report.damage):
            break
        report = _read(root)  # perhaps the query has just removed what was to be read
    return report


def _read(root: Path) -> Report:
    paths = CheckpointPaths(root)
    report = Report(root, in_use=_is_locked(paths.lock))
    planned, committed = _listed(paths)
    report.offsets = _entries(report, paths.offsets, planned, parse_offsets)
    report.commits = _entries(report, paths.commits, committed, parse_commit)
    report.query_id = _query_id(report, paths)
    report.decision = _decision(report, paths, max(planned, default=None), max(committed, default=None))
    try:
        names = read_operators(paths)
        report.operators = tuple(read_operator(paths.state, index, name) for index, name in enumerate(names))
    except SparkError as error:
        report.damage.append(Damage(paths.state, error.message))
    return report


def _listed(paths: CheckpointPaths) -> tuple[set[int], set[int]]:
    """The batches in the two logs, at one moment: when the commits are listed, the batches that were planned before
    and those that are committed are planned."""
    planned, committed = _batches(paths.offsets), _batches(paths.commits)
    newest = max(committed, default=-1)
    return planned | {batch for batch in _batches(paths.offsets) if batch <= newest}, committed


def is_checkpoint(root: Path) -> bool:
    """Whether there is anything of a checkpoint in a directory."""
    paths = CheckpointPaths(root)
    return any(path.exists() for path in (paths.metadata, paths.offsets, paths.commits))


def _entries(
    report: Report, directory: Path, batches: set[int], parse: Callable[[bytes, Path], _Entry]
) -> dict[int, _Entry]:
    """By batch; the newest are read first, which a running query removes last."""
    entries: dict[int, _Entry] = {}
    for batch_id in sorted(batches, reverse=True):
        path = directory / str(batch_id)
        try:
            entries[batch_id] = parse(files.fs.read(path), path)
        except FileNotFoundError:  # a running query has just removed it
            continue
        except SparkError as error:
            report.damage.append(Damage(path, error.message))
        except OSError as error:
            report.damage.append(Damage(path, f"it cannot be read: {error.strerror}"))
    return dict(sorted(entries.items()))


def _query_id(report: Report, paths: CheckpointPaths) -> str | None:
    try:
        found = json_object(files.fs.read(paths.metadata).decode(errors="replace"), paths.metadata).get("id")
    except FileNotFoundError:
        if report.offsets or report.commits:
            report.damage.append(Damage(paths.metadata, "it is missing, so the query's id is lost"))
        return None
    except SparkError as error:
        report.damage.append(Damage(paths.metadata, error.message))
        return None
    if not isinstance(found, str):
        report.damage.append(Damage(paths.metadata, "it holds no id"))
    return found if isinstance(found, str) else None


def _decision(report: Report, paths: CheckpointPaths, batch: int | None, committed: int | None) -> Decision | None:
    """As a restart decides it, by the newest entries' file names: a damaged newest entry hides it."""
    if (batch is not None and batch not in report.offsets) or (
        committed is not None and committed not in report.commits
    ):
        return None
    if batch and batch - 1 not in report.offsets and (paths.offsets / str(batch - 1)).exists():
        return None
    tail = LogTail(
        batch_id=batch,
        entry=None if batch is None else report.offsets[batch],
        previous=_previous(report, batch) if batch else None,
        committed_id=committed,
        commit=None if committed is None else report.commits[committed],
    )
    decision = decide(tail)
    if isinstance(decision, Inconsistent):
        report.damage.append(Damage(paths.offsets / str(decision.missing_id), f"it is missing: {decision.why}"))
    elif batch and tail.previous is None:
        report.damage.append(Damage(paths.offsets / str(batch - 1), "it is missing, and a restart reads it"))
    return decision


def _previous(report: Report, batch: int) -> OffsetEntry | None:
    """The entry before, as a restart finds it: where progress was logged now and then, not that of the batch before."""
    entry = report.offsets[batch]
    if entry.conf.get(GAPS_KEY) != "true":
        return report.offsets.get(batch - 1)
    before = max((number for number in report.offsets if number < batch), default=None)
    return OffsetEntry((None,) * len(entry.offsets), 0, 0) if before is None else report.offsets[before]


def next_version(report: Report) -> int | None:
    """The version of the state with which a restart begins."""
    if report.decision is None or isinstance(report.decision, Inconsistent):
        return None
    return 0 if isinstance(report.decision, Fresh) else report.decision.batch_id


def _batches(directory: Path) -> set[int]:
    return {int(name) for name in files.fs.list(directory) if name.isdigit()}


def _is_locked(path: Path) -> bool:
    """Whether a query runs on the checkpoint now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
