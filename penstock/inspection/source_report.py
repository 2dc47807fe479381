"""The sources of a checkpoint: where each has come to, and whether its own log is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from penstock.checkpoint.compactible_log import CompactibleLog
from penstock.checkpoint.source_log import read_entries
from penstock.core.errors import SparkError


def file_log_number(offset: str | None) -> int | None:
    """The number in a file stream's offset; None for offsets of other sources."""
    try:
        value = json.loads(offset or "")
    except ValueError:
        return None
    number = value.get("logOffset") if isinstance(value, dict) else None
    return number if isinstance(number, int) else None


def files_read(directory: Path) -> tuple[int, int]:
    """How many files a file stream has read, and in how many batches; raises SparkError for a damaged log."""
    batches: set[int] = set()
    count = 0
    for _, _, batch_id in read_entries(CompactibleLog(directory)):
        count += 1
        batches.add(batch_id)
    return count, len(batches)


def damaged_source(directory: Path, offset: str | None) -> Iterator[tuple[Path, str]]:
    """What is wrong with the log of a file stream that has come to `offset`."""
    reached = file_log_number(offset)
    if reached is None:
        return
    log = CompactibleLog(directory)
    try:
        found = {batch_id for _, _, batch_id in read_entries(log)}
    except SparkError as error:
        yield directory, error.message
        return
    needed = max(reached, -1 if log.latest is None else log.latest)
    for number in range(needed + 1):
        if number not in found:
            yield (
                directory / str(number),
                "it is missing, or has lost its entries: its files would be lost or read again",
            )
