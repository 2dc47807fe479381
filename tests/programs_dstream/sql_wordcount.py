"""Words of a TCP server's lines, counted by SQL in each batch."""

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
words = ssc.socketTextStream(sys.argv[1], int(sys.argv[2])).flatMap(lambda line: line.split(" "))


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
ssc.start()
ssc.awaitTermination(float(sys.argv[4]))
ssc.stop(stopGraceFully=True)  # what has come is processed on a slow machine, too
