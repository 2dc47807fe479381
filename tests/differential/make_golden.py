"""Ask real Spark every case and write its answers to golden/*.json.

usage: python tests/differential/make_golden.py [AREA ...]

Run it with the Python of an installation of `pip install "pyspark[connect]==4.2.*"` that has a JDK, in a scratch
directory; the Spark Connect server it starts is Spark's own.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
os.environ["TZ"] = "UTC"

from running import HERE, Asker, Case, areas, cases
from type_matrix import rows


def main(wanted: list[str]) -> None:
    from pyspark.sql import SparkSession

    logging.disable(logging.ERROR)
    spark = SparkSession.builder.remote("local[2]").getOrCreate()
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    asker = Asker(spark)
    for area in wanted or [*areas(), "type_matrix", "functions"]:
        target = HERE / "golden" / f"{area}.json"
        if area == "functions":
            names = sorted(row[0] for row in spark.sql("SHOW SYSTEM FUNCTIONS").collect())
            (HERE / "golden" / "functions.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")
            print(f"functions: {len(names)} names", flush=True)
            continue
        if area == "type_matrix":
            answers: dict[str, object] = {name: asker.types(texts) for name, texts in rows().items()}
        else:
            answers = {case.key: answer(asker, case) for case in cases(area)}
        lines = (
            f"{json.dumps(k, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}" for k, v in answers.items()
        )
        target.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
        print(f"{area}: {len(answers)} answers", flush=True)


def answer(asker: Asker, case: Case) -> object:
    """The answer; a case that cannot be asked is told, and has to be changed."""
    try:
        return asker.answer(case)
    except Exception as error:
        print(f"{case.area}: {case.key}: {error!r}", file=sys.stderr, flush=True)
        return {"unusable": repr(error)}


if __name__ == "__main__":
    main(sys.argv[1:])
