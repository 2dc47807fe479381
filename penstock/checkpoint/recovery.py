"""What to do first on a checkpoint: a pure decision from what its logs say.

An offsets entry N is written only when batch N-1 is committed.  So the newest planned batch alone can be unfinished,
even when older commit files are lost (Spark decides the same, with a warning).
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.checkpoint.commit_log import CommitEntry
from penstock.checkpoint.offset_log import OffsetEntry


@dataclass(frozen=True)
class Fresh:
    """Nothing has been planned: begin with batch 0."""


@dataclass(frozen=True)
class Replay:
    """Batch `batch_id` was planned and perhaps partly done: run it again, exactly as planned.
    `start` are the offsets before it; `late_watermark_ms` is the watermark of the batch before it."""

    batch_id: int
    start: tuple[str | None, ...]
    entry: OffsetEntry
    late_watermark_ms: int


@dataclass(frozen=True)
class Continue:
    """Everything planned is done: plan batch `batch_id` next, after `start`.  `watermark_ms` is what the last batch
    left, `last_watermark_ms` is the watermark it ran with."""

    batch_id: int
    start: tuple[str | None, ...]
    watermark_ms: int
    last_watermark_ms: int


@dataclass(frozen=True)
class Inconsistent:
    """The logs contradict each other: the offsets of batch `missing_id` are not there; `why` they should be."""

    why: str
    missing_id: int


Decision = Fresh | Replay | Continue | Inconsistent


@dataclass(frozen=True)
class LogTail:
    """The ends of the two logs: the newest planned batch with its entry and the entry before it (None when there is
    none), and the newest committed batch with its entry."""

    batch_id: int | None = None
    entry: OffsetEntry | None = None
    previous: OffsetEntry | None = None
    committed_id: int | None = None
    commit: CommitEntry | None = None


def decide(tail: LogTail) -> Decision:
    """What the query does first."""
    if tail.batch_id is None or tail.entry is None:
        if tail.committed_id is None:
            return Fresh()
        return Inconsistent(f"batch {tail.committed_id} is committed, but no batch is planned", tail.committed_id)
    if tail.committed_id is not None and tail.committed_id > tail.batch_id:
        why = f"batch {tail.committed_id} is committed, but the newest planned batch is {tail.batch_id}"
        return Inconsistent(why, tail.committed_id)
    if tail.committed_id == tail.batch_id and tail.commit is not None:
        watermark = max(tail.entry.watermark_ms, tail.commit.next_watermark_ms)
        return Continue(tail.batch_id + 1, tail.entry.offsets, watermark, tail.entry.watermark_ms)
    return _replay(tail.batch_id, tail.entry, tail.previous)


def _replay(batch_id: int, entry: OffsetEntry, previous: OffsetEntry | None) -> Decision:
    if batch_id == 0:
        return Replay(0, (None,) * len(entry.offsets), entry, 0)
    if previous is None:
        return Inconsistent(
            f"batch {batch_id} is planned, but the offsets of batch {batch_id - 1} are missing", batch_id - 1
        )
    return Replay(batch_id, previous.offsets, entry, previous.watermark_ms)
