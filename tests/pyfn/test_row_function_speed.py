"""How much a row function costs beyond the user's own code."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from pyspark.sql.functions import udf

ROWS = 100_000
#: Measured on two shared cores: 8 to 12 ms.  The limit only catches a change of kind.
LIMIT_MS = 60.0


def measured(action: Callable[[], Any]) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def test_a_row_function_over_many_rows(spark: Any) -> None:
    def function(x: int) -> int:
        return x + 1

    frame = spark.range(ROWS)
    made = frame.select(udf(function, "long")("id"))
    assert made.toArrow().column(0).to_pylist()[-1] == ROWS
    own = measured(lambda: [function(x) for x in range(ROWS)])
    plain = measured(lambda: frame.selectExpr("id + 1").toArrow())
    beyond = measured(made.toArrow) - own - plain
    print(f"{beyond:.1f} ms for {ROWS} rows beyond the user's code and the query without it")
    assert beyond < LIMIT_MS
