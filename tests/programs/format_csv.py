"""CSV streams: dialect options of the source, the sink with a header, and what a reader finds in it."""

from lib import found, run, session, show, work_directory

spark, work = session(), work_directory()
(work / "in").mkdir()
FILES = [
    "id;name;price;day;seen\n1;'a; b';1,5;01/03/2026;2026-03-01 10:00\n2;NA;;02/03/2026;2026-03-01 10:05\n",
    "id;name;price;day;seen\n# a comment\n3; padded ;2,25;03/03/2026;2026-03-01 10:10\n4;'it\\'s';-0,5;NA;NA\n",
    'id;name;price;day;seen\n5;"quoted";7;29/02/2028;2026-12-31 23:59\n',
]
for number, text in enumerate(FILES):
    (work / "in" / f"{number}.csv").write_text(text)
OPTIONS = {
    "header": True, "sep": ";", "quote": "'", "comment": "#", "nullValue": "NA", "dateFormat": "dd/MM/yyyy",
    "timestampFormat": "yyyy-MM-dd HH:mm", "ignoreLeadingWhiteSpace": True,
}  # fmt: skip
lines = (
    spark.readStream.schema("id int, name string, price string, day date, seen timestamp")
    .options(**OPTIONS).option("maxFilesPerTrigger", 3).csv(str(work / "in"))
)  # fmt: skip
run(lines, "append", work)
writer = lines.coalesce(1).writeStream.format("csv").option("header", True).option("sep", "|").option("nullValue", "-")
writer = writer.option("dateFormat", "yyyyMMdd").option("quoteAll", True).option("path", str(work / "out"))
writer.option("checkpointLocation", str(work / "cp")).trigger(availableNow=True).start().awaitTermination()
show("text", rows=found(spark.read.text(str(work / "out"))))
show("rows", rows=found(spark.read.option("header", True).option("sep", "|").csv(str(work / "out"))))
