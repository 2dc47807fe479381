"""Random streams: event times out of order, late or missing, cut into batches, runs and crashes; made of a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

#: A row of every stream: second of its event time (None: none), key, number.
Row = tuple[float | None, str | None, int]
SCHEMA = "s double, k string, n int"
START = 1_000_000_000
FLUSH = START + 1_000_000

CRASH_POINTS = (
    "before_offset_log", "after_offset_log", "after_sources", "after_execution", "before_state_commit",
    "after_state_commit", "before_sink_files", "after_sink_files", "after_sink_commit", "before_commit_log",
    "after_commit_log",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run of the query over all data: what each stream gets beforehand (a batch takes one addition of each),
    whether batches without data may end it, and at which pass of which point it is killed (and started again)."""

    additions: tuple[tuple[list[Row], ...], ...]
    no_data_batches: bool
    crash: tuple[str, int] | None


def random_runs(rng: random.Random, streams: int) -> list[Run]:
    """One to three runs over `streams` streams whose time goes on by some seconds a batch."""
    clocks = [START + rng.random() * 5 for _ in range(streams)]
    step, spread = rng.choice([2, 8, 25]), rng.choice([1, 10, 40])
    return [_run(rng, clocks, step, spread) for _ in range(rng.randrange(1, 4))]


def _run(rng: random.Random, clocks: list[float], step: float, spread: float) -> Run:
    additions = []
    for stream in range(len(clocks)):
        adds = []
        for _ in range(rng.randrange(0 if stream else 1, 4)):
            clocks[stream] += rng.random() * step
            fewest = 0 if adds or stream else 1
            adds.append([_row(rng, clocks[stream], spread) for _ in range(rng.randrange(fewest, 9))])
        additions.append(tuple(adds))
    crash = (rng.choice(CRASH_POINTS), rng.randrange(1, 4)) if rng.random() < 0.4 else None
    return Run(tuple(additions), rng.random() < 0.8, crash)


def _row(rng: random.Random, clock: float, spread: float) -> Row:
    second = None if rng.random() < 0.05 else round(clock + rng.uniform(-spread, 2), rng.choice([0, 0, 3]))
    return second, rng.choice(["a", "a", "b", "c", None]), rng.randrange(10)


def flushed(run: Run) -> Run:
    """The last run, with a last batch of a row on each stream that moves the watermark beyond everything."""
    longest = max(map(len, run.additions))
    additions: list[tuple[list[Row], ...]] = []
    for i, adds in enumerate(run.additions):
        last: list[Row] = [(FLUSH, f"end {i}", 0)]
        additions.append((*adds, *([] for _ in range(longest - len(adds))), last))
    return replace(run, additions=tuple(additions), no_data_batches=True)
