"""Cases and what a server answers to them: shared by the tests and by make_golden.py (needs pyspark alone).

A case is one line of cases/*.txt: SQL text, or after `py ` a Python expression whose value is a DataFrame, with
`spark`, `F`, `T` (pyspark.sql.types), `W` (Window) and the views of views.sql in sight.  `@set key=value` holds for
the cases below it, `@reset` ends that, `#` begins a comment, a line that ends with a backslash goes on in the next.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VIEWS = HERE / "views.sql"
#: What holds in every case unless a `@set` says otherwise.
BASE = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}


@dataclass(frozen=True)
class Case:
    """One question: its file, its text, and the settings it is asked under."""

    area: str
    text: str
    settings: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """What the golden file knows it by."""
        return " ".join([*(f"{k}={v};" for k, v in self.settings), self.text])

    @property
    def is_ordered(self) -> bool:
        """Whether the outermost query says in which order its rows come."""
        if self.text.startswith("py "):
            return bool(re.search(r"\.(orderBy|sort)\([^()]*(\([^()]*\)[^()]*)*\)(\.\w+\([^()]*\))?$", self.text))
        outside, depth = "", 0
        for letter in self.text:
            depth += (letter == "(") - (letter == ")")
            outside += letter if depth == 0 else ""
        return "order by" in outside.lower()


def areas() -> list[str]:
    return sorted(path.stem for path in (HERE / "cases").glob("*.txt"))


def cases(area: str) -> list[Case]:
    """The cases of one file, in its order."""
    settings: dict[str, str] = {}
    found = []
    for line in _lines((HERE / "cases" / f"{area}.txt").read_text("utf-8")):
        if line.startswith("@set "):
            key, _, value = line[5:].partition("=")
            settings[key.strip()] = value.strip()
        elif line == "@reset":
            settings = {}
        else:
            found.append(Case(area, line, tuple(sorted(settings.items()))))
    repeated = {c.key for c in found if sum(d.key == c.key for d in found) > 1}
    assert not repeated, repeated
    return found


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


class Asker:
    """Asks one session of a Spark Connect server."""

    def __init__(self, spark: Any) -> None:
        from pyspark.sql import functions as F
        from pyspark.sql import types as T
        from pyspark.sql.window import Window as W

        self.spark = spark
        self._names = {"spark": spark, "F": F, "T": T, "W": W, "Decimal": Decimal, "datetime": datetime, "date": date}
        self._now: dict[str, str] = {}
        for statement in VIEWS.read_text("utf-8").split(";\n"):
            if statement.strip():
                spark.sql(statement)

    def answer(self, case: Case) -> dict[str, Any]:
        """Schema and rows, or the error, as JSON."""
        from pyspark.errors import PySparkException

        try:
            self._configure({**BASE, **dict(case.settings)})
            schema, rows = self._run(self._frame(case.text))
        except PySparkException as error:
            return failure(error)
        if not case.is_ordered:
            rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
        return {"schema": schema, "rows": rows}

    def _frame(self, text: str) -> Any:
        return eval(text[3:], dict(self._names)) if text.startswith("py ") else self.spark.sql(text)

    def _run(self, frame: Any) -> tuple[list[Any], list[Any]]:
        table, schema, _ = self.spark.client.to_table(frame._plan.to_proto(self.spark.client), {})
        columns = [[plain(value) for value in values(column)] for column in table.columns]
        shown = [[f.name, compact(f.dataType.jsonValue()), f.nullable] for f in (schema or frame.schema)]
        return shown, [list(row) for row in zip(*columns, strict=True)]

    def _configure(self, wanted: dict[str, str]) -> None:
        for key in self._now.keys() - wanted.keys():
            self.spark.conf.unset(key)
        for key, value in wanted.items():
            if self._now.get(key) != value:
                self.spark.conf.set(key, value)
        self._now = dict(wanted)

    def types(self, texts: list[str]) -> list[str]:
        """For each expression over the view `typed`, what its type is: `int not null`, or the error's condition."""
        self._configure(dict(BASE))
        return [self._type(text) for text in texts]

    def types_at_once(self, texts: list[str]) -> list[str]:
        """As `types`, for expressions that are expected to be right."""
        self._configure(dict(BASE))
        return [_shown(field) for field in self.spark.table("typed").selectExpr(*texts).schema]

    def _type(self, text: str) -> str:
        from pyspark.errors import PySparkException

        try:
            return _shown(self.spark.table("typed").selectExpr(text).schema[0])
        except PySparkException as error:
            return f"{error.getCondition()} {error.getSqlState()}"


def _shown(field: Any) -> str:
    return f"{field.dataType.simpleString()}{'' if field.nullable else ' not null'}"


def failure(error: Any) -> dict[str, Any]:
    return {
        "error": error.getCondition(),
        "state": error.getSqlState(),
        "params": {k: str(v) for k, v in sorted((error.getMessageParameters() or {}).items())},
    }


def compact(of_type: Any) -> Any:
    """A type's JSON without the metadata of fields."""
    if isinstance(of_type, dict):
        return {k: compact(v) for k, v in of_type.items() if k != "metadata" or v}
    return [compact(v) for v in of_type] if isinstance(of_type, list) else of_type


def values(column: Any) -> list[Any]:
    """Of an Arrow column; days or microseconds where Python has no date that early or late."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return list(column.cast(f"int{column.type.bit_width}").to_pylist())


def plain(value: Any) -> Any:
    """An Arrow value as JSON that tells apart what Spark tells apart."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return repr(value) if math.isnan(value) or math.isinf(value) or value == 0 else value
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None)) + " UTC" if value.tzinfo else str(value)
    if isinstance(value, Decimal | date | time):
        return str(value)
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} us"
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value]
