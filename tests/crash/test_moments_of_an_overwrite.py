"""Whoever looks at a table that is overwritten, and whoever comes after a kill, finds the old rows or the new ones."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from penstock.core import files
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan.types import LONG, STRING, StructType
from penstock.sinks import batch_writer
from tests.crash.traced_disk import content_of, in_memory
from tests.crash.tracing import Tracer

SCHEMA = StructType().add("a", LONG).add("s", STRING)
OLD, NEW, NEXT = [(1, "x"), (2, "y")], [(3, "x"), (4, "z"), (5, "z")], [(6, "w")]


@pytest.fixture
def disk() -> Iterator[Path]:
    with in_memory() as base:
        yield base


def write(root: Path, rows: list[tuple[int, str]]) -> None:
    table = pa.table({"a": pa.array([a for a, _ in rows], pa.int64()), "s": [s for _, s in rows]})
    batch_writer.write(table, SCHEMA, "json", str(root / "out"), "overwrite", ("s",), {}, Conf())


def rows_of(root: Path) -> list[tuple[int, str]]:
    found = [path for path in (root / "out").rglob("part-*") if not path.name.startswith(".")]
    lines = [(path.parent.name[2:], line) for path in found for line in path.read_text().splitlines()]
    return sorted((json.loads(line)["a"], s) for s, line in lines)


def test_every_moment_has_the_old_rows_or_the_new(disk: Path) -> None:
    write(disk, OLD)
    tracer = Tracer(disk)
    with tracer.recording():
        write(disk, NEW)
    moments = tracer.moments()
    seen = []
    for moment in moments:
        moment.restore(disk)
        seen.append(rows_of(disk))
        assert seen[-1] in (OLD, NEW), moment
        write(disk, NEXT)
        assert rows_of(disk) == NEXT and os.listdir(disk) == ["out"], moment
    assert seen[0] == OLD and seen[-1] == NEW and len(moments) > 12


def test_every_call_that_fails_keeps_the_old_rows_or_has_the_new(disk: Path) -> None:
    write(disk, OLD)
    tracer = Tracer(disk)
    with tracer.recording():
        write(disk, NEW)
    for number in range(1, tracer.fallible + 1):
        write(disk, OLD)
        failing = Tracer(disk, (number, errno.ENOSPC))
        with failing.recording(), pytest.raises((SparkError, OSError), match="No space left"):
            write(disk, NEW)
        assert rows_of(disk) in (OLD, NEW), failing.failed
        assert os.listdir(disk) == ["out"], failing.failed


def test_a_system_that_cannot_swap_in_one_step(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    write(disk, OLD)
    write(disk, NEW)
    assert rows_of(disk) == NEW and os.listdir(disk) == ["out"]


def test_what_another_process_writes_beside_the_table_is_left_alone(disk: Path) -> None:
    write(disk, OLD)
    job = "00000000-1111-2222-3333-444444444444"
    busy, abandoned = disk / f".out.{job}.new", disk / f".out.{job.replace('0', '9')}.new"
    others = disk / ".out.mine.new", disk / f".other.{job}.new"
    for place in (busy, abandoned, *others):
        place.mkdir()
    lock = batch_writer.FileLock(busy)
    write(disk, NEW)
    lock.release()
    assert set(content_of(disk)) >= {str(place.relative_to(disk)) for place in (busy, *others)}
    assert not abandoned.exists() and rows_of(disk) == NEW
