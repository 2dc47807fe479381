"""SIGKILL at random moments and at every named point: the sink ends up with the batch answer, nothing lost, nothing
twice.

PENSTOCK_CRASH_KILLS sets how often the random test kills (100 in CI); PENSTOCK_CRASH_SEED replays a run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC
from pathlib import Path

import pytest

from penstock.core.faults import POINTS

JOB = Path(__file__).parent / "windowed_job.py"
KILLS = int(os.environ.get("PENSTOCK_CRASH_KILLS", "8"))
SEED = int(os.environ.get("PENSTOCK_CRASH_SEED", "20261121"))
#: How long a run may take: a machine may be slow, and stand still for seconds.
PATIENCE_S = 250 if KILLS < 100 else 1500
START_US = 1_772_359_200_000_000  # 2026-03-01T10:00:00Z


class Input:
    """Files of events whose times rise with a jitter smaller than the watermark's delay, so that nothing is late."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory, self.rng, self.files = directory, random.Random(seed), 0
        self.events: list[tuple[int, str, int]] = []
        directory.mkdir()

    def add(self, count: int, rows: int = 40) -> None:
        """`count` more files of `rows` events, two seconds of event time each."""
        for _ in range(count):
            second = self.files * 2
            rows_here = [
                (
                    second * 1_000_000 + self.rng.randrange(4_000_000),
                    f"/{self.rng.randrange(12)}",
                    self.rng.randrange(500),
                )
                for _ in range(rows)
            ]
            self._write(rows_here)

    def finish(self) -> None:
        """A last event far in the future, which closes every window before it."""
        self._write([((self.files * 2 + 1000) * 1_000_000, "/end", 1)])

    def _write(self, events: list[tuple[int, str, int]]) -> None:
        lines = [json.dumps({"time": _iso(at), "url": url, "ms": ms}) for at, url, ms in events]
        path = self.directory / f"{self.files:06d}.json"
        hidden = path.with_name(f".{path.name}")
        hidden.write_text("\n".join(lines) + "\n")
        os.utime(hidden, (1_700_000_000 + self.files,) * 2)
        hidden.rename(path)
        self.files += 1
        self.events += events

    def answer(self) -> Counter[tuple[int, str, int, int]]:
        """(window start in us, url, n, ms) of every window, as a batch job would count them, without the last
        event's."""
        groups: dict[tuple[int, str], list[int]] = {}
        for at, url, ms in self.events:
            for start in range((at // 5_000_000 - 1) * 5_000_000, at + 1, 5_000_000):
                if url != "/end" and start <= at < start + 10_000_000:
                    group = groups.setdefault((start, url), [0, 0])
                    group[0] += 1
                    group[1] += ms
        return Counter((START_US + start, url, n, ms) for (start, url), (n, ms) in groups.items())


def _iso(at: int) -> str:
    from datetime import datetime

    return datetime.fromtimestamp((START_US + at) / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Job:
    """One query with its directories, run in processes of its own."""

    def __init__(self, root: Path, seed: int) -> None:
        self.input = Input(root / "in", seed)
        self.out, self.checkpoint = root / "out", root / "checkpoint"

    def start(self, crash_at: str = "") -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "penstock",
            "run",
            str(JOB),
            str(self.input.directory),
            str(self.out),
            str(self.checkpoint),
        ]
        env = {**os.environ, "PENSTOCK_CRASH_AT": crash_at}
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, crash_at: str = "") -> int:
        """Run to the end (or to the crash); the exit code."""
        process = self.start(crash_at)
        output, _ = process.communicate(timeout=PATIENCE_S)
        if process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(output)
        return process.returncode

    def content(self) -> Counter[tuple[int, str, int, int]]:
        """What `spark.read` sees in the sink."""
        import penstock

        spark = penstock.session()
        rows = (
            spark.read.parquet(str(self.out))
            .selectExpr("unix_micros(start) AS start", "url", "n", "ms", "last")
            .collect()
        )
        assert all(row.last == row.url for row in rows)
        return Counter((row.start, row.url, row.n, row.ms) for row in rows)


def check(job: Job) -> None:
    """The sink's content is the batch answer."""
    content, answer = job.content(), job.input.answer()
    assert content - answer == Counter(), "rows that should not be there, or are there twice"
    assert answer - content == Counter(), "rows that are lost"


def test_killed_at_random_moments(tmp_path: Path) -> None:
    rng, job, kills = random.Random(SEED), Job(tmp_path, SEED), 0
    print(f"seed {SEED}")
    job.input.add(25)
    begun = time.monotonic()
    assert job.run() == 0
    took = time.monotonic() - begun  # on this machine
    while kills < KILLS:
        job.input.add(25)
        process, begun = job.start(), time.monotonic()
        try:
            output, _ = process.communicate(timeout=rng.uniform(0.3, 1.1) * took)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 0, output
            took = time.monotonic() - begun
    job.input.finish()
    assert job.run() == 0
    print(f"killed {kills} times over {job.input.files} files")
    check(job)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point(tmp_path: Path, point: str) -> None:
    job = Job(tmp_path, 7)
    job.input.add(14)
    assert job.run(f"{point}:2" if "snapshot" not in point else point) == -signal.SIGKILL, f"{point} was not passed"
    job.input.add(3)
    assert job.run(f"{point}:1") in (0, -signal.SIGKILL)
    job.input.finish()
    assert job.run() == 0
    check(job)
