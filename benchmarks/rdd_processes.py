"""A CPU-bound job of RDDs in threads and in processes, in turn.

usage: python benchmarks/rdd_processes.py [SLOTS [ROUNDS]]

Each task counts primes by trial division, then the counts are reduced by key.  Prints seconds and their ratio.
"""

import sys
import time

import penstock.embed

penstock.embed.install()
from pyspark import SparkConf, SparkContext  # noqa: E402

SLOTS, ROUNDS = (int(x) for x in (sys.argv[1:] + ["2", "3"][len(sys.argv) - 1 :]))


def is_prime(n):
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def run(executor):
    conf = SparkConf().set("spark.penstock.rdd.executor", executor)
    sc = SparkContext(f"local[{SLOTS}]", "primes", conf=conf)
    sc.range(SLOTS, numSlices=SLOTS).foreach(lambda _: time.sleep(0.3))  # threads and processes are there
    began = time.perf_counter()
    numbers = sc.range(0, 400_000, numSlices=4 * SLOTS)
    counts = numbers.filter(is_prime).map(lambda n: (n % 10, 1)).reduceByKey(lambda a, b: a + b).collect()
    seconds = time.perf_counter() - began
    sc.stop()
    return seconds, sorted(counts)


if __name__ == "__main__":
    for _ in range(ROUNDS):
        (threads, expected), (processes, found) = run("threads"), run("processes")
        assert found == expected
        print(f"threads {threads:.2f} s, processes {processes:.2f} s, ratio {threads / processes:.2f}", flush=True)
