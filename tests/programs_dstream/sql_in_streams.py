"""DataFrames and SQL inside the functions of streams: a static table joined with each batch, SQL over each batch, files
that are read for each batch, tables that each batch writes.  usage: sql_in_streams.py DIRECTORY BATCHES"""

import json
import os
import sys

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.streaming import StreamingContext

directory, batches = sys.argv[1], int(sys.argv[2])
spark = SparkSession.builder.master("local[2]").appName("SQL in streams").getOrCreate()
sc = spark.sparkContext
ssc = StreamingContext(sc, 0.25)

prices = os.path.join(directory, "prices.csv")
with open(prices, "w") as file:
    file.write("fruit,price\napple,3\npear,5\n")
static = spark.read.csv(prices, header=True, schema="fruit string, price int")

inputs = [["apple", "pear", "apple"], ["pear", "plum"], [], ["apple"]]
fruits = ssc.queueStream([sc.parallelize(part, 2) for part in inputs])


def joined(rdd):
    """A DataFrame from outside, joined with the batch."""
    frame = rdd.map(lambda name: Row(fruit=name)).toDF("fruit string")
    return frame.join(static, "fruit").groupBy("fruit").agg(F.sum("price").alias("total")).rdd.map(tuple)


def counted(when, rdd):
    """SQL over a view of the batch."""
    spark.createDataFrame(rdd.map(lambda name: (name, when)), "fruit string, at timestamp").createOrReplaceTempView("f")
    return spark.sql("SELECT fruit, count(*) AS n, min(at) = max(at) FROM f GROUP BY fruit").rdd.map(tuple)


calls = []


def not_in_file(rdd):
    """A file of each batch, read inside transform."""
    calls.append(1)
    path = os.path.join(directory, f"known-{len(calls)}.json")
    with open(path, "w") as file:
        file.write("".join(json.dumps({"fruit": name}) + "\n" for name in ["apple", "plum", "pear"][: len(calls)]))
    known = spark.read.json(path).rdd.map(lambda row: (row.fruit, True))
    return rdd.map(lambda name: (name, None)).subtractByKey(known).keys()


results = []


def show(name):
    def output(rdd):
        results.append((name, sorted(rdd.collect())))

    return output


def write(rdd):
    """Each batch adds to a table, and reads it all."""
    table = os.path.join(directory, "table")
    rdd.map(lambda name: Row(fruit=name)).toDF("fruit string").write.mode("append").parquet(table)
    results.append(("written", spark.read.parquet(table).count()))


fruits.transform(joined).foreachRDD(show("joined"))
fruits.transform(counted).foreachRDD(show("counted"))
fruits.transform(not_in_file).foreachRDD(show("unknown"))
fruits.foreachRDD(write)
ssc.start()
while len(results) < 4 * batches and not ssc.awaitTerminationOrTimeout(0.05):
    pass
ssc.stop(stopSparkContext=True, stopGraceFully=False)
print(json.dumps(results[: 4 * batches]))
