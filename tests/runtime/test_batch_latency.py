"""What a batch of the loop itself costs, with an execution and a sink that do next to nothing.

Two durable log files (offsets before, commit after) are the larger part, and depend on the disk; what the loop adds
is measured as processor time, without any disk.
"""

import itertools
import statistics
import time

from query_fakes import Bench

from penstock.core import files
from penstock.core.files import LocalFiles
from penstock.runtime.trigger import AvailableNow

BATCHES = 100


class NoDisk(LocalFiles):
    """Forgets what it is given."""

    def write_atomic(self, path, data, *, overwrite=True, durable=True):
        pass


def batch_ms(root, clock):
    """The median cost of a batch by a clock that is read in the query's thread."""
    bench = Bench(root, has_state=False, operator_names=())
    bench.source.limit = 1
    bench.source.add(*range(BATCHES))
    stamps = []
    bench.sink.fail = lambda batch_id: stamps.append(clock())
    bench.start(trigger=AvailableNow()).await_termination()
    return statistics.median(later - earlier for earlier, later in itertools.pairwise(stamps)) * 1000


def test_cost_of_a_batch(tmp_path, monkeypatch):
    print(f"with durable files: {batch_ms(tmp_path / 'durable', time.perf_counter):.2f} ms a batch")
    monkeypatch.setattr(files, "fs", NoDisk())
    best = min(batch_ms(tmp_path / f"nodisk{i}", time.thread_time) for i in range(3))
    print(f"processor time without the disk: {best:.2f} ms a batch")
    assert best < 1.0
