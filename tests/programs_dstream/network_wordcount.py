"""Words of a TCP server's lines, counted batch by batch."""

import sys

from pyspark import SparkContext
from pyspark.streaming import StreamingContext

sc = SparkContext("local[2]", "network word count")
ssc = StreamingContext(sc, 0.2)
lines = ssc.socketTextStream(sys.argv[1], int(sys.argv[2]))
counts = lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
counts.pprint()
counts.saveAsTextFiles(sys.argv[3] + "/counts")
ssc.start()
ssc.awaitTermination(float(sys.argv[4]))
ssc.stop(stopGraceFully=True)  # what has come is processed on a slow machine, too
