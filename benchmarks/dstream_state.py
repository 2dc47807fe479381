"""State by key in DStreams: what does a batch of 10,000 pairs cost on few keys and on many?

usage: dstream_state.py [--keys 1000000] [--pairs 10000] [--spark PYTHON]

mapWithState (which PySpark has not) and updateStateByKey count pairs by key, with a checkpoint directory.  A first
batch brings every key; then come batches of --pairs random keys, half a second each or as fast as they run.  Prints
the processing delays (ms) of those batches, on 10,000 keys and on --keys in turn, and with --spark the same of
updateStateByKey on Spark (PYTHON is one with pyspark 4.2 and a JVM).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

JOB = """
import json, random, sys, threading
from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.listener import StreamingListener

kind, keys, pairs, rounds = sys.argv[1], *map(int, sys.argv[2:5])
delays, done = [], threading.Event()


class Delays(StreamingListener):
    def onBatchCompleted(self, completed):
        delays.append(completed.batchInfo().processingDelay())
        if len(delays) > rounds:
            done.set()


sc = SparkContext("local[2]", "state by key")
sc.setLogLevel("OFF")
ssc = StreamingContext(sc, 0.5)
ssc.checkpoint("checkpoint")
random.seed(7)
batches = [[(k, 1) for k in range(keys)]] + [[(random.randrange(keys), 1) for _ in range(pairs)] for _ in range(rounds)]
stream = ssc.queueStream([sc.parallelize(batch, 2) for batch in batches])
if kind == "mapWithState":
    from penstock.streaming import StateSpec

    def count(key, value, state):
        total = (state.get() if state.exists() else 0) + value
        state.update(total)
        return total

    counts = stream.mapWithState(StateSpec.function(count))
else:
    counts = stream.updateStateByKey(lambda new, old: sum(new) + (old or 0))
counts.foreachRDD(lambda rdd: rdd.count())
ssc.addStreamingListener(Delays())
ssc.start()
done.wait(600)
ssc.stop(stopGraceFully=False)
print(json.dumps({"first": delays[0], "delays": delays[1 : rounds + 1]}), flush=True)
"""


def run(command: list[str], arguments: list[str]) -> dict[str, object]:
    """The job's line, run in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="dstream-state-") as directory:
        program = Path(directory) / "job.py"
        program.write_text(JOB)
        done = subprocess.run(
            [*command, str(program), *arguments], cwd=directory, capture_output=True, text=True, timeout=900,
            env={**os.environ, "PYSPARK_PYTHON": command[0]} if len(command) == 1 else None,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr)
        line: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
        return line


def show(name: str, keys: int, line: dict[str, object]) -> None:
    """One line of the table."""
    delays = sorted(line["delays"])  # type: ignore[call-overload]
    figures = f"min {delays[0]:>6}  median {delays[len(delays) // 2]:>6}  max {delays[-1]:>6}"
    print(f"{name:28} {keys:>9,} keys  {figures}  (the batch that brings all keys: {line['first']})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--spark")
    options = parser.parse_args()
    ours = [sys.executable, "-m", "penstock", "run"]
    rest = [str(options.pairs), str(options.rounds)]
    for kind in ("mapWithState", "updateStateByKey"):
        for keys in (10_000, options.keys):
            show(f"penstock {kind}", keys, run(ours, [kind, str(keys), *rest]))
    if options.spark:
        for keys in (10_000, options.keys):
            show("spark updateStateByKey", keys, run([options.spark], ["updateStateByKey", str(keys), *rest]))


if __name__ == "__main__":
    main()
