"""Records what real Spark answers to `table_command_cases.GROUPS`: run with the Python of a PySpark 4.2 installation.

usage: python tests/golden/make_table_commands.py  (from the repository, with the repository on PYTHONPATH)
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from tests.golden.table_command_cases import GROUPS, answer


def main() -> None:
    """Write table_commands.json beside this file."""
    places = {"place": Path(tempfile.mkdtemp()), "warehouse": Path(tempfile.mkdtemp())}
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    spark = builder.config("spark.sql.warehouse.dir", str(places["warehouse"])).getOrCreate()
    found = {name: [answer(spark, text, places) for text in texts] for name, texts in GROUPS.items()}
    target = Path(__file__).with_name("table_commands.json")
    target.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
