"""Words of a TCP server's lines, counted since the start, from an initial RDD.  Ends when all of so many lines are
counted."""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

sc = SparkContext("local[2]", "stateful network word count")
ssc = StreamingContext(sc, 0.2)
ssc.checkpoint(sys.argv[3] + "/checkpoint")
seen = []
start = sc.parallelize([("hello", 1), ("world", 1)])


def update(new_values, last_sum):
    return sum(new_values) + (last_sum or 0)


lines = ssc.socketTextStream(sys.argv[1], int(sys.argv[2]))
words = lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1))
words.updateStateByKey(update, initialRDD=start).foreachRDD(
    lambda rdd: print("counts", sorted(rdd.collect()), flush=True)
)
lines.foreachRDD(lambda rdd: seen.append(rdd.count()))  # the last output: what comes before it in a batch is done
ssc.start()
while (sum(seen) < int(sys.argv[4]) or len(seen) < 3) and not ssc.awaitTerminationOrTimeout(0.05):
    pass
ssc.stop(stopGraceFully=True)
