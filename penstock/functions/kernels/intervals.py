"""Texts as intervals: what CAST('1 02:03:04' AS INTERVAL DAY TO SECOND) reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised
from penstock.plan.types import DayTimeIntervalType, YearMonthIntervalType
from penstock.sql import intervals
from penstock.sql.intervals import DAY_TIME_FIELDS, YEAR_MONTH_FIELDS

Fields = tuple[str, str]

_DAY_TIME_FORMS = {"day": "d", "hour": "h", "minute": "m", "second": "s.n"}


def fields_of(target: DayTimeIntervalType | YearMonthIntervalType) -> Fields:
    """The names of the type's first and last field."""
    names = DAY_TIME_FIELDS if isinstance(target, DayTimeIntervalType) else YEAR_MONTH_FIELDS
    first, last = target.startField or 0, target.endField
    return names[first], names[len(names) - 1 if last is None else last]


def reader(fields: Fields, type_name: str, quiet: bool) -> Callable[..., pa.Array]:
    """text -> microseconds or months, of a type from the first to the last of `fields`.  What does not fit raises
    INVALID_INTERVAL_FORMAT, or is NULL if `quiet`."""
    is_months = fields[0] in YEAR_MONTH_FIELDS
    words = fields[0] if fields[0] == fields[1] else " TO ".join(fields)
    literal = re.compile(r"\s*INTERVAL\s*([+-]?)\s*'(.*)'\s*" + words.replace(" ", r"\s+") + r"\s*", re.IGNORECASE)

    @by_row(pa.int32() if is_months else pa.int64())
    def read(text: str) -> Any:
        match = literal.fullmatch(text)
        sign, body = match.groups() if match is not None else ("", text)
        try:
            value = _value(body.strip(), fields)
        except ValueError:
            if quiet:
                return None
            raise _malformed(text, fields, type_name) from None
        return -value if sign == "-" else value

    return read


def _value(text: str, fields: Fields) -> int:
    first, last = fields
    if fields == YEAR_MONTH_FIELDS:
        return intervals.year_month(text)
    if first in YEAR_MONTH_FIELDS:
        if not re.fullmatch(r"[+-]?\d+", text):
            raise ValueError(text)
        return int(text) * (12 if first == "year" else 1)
    return intervals.day_time(text, first, last)


def _malformed(text: str, fields: Fields, type_name: str) -> ValueError:
    is_months = fields[0] in YEAR_MONTH_FIELDS
    form = _form(fields)
    words = (fields[0] if fields[0] == fields[1] else " TO ".join(fields)).upper()
    supported = f"`[+|-]{form}`, `INTERVAL [+|-]'[+|-]{form}' {words}`"
    kind = "year-month" if is_months else "day-time"
    subclass = "UNMATCHED_FORMAT_STRING" if is_months else "UNMATCHED_FORMAT_STRING_WITH_NOTICE"
    return raised(
        f"INVALID_INTERVAL_FORMAT.{subclass}", f"{text!r} is no {type_name}: write it as {supported}.",
        sqlstate="22006", kind="illegal_argument", input=text, intervalStr=kind, supportedFormat=supported,
        typeName=type_name,
    )  # fmt: skip


def _form(fields: Fields) -> str:
    first, last = fields
    if first in YEAR_MONTH_FIELDS:
        return "y-m" if first != last else first[0]
    names = DAY_TIME_FIELDS[DAY_TIME_FIELDS.index(first) : DAY_TIME_FIELDS.index(last) + 1]
    text = ":".join(_DAY_TIME_FORMS[name] for name in names)
    return text.replace("d:", "d ", 1)
