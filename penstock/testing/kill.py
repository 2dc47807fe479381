"""Kill a whole program again and again, at seeded random moments, until it has run to its end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

#: The points (of `penstock.core.faults.POINTS`) that every batch of every query passes.
BATCH_POINTS = (
    "before_offset_log",
    "after_offset_log",
    "after_sources",
    "after_execution",
    "before_state_commit",
    "after_state_commit",
    "before_commit_log",
    "after_commit_log",
)


def crash_and_resume(
    argv: Sequence[str],
    kills: int = 100,
    *,
    seed: int,
    at_points: float = 0.5,
    points: Sequence[str] = BATCH_POINTS,
    most_passes: int = 5,
    delay_s: tuple[float, float] = (0.2, 3.0),
    timeout_s: float = 120.0,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run `argv` in a process of its own until it ends with exit code 0, killing it (SIGKILL) up to `kills` times.

    A share `at_points` of the runs is killed when a random one of `points` is passed for the nth time (n up to
    `most_passes`; a run that never gets there is not killed and ends the test), the others after a random time from
    `delay_s`: choose both so that the program needs many runs.  The choices depend on `seed` alone (what the program
    has done by then also on the machine).  Returns how often it was killed.  Raises AssertionError with seed, output
    and exit code when the program fails by itself, or does not end within `timeout_s` when left alone."""
    chance = random.Random(seed)
    killed = 0
    while True:
        with_crash = killed < kills
        at_point = with_crash and chance.random() < at_points
        point = f"{chance.choice(list(points))}:{chance.randint(1, most_passes)}" if at_point else ""
        limit = chance.uniform(*delay_s) if with_crash and not at_point else timeout_s
        code, output = _run(argv, limit, {**os.environ, **(env or {}), "PENSTOCK_CRASH_AT": point})
        if code == 0:
            return killed
        was_killed = code == -signal.SIGKILL and with_crash
        assert was_killed, f"seed {seed}, after {killed} kills: exit code {code} {point}\n{output}"
        killed += 1


def _run(argv: Sequence[str], limit_s: float, env: Mapping[str, str]) -> tuple[int, str]:
    """The exit code (-9 when killed after `limit_s`) and what the program has written."""
    process = subprocess.Popen(argv, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + limit_s
    try:
        output, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    return process.returncode, output
