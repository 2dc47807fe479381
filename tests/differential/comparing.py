"""One session of Penstock, asked every case and compared with golden/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from pyspark.errors import PySparkException
from pyspark.sql.connect.session import SparkSession

from penstock.connect.service import Service
from tests.connect.conftest import Builder
from tests.differential import type_matrix
from tests.differential.running import HERE, Asker, areas, cases


@cache
def golden(area: str) -> dict[str, Any]:
    return dict(json.loads((HERE / "golden" / f"{area}.json").read_text("utf-8")))


@contextmanager
def session(warehouse: Path) -> Iterator[Asker]:
    """An asker of a service of its own."""
    service = Service({"spark.sql.warehouse.dir": f"file:{warehouse}"})
    spark = SparkSession(connection=Builder(service, session_id=str(uuid4())))
    spark.client.disable_reattachable_execute()
    SparkSession._default_session = None
    SparkSession._set_default_and_active_session(spark)
    try:
        yield Asker(spark)
    finally:
        SparkSession._default_session = None
        SparkSession._active_session.session = None
        service.close()
        spark.client.close()


def comparable(answer: dict[str, Any]) -> Any:
    """What must agree: of an error its condition, its SQLSTATE and the names of its parameters."""
    if "error" in answer and answer["error"] is None:  # Spark has no condition for it
        return "an error"
    if "error" in answer:
        return {"error": answer["error"], "state": answer["state"], "params": sorted(answer["params"])}
    return json.loads(json.dumps(answer), parse_float=lambda text: float(f"{float(text):.14g}"))


def agrees(answer: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether an answer is Spark's; where Spark has no condition for its error, any error is."""
    want = comparable(wanted)
    return "error" in answer if want == "an error" else bool(comparable(answer) == want)


def types_of(asker: Asker, texts: list[str], want: dict[str, str]) -> dict[str, str]:
    """The types of expressions; those expected to be right in one request, if they are."""
    right = [text for text in texts if not want[text].split(" ")[-1][:1].isdigit()]
    try:
        found = dict(zip(right, asker.types_at_once(right) if right else [], strict=True))
    except (PySparkException, ValueError):  # ValueError: one of them gives several columns
        found = {}
    rest = [text for text in texts if text not in found]
    return {**found, **dict(zip(rest, asker.types(rest), strict=True))}


def every_verdict() -> dict[str, dict[str, bool]]:
    """{table of expected_failures.toml: {item: whether it agrees}}"""
    cases_agree: dict[str, bool] = {}
    types_agree: dict[str, bool] = {}
    with TemporaryDirectory() as warehouse, session(Path(warehouse)) as asker:
        for area in areas():
            for case in cases(area):
                cases_agree[f"{area}: {case.key}"] = agrees(asker.answer(case), golden(area)[case.key])
        for name, texts in type_matrix.rows().items():
            wanted = dict(zip(texts, golden("type_matrix")[name], strict=True))
            found = types_of(asker, texts, wanted)
            types_agree |= {text: found[text] == wanted[text] for text in texts}
    return {"differential": cases_agree, "types": types_agree}
