"""A CPU-bound Python function, in the program's own process and in worker processes, in turn.

usage: penstock run benchmarks/udf_workers.py [WORKERS [ROWS]]   -- prints the time in process over that with workers
"""

import statistics
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

workers = sys.argv[1] if len(sys.argv) > 1 else "2"
rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
spark = SparkSession.builder.appName("udf workers").getOrCreate()


@F.udf("long")
def work(x):
    total = 0
    for i in range(300):
        total += (x * i) % 7
    return total


def seconds(count):
    spark.conf.set("spark.penstock.python.workers", count)
    start = time.perf_counter()
    answer = spark.range(rows).select(F.sum(work("id"))).first()[0]
    return time.perf_counter() - start, answer


_, expected = seconds(workers)  # starts the workers
ratios = []
for _ in range(5):
    (here, one), (there, other) = seconds("0"), seconds(workers)
    assert one == other == expected
    ratios.append(here / there)
print(f"{workers} workers: {statistics.median(ratios):.2f} times as fast as in process (5 turns, {min(ratios):.2f} to "
      f"{max(ratios):.2f})")  # fmt: skip
