"""Records what real Spark answers to `stream_check_cases` (stream_checks.json), and which values its settings for
streams take: run with the Python of a PySpark 4.2 installation, from any directory.

usage: python tests/golden/make_stream_checks.py [PREFIX...]

With prefixes, only the cases whose names begin so are asked anew, and the settings if one of them is "settings".
"""

import json
import os
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from stream_check_cases import VALUES, cases, outcome  # noqa: E402

_KEY = re.compile(rb"spark\.sql\.(?:streaming|adaptive\.streaming)\.[A-Za-z0-9_.]*[A-Za-z0-9]")


def keys() -> list[str]:
    """The settings for streams, by the names in Spark's classes that define settings."""
    found: set[str] = set()
    for jar in (Path(pyspark.__file__).parent / "jars").glob("spark-*.jar"):
        with zipfile.ZipFile(jar) as archive:
            names = [n for n in archive.namelist() if n.endswith(".class") and "SQLConf" in n]
            found.update(key.decode() for n in names for key in _KEY.findall(archive.read(n)))
    return sorted(found)


def setting(spark: SparkSession, public: dict[str, str], key: str) -> dict[str, object]:
    """A setting's default, whether it may be changed and is public, and what becomes of some values."""
    told: dict[str, object] = {"public": key in public, "modifiable": spark.conf.isModifiable(key)}
    try:
        told["default"] = spark.conf.get(key)
    except Exception:
        told["default"] = None
    refused: dict[str, object] = {}
    for value in VALUES if told["modifiable"] else ():
        try:
            spark.conf.set(key, value)
        except Exception as error:
            refused[value] = getattr(error, "getCondition", lambda: None)()
        spark.conf.unset(key)
    told["refused"] = refused
    return told


def main() -> None:
    builder = SparkSession.builder.remote("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "1").config("spark.log.level", "OFF")
    target, prefixes = HERE / "stream_checks.json", tuple(sys.argv[1:]) or ("",)
    answers: dict[str, object] = json.loads(target.read_text()) if sys.argv[1:] else {}
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)  # where the warehouse is
        spark = builder.getOrCreate()
        public = {row.key: row.value for row in spark.sql("SET -v").collect()}
        if "settings".startswith(prefixes):
            answers["settings"] = {key: setting(spark, public, key) for key in keys()}
        for number, (name, case) in enumerate(cases().items()):
            if name.startswith(prefixes):
                answers[name] = outcome(case, spark, Path(directory) / f"case{number}")
                print(name, answers[name], flush=True)
        target.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


main()
