"""Random pipelines of RDDs against lists, many of them.

usage: python scripts/random_pipelines.py COUNT [FIRST_SEED [threads|processes]]

Prints the seeds that fail; exits with 1 if there are any.  One of them again: RDD_SEED=17 pytest tests/property_rdd
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.property_rdd.pipelines import check_pipeline
from tests.rdd.conftest import Context


def main(count: str, first: str = "0", executor: str = "threads") -> int:
    context = Context("local[2,4]", **{"spark.penstock.rdd.executor": executor})
    failed, began = [], time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        context.setCheckpointDir(directory)
        for seed in range(int(first), int(first) + int(count)):
            try:
                check_pipeline(context, seed, Path(directory))
            except Exception:
                failed.append(seed)
                print(f"seed {seed}\n{traceback.format_exc()}", flush=True)
    context._end_jobs("because the script has ended")
    print(f"{count} pipelines in {executor}, {time.perf_counter() - began:.0f} s; failed: {failed or 'none'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
