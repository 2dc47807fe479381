"""A way from SQL text to values, without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from penstock.analysis.analyzer import analyze
from penstock.analysis.context import AnalysisContext, EmptyCatalog
from penstock.core.config import Conf
from penstock.engine.engine import Engine
from penstock.sql import parse_query
from penstock.translate import TranslateContext, to_sql

Answer = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def answer() -> Answer:
    """`answer(sql, **settings)`: the rows of a query; `ansi=False` switches ANSI off."""
    engine = Engine(Conf())
    cursor = engine.cursor()

    def run(sql: str, *, ansi: bool = True) -> list[tuple[Any, ...]]:
        conf = Conf({"spark.sql.ansi.enabled": str(ansi).lower()})
        plan = analyze(parse_query(sql), AnalysisContext(conf, EmptyCatalog(), _no_source))
        context = TranslateContext(conf)
        table = cursor.query(to_sql(plan, context), context.tables, conf)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    return run


def _no_source(read: object) -> Any:
    raise AssertionError(f"no sources here: {read}")
