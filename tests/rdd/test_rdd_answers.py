"""Thousands of questions about RDDs, answered as by real Spark; where not, docs/differences.md says why.

The answers in tests/golden/rdd_answers are made by tests/golden/make_rdd_answers.py.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.rdd_questions.asking import AREAS

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden" / "rdd_answers"
#: By area: questions that are answered differently on purpose, as regular expressions, and why.
DIFFERENT: dict[str, dict[str, str]] = {
    "keys": {
        r"(int|float|negative|bool|big|bytes) sorted by a function (up|down)": "Spark compares keys with what keyfunc "
        "makes of other keys to cut the ranges, and fails if they are of different types",
    },
    "wrong": {
        r"(parallelize|range) into 0": "Spark divides by zero before it checks",
        r"partitionBy (0|-1)": "Spark loses all elements without a word",
        r"partitionBy 1 of (lists|dicts|sets)": "where there is one partition keys are not hashed",
        r"partitionBy fractions": "the same failure of another name",
        r"(an RDD|a context) in a task": "in threads nothing is pickled, so that an RDD fails when it is used",
    },
    "statistics": {
        r"(tenths|decimals) in \d: countApproxDistinct|different (ones|words) of 1000": "other estimates of the same "
        "numbers, within the error asked for; Spark's hash of fractions keeps less of them",
    },
    "lineage": {
        r"level NONE": "nothing is kept, and is_cached says so",
        r"types": "a collection is no pipeline here",
    },
    "contexts": {
        r"a group of collect": "Spark leaves later jobs of the thread in the group",
    },
    "files": {
        r"all line ends in 5": "a carriage return alone does not begin a split",
        r"not UTF-8, bytes": "bytes stay what they are",
    },
}
#: Those that are answered as by Spark where tasks run in processes.
ALIKE_IN_PROCESSES = {"wrong": r"(an RDD|a context) in a task"}


#: By executor: in processes those areas where it matters that functions and elements are pickled.
ASKED = {"threads": AREAS, "processes": ("keys", "shapes", "wrong", "lineage", "contexts")}


@functools.cache
def answers_of(executor: str) -> dict[str, dict[str, str]]:
    command = [sys.executable, "-m", "tests.rdd.answer_rdd_questions", executor, *ASKED[executor]]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=HERE.parent.parent, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("executor", "area"), [(executor, area) for executor in ASKED for area in ASKED[executor]])
def test_answers_are_those_of_spark(executor: str, area: str) -> None:
    golden = json.loads((GOLDEN / f"{area}.json").read_text())
    ours = answers_of(executor)[area]
    assert ours.keys() == golden.keys()
    named = [n for n in golden if any(re.fullmatch(pattern, n) for pattern in DIFFERENT.get(area, {}))]
    if executor == "processes" and area in ALIKE_IN_PROCESSES:
        named = [n for n in named if not re.fullmatch(ALIKE_IN_PROCESSES[area], n)]
    different = {n: (golden[n], ours[n]) for n in golden if not _alike(golden[n], ours[n])}
    unexpected = {n: pair for n, pair in different.items() if n not in named}
    assert not unexpected
    assert set(different) == set(named), "these are answered as by Spark now"


def _alike(spark: str, ours: str) -> bool:
    """A deviation is a float, as Spark documents it, where it gives NumPy's; what fails in its JVM fails here for a
    reason that has a name."""
    spark, ours = (re.sub(r"np\.float64\((.*?)\)", r"\1", text) for text in (spark, ours))
    return ours == spark or (spark == "fails the job" and ours.startswith(spark))
