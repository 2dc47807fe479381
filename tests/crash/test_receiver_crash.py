"""A program with a receiver is killed again and again: what was acknowledged is not lost, and a stream that can be made
again is exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming.checkpoint_files import Metadata, checkpoint_files, latest

JOB = Path(__file__).with_name("receiver_job.py")
#: More than there is time for.
ENDLESS = 10**6
#: How long a run may take: a machine may be slow, and stand still for seconds.
PATIENCE_S = 240

pytestmark = pytest.mark.timeout(900)


class Program:
    """The job and its directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def start(self, crash_at: str = "", messages: int = ENDLESS, work: float = 0) -> subprocess.Popen[bytes]:
        (self.directory / "messages").write_text(str(messages))
        command = [sys.executable, "-m", "penstock", "run", str(JOB), str(self.directory), str(work)]
        with (self.directory / "log").open("ab") as log:
            environment = {**os.environ, "PENSTOCK_CRASH_AT": crash_at}
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def load(self, name: str) -> Any:
        path = self.directory / name
        return json.loads(path.read_text()) if path.exists() else None

    def batches(self) -> dict[int, dict[str, list[Any]]]:
        """By time (ms): what each batch had."""
        paths = sorted(path for path in self.directory.glob("batch-*") if path.suffix != ".tmp")
        return {int(path.name.removeprefix("batch-")): json.loads(path.read_text()) for path in paths}

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def log(self) -> str:
        return (self.directory / "log").read_text()[-3000:]


def test_what_was_acknowledged_before_the_first_batch_is_not_lost(tmp_path: Path) -> None:
    program = Program(tmp_path)
    (tmp_path / "hold").touch()
    assert program.start("dstream-wal-before-append:3").wait(PATIENCE_S) == -9, program.log()
    assert program.load("acknowledged") == 14 and not program.batches()
    (tmp_path / "hold").unlink()
    assert program.start("dstream-wal-before-append:1").wait(PATIENCE_S) == -9, program.log()
    assert program.start(messages=28).wait(PATIENCE_S) == 0, program.log()
    assert program.load("created") != program.load("settings")[5]
    assert sorted(n for found in program.batches().values() for n in found["received"]) == list(range(28))


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    program = Program(tmp_path)
    process = program.start()
    program.until(lambda: (program.load("acknowledged") or 0) > 60)
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE_S) == -9
    acknowledged = [program.load("acknowledged")]
    for crash_at in ("dstream-wal-appended:40", "dstream-wal-before-append:40"):
        assert program.start(crash_at).wait(PATIENCE_S) == -9, program.log()
        acknowledged.append(program.load("acknowledged"))
    # The second and the third time 40 blocks were stored and all but one acknowledged; the source went on from there.
    assert acknowledged[1] == acknowledged[0] + 39 * 7 and acknowledged[2] == acknowledged[1] + 39 * 7
    messages = acknowledged[-1] + 300
    assert program.start(messages=messages).wait(PATIENCE_S) == 0, program.log()

    batches = program.batches()
    received = [n for found in batches.values() for n in found["received"]]
    assert sorted(set(received)) == list(range(messages))
    # Stored and not acknowledged when the process was killed, and so sent again: one block each time at most.
    twice = [n for n, times in Counter(received).items() if times > 1]
    assert len(twice) <= 3 * 7 and max(Counter(received).values()) <= 2
    assert set(twice) <= {n for place in acknowledged for n in range(place, place + 7)}

    times = sorted(batches)
    assert times == list(range(times[0], times[-1] + 1, 50))  # no batch is left out
    assert [found["made"] for _, found in sorted(batches.items())] == [[t] for t in times]
    assert [found["count"] for _, found in sorted(batches.items())] == [[n] for n in range(1, len(times) + 1)]

    created, settings = program.load("created"), program.load("settings")
    assert settings[:4] == ["local[3]", "receiver job", 5, 50] and settings[5] != created
    assert settings[4] == {
        "spark.my.own": "kept",
        "spark.streaming.receiver.writeAheadLog.enable": "true",
        "spark.default.parallelism": "5",
    }


def test_the_batch_that_runs_at_sigterm_ends_and_is_noted(tmp_path: Path) -> None:
    program = Program(tmp_path)
    process = program.start(work=0.5)
    program.until(lambda: len(program.batches()) > 1 and program.load("running") not in program.batches())
    running = program.load("running")
    process.terminate()
    assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM, program.log()
    left = latest(tmp_path / "checkpoint")
    assert running in program.batches()
    assert left is not None and left.pending and not set(left.pending) & set(program.batches())
    assert "Error" not in program.log()


def test_sigterm_while_missed_batches_are_made_up_for(tmp_path: Path) -> None:
    program = Program(tmp_path)
    assert program.start(messages=7).wait(PATIENCE_S) == 0, program.log()
    checkpoint = tmp_path / "checkpoint"
    found = latest(checkpoint)
    assert found is not None and found.pending == []
    for path in checkpoint_files(checkpoint):
        path.unlink()
    # As if four thousand batches had been missed.
    missed = Metadata(found.time_ms - 50 * 4000, found.zero_ms - 50 * 4000, [], {}, found.inputs)
    (checkpoint / f"checkpoint-{missed.time_ms}").write_bytes(missed.encode())
    before = len(program.batches())

    process = program.start(messages=14, work=0.02)
    program.until(lambda: len(program.batches()) > before + 3)
    program.until(lambda: len(latest(checkpoint).pending) > 300)  # made, and more than are done before it ends
    batches = len(program.batches())
    process.terminate()
    assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM, program.log()
    assert len(program.batches()) - batches < 600, "at most 12 s of work"
    left = latest(checkpoint)
    assert left is not None and left.pending  # those that were made, and that a restart runs
    done = [t for t in program.batches() if missed.time_ms < t < found.time_ms - 50 * 100]
    assert min(left.pending) - max(done) in (0, 50)
