"""A checkpoint opened by one query: its logs, and the checks that it belongs to that query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from penstock.checkpoint import query_metadata
from penstock.checkpoint.commit_log import CommitLog
from penstock.checkpoint.errors import foreign_state, missing_batch, missing_state, other_operators, other_sources
from penstock.checkpoint.lock import CheckpointLock
from penstock.checkpoint.offset_log import OffsetLog
from penstock.checkpoint.paths import CheckpointPaths
from penstock.checkpoint.recovery import Continue, Decision, Fresh, Inconsistent, LogTail, Replay, decide
from penstock.core import files

STATE_PROVIDER_KEY = "spark.sql.streaming.stateStore.providerClass"
STATE_PROVIDER = "penstock"


class Checkpoint:
    """The durable memory of one query.  Opening reads or makes its id; call `lock` before anything else is written."""

    def __init__(self, root: Path) -> None:
        self.paths = CheckpointPaths(root)
        files.fs.make_directory(root)
        self.query_id = query_metadata.query_id(self.paths)
        self._lock: CheckpointLock | None = None

    def lock(self) -> None:
        """Claim the checkpoint and open its logs; CONCURRENT_STREAM_LOG_UPDATE when another process runs on it."""
        self._lock = CheckpointLock(self.paths)
        files.fs.make_directory(self.paths.state)
        self.offset_log = OffsetLog(self.paths.offsets)
        self.commit_log = CommitLog(self.paths.commits)

    def release(self) -> None:
        """Let go of the checkpoint."""
        if self._lock is not None:
            self._lock.release()

    def recover(self) -> Fresh | Replay | Continue:
        """What the query has to do first; raises when the logs are damaged."""
        decision: Decision = decide(self._tail())
        if isinstance(decision, Inconsistent):
            raise missing_batch(self.offset_log.path(decision.missing_id), f"which has to be there: {decision.why}")
        return decision

    def stored_conf(self) -> Mapping[str, str]:
        """The settings of the newest planned batch, which win over the session's; empty for a new query."""
        latest = self.offset_log.latest
        return {} if latest is None else self.offset_log.get(latest).conf

    def check_belongs(self, source_count: int, operators: Sequence[str], has_state: bool) -> None:
        """Refuse a checkpoint of another query: other sources, other stateful operators, another engine's state."""
        latest = self.offset_log.latest
        if latest is None:
            return
        entry = self.offset_log.get(latest)
        if len(entry.offsets) != source_count:
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

    def purge(self, before: int) -> None:
        """Forget the log entries of batches before this one."""
        self.offset_log.purge(before)
        self.commit_log.purge(before)

    def _tail(self) -> LogTail:
        batch, committed = self.offset_log.latest, self.commit_log.latest
        return LogTail(
            batch_id=batch,
            entry=None if batch is None else self.offset_log.get(batch),
            previous=self.offset_log.get(batch - 1) if batch else None,
            committed_id=committed,
            commit=None if committed is None else self.commit_log.get(committed),
        )
