"""The examples in the docstrings of classic PySpark's RDDs and DStreams, as tests of this engine.

usage: penstock run rdd_doctests_runner.py OUT.json PYSPARK

PYSPARK is the directory of the full pyspark package, whose sources the client leaves out.  Writes {item: "pass" or
what went wrong} to OUT.json.  An item is the docstring of one function, method or class that has an example which is
not marked to be skipped.
"""

from __future__ import annotations

import ast
import doctest
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

SOURCES = (
    "core/rdd.py", "core/context.py", "core/broadcast.py", "core/files.py", "core/status.py", "accumulators.py",
    "statcounter.py", "streaming/context.py", "streaming/dstream.py",
)  # fmt: skip
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
SECONDS_AN_ITEM = 120
#: What the modules of the examples have imported.
IMPORTS = """
import math, operator, os, random, sys, time
import pyspark
from pyspark.core.rdd import RDD, BoundedFloat, Partitioner, portable_hash
from pyspark.sql import Row
from pyspark.storagelevel import StorageLevel
"""


def documented(tree: ast.Module, module: str) -> Iterator[tuple[str, Any]]:
    """Functions, classes and methods, with their names."""
    for found in tree.body:
        if isinstance(found, (ast.FunctionDef, ast.ClassDef)):
            yield f"{module}.{found.name}", found
        if isinstance(found, ast.ClassDef):
            for method in found.body:
                if isinstance(method, ast.FunctionDef):
                    yield f"{module}.{found.name}.{method.name}", method


def examples(source: Path, names: dict[str, Any]) -> Iterator[doctest.DocTest]:
    """The items of one file."""
    for name, found in documented(ast.parse(source.read_text()), source.stem):
        text = ast.get_docstring(found, clean=False) or ""
        test = doctest.DocTestParser().get_doctest(text, dict(names), name, str(source), found.lineno)
        if any(not example.options.get(doctest.SKIP) for example in test.examples):
            yield test


class TooLong(BaseException):
    """An item did not end."""


def stop(*_: object) -> None:
    raise TooLong(f"not done after {SECONDS_AN_ITEM} s")


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


def main(out: Path, package: Path) -> None:
    """Run all items."""
    signal.signal(signal.SIGALRM, stop)
    sc = SparkContext("local[4]", "doctests")
    sc.setCheckpointDir(tempfile.mkdtemp())
    names: dict[str, Any] = {"sc": sc, "SparkContext": SparkContext, "spark": SparkSession.builder.getOrCreate()}
    exec(IMPORTS, names)
    os.chdir(tempfile.mkdtemp())
    found = {test.name: outcome(test) for source in SOURCES for test in examples(package / source, names)}
    out.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
