"""`penstock checkpoint show PATH`, `verify PATH` and `diff A B`.  The exit code is 0, or 1 when `verify` finds damage
and when `diff` finds a difference, or 2 when there is no checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from penstock.checkpoint.paths import CheckpointPaths
from penstock.core import files
from penstock.core.errors import SparkError
from penstock.inspection.report import Damage, Report, is_checkpoint, next_version, read_report
from penstock.inspection.source_report import damaged_source
from penstock.inspection.state_report import damaged_files
from penstock.inspection.text import damage_lines, instant, report_lines, restart


def show(location: str) -> int:
    """Explain a checkpoint."""
    return _with_report([location], lambda reports: _print(report_lines(reports[0])))


def verify(location: str) -> int:
    """Read every file of a checkpoint, and name those that are damaged or missing."""

    def check(reports: list[Report]) -> int:
        report = _confirmed(reports[0])
        _print(damage_lines(report.damage))
        batches, commits = len(report.offsets), len(report.commits)
        count = len(report.damage)
        verdict = "whole" if not count else f"damaged: {count} {'file' if count == 1 else 'files'}"
        counted = f"{batches} planned batches, {commits} commits, {len(report.operators)} states"
        _print(iter([f"{report.root} is {verdict} ({counted})", f"A restart {restart(report.decision)}."]))
        return 1 if report.damage else 0

    return _with_report([location], check)


def _confirmed(report: Report) -> Report:
    """With all its damage.  What a running query has removed or not yet written looks like damage, too, but not twice:
    by the second look the query has gone on."""
    report.damage += list(deep_damage(report))
    if not (report.damage and report.in_use):
        return report
    again = read_report(report.root)
    seen = {found.path for found in report.damage}
    again.damage = [found for found in (*again.damage, *deep_damage(again)) if found.path in seen]
    return again


def diff(left: str, right: str) -> int:
    """What two checkpoints have not in common."""

    def compare(reports: list[Report]) -> int:
        facts = [dict(_facts(report)) for report in reports]
        names = [*facts[0], *(name for name in facts[1] if name not in facts[0])]
        lines = [
            f"{name}\n  - {facts[0].get(name, 'nothing')}\n  + {facts[1].get(name, 'nothing')}"
            for name in names
            if facts[0].get(name) != facts[1].get(name)
        ]
        _print(iter(lines or ["The checkpoints say the same."]))
        return 1 if lines else 0

    return _with_report([left, right], compare)


def deep_damage(report: Report) -> Iterator[Damage]:
    """What is wrong with the sources' own logs and the state files."""
    paths = CheckpointPaths(report.root)
    for index, offset in enumerate(() if report.latest is None else report.latest.offsets):
        yield from (Damage(path, fault) for path, fault in damaged_source(paths.source(index), offset))
    version = next_version(report)
    for operator in report.operators:
        if not operator.partitions and version:
            yield Damage(paths.state / str(operator.index), "it is missing, and a restart needs it")
        yield from (Damage(path, fault) for path, fault in damaged_files(operator, version))


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "query id", str(report.query_id)
    yield "planned up to batch", str(max(report.offsets, default="none"))
    yield "committed up to batch", str(max(report.commits, default="none"))
    entry = report.latest
    if entry is not None:
        yield "watermark", instant(entry.watermark_ms)
        yield from ((f"source {index}", str(offset)) for index, offset in enumerate(entry.offsets))
    yield from ((f"setting {key}", value) for key, value in sorted(report.settings.items()))
    for operator in report.operators:
        newest = [partition.versions[1] for partition in operator.partitions if partition.versions]
        yield f"state {operator.index}", f"{operator.name}, versions up to {max(newest, default='none')}"
    yield "a restart", restart(report.decision)
    yield "damaged files", ", ".join(str(found.path.relative_to(report.root)) for found in report.damage) or "none"


def _with_report(locations: list[str], use: Callable[[list[Report]], int]) -> int:
    roots = []
    for location in locations:
        try:
            roots.append(files.local_path(location))
        except SparkError as error:
            return _complain(error.message)
    for root in roots:
        if not is_checkpoint(root):
            return _complain(f"there is no checkpoint in {root}")
    return use([read_report(root) for root in roots])


def _print(lines: Iterator[str]) -> int:
    for line in lines:
        sys.stdout.write(line + "\n")
    return 0


def _complain(message: str) -> int:
    sys.stderr.write(f"penstock checkpoint: {message}\n")
    return 2
