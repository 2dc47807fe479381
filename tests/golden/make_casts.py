"""Records what real Spark answers to `cast_cases.CASES`: run with the Python of a PySpark 4.2 installation.

usage: python tests/golden/make_casts.py  (from the repository, with penstock importable)
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from penstock.plan.types import DataType, DayTimeIntervalType
from tests.golden.cast_cases import CASES, key, zones_for

INTERVAL = DayTimeIntervalType(0, 3)


def spark_literal(value: Any, data_type: DataType) -> str:
    """A constant in Spark SQL."""
    name = data_type.simpleString()
    if value is None:
        return f"CAST(NULL AS {name})"
    kind = type(data_type).__name__
    if kind == "StringType":
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if kind in ("DoubleType", "FloatType"):
        text = (
            repr(value) if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        )
        return f"CAST('{text}' AS {name})"
    if kind == "BinaryType":
        return f"X'{value.hex()}'"
    if kind == "DateType":
        return f"date_from_unix_date({value})"
    if kind == "TimestampType":
        return f"timestamp_micros({value})"
    if kind == "TimestampNTZType":
        return f"(TIMESTAMP_NTZ'1970-01-01' + {spark_literal(value, INTERVAL)})"
    if kind == "DayTimeIntervalType":
        return f"make_dt_interval(0, 0, 0, CAST({Decimal(value) / 1_000_000:f} AS DECIMAL(18,6)))"
    if kind == "YearMonthIntervalType":
        return f"make_ym_interval(0, {value})"
    if kind == "ArrayType":
        return f"CAST(array({', '.join(spark_literal(v, data_type.elementType) for v in value)}) AS {name})"
    if kind == "MapType":
        items = ", ".join(
            f"{spark_literal(k, data_type.keyType)}, {spark_literal(v, data_type.valueType)}" for k, v in value
        )
        return f"map({items})"
    if kind == "StructType":
        items = ", ".join(f"'{f.name}', {spark_literal(v, f.dataType)}" for v, f in zip(value, data_type, strict=True))
        return f"named_struct({items})"
    return f"CAST('{value}' AS {name})"


def is_nested(data_type: DataType) -> bool:
    """Arrays, maps and structs: try_cast makes single elements NULL where an ANSI cast fails as a whole."""
    return data_type.simpleString().startswith(("array", "map", "struct"))


def answer(spark: SparkSession, sql: str) -> Any:
    """The one value of a query, or the error's condition."""
    try:
        return spark.sql(sql).collect()[0][0]
    except PySparkException as error:
        return {"error": error.getCondition()}


def main() -> None:
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    golden: dict[str, dict[str, Any]] = {}
    for source, values, targets in CASES:
        for target in targets:
            for zone in zones_for(source, target):
                spark.conf.set("spark.sql.session.timeZone", zone)
                record(spark, golden, source, values, target, zone)
    path = Path(__file__).with_name("casts.json")
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def record(
    spark: SparkSession,
    golden: dict[str, dict[str, Any]],
    source: DataType,
    values: list[Any],
    target: DataType,
    zone: str,
) -> None:
    literals = [spark_literal(v, source) for v in values]
    name = target.simpleString()

    def several(template: str) -> list[Any]:
        columns = ", ".join(f"CAST({template.format(x, name)} AS STRING) AS c{i}" for i, x in enumerate(literals))
        try:
            return list(spark.sql(f"SELECT {columns}").collect()[0])
        except PySparkException:
            return [answer(spark, f"SELECT CAST({template.format(x, name)} AS STRING)") for x in literals]

    spark.conf.set("spark.sql.ansi.enabled", "true")
    tried = several("try_cast({} AS {})")
    strict = [
        x
        if isinstance(x, str) and not is_nested(source)
        else answer(spark, f"SELECT CAST(CAST({text} AS {name}) AS STRING)")
        for x, text in zip(tried, literals, strict=True)
    ]
    spark.conf.set("spark.sql.ansi.enabled", "false")
    legacy = several("CAST({} AS {})")
    for value, a, t, n in zip(values, strict, tried, legacy, strict=True):
        golden[key(source, value, target, zone)] = {"ansi": a, "try": t, "legacy": n}


if __name__ == "__main__":
    main()
