"""Records what real Spark answers to `numeric_cases.SQL`: run with the Python of a PySpark 4.2 installation.

usage: python tests/golden/make_numeric.py  (from the repository)

One partition everywhere, so that the answers do not depend on the machine.  The format is that of
tests/conformance/spark_functions.jsonl.  Answers that the file has already are kept: delete it to ask all anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.golden.numeric_cases import SQL

TARGET = Path(__file__).with_name("numeric.jsonl")


def answer(spark: SparkSession, sql: str) -> dict[str, Any]:
    """Schema and rows (each value cast to string), or the error's condition."""
    case: dict[str, Any] = {"function": "numeric", "sql": sql, "deterministic": True}
    try:
        frame = spark.sql(sql)
        names = [f"c{i}" for i in range(len(frame.columns))]
        texts = frame.toDF(*names).selectExpr(*(f"CAST({name} AS STRING)" for name in names))
        case["rows"] = [list(row) for row in texts.collect()]
        case["schema"] = frame.schema.jsonValue()
    except PySparkException as error:
        case.pop("rows", None)
        case["error"] = error.getCondition()
    return case


def main() -> None:
    spark = (
        SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC").getOrCreate()
    )  # fmt: skip
    spark.sparkContext.setLogLevel("OFF")
    known = (
        {json.loads(line)["sql"]: line for line in TARGET.read_text("utf-8").splitlines()} if TARGET.exists() else {}
    )
    with TARGET.open("w", encoding="utf-8") as file:
        for sql in SQL:
            print(known.get(sql) or json.dumps(answer(spark, sql), ensure_ascii=False), file=file, flush=True)


if __name__ == "__main__":
    main()
