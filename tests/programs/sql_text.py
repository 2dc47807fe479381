"""The same in SQL text: a streaming view, a CTE, event-time windows, HAVING."""

from lib import run, session, work_directory, write_files

spark, work = session(), work_directory()


def at(second: int, url: str | None, user: int) -> dict:
    return {"time": f"2026-03-01T10:00:{second % 60:02d}.000Z" if second < 60 else f"2026-03-01T10:01:{second - 60:02d}.500Z",
            "url": url, "user": user, "ms": second * 1.5}  # fmt: skip


write_files(str(work / "in"), [
    [at(1, "/a", 1), at(3, "/b", 2), at(4, "/a", 2), at(9, "/a", 3)],
    [at(12, "/a", 1), at(14, "/c", 1), at(2, "/b", 9)],
    [at(31, "/a", 4), at(8, "/a", 5), at(33, None, 4)],
    [at(5, "/a", 6), at(7, "/b", 6), at(40, "/b", 7)],
    [at(61, "/c", 8), {"url": "/a", "user": 1}],
    [at(20, "/a", 9), at(62, "/c", 9)],
])  # fmt: skip
events = (
    spark.readStream.schema("time timestamp, url string, user int, ms double").option("maxFilesPerTrigger", 1)
    .json(str(work / "in"))
)  # fmt: skip
events.withWatermark("time", "10 seconds").createOrReplaceTempView("events")
counts = spark.sql("""
    WITH named AS (SELECT *, coalesce(url, '?') AS page FROM events WHERE user + 0 < 9)
    SELECT window.start AS start, page, count(*) AS n, sum(ms) / count(*) AS mean
    FROM named GROUP BY window(time, '10 seconds'), page HAVING count(*) > 0
""")
# the JSON reader of Spark applies filters itself, and counts what passed: no progress here
run(counts, "append", work, progress=False)
