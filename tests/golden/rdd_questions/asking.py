"""Questions about RDDs, by area, and how their answers are written down.

An area is a module here whose `questions(sc)` gives pairs of a name and a function that gives the answer.  The same
questions are put to real Spark (make_rdd_answers.py) and to Penstock (tests/rdd/test_rdd_answers.py), each with
PYTHONHASHSEED=0, by which strings are partitioned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from pyspark.resultiterable import ResultIterable

AREAS = ("keys", "layouts", "histograms", "statistics", "wrong", "shapes", "samples", "lineage", "contexts", "files")
Question = tuple[str, Callable[[], Any]]
#: Longer answers are kept by their beginning and a digest.
_LONGEST = 400
_JOB_ERRORS = frozenset({"Py4JJavaError", "JobFailed", "PythonException", "SparkException"})


def answers(sc: Any, area: str) -> dict[str, str]:
    """The answers of one area, by question."""
    found: dict[str, str] = {}
    questions: Iterator[Question] = import_module(f"tests.golden.rdd_questions.{area}").questions(sc)
    for name, ask in questions:
        assert name not in found, name
        found[name] = _answer(ask)
    return found


def _answer(ask: Callable[[], Any]) -> str:
    try:
        text = repr(_plain(ask()))
    except Exception as error:
        return _problem(error)
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}... {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _plain(value: Any) -> Any:
    if isinstance(value, ResultIterable):
        return ("iterable", [_plain(x) for x in value])
    if isinstance(value, dict):
        return ("dict", [(_plain(k), _plain(v)) for k, v in value.items()])
    if type(value) is tuple:
        return tuple(map(_plain, value))
    return [_plain(x) for x in value] if isinstance(value, list) else value


def _problem(error: Exception) -> str:
    """The kind of an error: that of the program's own function if it is what failed a job.  Not its words, which are
    not Spark's."""
    from py4j.protocol import Py4JJavaError

    kind = type(error).__name__
    if kind not in _JOB_ERRORS and not isinstance(error, Py4JJavaError):
        return f"raises {kind}"
    _, found, trace = str(error).partition("Traceback (most recent call last):")
    if not found:
        return "fails the job"
    lines = trace.split("\n\n\tat ")[0].rstrip().splitlines()
    raised = [line for line in lines if line[:1].isalpha()]
    return f"fails the job: {raised[0].split(':')[0].split('.')[-1]}"


def glom(rdd: Any) -> list[Any]:
    """The elements by partition."""
    found: list[Any] = rdd.glom().collect()
    return found
