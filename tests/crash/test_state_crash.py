"""SIGKILL of a job with state of its own: the sink ends up with what an undisturbed run gives.

PENSTOCK_CRASH_KILLS sets how often the random test kills at most (100 in CI); PENSTOCK_CRASH_SEED replays a run.
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
from pathlib import Path

import penstock

JOB = Path(__file__).parent / "state_job.py"
KILLS = min(int(os.environ.get("PENSTOCK_CRASH_KILLS", "2")), 30)
SEED = int(os.environ.get("PENSTOCK_CRASH_SEED", "20261121"))
POINTS = ("after_state_commit:4", "before_commit_log:2")


def write_input(directory: Path, files: int) -> None:
    rng = random.Random(SEED)
    directory.mkdir()
    for number in range(files):
        rows = [
            {
                "time": f"2026-03-01T10:{number // 30:02d}:{2 * (number % 30):02d}.{rng.randrange(1000):03d}Z",
                "user": f"u{rng.randrange(6)}",
                "n": rng.randrange(100),
            }
            for _ in range(12)
        ]
        path = directory / f"{number:03d}.json"
        path.write_text("".join(json.dumps(row) + "\n" for row in sorted(rows, key=lambda row: str(row["time"]))))
        os.utime(path, (1_700_000_000 + number,) * 2)


def start(root: Path, name: str, crash_at: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "penstock", "run", str(JOB), str(root / "in")]
    command += [str(root / name / "out"), str(root / name / "checkpoint")]
    env = {**os.environ, "PENSTOCK_CRASH_AT": crash_at, "TZ": "UTC"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(root: Path, name: str, crash_at: str = "") -> int:
    process = start(root, name, crash_at)
    output, _ = process.communicate(timeout=250)
    assert process.returncode in (0, -signal.SIGKILL), output
    return process.returncode


def content(root: Path, name: str) -> Counter[tuple[object, ...]]:
    rows = penstock.session().read.parquet(str(root / name / "out")).collect()
    return Counter(tuple(row) for row in rows)


def test_killed_anywhere_it_gives_the_same(tmp_path: Path) -> None:
    write_input(tmp_path / "in", 40)
    begun = time.monotonic()
    assert run(tmp_path, "undisturbed") == 0
    took = time.monotonic() - begun  # on this machine
    wanted = content(tmp_path, "undisturbed")
    assert sum(wanted.values()) > 480, "there are timers besides the rows"
    for point in POINTS:
        assert run(tmp_path, "killed", point) == -signal.SIGKILL, f"{point} was not passed"
    rng, kills = random.Random(SEED), 0
    while kills < KILLS:
        process = start(tmp_path, "killed")
        try:
            output, _ = process.communicate(timeout=rng.uniform(0.3, 0.9) * took)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 0, output
            break
    assert run(tmp_path, "killed") == 0
    found = content(tmp_path, "killed")
    assert found - wanted == Counter(), f"seed {SEED}: rows that should not be there, or are there twice"
    assert wanted - found == Counter(), f"seed {SEED}: rows that are lost"
