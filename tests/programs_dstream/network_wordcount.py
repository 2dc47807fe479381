"""Words of a TCP server's lines, counted batch by batch.  Ends when all of so many lines are counted."""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

sc = SparkContext("local[2]", "network word count")
ssc = StreamingContext(sc, 0.2)
seen = []
lines = ssc.socketTextStream(sys.argv[1], int(sys.argv[2]))
counts = lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
counts.pprint()
counts.saveAsTextFiles(sys.argv[3] + "/counts")
lines.foreachRDD(lambda rdd: seen.append(rdd.count()))  # the last output: what comes before it in a batch is done
ssc.start()
while (sum(seen) < int(sys.argv[4]) or len(seen) < 3) and not ssc.awaitTerminationOrTimeout(0.05):
    pass
ssc.stop(stopGraceFully=True)
