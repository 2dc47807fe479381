"""Top URLs of a live web-server access log, per sliding window: an unmodified PySpark program.

usage: penstock run examples/top_urls.py LOGS OUT [--seconds N]      (or spark-submit, or python with real PySpark)

LOGS is a directory into which the web server rotates its log: files of lines in Common Log Format.  How often was
each URL
asked for in each window of 10 seconds, a new window every 5 seconds?  Two queries answer:
`live` shows the newest window in the terminal after every batch (update mode);
`results` writes every finished window to OUT/counts as Parquet, each exactly once (append mode).
Both go on where they stopped when the program is started again with the same OUT.
"""

import argparse
import shutil
import sys
import threading
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

# 203.0.113.7 - - [21/Nov/2026:09:00:00 +0000] "GET /pricing HTTP/1.1" 200 5120
LOG_LINE = r'^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d{3}) (\d+|-)'


def parse(lines: DataFrame) -> DataFrame:
    """Log lines as columns client, time, method, url, status; lines in another format are left out."""
    fields = {"client": 1, "method": 3, "url": 4}
    return (
        lines.where(F.col("value").rlike(LOG_LINE))
        .withColumns({name: F.regexp_extract("value", LOG_LINE, group) for name, group in fields.items()})
        .withColumn("time", F.to_timestamp(F.regexp_extract("value", LOG_LINE, 2), "dd/MMM/yyyy:HH:mm:ss Z"))
        .withColumn("status", F.regexp_extract("value", LOG_LINE, 5).cast("int"))
        .drop("value")
    )


def count_urls(requests: DataFrame) -> DataFrame:
    """Requests of each URL in each window of 10 seconds that begins every 5 seconds; 10 seconds late is not too
    late."""
    windows = F.window("time", "10 seconds", "5 seconds")
    return (
        requests.where("status < 400")
        .withWatermark("time", "10 seconds")
        .groupBy(windows, "url")
        .agg(F.count("*").alias("requests"), F.approx_count_distinct("client").alias("visitors"))
        .select("window.start", "window.end", "url", "requests", "visitors")
    )


class Screen:
    """Keeps the newest counts by window and URL, and draws the top of the newest window."""

    def __init__(self) -> None:
        self.windows: dict = {}
        self.progress: dict = {}

    def update(self, batch: DataFrame, batch_id: int) -> None:
        """Called for every micro-batch with the counts that changed."""
        for row in batch.collect():
            self.windows.setdefault((row.start, row.end), {})[row.url] = (row.requests, row.visitors)
        for old in sorted(self.windows)[:-4]:
            del self.windows[old]

    def draw(self, progress: dict) -> None:
        """The top 10 of the newest window that is at least half over, and how the query is doing."""
        if not self.windows:
            return
        (start, end), urls = sorted(self.windows.items())[max(-2, -len(self.windows))]
        lines = [f"Top URLs from {start:%H:%M:%S} to {end:%H:%M:%S}", f"{'requests':>9} {'visitors':>9}  url"]
        for url, (requests, visitors) in sorted(urls.items(), key=lambda item: (-item[1][0], item[0]))[:10]:
            lines.append(f"{requests:>9} {visitors:>9}  {url}")
        lines += [
            "",
            f"batch {progress['batchId']}: {progress['durationMs']['triggerExecution']} ms, "
            f"{progress['numInputRows']} rows, {progress['processedRowsPerSecond']:,.0f} rows/s, "
            f"watermark {progress['eventTime'].get('watermark', '-')}",
        ]
        clear = "\x1b[H\x1b[2J" if sys.stdout.isatty() else "\n"
        width = shutil.get_terminal_size().columns
        print(clear + "\n".join(line[:width] for line in lines), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=None, help="stop after so long; without it, on Ctrl-C")
    arguments = parser.parse_args()

    spark = (
        SparkSession.builder.master("local[*]")
        .appName("top urls")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    counts = count_urls(parse(spark.readStream.text(arguments.logs)))
    screen = Screen()
    live = (
        counts.writeStream.queryName("live")
        .outputMode("update")
        .foreachBatch(screen.update)
        .option("checkpointLocation", str(arguments.out / "checkpoint-live"))
        .start()
    )
    results = (
        counts.writeStream.queryName("results")
        .outputMode("append")
        .format("parquet")
        .option("path", str(arguments.out / "counts"))
        .option("checkpointLocation", str(arguments.out / "checkpoint"))
        .start()
    )

    shown, ended = -1, threading.Event()
    timer = threading.Timer(arguments.seconds or 0, ended.set)
    timer.daemon = True
    if arguments.seconds:
        timer.start()
    try:
        while not ended.wait(0.5) and live.isActive and results.isActive:
            progress = live.lastProgress
            if progress and progress["batchId"] != shown and progress["durationMs"].get("triggerExecution") is not None:
                shown = progress["batchId"]
                screen.draw(progress)
    except KeyboardInterrupt:
        pass
    for query in (live, results):
        if query.exception():
            raise query.exception()
        query.stop()

    print(f"\nFinished windows in {arguments.out / 'counts'}:")
    total = spark.read.parquet(str(arguments.out / "counts"))
    total.orderBy(F.desc("start"), F.desc("requests")).show(5, truncate=False)
    spark.stop()


if __name__ == "__main__":
    main()
