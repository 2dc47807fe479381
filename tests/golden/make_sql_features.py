"""Records what real Spark answers to `sql_feature_cases.GROUPS`: run with the Python of a PySpark 4.2 installation.

usage: python tests/golden/make_sql_features.py  (from the repository, with the repository on PYTHONPATH)
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from tests.golden.sql_feature_cases import GROUPS, answer


def main() -> None:
    """Write sql_features.json beside this file."""
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    spark = builder.config("spark.sql.warehouse.dir", tempfile.mkdtemp()).getOrCreate()
    found = {name: [{"sql": text, **answer(spark, text)} for text in texts] for name, texts in GROUPS.items()}
    target = Path(__file__).with_name("sql_features.json")
    target.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
