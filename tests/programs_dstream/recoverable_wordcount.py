"""Words of new files, counted since the start, with an exclude list and a counter of what was dropped; goes on from
its checkpoint after a crash.  Ends when it has counted as many words as it is told."""

import json
import os
import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

checkpoint, source, out, total = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def exclude_list(sc):
    if "excluded" not in globals():
        globals()["excluded"] = sc.broadcast(["a", "b"])
    return globals()["excluded"]


def dropped_counter(sc):
    if "dropped" not in globals():
        globals()["dropped"] = sc.accumulator(0)
    return globals()["dropped"]


def create_context():
    ssc = StreamingContext(SparkContext("local[2]", "recoverable word count"), 0.1)
    words = ssc.textFileStream(source).flatMap(str.split).map(lambda word: (word, 1))

    def keep(time, rdd):
        excluded, dropped = exclude_list(rdd.context), dropped_counter(rdd.context)

        def wanted(pair):
            if pair[0] in excluded.value:
                dropped.add(pair[1])
                return False
            return True

        found = dict(rdd.collect())
        left = rdd.filter(wanted).collectAsMap()
        assert set(found) - set(left) <= set(excluded.value)
        partial = f"{out}/counts.{os.getpid()}"
        with open(partial, "w") as file:
            json.dump(found, file)
        os.rename(partial, f"{out}/counts.json")
        open(f"{out}/started", "w").close()

    words.updateStateByKey(lambda new, old: sum(new) + (old or 0)).foreachRDD(keep)
    return ssc


ssc = StreamingContext.getOrCreate(checkpoint, create_context)
ssc.start()
while not ssc.awaitTerminationOrTimeout(0.1):
    if os.path.exists(f"{out}/counts.json"):
        with open(f"{out}/counts.json") as file:
            if sum(json.load(file).values()) >= total:
                ssc.stop()
