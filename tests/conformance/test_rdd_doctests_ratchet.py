"""Classic PySpark's examples of RDDs: what has passed once may not fall back, and 95 percent of the RDD's items pass.

The sources are not in the client: there is a test where PENSTOCK_PYSPARK_SOURCE names the directory of a full pyspark
package.  Those that
do not pass: what a worker prints is not shown in Spark (foreach, foreachPartition), a second context, the address of
a web page, and an output of Python 2.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PASSING = (HERE / "rdd_doctests_pass.txt").read_text().split()
SOURCE = os.environ.get("PENSTOCK_PYSPARK_SOURCE", "")


if SOURCE:

    def test_no_item_falls_back(tmp_path: Path) -> None:
        out = tmp_path / "found.json"
        command = [sys.executable, "-m", "penstock", "run", str(HERE / "rdd_doctests_runner.py"), str(out), SOURCE]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}  # examples show sets, in the order of this seed
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=250)
        assert out.exists(), done.stderr[-3000:]
        found = json.loads(out.read_text())
        fallen = {name: found.get(name, "no such item") for name in PASSING if found.get(name) != "pass"}
        assert not fallen, "\n\n".join(f"{name}\n{why[-600:]}" for name, why in fallen.items())
        of_rdds = [result == "pass" for name, result in found.items() if name.startswith("rdd.")]
        assert sum(of_rdds) >= 0.95 * len(of_rdds)


def test_the_list_is_sorted_and_without_repeats() -> None:
    assert sorted(set(PASSING)) == PASSING
