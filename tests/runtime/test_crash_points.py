"""Killed at any point and started again, a query gives what it gives undisturbed."""

import pytest
from query_fakes import Bench

from penstock.core import faults
from penstock.runtime.trigger import AvailableNow

POINTS = [p for p in faults.POINTS if "snapshot" not in p]
ROWS = [3, 1, 4, 10, 5, 20]


class Crash(BaseException):
    pass


def run(bench):
    query = bench.start(trigger=AvailableNow())
    try:
        query.await_termination()
    except Exception as error:
        if not isinstance(error.__cause__, Crash):
            raise


def undisturbed(tmp_path):
    bench = Bench(tmp_path / "undisturbed", delays_ms=(1000,))
    bench.source.limit = 2
    bench.source.add(*ROWS)
    run(bench)
    return bench


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_crash_and_restart(tmp_path, point, nth):
    expected = undisturbed(tmp_path)
    bench = Bench(tmp_path / "ck", delays_ms=(1000,))
    bench.source.limit = 2
    bench.source.add(*ROWS)
    left = nth

    def crash():
        nonlocal left
        left -= 1
        if left == 0:
            raise Crash(point)

    faults.hooks[point] = crash
    try:
        run(bench)
    finally:
        faults.hooks.clear()
    assert left == 0, f"the point {point} was not passed {nth} times"
    run(bench)
    assert bench.sink.batches == expected.sink.batches
    seen = {
        b.batch_id: (b.row_counts, b.watermark_ms, b.late_watermark_ms) for e in bench.executions for b in e.batches
    }
    wanted = {b.batch_id: (b.row_counts, b.watermark_ms, b.late_watermark_ms) for b in expected.execution.batches}
    assert seen == wanted


def test_replay_has_the_same_time(tmp_path):
    bench = Bench(tmp_path / "ck")
    bench.source.add(1)
    faults.hooks["after_offset_log"] = lambda: (_ for _ in ()).throw(Crash())
    try:
        run(bench)
    finally:
        faults.hooks.clear()
    planned = bench.root / "offsets" / "0"
    before = planned.read_bytes()
    run(bench)
    assert planned.read_bytes() == before
    assert f'"batchTimestampMs":{bench.execution.batches[0].batch_time_ms}' in before.decode()
