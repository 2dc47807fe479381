"""The queries that random streams are tried on; each has a batch meaning over the rows that were not late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tests.property.model import Batch, Deadline, Reaches
from tests.property.schedule import Row

Frames = Sequence[DataFrame]


def window_end(size: float) -> Deadline:
    """Rows are done when their window is."""
    return lambda row: None if row[0] is None else (row[0] // size + 1) * size


def after(gap: float) -> Deadline:
    """Rows are done `gap` seconds after their time."""
    return lambda row: None if row[0] is None else row[0] + gap


@dataclass(frozen=True)
class Query:
    """make: from a frame a stream, with columns t, k, n, bearing watermarks of `delays` seconds; deadlines: by stream;
    keys: how many leading columns of the result tell rows apart (update mode: the last row of each counts);
    expected: rows by a model of its own, where batch has no such query; keyed: by stream, whether only rows with a key
    reach the watermark."""

    name: str
    modes: tuple[str, ...]
    delays: tuple[float, ...]
    deadlines: tuple[Deadline, ...]
    make: Callable[[Frames], DataFrame]
    keys: int = 0
    expected: Callable[[list[Batch]], list[tuple[Any, ...]]] | None = None
    keyed: tuple[bool, ...] = (False, False, False)

    @property
    def reaches(self) -> tuple[Reaches, ...]:
        """Where a join asks for equal keys, rows without one are left out before the watermark."""
        return tuple((lambda row: row[1] is not None) if keyed else (lambda row: True) for keyed in self.keyed)


AGGREGATES = (
    F.count("*"),
    F.sum("n"),
    F.min("n"),
    F.max("n"),
    F.round(F.avg("n"), 6),
    F.sort_array(F.collect_list("n")),
)


def _windows(frames: Frames) -> DataFrame:
    counts = frames[0].groupBy(F.window("t", "10 seconds"), "k").agg(*AGGREGATES)
    return counts.select("window.start", "k", *counts.columns[2:])


def _sliding(frames: Frames) -> DataFrame:
    counts = frames[0].groupBy(F.window("t", "10 seconds", "5 seconds")).agg(*AGGREGATES)
    return counts.select("window.start", *counts.columns[1:])


def _sessions(frames: Frames) -> DataFrame:
    counts = frames[0].groupBy(F.session_window("t", "4 seconds"), "k").agg(*AGGREGATES)
    return counts.select("session_window.start", "session_window.end", "k", *counts.columns[2:])


def _dynamic_sessions(frames: Frames) -> DataFrame:
    gap = F.expr("CASE WHEN n = 0 THEN '0 seconds' WHEN k = 'a' THEN '2 seconds' ELSE concat(n, ' seconds') END")
    counts = frames[0].groupBy("k", F.session_window("t", gap)).agg(*AGGREGATES)
    return counts.select("session_window.start", "session_window.end", "k", *counts.columns[2:])


def _dynamic_deadline(row: Row) -> float | None:
    second, key, n = row
    return None if second is None or n == 0 else second + (2 if key == "a" else n)


def _rollup(frames: Frames) -> DataFrame:
    return frames[0].rollup("k", (F.col("n") % 2).alias("odd")).agg(F.grouping_id(), *AGGREGATES)


def _by_key(frames: Frames) -> DataFrame:
    return frames[0].groupBy("k").agg(*AGGREGATES)


def _duplicates(frames: Frames) -> DataFrame:
    return frames[0].dropDuplicates(["t", "k"]).select("t", "k")


def _keys(frames: Frames) -> DataFrame:
    return frames[0].dropDuplicates(["k"]).select("k")


def _within(frames: Frames) -> DataFrame:
    return frames[0].dropDuplicatesWithinWatermark(["k"]).select("t", "k", "n")


def _within_model(delay: float) -> Callable[[list[Batch]], list[tuple[Any, ...]]]:
    def model(batches: list[Batch]) -> list[tuple[Any, ...]]:
        known: dict[str | None, float] = {}
        passed: list[tuple[Any, ...]] = []
        for batch in batches:
            for second, key, n in batch.rows[0]:
                if key not in known:
                    known[key] = (second or 0) + delay
                    passed.append((_time(second), key, n))
            if batch.evicts > 0:
                known = {key: expiry for key, expiry in known.items() if expiry > batch.evicts + 1e-7}
        return passed

    return model


@dataclass
class _Session:
    start: float
    end: float
    numbers: list[int]


def _sessions_of(batches: list[Batch], gap: Callable[[Row], float]) -> list[tuple[str | None, _Session]]:
    """Every session by key.  One that the watermark has ended is given out: what comes later starts another, even if
    the two touch."""
    known: dict[str | None, list[_Session]] = {}
    given: list[tuple[str | None, _Session]] = []
    for batch in batches:
        for row in batch.rows[0]:
            second, key, n = row
            if second is None or gap(row) <= 0:
                continue
            grown, apart = _Session(second, second + gap(row), [n]), []
            for session in known.get(key, []):
                if session.start <= grown.end and grown.start <= session.end:
                    start, end = min(session.start, grown.start), max(session.end, grown.end)
                    grown = _Session(start, end, session.numbers + grown.numbers)
                else:
                    apart.append(session)
            known[key] = [*apart, grown]
        for key, sessions in known.items() if batch.evicts > 0 else ():
            given += [(key, session) for session in sessions if session.end <= batch.evicts + 1e-7]
            known[key] = [session for session in sessions if session.end > batch.evicts + 1e-7]
    return given + [(key, session) for key, sessions in known.items() for session in sessions]


def _sessions_model(gap: Callable[[Row], float]) -> Callable[[list[Batch]], list[tuple[Any, ...]]]:
    def model(batches: list[Batch]) -> list[tuple[Any, ...]]:
        rows = []
        for key, session in _sessions_of(batches, gap):
            n = session.numbers
            figures = (len(n), sum(n), min(n), max(n), round(sum(n) / len(n), 6), tuple(sorted(n)))
            rows.append((_time(session.start), _time(session.end), key, *figures))
        return rows

    return model


def _windows_of_sessions_model(batches: list[Batch]) -> list[tuple[Any, ...]]:
    windows: dict[float, list[int]] = {}
    for _, session in _sessions_of(batches, lambda row: 4):
        counts = windows.setdefault((session.end - 1e-6) // 20 * 20, [0, 0])
        counts[0] += len(session.numbers)
        counts[1] += 1
    return [(_time(start), *counts) for start, counts in windows.items()]


def _time(second: float | None) -> datetime | None:
    return None if second is None else datetime.fromtimestamp(second)


def _renamed(frames: Frames) -> tuple[DataFrame, DataFrame]:
    return frames[0], frames[1].toDF("rt", "rk", "rn")


def _join(kind: str, condition: str) -> Callable[[Frames], DataFrame]:
    def make(frames: Frames) -> DataFrame:
        left, right = _renamed(frames)
        return left.join(right, F.expr(condition), kind)

    return make


def _window_join(kind: str) -> Callable[[Frames], DataFrame]:
    def make(frames: Frames) -> DataFrame:
        left, right = _renamed(frames)
        left, right = (
            left.withColumn("w", F.window("t", "10 seconds")),
            right.withColumn("rw", F.window("rt", "10 seconds")),
        )
        pairs = left.join(right, F.expr("w = rw AND k = rk"), kind)
        of_right = [] if kind == "left_semi" else [F.col("rw.start").alias("rs"), "rn"]
        return pairs.select("w.start", "k", "n", *of_right)

    return make


RANGE = "k = rk AND rt BETWEEN t - INTERVAL 3 SECONDS AND t + INTERVAL 6 SECONDS"
STRICT = "k = rk AND rt > t - INTERVAL 5 SECONDS AND rt < t + INTERVAL 2 SECONDS AND n <> rn"


def _windows_of_windows(frames: Frames) -> DataFrame:
    small = frames[0].groupBy(F.window("t", "5 seconds"), "k").agg(F.sum("n").alias("n"), F.count("*").alias("c"))
    large = small.groupBy(F.window(F.window_time("window"), "20 seconds")).agg(F.sum("n"), F.sum("c"), F.count("*"))
    return large.select("window.start", *large.columns[1:])


def _windows_of_sessions(frames: Frames) -> DataFrame:
    sessions = frames[0].groupBy(F.session_window("t", "4 seconds"), "k").agg(F.count("*").alias("c"))
    large = sessions.groupBy(F.window(F.window_time("session_window"), "20 seconds")).agg(F.sum("c"), F.count("*"))
    return large.select("window.start", *large.columns[1:])


def _windows_of_distinct(frames: Frames) -> DataFrame:
    counts = frames[0].dropDuplicates(["t", "k", "n"]).groupBy(F.window("t", "10 seconds")).agg(*AGGREGATES)
    return counts.select("window.start", *counts.columns[1:])


def _windows_of_pairs(kind: str, condition: str, time: str) -> Callable[[Frames], DataFrame]:
    def make(frames: Frames) -> DataFrame:
        left, right = _renamed(frames)
        pairs = left.join(right, F.expr(condition), kind)
        counts = pairs.groupBy(F.window(time, "10 seconds")).agg(F.count("*"), F.sum("n"), F.sum("rn"), F.count("rk"))
        return counts.select("window.start", *counts.columns[1:])

    return make


def _pairs_of_windows(kind: str) -> Callable[[Frames], DataFrame]:
    def make(frames: Frames) -> DataFrame:
        left, right = _renamed(frames)
        lefts = left.groupBy(F.window("t", "10 seconds"), "k").agg(F.sum("n").alias("n"))
        rights = right.groupBy(F.window("rt", "10 seconds"), F.col("rk").alias("k")).agg(F.sum("rn").alias("rn"))
        pairs = lefts.join(rights, ["window", "k"], kind)
        return pairs.select("window.start", "k", "n", "rn")

    return make


def _three_streams(frames: Frames) -> DataFrame:
    left, right = _renamed(frames)
    third = frames[2].toDF("tt", "tk", "tn")
    pairs = left.join(right, F.expr(RANGE)).withColumn("rt", F.col("rt").cast("string"))
    return pairs.join(third, F.expr("k = tk AND tt BETWEEN t - INTERVAL 4 SECONDS AND t + INTERVAL 4 SECONDS"))


_ANY, _NEVER = ("append", "update", "complete"), lambda row: None
_TWO = (after(0), after(0))
_HELD_BACK = 6.001  # RANGE keeps rows of the left for six seconds: what stands above sees the watermark that much later
_KEYED = {
    "inner": (True, True), "left": (False, True), "right": (True, False), "full": (False, False),
    "left_semi": (True, True),
}  # fmt: skip

QUERIES = (
    Query("windows", _ANY, (5,), (window_end(10),), _windows, keys=2),
    Query("sliding windows", _ANY, (60,), (_NEVER,), _sliding, keys=1),
    Query("sessions", ("append", "complete"), (5,), (after(4),), _sessions, expected=_sessions_model(lambda row: 4)),
    Query(
        "dynamic sessions",
        ("append", "complete"),
        (8,),
        (_dynamic_deadline,),
        _dynamic_sessions,
        expected=_sessions_model(lambda row: 0 if row[2] == 0 else 2 if row[1] == "a" else row[2]),
    ),
    Query("rollup", ("update", "complete"), (5,), (_NEVER,), _rollup, keys=3),
    Query("by key", ("update", "complete"), (5,), (_NEVER,), _by_key, keys=1),
    Query("duplicates", ("append", "update"), (6,), (after(0),), _duplicates),
    Query("keys", ("append",), (6,), (after(0),), _keys),
    Query("within the watermark", ("append",), (6,), (after(0),), _within, expected=_within_model(6)),
    *(
        Query(f"{kind} join", ("append",), (5, 9), _TWO, _join(kind, condition), keyed=_KEYED[kind])
        for kind in ("inner", "left", "right", "full", "left_semi")
        for condition in (RANGE, STRICT)
    ),
    *(
        Query(
            f"{kind} join by window", ("append",), (5, 5), (window_end(10),) * 2, _window_join(kind), keyed=_KEYED[kind]
        )
        for kind in ("inner", "left", "right", "full", "left_semi")
    ),
    Query("windows of windows", ("append",), (4,), (window_end(5),), _windows_of_windows),
    Query(
        "windows of sessions", ("append",), (4,), (after(4),), _windows_of_sessions, expected=_windows_of_sessions_model
    ),
    Query("windows of distinct rows", _ANY, (4,), (after(0),), _windows_of_distinct, keys=1),
    Query(
        "windows of inner pairs",
        ("append",),
        (5, 3),
        _TWO,
        _windows_of_pairs("inner", RANGE, "t"),
        keyed=_KEYED["inner"],
    ),
    Query(
        "windows of inner pairs on the right",
        ("append",),
        (5, 3),
        _TWO,
        _windows_of_pairs("inner", STRICT, "rt"),
        keyed=_KEYED["inner"],
    ),
    Query(
        "windows of left pairs", ("append",), (5, 3), _TWO, _windows_of_pairs("left", RANGE, "t"), keyed=_KEYED["left"]
    ),
    Query(
        "windows of right pairs",
        ("append",),
        (5, 3),
        _TWO,
        _windows_of_pairs("right", STRICT, "rt"),
        keyed=_KEYED["right"],
    ),
    *(
        Query(name, ("append",), (5, 3), (window_end(10),) * 2, _pairs_of_windows(kind), keyed=_KEYED[kind])
        for kind, name in (("inner", "pairs of windows"), ("left", "left pairs of windows"))
    ),
    Query("three streams", ("append",), (5, 5, 5), (*_TWO, after(_HELD_BACK)), _three_streams, keyed=(True,) * 3),
)
