"""transformWithState over many keys, on Penstock and on real Spark in one run, batch by batch in turn.

usage: transform_with_state.py [--spark PYTHON] [--keys 100000] [--batches 3] [rows] [pandas]

Every batch has one row of each key; a value state counts them.  Prints rows/s of each batch after the first.
PYTHON is one with pyspark 4.2 and a JVM; without it, Penstock runs alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

JOB = """
import json, sys
from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming import StatefulProcessor
import pandas as pd

kind, keys, batches = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

class CountRows(StatefulProcessor):
    def init(self, handle):
        self.count = handle.getValueState("count", "n long")
    def handleInputRows(self, key, rows, timerValues):
        n = (self.count.get() or (0,))[0] + sum(1 for _ in rows)
        self.count.update((n,))
        yield Row(user=key[0], n=n)

class CountFrames(CountRows):
    def handleInputRows(self, key, rows, timerValues):
        n = (self.count.get() or (0,))[0] + sum(len(frame) for frame in rows)
        self.count.update((n,))
        yield pd.DataFrame({"user": [key[0]], "n": [n]})

spark = (
    SparkSession.builder.config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.streaming.stateStore.providerClass",
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider").getOrCreate()
)
rows = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", keys).load()
users = rows.selectExpr(f"value % {keys} AS user", "value AS n").groupBy("user")
make = users.transformWithState if kind == "rows" else users.transformWithStateInPandas
processor = CountRows() if kind == "rows" else CountFrames()
counts = make(processor, "user long, n long", "Update", "None")
query = counts.writeStream.outputMode("update").format("noop").start()
while not query.exception() and len(query.recentProgress) < batches:
    query.awaitTermination(1)
for progress in query.recentProgress[:batches]:
    p = progress if isinstance(progress, dict) else json.loads(progress.json)
    print(json.dumps([p["numInputRows"], p["durationMs"]["triggerExecution"]]), flush=True)
query.stop()
"""


def measure(command: list[str], kind: str, keys: int, batches: int) -> list[float]:
    """Rows per second of each batch but the first, which starts things up."""
    done = subprocess.run([*command, kind, str(keys), str(batches)], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    if len(lines) < batches:
        sys.exit(done.stderr[-3000:])
    return [rows / milliseconds * 1000 for rows, milliseconds in lines[1:]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=["rows", "pandas"])
    parser.add_argument("--spark")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--batches", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        job = Path(directory) / "job.py"
        job.write_text(JOB)
        os.chdir(directory)
        engines = {"penstock": [sys.executable, "-m", "penstock", "run", str(job)]}
        if options.spark:
            os.environ["PYSPARK_PYTHON"] = options.spark
            engines["spark"] = [options.spark, str(job)]
        for kind in options.kinds or ["rows", "pandas"]:
            medians = {}
            for name, command in engines.items():
                rates = sorted(measure(command, kind, options.keys, options.batches))
                medians[name] = rates[len(rates) // 2]
                print(f"{kind:7} {name:9} {', '.join(f'{rate:,.0f}' for rate in rates)} rows/s", flush=True)
            if "spark" in medians:
                print(f"{kind:7} ratio {medians['penstock'] / medians['spark']:.1f}", flush=True)


main()
