"""What becomes of records that are not clean: the options mode and columnNameOfCorruptRecord."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.core.errors import SparkError
from penstock.plan.types import StructType
from penstock.sources.records.errors import BadRecord

PERMISSIVE, DROP, FAIL = "permissive", "dropmalformed", "failfast"
_SHOWN = 1000


class RecordError(ValueError):
    """Text that the engine turns into Spark's error."""


def raised(condition: str, message: str, *, sqlstate: str, kind: str, **params: str) -> RecordError:
    """An error as SQL's `error(...)` would raise it: see penstock.sources.raising."""
    body = {"condition": condition, "message": message, "sqlstate": sqlstate, "kind": kind, "params": params}
    return RecordError("⟦" + json.dumps(body, ensure_ascii=False) + "⟧")


def through_engine(error: SparkError) -> RecordError:
    """One of Spark's errors as one that the engine reads back."""
    params = {key: str(value) for key, value in error.params.items()}
    kind = "unsupported" if (error.condition or "").startswith("UNSUPPORTED") else "spark"
    return raised(error.condition, error.message, sqlstate=error.sqlstate or "XX000", kind=kind, **params)


def malformed(record: str, source: str, condition: str | None = None) -> RecordError:
    """FAILFAST met a bad record."""
    shown = record[:_SHOWN]
    suffix = "WITHOUT_SUGGESTION" if condition is None else condition
    message = (
        f"The {source} record {shown} is malformed or does not fit the schema, and the option mode is FAILFAST. With "
        "mode=PERMISSIVE such values become NULL."
    )
    return raised(
        f"MALFORMED_RECORD_IN_PARSING.{suffix}", message, sqlstate="22023", kind="spark", badRecord=shown,
        failFastMode="FAILFAST",
    )  # fmt: skip


@dataclass(frozen=True)
class SafeReader:
    """A reader of single records with the mode applied.  `schema` holds the columns asked for; the one at
    `corrupt_at`, if any, takes the texts of bad records and is not known to `rows`."""

    rows: Callable[[str], list[Any]]
    schema: StructType
    mode: str
    corrupt_at: int | None
    source: str

    def read(self, text: str, shown: str | None = None) -> list[list[Any]]:
        """The rows of one record.  `shown`: what the column for corrupt records takes, if not the record itself."""
        try:
            found = self.rows(text)
        except BadRecord as bad:
            return self._bad(text if shown is None else shown, bad)
        return [self._placed(row, None) for row in found] if self.corrupt_at is not None else found

    def _bad(self, text: str, bad: BadRecord) -> list[list[Any]]:
        if self.mode == DROP:
            return []
        if self.mode == FAIL:
            raise malformed(text, self.source, bad.condition)
        size = len(self.schema.fields) - (self.corrupt_at is not None)
        return [self._placed(row, text if bad.shown else None) for row in bad.rows or [[None] * size]]

    def _placed(self, row: list[Any], text: str | None) -> list[Any]:
        at = self.corrupt_at
        return row if at is None else [*row[:at], text, *row[at:]]


def without(schema: StructType, name: str) -> tuple[StructType, int | None]:
    """The schema without the column for corrupt records, and where that was."""
    at = next((i for i, f in enumerate(schema.fields) if f.name == name), None)
    if at is None:
        return schema, None
    return StructType([f for i, f in enumerate(schema.fields) if i != at]), at
