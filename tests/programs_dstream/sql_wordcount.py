"""Words of a TCP server's lines, counted by SQL in each batch.  Ends when all of so many lines are counted."""

import sys

from pyspark import SparkContext
from pyspark.sql import Row, SparkSession
from pyspark.streaming import StreamingContext


def session_of(conf):
    if "spark_session" not in globals():
        globals()["spark_session"] = SparkSession.builder.config(conf=conf).getOrCreate()
    return globals()["spark_session"]


sc = SparkContext("local[2]", "SQL network word count")
ssc = StreamingContext(sc, 0.2)
seen = []
lines = ssc.socketTextStream(sys.argv[1], int(sys.argv[2]))
words = lines.flatMap(lambda line: line.split(" "))


def process(time, rdd):
    try:
        spark = session_of(rdd.context.getConf())
        frame = spark.createDataFrame(rdd.map(lambda w: Row(word=w)))
        frame.createOrReplaceTempView("words")
        rows = spark.sql("select word, count(*) as total from words group by word order by word").collect()
        print("counts", [(row.word, row.total) for row in rows], flush=True)
    except ValueError:
        pass  # an empty batch has no schema


words.foreachRDD(process)
lines.foreachRDD(lambda rdd: seen.append(rdd.count()))  # the last output: what comes before it in a batch is done
ssc.start()
while (sum(seen) < int(sys.argv[4]) or len(seen) < 3) and not ssc.awaitTerminationOrTimeout(0.05):
    pass
ssc.stop(stopGraceFully=True)
