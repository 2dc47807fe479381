"""What a batch of the loop itself costs, with an execution and a sink that do next to nothing.

Two durable log files (offsets before, commit after) are the larger part, and depend on the disk; what the loop adds
is measured on a file system that does not wait for the disk.
"""

import itertools
import statistics
import time

from query_fakes import Bench

from penstock.core import files
from penstock.core.files import LocalFiles
from penstock.runtime.trigger import AvailableNow

BATCHES = 100


class HastyFiles(LocalFiles):
    """Does not wait for the disk."""

    def write(self, path, data):
        path.write_bytes(data)

    def sync(self, path):
        path.stat()


def batch_ms(root):
    bench = Bench(root, has_state=False, operator_names=())
    bench.source.limit = 1
    bench.source.add(*range(BATCHES))
    stamps = []
    bench.sink.fail = lambda batch_id: stamps.append(time.perf_counter())
    bench.start(trigger=AvailableNow()).await_termination()
    return statistics.median(later - earlier for earlier, later in itertools.pairwise(stamps)) * 1000


def test_cost_of_a_batch(tmp_path, monkeypatch):
    print(f"with durable files: {batch_ms(tmp_path / 'durable'):.2f} ms a batch")
    monkeypatch.setattr(files, "fs", HastyFiles())
    best = min(batch_ms(tmp_path / f"hasty{i}") for i in range(5))
    print(f"without waiting for the disk: {best:.2f} ms a batch")
    assert best < 1.0
