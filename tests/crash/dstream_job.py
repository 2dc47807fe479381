"""A program of DStreams that a test kills: files come in, words are counted three ways, every batch saves its lines.

usage: dstream_job.py CHECKPOINT INPUT OUTPUT LINES     ends when LINES lines have been counted
"""

import json
import os
import sys

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StateSpec, StreamingContext

checkpoint, source, output, lines = *sys.argv[1:4], int(sys.argv[4])


def save(path, value):
    with open(path + ".tmp", "w") as file:
        json.dump(value, file)
    os.replace(path + ".tmp", path)


def running(key, value, state):
    state.update((state.getOption() or 0) + value)
    return key, state.get()


def make():
    sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("dstream job"))
    ssc = StreamingContext(sc, 0.1)
    words = ssc.textFileStream(source)
    words.saveAsTextFiles(os.path.join(output, "lines"))
    pairs = words.map(lambda word: (word, 1))
    updated = pairs.updateStateByKey(lambda new, old: (old or 0) + sum(new))
    updated.checkpoint(0.3)
    mapped = pairs.mapWithState(StateSpec.function(running)).stateSnapshots()
    windowed = pairs.reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a - b, 3600, 0.1)
    both = updated.join(mapped).join(windowed).mapValues(lambda v: (*v[0], v[1]))

    def report(when, rdd):
        save(os.path.join(output, "counts.json"), sorted(rdd.collect()))

    both.foreachRDD(report)
    ssc.checkpoint(checkpoint)
    return ssc


ssc = StreamingContext.getOrCreate(checkpoint, make)
ssc.start()
save(os.path.join(output, "started"), os.getpid())
while not ssc.awaitTerminationOrTimeout(0.1):
    path = os.path.join(output, "counts.json")
    if os.path.exists(path):
        with open(path) as file:
            if sum(counts[0] for _, counts in json.load(file)) >= lines:
                break
ssc.stop(True, True)
