"""Parquet in, with nested types and partition directories; written by a batch of the same program."""

import datetime
from decimal import Decimal

from lib import run, session, work_directory
from pyspark.sql import functions as F

spark, work = session(), work_directory()
rows = [
    (1, "a", Decimal("1.50"), datetime.date(2026, 3, 1), [1, 2], {"x": 1.5}, ("p", 7), True),
    (2, "b", None, None, [], {}, (None, None), None),
    (3, None, Decimal("-7.25"), datetime.date(1969, 12, 31), None, None, None, False),
]
schema = "id int, kind string, price decimal(8,2), day date, list array<int>, map map<string,double>, s struct<a:string,b:int>, ok boolean"
spark.createDataFrame(rows, schema).coalesce(1).write.partitionBy("kind").parquet(str(work / "in"))
stream = spark.readStream.schema(schema).parquet(str(work / "in"))
run(
    stream.select(
        "id", "kind", "price", "day", "list", "map", "s.a", F.size("list").alias("n"), F.element_at("map", "x").alias("x"),
        F.col("s.b").alias("b"), "ok", F.transform("list", lambda x: x * 10).alias("tens"),
    ),
    "append", work, progress=False,
)  # fmt: skip
