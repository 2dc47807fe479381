"""The memory sink in update and complete mode, read between batches and with SQL over streaming views."""

import json

from lib import plain, session, work_directory, write_files

spark, work = session(), work_directory()
FILES = [[{"k": "a", "n": 1}, {"k": "b", "n": 2}], [{"k": "a", "n": 10}], [{"k": "c", "n": None}, {"k": None, "n": 5}]]
write_files(str(work / "in"), FILES[:1])
events = spark.readStream.schema("k string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
events.createOrReplaceTempView("events")
totals = spark.sql("SELECT k, sum(n) AS s, count(*) AS c FROM events GROUP BY k HAVING count(*) > 0")
queries = [
    totals.writeStream.outputMode(mode).format("memory").queryName(mode + "s").start()
    for mode in ("update", "complete")
]
for number in range(3):
    if number:
        write_files(str(work / "in"), FILES[number : number + 1], first=number)
    for query in queries:
        query.processAllAvailable()
        found = [plain(row) for row in spark.table(query.name).collect()]
        found.sort(key=lambda row: json.dumps(row, sort_keys=True))
        print(json.dumps({"batch": number, "query": query.name, "rows": found}, sort_keys=True))
print(json.dumps({"batch": 3, "streaming": [spark.table("events").isStreaming, spark.table("updates").isStreaming]}))
for query in queries:
    query.stop()
