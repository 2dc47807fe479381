"""The crash matrix: every sink and every kind of state, killed at every named point, gives the undisturbed run's rows.

The tests run a part of it; PENSTOCK_CRASH_KILLS >= 100 runs the whole (`make crash`), where the program is killed once
more at the same point while it recovers.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import matrix
import pytest

import penstock

WHOLE = int(os.environ.get("PENSTOCK_CRASH_KILLS", "0")) >= 100
STATE = ("windows", "sessions", "duplicates", "outer join", "join windows", "processor")
MORE_STATE = ("inner join", "right join", "full join", "semi join", "lifetimes", "timeouts")
SINKS = (
    *matrix.FORMATS, *(f"{name}-by-k" for name in matrix.FORMATS), "orc-by-k-t", "table", "table-by-k",
    "foreach-once", "foreachBatch", "jdbc", "files",
)  # fmt: skip
COMBINATIONS = [
    *(("rows", sink) for sink in SINKS),
    *((q, sink) for q in STATE for sink in ("parquet-by-k", "foreachBatch")),
    *((q, "foreachBatch") for q in MORE_STATE),
]
#: Nearly every point, most sinks and every kind of state at least once.
PART = [
    ("rows", "parquet", "before_offset_log:2"), ("rows", "json-by-k", "after_sink_files:2"),
    ("rows", "text-by-k", "before_sink_files:2"), ("rows", "table-by-k", "after_sink_commit:2"),
    ("rows", "foreach-once", "in_sink:2"), ("rows", "jdbc", "in_sink:3"), ("rows", "files", "in_sink:2"),
    ("windows", "foreachBatch", "after_state_commit:2"), ("sessions", "parquet-by-k", "before_commit_log:2"),
    ("duplicates", "foreachBatch", "before_state_commit:2"), ("outer join", "parquet-by-k", "after_execution:2"),
    ("join windows", "parquet-by-k", "after_offset_log:2"), ("processor", "foreachBatch", "after_snapshot:1"),
    ("processor", "parquet-by-k", "during_snapshot:1"), ("rows", "orc-by-k-t", "after_offset_log:2"),
    ("rows", "avro", "after_sources:2"), ("rows", "csv", "after_commit_log:2"),
    ("full join", "foreachBatch", "after_state_commit:3"), ("lifetimes", "foreachBatch", "before_commit_log:2"),
    ("timeouts", "foreachBatch", "after_state_commit:3"),
]  # fmt: skip


class Bench:
    """Hosts for as many runs at once, and what every query gives undisturbed."""

    def __init__(self, root: Path) -> None:
        self._root, self._hosts, self._number = root, Queue[matrix.Host](), 0
        self.workers = 2 if WHOLE else 1
        self._all = [matrix.Host() for _ in range(self.workers)]
        for host in self._all:
            self._hosts.put(host)
        self._wanted: dict[str, tuple[Path, matrix.Rows]] = {}
        self.spark: Any = penstock.session()

    def place(self, query: str) -> Path:
        """A new directory with input: of so many files that a query with state writes snapshots."""
        self._number += 1
        root = self._root / str(self._number)
        matrix.write_input(root, 11 if query == "processor" or (WHOLE and query in (*STATE, *MORE_STATE)) else 4)
        return root

    def run(self, root: Path, query: str, sink: str, kill: str = "") -> int:
        host = self._hosts.get()
        try:
            return host.run(root, query, sink, kill)
        finally:
            self._hosts.put(host)

    def wanted(self, query: str, sink: str = "foreachBatch") -> tuple[Path, matrix.Rows]:
        """Where an undisturbed run is, and its rows."""
        key = f"{query} {sink}"
        if key not in self._wanted:
            root = self.place(query)
            assert self.run(root, query, sink) == 0, (root / "log").read_text()
            self._wanted[key] = root, matrix.content(self.spark, root, sink)
        return self._wanted[key]

    def killed(self, query: str, sink: str, kill: str) -> Path:
        """Kill a run (as a whole, in its recovery too), then run it to the end."""
        root = self.place(query)
        code = self.run(root, query, sink, kill)
        assert code == -signal.SIGKILL, f"{kill} was not passed: {code}\n{(root / 'log').read_text()}"
        if WHOLE:
            assert self.run(root, query, sink, f"{kill.partition(':')[0]}:1") in (0, -signal.SIGKILL)
        code = self.run(root, query, sink)
        assert code == 0, f"after {kill}: {code}\n{(root / 'log').read_text()}"
        return root

    def check(self, query: str, sink: str, kill: str) -> None:
        _, wanted = self.wanted(query)
        root = self.killed(query, sink, kill)
        found = matrix.content(self.spark, root, sink)
        assert found - wanted == Counter(), f"{kill}: rows that should not be there, or are there twice"
        assert wanted - found == Counter(), f"{kill}: rows that are lost"

    def close(self) -> None:
        for host in self._all:
            host.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("matrix"))
    yield made
    made.close()


@pytest.mark.parametrize(("query", "rows"), [("rows", 26), ("outer join", 20), ("processor", 25)])
def test_the_undisturbed_run_is_worth_comparing_with(bench: Bench, query: str, rows: int) -> None:
    assert sum(bench.wanted(query)[1].values()) >= rows


if WHOLE:

    @pytest.mark.parametrize(("query", "sink"), COMBINATIONS, ids=str)
    def test_the_matrix(bench: Bench, query: str, sink: str) -> None:
        """Exactly once: in the sinks that promise it, and in those of the user's that know a batch by its id."""
        bench.wanted(query)
        with ThreadPoolExecutor(bench.workers) as pool:
            for done in [pool.submit(bench.check, query, sink, kill) for kill in matrix.points(query, sink)]:
                done.result()

else:

    @pytest.mark.parametrize(("query", "sink", "kill"), PART, ids=str)
    def test_a_part_of_the_matrix(bench: Bench, query: str, sink: str, kill: str) -> None:
        bench.check(query, sink, kill)


def some(query: str, sink: str, *part: str) -> list[str]:
    return matrix.points(query, sink) if WHOLE else list(part)


@pytest.mark.parametrize("kill", some("rows", "foreach", "in_sink:10"))
def test_foreach_is_at_least_once(bench: Bench, kill: str) -> None:
    """Every row comes; what comes again is of the batch that was killed, under the same epoch."""
    found = Counter(matrix.appended(bench.killed("rows", "foreach", kill)))
    assert Counter(row[1:] for row in found) == bench.wanted("rows")[1]
    again = {epoch for (epoch, *_), times in found.items() if times > 1}
    assert again <= {0, 1, 2}
    assert len(again) <= (2 if WHOLE else 1)
    if kill == "in_sink:10":
        assert again, "the batch that was half written came again"


@pytest.mark.parametrize("kill", some("rows", "console", "before_commit_log:2"))
def test_the_console_is_at_least_once(bench: Bench, kill: str) -> None:
    """Every batch is shown, a replayed one again, with the same rows."""
    root, wanted = bench.wanted("rows", "console")
    assert wanted == bench.wanted("rows")[1]
    assert matrix.printed(bench.killed("rows", "console", kill) / "log") == matrix.printed(root / "log")


@pytest.mark.parametrize("kill", some("rows", "noop", "after_offset_log:2"))
def test_noop_has_every_batch_once(bench: Bench, kill: str) -> None:
    root = bench.place("rows")
    assert bench.run(root, "rows", "noop") == 0
    assert matrix.committed(bench.killed("rows", "noop", kill)) == matrix.committed(root) == [0, 1, 2, 3]


@pytest.mark.parametrize("kill", some("totals", "memory", "before_commit_log:2"))
def test_a_complete_table_in_memory_is_made_anew(bench: Bench, kill: str) -> None:
    """The rows of the process that was killed are gone, but in complete mode the next batch brings all of them."""
    found = matrix.content(bench.spark, bench.killed("totals", "memory", kill), "memory")
    assert found == bench.wanted("totals", "memory")[1]
    assert len(found) == 4


@pytest.mark.parametrize("kill", some("rows", "memory", "after_sources:2"))
def test_rows_in_memory_do_not_outlive_their_process(bench: Bench, kill: str) -> None:
    """Appended rows are gone with the process, and so a restart from the checkpoint is refused, as in Spark."""
    root = bench.place("rows")
    assert bench.run(root, "rows", "memory", kill) == -signal.SIGKILL
    assert bench.run(root, "rows", "memory") == 1
    assert "its sink keeps no rows" in (root / "log").read_text()
