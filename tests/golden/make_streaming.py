"""Records what real Spark answers to `streaming_cases` (streaming.json), and checkpoints that it leaves
(spark_checkpoints/): run with the Python of a PySpark 4.2 installation, from any directory.

usage: python tests/golden/make_streaming.py
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from streaming_cases import CASES, NAMED_CASES, SOURCE_EVOLUTION, Place, metrics, outcome, swaps  # noqa: E402

#: In the checkpoints' files, the directory in which the query ran.
ROOT = "/golden-root"


def checkpoints(spark: SparkSession, root: Path) -> None:
    """Stateless queries that have stopped: a file stream whose log was compacted, the rate sources, a continuous
    query, one with progress tracked asynchronously, and one with a named source."""
    spark.conf.set("spark.sql.streaming.fileSource.log.compactInterval", "3")
    _files(spark, root / "files", lambda reader, writer: (reader, writer))
    spark.conf.unset("spark.sql.streaming.fileSource.log.compactInterval")
    name_sources(spark, True)
    _files(spark, root / "named", lambda reader, writer: (reader.name("left"), writer))
    name_sources(spark, False)
    rate = spark.readStream.format("rate").option("rowsPerSecond", 2)
    _timed(rate.load().writeStream.format("json"), root / "rate", 4)
    micro = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3)
    _timed(micro.load().writeStream.format("json"), root / "rate_micro_batch", 2)
    _timed(rate.load().writeStream.format("noop").trigger(continuous="1 second"), root / "continuous", 3)
    behind = {"asyncProgressTrackingEnabled": "true", "asyncProgressTrackingCheckpointIntervalMs": "1500"}
    _timed(rate.load().writeStream.format("noop").options(**behind), root / "async", 5)


def name_sources(spark: SparkSession, on: bool) -> None:
    """Spark finds named sources again only in offset logs of version 2."""
    spark.conf.set(SOURCE_EVOLUTION, str(on).lower())
    spark.conf.set("spark.sql.streaming.offsetLog.formatVersion", "2" if on else "1")


def _files(spark: SparkSession, root: Path, change: object) -> None:
    (root / "in").mkdir(parents=True)
    (root / "in" / "0.json").write_text('{"k":"0","v":0}\n')
    reader = spark.readStream.schema("k string, v int").option("maxFilesPerTrigger", "1")
    reader, _ = change(reader, None)
    frame = reader.json(str(root / "in"))
    writer = frame.writeStream.format("json").option("checkpointLocation", str(root / "checkpoint"))
    query = writer.start(str(root / "out"))
    for i in range(5):
        (root / "in" / f"{i}.json").write_text(f'{{"k":"{i}","v":{i}}}\n')
        query.processAllAvailable()
    query.stop()


def _timed(writer: object, root: Path, seconds: float) -> None:
    query = writer.option("checkpointLocation", str(root / "checkpoint")).option("path", str(root / "out")).start()
    time.sleep(seconds)
    query.stop()


def copy(root: Path, target: Path) -> None:
    """All but checksums and markers, the machine's paths replaced."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".crc" and not path.name.startswith("_SUCCESS"):
            to = target / path.relative_to(root)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(path.read_text().replace(str(root), ROOT))


def main() -> None:
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    answers: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for number, (name, case) in enumerate(CASES.items()):
            answers[name] = outcome(case, Place(spark, root / f"case{number}"), F, 4)
            print(name, answers[name], flush=True)
        answers["metrics"] = metrics(Place(spark, root / "metrics"), F)
        (HERE / "streaming.json").write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")
        name_sources(spark, True)
        for number, (name, case) in enumerate(NAMED_CASES.items()):
            answers[name] = outcome(case, Place(spark, root / f"named{number}"), F, 3)
            print(name, answers[name], flush=True)
        answers["swaps"] = swaps(Place(spark, root / "swaps"))
        name_sources(spark, False)
        print(answers["metrics"], answers["swaps"], flush=True)
        (HERE / "streaming.json").write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")
        (root / "kept").mkdir()
        checkpoints(spark, root / "kept")
        copy(root / "kept", HERE / "spark_checkpoints")


main()
