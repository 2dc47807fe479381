"""Records what real Spark answers to the cases of record_cases.py and record_files.py.

usage: python tests/golden/make_records.py  (from the repository, with the Python of a PySpark 4.2 installation)
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from tests.golden.record_cases import FUNCTIONS, render
from tests.golden.record_files import FILES, WRITES, read_case, write_case
from tests.golden.record_questions import condition, function_answers

HERE = Path(__file__).parent


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception as error:
        return {"error": condition(error), "text": str(error)[:400]}


def main() -> None:
    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "America/Los_Angeles")
        .config("spark.sql.shuffle.partitions", "1").getOrCreate()
    )  # fmt: skip
    spark.sparkContext.setLogLevel("OFF")
    functions = function_answers(spark, FUNCTIONS)
    files, writes = {}, {}
    for name, case in FILES.items():
        with tempfile.TemporaryDirectory() as directory:
            files[name] = _answer(
                lambda case=case, directory=directory: read_case(spark, case, Path(directory), render)
            )
    for name, case in WRITES.items():
        with tempfile.TemporaryDirectory() as directory:
            writes[name] = _answer(lambda case=case, directory=directory: write_case(spark, case, Path(directory)))
    spark.stop()
    (HERE / "records.json").write_text(
        json.dumps({"functions": functions, "files": files, "writes": writes}, indent=0, ensure_ascii=True) + "\n"
    )
    print(len(functions), len(files), len(writes))


if __name__ == "__main__":
    main()
