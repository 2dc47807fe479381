"""The compaction interval grows with the log, and Spark's way of reading finds everything at every moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.checkpoint import compactible_log
from penstock.checkpoint.compactible_log import CompactibleLog, derived_interval
from penstock.checkpoint.source_log import read_entries, source_log_entry
from penstock.core.errors import SparkError


def as_spark_reads(directory: Path) -> list[str]:
    """Spark's rule: the interval from the names, then the files from the last multiple of it, each by its expected
    name."""
    names = [name for name in os.listdir(directory) if not name.startswith(".")]
    compact = {int(name.removesuffix(".compact")) for name in names if name.endswith(".compact")}
    interval = derived_interval(10, compact)
    latest = max(int(name.removesuffix(".compact")) for name in names)
    start = max(0, (latest + 1) // interval * interval - 1)
    lines = []
    for batch_id in range(start, latest + 1):
        name = f"{batch_id}.compact" if (batch_id + 1) % interval == 0 else str(batch_id)
        lines += (directory / name).read_text().split("\n")[1:]
    return lines


@pytest.mark.parametrize("first", [1, 25, 400])
@pytest.mark.parametrize("delay_ms", [0, 600_000])
def test_spark_can_read_it_while_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, delay_ms: int
) -> None:
    monkeypatch.setattr(compactible_log, "LINES_PER_BATCH", 2)
    log, expected = CompactibleLog(tmp_path, cleanup_delay_ms=delay_ms), []
    for batch_id in range(200):
        lines = [f'{{"n":{batch_id}}}' for _ in range(first if batch_id == 0 else batch_id % 3)]
        expected += lines
        assert log.add(batch_id, lines)
        if batch_id % 7 == 0:  # a restart
            log = CompactibleLog(tmp_path, cleanup_delay_ms=delay_ms)
        assert as_spark_reads(tmp_path) == expected
        assert [line.decode() for _, line in log.raw_lines()] == expected
    assert log.interval == 80
    if delay_ms == 0:
        assert len(os.listdir(tmp_path)) <= 2 * log.interval + 3


def test_the_interval_that_spark_derives() -> None:
    assert derived_interval(10, set()) == 10
    assert derived_interval(10, {9}) == 10
    assert derived_interval(10, {5}) == 6
    assert derived_interval(5, {11}) == 6
    assert derived_interval(10, {39}) == 10
    assert derived_interval(10, {19, 39}) == 20
    assert derived_interval(10, {19}) == 20


def test_entries_with_odd_paths(tmp_path: Path) -> None:
    log = CompactibleLog(tmp_path)
    paths = ["/a/b.json", "/a/k=1/ä ö%.json", '/a/"quoted".json', "/a/#;?x"]
    log.add(0, [source_log_entry(path, 1000 + i, 0) for i, path in enumerate(paths)])
    assert list(read_entries(log)) == [(path, 1000 + i, 0) for i, path in enumerate(paths)]


def test_a_lost_file_is_named(tmp_path: Path) -> None:
    log = CompactibleLog(tmp_path)
    for batch_id in range(12):
        log.add(batch_id, ["{}"])
    (tmp_path / "10").unlink()
    with pytest.raises(SparkError, match="BATCH_METADATA_NOT_FOUND"):
        list(CompactibleLog(tmp_path).entries())
