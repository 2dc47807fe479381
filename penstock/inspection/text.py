"""A report as text, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from penstock.checkpoint.paths import CheckpointPaths
from penstock.checkpoint.recovery import Continue, Decision, Fresh, Inconsistent, Replay
from penstock.core.errors import SparkError
from penstock.inspection.report import Damage, Report
from penstock.inspection.source_report import file_log_number, files_read
from penstock.inspection.state_report import OperatorReport, PartitionReport
from penstock.runtime.progress import iso_ms


def report_lines(report: Report) -> Iterator[str]:
    """Everything, for `show`."""
    yield f"checkpoint   {report.root}"
    yield f"query id     {report.query_id or 'none'}"
    yield f"in use       {'yes: a query runs on it now' if report.in_use else 'no'}"
    yield f"planned      {_batches(report.offsets)}"
    yield f"committed    {_batches(report.commits)}"
    entry = report.latest
    if entry is not None:
        yield f"watermark    {instant(entry.watermark_ms)} in the newest planned batch"
        if report.commits:
            left_ms = report.commits[max(report.commits)].next_watermark_ms
            yield f"             {instant(left_ms)} after the newest commit"
        yield f"batch time   {instant(entry.timestamp_ms)}"
    yield from _source_lines(report)
    yield from _setting_lines(report)
    for operator in report.operators:
        yield from _operator_lines(operator)
    yield f"restart      {restart(report.decision)}"
    yield from damage_lines(report.damage)


def damage_lines(damage: list[Damage]) -> Iterator[str]:
    """A line for each damaged file."""
    for found in damage:
        yield f"DAMAGED      {found.path}: {found.fault}"


def restart(decision: Decision | None) -> str:
    """What a query does first on this checkpoint."""
    match decision:
        case None:
            return "fails: a file that it needs is damaged"
        case Fresh():
            return "begins with batch 0: nothing was planned yet"
        case Replay():
            return f"runs batch {decision.batch_id} again, exactly as planned: it is not committed"
        case Continue():
            watermark = instant(decision.watermark_ms)
            return f"goes on with batch {decision.batch_id}, watermark {watermark}: everything planned is committed"
        case Inconsistent():
            return f"fails: {decision.why}"


def instant(ms: int) -> str:
    """Milliseconds since 1970 as a time in UTC; 0 is no watermark yet."""
    if ms <= 0:
        return "none"
    return iso_ms(ms).replace("T", " ")


def size(count: int) -> str:
    """Bytes for a human."""
    for unit, factor in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def _batches(entries: Mapping[int, object]) -> str:
    if not entries:
        return "no batch"
    first, last = min(entries), max(entries)
    kept = "" if first == 0 else f" (older entries than {first} are purged)"
    return f"up to batch {last}{kept}"


def _source_lines(report: Report) -> Iterator[str]:
    entry = report.latest
    for index, offset in enumerate(() if entry is None else entry.offsets):
        before = report.offsets.get(max(report.offsets) - 1)
        start = before.offsets[index] if before is not None and index < len(before.offsets) else None
        shown = "nothing read yet" if offset is None else offset
        came_from = f" (the batch before: {start})" if start is not None and start != offset else ""
        yield f"source {index}     {shown}{came_from}"
        if file_log_number(offset) is not None:
            yield f"             {_files(report, index)}"


def _files(report: Report, index: int) -> str:
    try:
        count, batches = files_read(CheckpointPaths(report.root).source(index))
    except SparkError as error:
        return f"its log is damaged: {error.message}"
    return f"{count} files assigned in {batches} entries of its log"


def _setting_lines(report: Report) -> Iterator[str]:
    for key, value in sorted(report.settings.items()):
        yield f"setting      {key} = {value}"


def _operator_lines(operator: OperatorReport) -> Iterator[str]:
    total = sum(partition.size for partition in operator.partitions)
    yield f"state {operator.index}      {operator.name}, {size(total)}"
    for partition in operator.partitions:
        yield f"             partition {partition.store.partition}: {_partition(partition)}"


def _partition(partition: PartitionReport) -> str:
    if partition.versions is None:
        return "empty"
    first, last = partition.versions
    files = f"{partition.deltas} changes, {partition.snapshots} snapshots"
    return f"versions {first} to {last} ({files}, {size(partition.size)})"
