"""The examples in the docstrings of the PySpark client, as tests of this engine.

usage: penstock run doctests_runner.py OUT.json [PREFIX ...]

Writes {item: "pass" or what went wrong} to OUT.json; with prefixes only the items whose names begin with one of them
run.  An item is the docstring of one function, method or class.
"""

from __future__ import annotations

import doctest
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pyspark.sql import SparkSession

MODULES = (
    "pyspark.sql.connect.functions.builtin", "pyspark.sql.connect.functions.partitioning", "pyspark.sql.dataframe",
    "pyspark.sql.column", "pyspark.sql.group", "pyspark.sql.readwriter", "pyspark.sql.catalog", "pyspark.sql.session",
    "pyspark.sql.window", "pyspark.sql.types", "pyspark.sql.udf", "pyspark.sql.udtf", "pyspark.sql.tvf",
    "pyspark.sql.observation", "pyspark.sql.merge", "pyspark.sql.streaming.query", "pyspark.sql.streaming.readwriter",
    "pyspark.sql.streaming.listener", "pyspark.sql.streaming.stateful_processor", "pyspark.sql.datasource",
    "pyspark.sql.conf", "pyspark.sql.pandas.functions", "pyspark.sql.pandas.group_ops", "pyspark.sql.pandas.map_ops",
)  # fmt: skip
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
SECONDS_AN_ITEM = 60
#: Examples of streams sleep three seconds each while a query works; this is enough for every one that passes.
LONGEST_SLEEP = 1.3


def examples(prefixes: tuple[str, ...], spark: SparkSession) -> Iterator[doctest.DocTest]:
    """The items to run, in the order of the modules."""
    for name in MODULES:
        if prefixes and not any(p.startswith(name) or name.startswith(p) for p in prefixes):
            continue
        module = importlib.import_module(name)
        for test in doctest.DocTestFinder().find(module, globs={**vars(module), "spark": spark}):
            if test.examples and (not prefixes or test.name.startswith(prefixes)):
                yield test


def outcome(test: doctest.DocTest) -> str:
    """`pass`, or the end of what the example printed."""
    log: list[str] = []
    signal.alarm(SECONDS_AN_ITEM)
    try:
        failed = doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=log.append).failed
    except BaseException as error:  # an example may do anything; the next one has its chance all the same
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    return "pass" if not failed else "".join(log)[-3000:]


def too_long(*_: object) -> None:
    """SIGALRM."""
    raise TimeoutError(f"no answer in {SECONDS_AN_ITEM} s")


def impatient(sleep: Callable[[float], None]) -> Callable[[float], None]:
    """`time.sleep`, cut short in the examples alone."""

    def shortened(seconds: float) -> None:
        from_example = sys._getframe(1).f_code.co_filename.startswith("<doctest")
        sleep(min(seconds, LONGEST_SLEEP) if from_example else seconds)

    return shortened


def main(target: Path, prefixes: tuple[str, ...]) -> None:
    """Run, write, and end at once: examples leave queries running."""
    spark = SparkSession.builder.appName("doctests").getOrCreate()
    os.chdir(tempfile.mkdtemp())
    signal.signal(signal.SIGALRM, too_long)
    time.sleep = impatient(time.sleep)
    found = {test.name: outcome(test) for test in examples(prefixes, spark)}
    target.write_text(json.dumps(found, indent=0))
    print(f"{sum(v == 'pass' for v in found.values())} of {len(found)} pass")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), tuple(sys.argv[2:]))
