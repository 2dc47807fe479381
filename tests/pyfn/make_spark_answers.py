"""Records what real Spark answers to `spark_cases.CASES`.

usage: python tests/pyfn/make_spark_answers.py  (with the Python of a PySpark 4.2 installation that has pyarrow)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

HERE = Path(__file__).parent


def main() -> None:
    """Run all cases and write spark_answers.json."""
    sys.path.insert(0, str(HERE))
    import spark_cases

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.executorEnv.PYTHONPATH", str(HERE))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    spark.sparkContext.addPyFile(str(HERE / "spark_cases.py"))
    spark_cases.prepare(spark)
    answers = {name: spark_cases.answer(spark, name) for name in spark_cases.CASES}
    text = json.dumps(answers, indent=1, sort_keys=True)
    (HERE / "spark_answers.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
