"""Classic programs of DStreams, run as they are: `penstock run PROGRAM`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.streaming.conftest import Run

PROGRAMS = Path(__file__).parents[1] / "programs_dstream"


@contextmanager
def server(lines: list[bytes]) -> Iterator[int]:
    """A TCP server that sends each line to who connects first, and keeps the connection open."""
    listening = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            for line in lines:
                connection.sendall(line + b"\n")
                time.sleep(0.25)
            done.wait(280)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listening.getsockname()[1])
    done.set()
    listening.close()


def output(program: str, lines: list[bytes], out: Path) -> str:
    with server(lines) as port:
        command = [sys.executable, "-m", "penstock", "run", str(PROGRAMS / program)]
        command += ["127.0.0.1", str(port), str(out), str(len(lines))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


LINES = [b"hello world", b"hello there", b"world of streams"]
COUNTS = Counter(b" ".join(LINES).decode().split())


def shown(out: str) -> list[dict[str, int]]:
    return [dict(eval(line.removeprefix("counts "))) for line in out.splitlines() if line.startswith("counts [")]


def test_network_word_count(tmp_path: Path) -> None:
    out = output("network_wordcount.py", LINES, tmp_path)
    assert out.count("Time: ") >= 3 and "('streams', 1)" in out
    saved = [eval(line) for part in tmp_path.glob("counts-*/part-*") for line in part.read_text().splitlines()]
    assert sum((Counter({word: number}) for word, number in saved), Counter()) == COUNTS


def test_stateful_word_count(tmp_path: Path) -> None:
    batches = shown(output("stateful_wordcount.py", LINES, tmp_path))
    assert batches[-1] == COUNTS + Counter({"hello": 1, "world": 1})


def test_sql_word_count(tmp_path: Path) -> None:
    batches = shown(output("sql_wordcount.py", LINES, tmp_path))
    assert sum(map(Counter, batches), Counter()) == COUNTS


def test_a_plain_script() -> None:
    command = [sys.executable, str(PROGRAMS / "plain_import.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout.splitlines()[:2] == ["[2, 4]", "[6]"]


def test_sql_in_the_functions_of_streams(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "penstock", "run", str(PROGRAMS / "sql_in_streams.py"), str(tmp_path), "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.splitlines()[-1])
    by_name = {name: [found for kind, found in results if kind == name] for name, _ in results[:4]}
    assert by_name["joined"] == [[["apple", 6], ["pear", 5]], [["pear", 5]], [], [["apple", 3]]]
    assert by_name["counted"] == [
        [["apple", 2, True], ["pear", 1, True]], [["pear", 1, True], ["plum", 1, True]], [], [["apple", 1, True]],
    ]  # fmt: skip
    assert by_name["unknown"] == [["pear"], ["pear"], [], []]
    assert by_name["written"] == [3, 5, 5, 6]


def wait_for(path: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.02)


def test_recoverable_word_count_killed_in_the_middle(tmp_path: Path) -> None:
    for name in ("in", "out", "new"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-m", "penstock", "run", str(PROGRAMS / "recoverable_wordcount.py")]
    command += [str(tmp_path / name) for name in ("checkpoint", "in", "out")] + ["60"]

    def put(number: int) -> None:
        path = tmp_path / "new" / f"f{number}"
        path.write_text(f"a c{number % 3}\nb\n")
        path.rename(tmp_path / "in" / path.name)

    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    wait_for(tmp_path / "out" / "started")
    for number in range(10):
        put(number)
        time.sleep(0.03)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for number in range(10, 20):
        put(number)
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads((tmp_path / "out" / "counts.json").read_text())
    assert counts == {"a": 20, "b": 20, "c0": 7, "c1": 7, "c2": 6}


# ---------------------------------------------------------------- on a manual clock


def test_hashtags_of_the_last_five_minutes_every_second(run: Run) -> None:
    """An inverse function over 300 s and 1 s, from a generated stream: each second has the tag of its minute."""
    stream = run.ssc.generatedStream(lambda ms: [f"see #tag{(ms // 1000 - 1_000_000) // 60 % 7} now"])
    tags = stream.flatMap(str.split).filter(lambda word: word.startswith("#")).map(lambda tag: (tag, 1))
    counts = tags.reduceByKeyAndWindow(
        lambda a, b: a + b, lambda a, b: a - b, 300, 1, filterFunc=lambda pair: pair[1] > 0
    )
    top = counts.transform(lambda rdd: rdd.sortBy(lambda pair: (-pair[1], pair[0])))
    run.keep(top)
    results = run.batches(320)
    for second in (1, 59, 60, 299, 300, 301, 320):
        window = range(max(1, second - 299), second + 1)
        expected = Counter(f"#tag{s // 60 % 7}" for s in window)
        assert results[second - 1] == sorted(expected.items(), key=lambda pair: (-pair[1], pair[0]))


def test_click_through_rate_of_an_hour_every_five_minutes(tmp_path: Path) -> None:
    """Batches of 30 s; in each 20 views and, in every third batch, 2 clicks of ad 1."""
    made = Run(str(tmp_path), batch_seconds=30)
    start = 1_000_000_000

    def events(ms: int) -> list[tuple[str, tuple[int, int]]]:
        number = (ms - start) // 30_000
        return [("ad1", (1, 0))] * 20 + ([("ad1", (0, 1))] * 2 if number % 3 == 0 else [])

    def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        return a[0] + b[0], a[1] + b[1]

    counts = made.ssc.generatedStream(events).reduceByKeyAndWindow(add, None, 3600, 300)
    made.keep(counts.mapValues(lambda both: (both[0], both[1], both[1] / both[0])))
    made.batches(150)
    made.stop()
    # The first multiple of 30 s after the start of the clock is the first batch; ten batches are one slide.
    assert len(made.results) == 15
    views = [dict(rows)["ad1"][0] for _, rows in made.results]
    assert views == [20 * 10 * n for n in range(1, 13)] + [2400] * 3
    rate = dict(made.results[-1][1])["ad1"]
    assert rate[1] == 80 and rate[2] == pytest.approx(1 / 30)
