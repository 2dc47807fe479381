"""A program for test_crash_and_resume: sums numbers batch by batch into files; arguments: directory."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from query_fakes import Bench

from penstock.core import faults, files
from penstock.runtime.trigger import AvailableNow

directory = Path(sys.argv[1])
(directory / "out").mkdir(exist_ok=True)
bench = Bench(directory / "ck", delays_ms=(1000,))
bench.source.limit = 1
bench.source.add(*range(40))


def write(batch_id, table):
    faults.point("before_sink_files")
    files.fs.write_atomic(directory / "out" / str(batch_id), json.dumps(table.column(0).to_pylist()).encode())
    faults.point("after_sink_commit")
    return table.num_rows


bench.sink.write = write
bench.start(trigger=AvailableNow()).await_termination()
