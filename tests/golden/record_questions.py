"""Asks a session (real Spark's or Penstock's) the function cases, many texts a query where it can."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pyspark.sql import functions as F

from tests.golden.record_cases import render


def key(case: tuple[str, str, str, dict[str, str]]) -> str:
    """A case's name in the golden file."""
    return json.dumps(case)


def _column(case: tuple[str, str, str, dict[str, str]], text: Any) -> Any:
    name, _, schema, options = case
    if name.startswith("schema_of"):
        return getattr(F, name)(F.lit(text), options)
    return getattr(F, name)(text, schema, options) if schema else None


def function_answers(spark: Any, cases: Sequence[tuple[str, str, str, dict[str, str]]]) -> dict[str, Any]:
    """case -> value or {"error": condition}.  Cases that differ in their text only run in one query first; if that
    fails, one by one."""
    groups: dict[str, list[Any]] = {}
    for case in cases:
        name, _, schema, options = case
        groups.setdefault(json.dumps([name, schema, options]), []).append(case)
    answers: dict[str, Any] = {}
    for group in groups.values():
        answers.update(_group(spark, group))
    return answers


def _group(spark: Any, group: list[Any]) -> dict[str, Any]:
    try:
        return dict(zip(map(key, group), _values(spark, group), strict=True))
    except Exception:
        return {key(case): _one(spark, case) for case in group}


def _values(spark: Any, group: list[Any]) -> list[Any]:
    name = group[0][0]
    if name.startswith("schema_of"):
        columns = [_column(case, case[1]).alias(f"c{i}") for i, case in enumerate(group)]
        return [render(value) for value in spark.range(1).select(*columns).collect()[0]]
    rows = spark.createDataFrame([(i, case[1]) for i, case in enumerate(group)], "i INT, text STRING").coalesce(1)
    found = rows.select("i", _column(group[0], F.col("text")).alias("v")).collect()
    return [render(row["v"]) for row in sorted(found, key=lambda row: row["i"])]


def _one(spark: Any, case: Any) -> Any:
    try:
        return _values(spark, [case])[0]
    except Exception as error:
        return {"error": condition(error)}


def condition(error: BaseException) -> str:
    """The outermost condition that an error names, but for wrappers: a classic session wraps it
    in errors of the task and the file."""
    own = getattr(error, "getCondition", lambda: None)()
    text = str(error)
    named = re.findall(r"\[([A-Z][A-Z_0-9]+(?:\.[A-Z_0-9]+)?)\]", text)
    inner = [name for name in named if not name.startswith(("FAILED_READ_FILE", "TASK_WRITE_FAILED", "INTERNAL_ERROR"))]
    return inner[0] if inner and (own is None or own.startswith("FAILED_READ_FILE")) else own or text[:200]
