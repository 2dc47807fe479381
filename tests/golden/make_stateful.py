"""Records what real Spark answers to `stateful_cases` and `stateful_chains` (stateful.json): run with the Python of a
PySpark 4.2 installation, from any directory.

usage: python tests/golden/make_stateful.py [PART ...]
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from state_source_cases import CHOICES, answer, make, metadata, shown  # noqa: E402
from stateful_cases import QUERIES, VARIABLES, Place, changed, evolved  # noqa: E402
from stateful_chains import IN_BATCH, MODES, OPERATORS, PAIRS, PROGRESS, SETTINGS, SOME, allowed, in_batch, told  # noqa: E402

#: Python workers find the processors' classes in these modules.
os.environ |= {"PYTHONPATH": str(HERE), "PYSPARK_PYTHON": sys.executable}
FILE = HERE / "stateful.json"
STORE = "spark.sql.streaming.stateStore."


def variables(ask: Callable[..., Any], spark: SparkSession) -> dict[str, Any]:
    spark.conf.set(STORE + "encodingFormat", "avro")
    answers = {name: ask(evolved, change) for name, change in VARIABLES.items()}
    spark.conf.set(STORE + "encodingFormat", "unsaferow")
    spark.conf.unset("spark.sql.streaming.noDataMicroBatches.enabled")
    return answers


def queries(ask: Callable[..., Any], spark: SparkSession) -> dict[str, Any]:
    answers = {name: ask(changed, case) for name, case in QUERIES.items()}
    spark.conf.unset("spark.sql.streaming.noDataMicroBatches.enabled")
    return answers


def chains(ask: Callable[..., Any], spark: SparkSession) -> dict[str, Any]:
    answers = {f"{a} < {b} {mode}": ask(allowed, a, b, mode) for a, b in PAIRS for mode in MODES}
    alone = [(a, mode) for a in OPERATORS for mode in MODES]
    answers |= {f"{a} without a watermark {mode}": ask(allowed, a, "", mode, False) for a, mode in alone}
    for setting in SETTINGS:
        spark.conf.set("spark.sql.streaming." + setting, "false")
        pairs = [(a, b) for a in SOME for b in SOME]
        answers |= {f"{setting} {a} < {b} {mode}": ask(allowed, a, b, mode) for a, b in pairs for mode in MODES}
        spark.conf.unset("spark.sql.streaming." + setting)
    return answers


def progress(ask: Callable[..., Any], spark: SparkSession) -> dict[str, Any]:
    return {name: ask(told, name) for name in PROGRESS}


def source(ask: Callable[..., Any], spark: SparkSession) -> dict[str, Any]:
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    spark.conf.set(STORE + "rocksdb.changelogCheckpointing.enabled", "true")
    place: list[Place] = []
    ask(lambda found: (place.append(found), make(found))[0])
    spark.conf.unset("spark.sql.streaming.noDataMicroBatches.enabled")
    answers: dict[str, Any] = {}
    for name in ("aggregate", "join", "processor"):
        answers[name] = {shown(choice): answer(place[0], name, choice) for choice in CHOICES}
        answers[f"metadata of {name}"] = metadata(place[0], name)
    return answers


def batch(ask: Callable[..., Any], spark: SparkSession) -> dict[str, Any]:
    return {name: ask(in_batch, name) for name in IN_BATCH}


PARTS = {
    "progress": progress,
    "variables": variables,
    "queries": queries,
    "chains": chains,
    "source": source,
    "batch": batch,
}


def main(*parts: str) -> None:
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    rocks = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    builder = builder.config(STORE + "providerClass", rocks).config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.sql.json.filterPushdown.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    with tempfile.TemporaryDirectory() as directory:
        count = iter(range(100_000))

        def ask(question: Callable[..., Any], *arguments: Any) -> Any:
            found = question(Place(spark, Path(directory) / str(next(count))), *arguments)
            print(*(a for a in arguments if isinstance(a, str)), json.dumps(found)[:300], flush=True)
            return found

        for part in parts or PARTS:
            found = PARTS[part](ask, spark)
            answers = {**(json.loads(FILE.read_text()) if FILE.exists() else {}), part: found}
            FILE.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


main(*sys.argv[1:])
