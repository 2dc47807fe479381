"""The examples in the docstrings of the PySpark client, as tests of this engine.

usage: penstock run doctests_runner.py OUT.json [--patient] [PREFIX ...]

Examples of streams sleep while a query works: for a shorter time than they say, or with --patient for a longer one, as
a machine that stalls needs it.

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
SECONDS_AN_ITEM = 240
#: Examples of streams sleep three seconds each; this is enough for every one that passes.
LONGEST_SLEEP = 1.3
#: How many times as long a patient run sleeps.
PATIENCE = 6


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


def changed(sleep: Callable[[float], None], *, patient: bool) -> Callable[[float], None]:
    """`time.sleep`, cut short or drawn out in the examples alone."""

    def other(seconds: float) -> None:
        from_example = sys._getframe(1).f_code.co_filename.startswith("<doctest")
        in_example = PATIENCE * seconds if patient else min(seconds, LONGEST_SLEEP)
        sleep(in_example if from_example else seconds)

    return other


def main(target: Path, prefixes: tuple[str, ...], *, patient: bool) -> None:
    """Run, write, and end at once: examples leave queries running."""
    spark = SparkSession.builder.appName("doctests").getOrCreate()
    os.chdir(tempfile.mkdtemp())
    signal.signal(signal.SIGALRM, too_long)
    time.sleep = changed(time.sleep, patient=patient)
    found = {test.name: outcome(test) for test in examples(prefixes, spark)}
    target.write_text(json.dumps(found, indent=0))
    print(f"{sum(v == 'pass' for v in found.values())} of {len(found)} pass")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    given = sys.argv[2:]
    names = tuple(name for name in given if name != "--patient")
    main(Path(sys.argv[1]).absolute(), names, patient="--patient" in given)
