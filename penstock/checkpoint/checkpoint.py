"""A checkpoint opened by one query: its logs, and the checks that it belongs to that query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from penstock.checkpoint import query_metadata
from penstock.checkpoint.commit_log import CommitEntry, CommitLog
from penstock.checkpoint.errors import (
    foreign_state,
    missing_batch,
    missing_state,
    other_naming,
    other_operators,
    other_sources,
    state_left_over,
)
from penstock.checkpoint.lock import CheckpointLock
from penstock.checkpoint.offset_log import OffsetEntry, OffsetLog
from penstock.checkpoint.paths import CheckpointPaths
from penstock.checkpoint.recovery import Continue, Decision, Fresh, Inconsistent, LogTail, Replay, decide
from penstock.checkpoint.write_behind import WriteBehind
from penstock.core import files
from penstock.core.clock import Clock

STATE_PROVIDER_KEY = "spark.sql.streaming.stateStore.providerClass"
STATE_PROVIDER = "penstock"

#: In an entry of the offset log: the batches before it need not be there (their progress was not logged).
GAPS_KEY = "penstock.asyncProgressTracking"


@dataclass(frozen=True)
class CheckpointChecks:
    """What a checkpoint must be like.  metadata_exists: where there are logs, the query's id is there, too;
    empty_at_start: without logs there is no state."""

    metadata_exists: bool = True
    empty_at_start: bool = True

    @staticmethod
    def of(conf: Mapping[str, str]) -> CheckpointChecks:
        """By the settings."""
        names = ("checkpoint.verifyMetadataExists.enabled", "verifyCheckpointDirectoryEmptyOnStart")
        found = [(conf.get(f"spark.sql.streaming.{name}") or "true").strip().lower() == "true" for name in names]
        return CheckpointChecks(*found)


class Checkpoint:
    """The durable memory of one query.  Opening reads or makes its id; call `lock` before anything else is written."""

    def __init__(self, root: Path, checks: CheckpointChecks | None = None) -> None:
        self.paths = CheckpointPaths(root)
        self._checks = checks or CheckpointChecks()
        files.fs.make_directory(root)
        self.query_id = query_metadata.query_id(self.paths, may_be_lost=not self._checks.metadata_exists)
        self._lock: CheckpointLock | None = None
        self._behind: WriteBehind | None = None
        self._names: tuple[str, ...] | None = None
        self.may_have_gaps = False  # whether batches may be missing that no entry speaks of: Spark has left them out

    def lock(self) -> None:
        """Claim the checkpoint and open its logs; CONCURRENT_STREAM_LOG_UPDATE when another process runs on it."""
        self._lock = CheckpointLock(self.paths)
        files.fs.remove_temporary(self.paths.root)
        self._make_directories()
        self.offset_log = OffsetLog(self.paths.offsets)
        self.commit_log = CommitLog(self.paths.commits)

    def _make_directories(self) -> None:
        """With one sync for all: what is in them is durable, and so they must be."""
        needed = (self.paths.state, self.paths.offsets, self.paths.commits)
        if all(place.is_dir() for place in needed):
            return
        for place in needed:
            files.fs.make_directory(place, durable=False)
        files.fs.sync_directory(self.paths.root)

    def write_behind(self, interval_ms: int, clock: Clock) -> None:
        """From now on the logs are written by a thread of their own, one batch an interval."""
        self._behind = WriteBehind(self.offset_log, self.commit_log, interval_ms, clock)

    def begin_batch(self, batch_id: int, entry: OffsetEntry) -> None:
        """A batch is planned: durable before it runs (but see `write_behind`)."""
        if self._behind is not None:
            self._behind.begin_batch(batch_id, replace(entry, conf={**entry.conf, GAPS_KEY: "true"}))
        else:
            self.offset_log.add(batch_id, entry)

    def end_batch(self, batch_id: int, entry: CommitEntry) -> None:
        """A batch is done.  Its entry is not waited for: a batch that is done again because the machine failed just
        after it leaves nothing twice, and the next `begin_batch` tells that it was done."""
        if self._behind is not None:
            self._behind.end_batch(batch_id, entry)
        else:
            self.commit_log.add(batch_id, entry, durable=False)

    def durable_ends(self, ends: tuple[str | None, ...]) -> tuple[str | None, ...] | None:
        """Of what is done up to `ends`, how much is so for good: after any crash it will not be read again."""
        return ends if self._behind is None else self._behind.durable_ends

    def flush(self, *, clean: bool) -> None:
        """Finish the writes that wait, and after a `clean` end log the last batch."""
        if self._behind is not None:
            behind, self._behind = self._behind, None
            behind.close(clean=clean)
        if clean:
            self.commit_log.sync()

    def release(self) -> None:
        """Let go of the checkpoint."""
        if self._lock is not None:
            self._lock.release()

    def recover(self) -> Fresh | Replay | Continue:
        """What the query has to do first; raises when the logs are damaged."""
        decision: Decision = decide(self._tail())
        if isinstance(decision, Inconsistent):
            raise missing_batch(self.offset_log.path(decision.missing_id), f"which has to be there: {decision.why}")
        if isinstance(decision, Fresh) and self._checks.empty_at_start and (left := self.paths.any_state()) is not None:
            raise state_left_over(self.paths.root, left)
        return decision

    def stored_conf(self) -> Mapping[str, str]:
        """The settings of the newest planned batch, which win over the session's; empty for a new query."""
        latest = self.offset_log.latest
        return {} if latest is None else self.offset_log.get(latest).conf

    def check_belongs(
        self, source_count: int, operators: Sequence[str], has_state: bool, names: tuple[str, ...] | None = None
    ) -> None:
        """Refuse a checkpoint of another query: other sources, other stateful operators, another engine's state.
        Sources that have `names` may come and go."""
        self._names = names
        latest = self.offset_log.latest
        if latest is None:
            return
        entry = self.offset_log.get(latest)
        if (entry.names is None) != (names is None):
            raise other_naming(entry.names, names)
        if names is None and len(entry.offsets) != source_count:
            raise other_sources(len(entry.offsets), source_count)
        provider = entry.conf.get(STATE_PROVIDER_KEY, STATE_PROVIDER)
        if has_state and provider != STATE_PROVIDER:
            raise foreign_state(self.paths.root, provider)
        self._check_operators(tuple(operators), has_state)

    def _check_operators(self, operators: tuple[str, ...], has_state: bool) -> None:
        logged = query_metadata.read_operators(self.paths)
        if has_state and not logged and self.commit_log.latest is not None:
            raise missing_state(self.paths.root, operators)
        if logged and logged != operators:
            raise other_operators(logged, operators)

    def mark_operators(self, operators: Sequence[str], partitions: int) -> None:
        """Remember, with the first batch, whose state this is."""
        query_metadata.write_operators(self.paths, operators, partitions)

    def purge(self, next_id: int, retain: int) -> int:
        """Forget the log entries of all but the last `retain` batches; the oldest that is kept."""
        before = next_id - retain
        if self._behind is not None:
            before = min(before, self._behind.oldest_kept(retain) or 0)
        self.offset_log.purge(before)
        self.commit_log.purge(before)
        return before

    def _tail(self) -> LogTail:
        batch, committed = self.offset_log.latest, self.commit_log.latest
        entry = None if batch is None else self._entry(batch)
        return LogTail(
            batch_id=batch,
            entry=entry,
            previous=self._previous(batch, entry) if batch and batch != committed else None,
            committed_id=committed,
            commit=None if committed is None else self.commit_log.get(committed),
        )

    def _previous(self, batch: int, entry: OffsetEntry | None) -> OffsetEntry | None:
        """The entry before the newest one: that of the batch before, unless batches were left out."""
        has_gaps = self.may_have_gaps or (entry is not None and entry.conf.get(GAPS_KEY) == "true")
        if entry is not None and has_gaps:
            before = self.offset_log.before(batch)
            return OffsetEntry((None,) * len(entry.offsets), 0, 0) if before is None else self._entry(before)
        return self._entry(batch - 1)

    def _entry(self, batch: int) -> OffsetEntry:
        """An entry, its sources in the query's order."""
        entry = self.offset_log.get(batch)
        return entry if self._names is None else entry.for_sources(self._names)
