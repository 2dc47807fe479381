"""Lines of text, split into words and counted, complete mode; blank lines and a last line without an end."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()
write_files(str(work / "in"), [["the cat  sat", "", "on the mat"], ["The END"]])
with open(work / "in" / "001.json", "a") as last:
    last.write("of the\tcat")
import os  # noqa: E402

os.utime(work / "in" / "001.json", (1_700_000_001, 1_700_000_001))
lines = spark.readStream.option("maxFilesPerTrigger", 1).text(str(work / "in"))
words = lines.select(F.explode(F.split(F.lower("value"), r"\s+")).alias("word")).where("word <> ''")
run(words.groupBy("word").agg(F.count("*").alias("n"), F.max(F.length("word")).alias("l")), "complete", work)
