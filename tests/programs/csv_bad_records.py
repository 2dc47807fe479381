"""CSV with a header, quotes, an empty field and bad records, in the three modes; the errors' conditions."""

import json

from lib import plain, run, session, work_directory
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

spark, work = session(), work_directory()
(work / "in").mkdir()
(work / "in" / "0.csv").write_text(
    'id,name,price,day\n1,"a, quoted",1.50,2026-03-01\n2,,2.25,2026-03-02\nx,bad,oops,2026-03-03\n4,long,1,2026-03-04\n'
)
SCHEMA = "id int, name string, price decimal(8,2), day date"
lines = spark.readStream.schema(SCHEMA).option("header", True).csv(str(work / "in"))
run(lines.select("id", F.length("name").alias("l"), "name", "price", "day"), "append", work, progress=False)
for number, mode in enumerate(("DROPMALFORMED", "FAILFAST")):
    rows = (
        spark.readStream.schema("id int, name string, price decimal(8,2), day date").option("header", True)
        .option("mode", mode).csv(str(work / "in"))
    )  # fmt: skip
    other = work / mode
    other.mkdir()
    try:
        run(rows, "append", other, progress=False)
    except PySparkException as error:
        told = str(error)
        found = [c for c in ("MALFORMED_RECORD_IN_PARSING",) if c in told]
        print(json.dumps({"batch": -1 - number, "condition": error.getCondition(), "cause": plain(found)}))
