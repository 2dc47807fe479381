"""What the crash matrix is made of: the hosts that run programs, the input, and what is in a sink."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from penstock.core.faults import POINTS

HERE = Path(__file__).resolve().parent
FORMATS = ("parquet", "json", "csv", "text", "orc", "xml", "avro")
FILE_POINTS = tuple(point for point in POINTS if "_sink_" in point)
SNAPSHOT_POINTS = tuple(point for point in POINTS if "snapshot" in point)
#: How often the user's own part of a sink says that it is half done until it is killed, for a kill in the second batch.
IN_SINK = {"foreach-once": 2, "foreach": 10, "foreachBatch": 2, "jdbc": 3, "files": 2}

Rows = Counter[tuple[Any, ...]]


class Host:
    """A process that forks the runs, one at a time."""

    def __init__(self) -> None:
        command = [sys.executable, str(HERE / "host.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, root: Path, query: str, sink: str, kill: str = "") -> int:
        """The exit code (-9 when killed) of the matrix' program; what it prints is in ROOT/log.

        kill: `point:N`, or `in_sink:N`."""
        point, _, count = kill.partition(":")
        env = {"PENSTOCK_CRASH_AT": "" if point == "in_sink" else kill}
        env["PENSTOCK_MATRIX_KILL"] = count if point == "in_sink" else "0"
        return self.start([str(HERE / "matrix_job.py"), str(root), query, sink], env, root / "log")

    def start(self, arguments: list[str], env: dict[str, str], log: Path) -> int:
        """The exit code of any program."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"arguments": arguments, "env": env, "out": str(log)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def points(query: str, sink: str) -> list[str]:
    """Every kill that a query into a sink comes to, as Host.run takes it: most in the second batch."""
    name, stateful = sink.partition("-by-")[0], query != "rows"
    own = set(POINTS)
    own -= set() if name in FORMATS or name == "table" else set(FILE_POINTS)
    own -= set() if stateful and name != "memory" else set(SNAPSHOT_POINTS)  # too few batches for a snapshot
    kills = [f"{point}:{1 if 'snapshot' in point else 2}" for point in POINTS if point in own]
    return [*kills, f"in_sink:{IN_SINK[name]}"] if name in IN_SINK else kills


def write_input(root: Path, files: int) -> None:
    """`files` files a side; the last closes what the others have opened."""
    rng, rows_a_file = random.Random(20261121), 32 // files
    for side in ("left", "right"):
        (root / side).mkdir(parents=True)
        for number in range(files):
            times = [f"10:00:{3 * number + rng.randrange(4):02d}.{rng.randrange(1000):03d}" for _ in range(rows_a_file)]
            rows = [{"t": f"2026-03-01T{t}Z", "k": rng.choice("abc"), "n": rng.randrange(100)} for t in times]
            if number == files - 1:
                rows = [{"t": "2026-03-01T11:00:00Z", "k": "z", "n": n} for n in (1, 2)]
            path = root / side / f"{number}.json"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            os.utime(path, (1_700_000_000 + number,) * 2)


# ---------------------------------------------------------------- what is in a sink


def content(spark: Any, root: Path, sink: str) -> Rows:
    """The rows (k, n, t) that the sink's readers see."""
    name = sink.partition("-by-")[0]
    if name == "text":
        return _texts(spark, root)
    if name in FORMATS:
        reader = spark.read.format(name).schema("k string, n long, t string").option("rowTag", "row")
        return Counter((row.k, row.n, row.t) for row in reader.load(str(root / "out")).collect())
    if name == "table":
        frame = spark.read.parquet(str(root / "warehouse" / "found"))
        return Counter((row.k, row.n, row.t) for row in frame.collect())
    if name == "foreachBatch":
        return _by_id(spark, root)
    if name == "jdbc":
        with sqlite3.connect(root / "rows.sqlite") as connection:
            return Counter(connection.execute("SELECT k, n, t FROM found").fetchall())
    if name == "memory":
        return Counter(tuple(row) for row in json.loads((root / "memory.json").read_text()))
    if name == "console":
        return Counter(row for rows in printed(root / "log").values() for row in rows)
    if name == "foreach":
        return Counter(tuple(row[1:]) for row in set(appended(root)))
    return Counter(tuple(row) for path in (root / "out").glob("[!.]*.json") for row in json.loads(path.read_text()))


def _texts(spark: Any, root: Path) -> Rows:
    lines = [row.value.split(",") for row in spark.read.text(str(root / "out")).collect()]
    return Counter((k, int(n), None if t == "-" else t) for k, n, t in lines)


def _by_id(spark: Any, root: Path) -> Rows:
    """The batches' directories; the index beside them says how many rows each has."""
    rows = spark.read.schema("k string, n long, t string, batch long").parquet(str(root / "out")).collect()
    index = spark.read.schema("rows long, batch long").json(str(root / "index")).collect()
    counts = Counter(row.batch for row in rows)
    assert {row.batch: row.rows for row in index if row.rows} == counts
    return Counter((row.k, row.n, row.t) for row in rows)


def appended(root: Path) -> list[tuple[Any, ...]]:
    """(epoch, k, n, t) as the writer that appends has put them down, those that came again too."""
    return [tuple(json.loads(line)) for line in (root / "out" / "rows").read_text().splitlines()]


def printed(log: Path) -> dict[int, list[tuple[Any, ...]]]:
    """The rows of every batch that the console has shown.  A batch that came again must look the same."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for part in re.split(r"^-+\nBatch: ", log.read_text(), flags=re.MULTILINE)[1:]:
        number, _, table = part.partition("\n")
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line[:1] == "|"]
        rows = [(k, int(n), None if t == "NULL" else t) for k, n, t in cells[1:]]
        assert found.setdefault(int(number), rows) == rows
    return found


def committed(root: Path) -> Sequence[int]:
    """The batches that the checkpoint says are done."""
    return sorted(int(path.name) for path in (root / "checkpoint" / "commits").iterdir() if path.name.isdigit())
