"""Spark 4.2's own answers to the SQL examples of its built-in functions, asked of Penstock in process.

usage: python -m tests.conformance.functions [substring] [--file EXAMPLES.jsonl] [--write-agreeing]

Without a server: parse, analyse, translate, execute.  An example agrees when names, types and rows (each value cast to
string by the engine) are Spark's, or the error condition where Spark raises.  Non-deterministic functions count by
schema alone.  With a substring only examples whose function or SQL contains it run, and failures show their SQL.
--write-agreeing writes the list that `test_functions_ratchet` holds on to.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.analysis import analyze
from penstock.analysis.context import AnalysisContext
from penstock.core.config import Conf
from penstock.core.errors import SparkError, analysis_error
from penstock.engine import Engine, EngineCursor
from penstock.plan.expressions import Alias, Cast, fresh_id
from penstock.plan.nodes import Node, Project, Sort
from penstock.plan.types import STRING, StructType
from penstock.sql import parse_query
from penstock.translate import TranslateContext, to_sql

EXAMPLES = Path(os.environ.get("PENSTOCK_EXAMPLES", Path(__file__).with_name("spark_functions.jsonl")))


AGREEING = Path(__file__).with_name("functions_agree.txt")


def agreeing_line(case: dict[str, Any]) -> str:
    """One example in functions_agree.txt."""
    return json.dumps([case["function"], case["sql"]], ensure_ascii=False)


class EmptyCatalog:
    """No views."""

    current_database = "default"

    def lookup(self, parts: tuple[str, ...], *, streaming: bool = False) -> Node | None:
        return None

    def cached(self, relation_id: str) -> Node | None:
        return None


def no_source(read: Node) -> Any:
    """The examples read nothing."""
    raise analysis_error("TABLE_OR_VIEW_NOT_FOUND", "There are no tables here.", "42P01")


class Conformance:
    """Runs examples on one engine."""

    def __init__(self) -> None:
        self.conf = Conf()
        self.engine = Engine(self.conf)
        self.cursor: EngineCursor = self.engine.cursor()

    def answer(self, sql: str) -> tuple[StructType, list[list[str | None]], bool]:
        """Schema, rows as strings, and whether the query promises their order."""
        context = AnalysisContext(self.conf, EmptyCatalog(), no_source)
        plan = analyze(parse_query(sql), context)
        text = Project(tuple(Alias(Cast(a, STRING, "ansi"), (a.name,), fresh_id()) for a in plan.output), plan)
        translation = TranslateContext(self.conf)
        table = self.cursor.query(to_sql(text, translation), translation.tables, self.conf)
        columns = [table.column(i).to_pylist() for i in range(len(plan.output))]
        ordered = any(isinstance(node, Sort) for node in plan.walk())
        return plan.schema, [list(row) for row in zip(*columns, strict=True)], ordered

    def verdict(self, case: dict[str, Any]) -> str:
        """ "agree", or what differs."""
        try:
            schema, rows, ordered = self.answer(case["sql"])
        except SparkError as error:
            return "agree" if case.get("error") == error.condition else f"error: {error}"
        except Exception as error:  # a defect of ours: it is reported, and the other examples go on
            where = traceback.extract_tb(error.__traceback__)[-1]
            return f"crash: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return _compare(case, schema, rows, ordered)


def _compare(case: dict[str, Any], schema: StructType, rows: list[list[str | None]], ordered: bool) -> str:
    if "error" in case:
        return f"no error; Spark raises {case['error']}"
    want = StructType.fromJson(case["schema"])
    if [f.dataType for f in schema] != [f.dataType for f in want]:
        return f"types: {schema.simpleString()} for {want.simpleString()}"
    if [f.name for f in schema] != [f.name for f in want]:
        return f"names: {[f.name for f in schema]} for {[f.name for f in want]}"
    same = rows == case["rows"] or (not ordered and Counter(map(repr, rows)) == Counter(map(repr, case["rows"])))
    if case["deterministic"] and not same:
        return f"rows: {str(rows)[:300]} for {str(case['rows'])[:300]}"
    return "agree"


def examples(path: Path = EXAMPLES, containing: str = "") -> Iterator[dict[str, Any]]:
    """The recorded examples whose function or SQL contains a text."""
    for line in path.read_text("utf-8").splitlines():
        case = json.loads(line)
        if containing.lower() in case["function"].lower() or containing.lower() in case["sql"].lower():
            yield case


def main(arguments: list[str]) -> None:
    path, rest = EXAMPLES, list(arguments)
    if "--file" in rest:
        at = rest.index("--file")
        path = Path(rest[at + 1])
        del rest[at : at + 2]
    write = "--write-agreeing" in rest
    rest = [word for word in rest if word != "--write-agreeing"]
    containing = rest[0] if rest else ""
    agreeing: list[str] = []
    conformance, total, good, started = Conformance(), 0, 0, time.perf_counter()
    kinds: Counter[str] = Counter()
    for case in examples(path, containing):
        verdict = conformance.verdict(case)
        total += 1
        good += verdict == "agree"
        kinds[verdict.split(":")[0]] += 1
        if verdict == "agree":
            agreeing.append(agreeing_line(case))
        else:
            print(f"{case['function']}: {case['sql']}\n    {verdict[:600]}")
    if write:
        AGREEING.write_text("".join(f"{line}\n" for line in agreeing), "utf-8")
    seconds = time.perf_counter() - started
    print(f"functions: {good} of {total} examples agree with Spark 4.2 ({seconds:.1f} s): {dict(kinds)}")


if __name__ == "__main__":
    main(sys.argv[1:])
