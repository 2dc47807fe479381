"""DStreams killed with SIGKILL go on from their checkpoint: every line is counted once in every state."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from penstock.core.faults import DSTREAM_POINTS
from penstock.streaming.wal import WriteAheadLog

JOB = Path(__file__).with_name("dstream_job.py")
#: Those that a program without a receiver passes.
POINTS = [point for point in DSTREAM_POINTS if "wal" not in point]


class Program:
    """The job and its directories."""

    def __init__(self, directory: Path, lines: int) -> None:
        self.directory, self.lines = directory, lines
        for name in ("in", "out", "new"):
            (directory / name).mkdir()

    def start(self, crash_at: str = "") -> subprocess.Popen[bytes]:
        arguments = [str(self.directory / name) for name in ("checkpoint", "in", "out")]
        command = [sys.executable, "-m", "penstock", "run", str(JOB), *arguments, str(self.lines)]
        log = (self.directory / "log").open("ab")
        return subprocess.Popen(command, env={**os.environ, "PENSTOCK_CRASH_AT": crash_at}, stdout=log, stderr=log)

    def wait_for_start(self) -> None:
        deadline = time.monotonic() + 120
        while not (self.directory / "out" / "started").exists():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def put(self, number: int, words: list[str]) -> None:
        path = self.directory / "new" / f"f{number:04d}"
        path.write_text("".join(f"{word}\n" for word in words))
        path.rename(self.directory / "in" / path.name)

    def log(self) -> str:
        return (self.directory / "log").read_text()[-3000:]

    def saved(self) -> Counter[str]:
        whole = [d for d in (self.directory / "out").glob("lines-*") if (d / "_SUCCESS").exists()]
        return Counter(word for d in whole for part in d.glob("part-*") for word in part.read_text().split())

    def check(self, expected: Counter[str]) -> None:
        counts = dict(json.loads((self.directory / "out" / "counts.json").read_text()))
        assert counts == {word: [number] * 3 for word, number in expected.items()}
        assert self.saved() == expected


@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_each_point(tmp_path: Path, point: str) -> None:
    source = random.Random(point)
    files = [[source.choice("abcdef") for _ in range(5)] for _ in range(40)]
    program = Program(tmp_path, 200)
    process = program.start(f"{point}:9")
    program.wait_for_start()
    for number, words in enumerate(files[:20]):
        program.put(number, words)
        time.sleep(0.02)
    assert process.wait(120) == -9, program.log()
    for number, words in enumerate(files[20:], 20):
        program.put(number, words)
    assert program.start().wait(240) == 0, program.log()
    program.check(Counter(word for words in files for word in words))


def test_an_acknowledged_block_is_in_the_log_after_a_kill(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from penstock.streaming.wal import WriteAheadLog
        log = WriteAheadLog(Path(sys.argv[1]))
        for i in range(1000):
            log.append([i])
            print(i, flush=True)
    """
    environment = {**os.environ, "PENSTOCK_CRASH_AT": "dstream-wal-appended:57"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "wal")], env=environment, capture_output=True)
    assert done.returncode == -9, done.stderr
    acknowledged = [int(line) for line in done.stdout.split()]
    assert len(acknowledged) == 56
    kept = [records[0] for _, records in WriteAheadLog(tmp_path / "wal").read(0)]
    assert kept[:56] == acknowledged
