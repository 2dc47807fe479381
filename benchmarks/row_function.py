"""How much a row function costs beyond the user's own code.

usage: python benchmarks/row_function.py [ROWS]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from pyspark.sql.functions import udf

import penstock


def measured(action: Callable[[], Any]) -> float:
    """The median of five runs in ms."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main(rows: int) -> None:
    def function(x: int) -> int:
        return x + 1

    frame = penstock.session().range(rows)
    made = frame.select(udf(function, "long")("id"))
    own = measured(lambda: [function(x) for x in range(rows)])
    plain = measured(lambda: frame.selectExpr("id + 1").toArrow())
    beyond = measured(made.toArrow) - own - plain
    print(f"{beyond:.1f} ms for {rows} rows beyond the user's code and the query without it")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
