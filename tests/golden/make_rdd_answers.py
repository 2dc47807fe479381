"""Records what real Spark answers to the questions of rdd_questions/.

usage: PYTHONHASHSEED=0 python tests/golden/make_rdd_answers.py [AREA ...]
(with the repository in PYTHONPATH and the Python of a PySpark 4.2 installation)
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pyspark import SparkConf, SparkContext

from tests.golden.rdd_questions.asking import AREAS, answers

QUIET = [("spark.ui.enabled", "false"), ("spark.ui.showConsoleProgress", "false")]
ANSWERS = Path(__file__).parent / "rdd_answers"


def main(*areas: str) -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit(__doc__)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    sc = SparkContext("local[2]", "questions", conf=SparkConf().setAll(QUIET))
    sc.setLogLevel("OFF")
    ANSWERS.mkdir(exist_ok=True)
    for area in areas or AREAS:
        found = answers(sc, area)
        (ANSWERS / f"{area}.json").write_text(json.dumps(found, ensure_ascii=False, indent=0) + "\n")
    sc.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
