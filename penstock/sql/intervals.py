"""Interval texts: `10 seconds`, `interval 1 minute 30 seconds`, `1-2` YEAR TO MONTH, `1 02:03:04.5` DAY TO SECOND."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from decimal import Decimal

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, analysis_error, parse_error

MICROS_PER_SECOND = 1_000_000
MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND
DAYS_PER_MONTH = 31  # what Spark's watermark delay takes a calendar month for

DAY_TIME_FIELDS = ("day", "hour", "minute", "second")
YEAR_MONTH_FIELDS = ("year", "month")

_MONTHS = {"year": 12, "month": 1}
_DAYS = {"week": 7, "day": 1}
_MICROS = {
    "hour": 3600 * MICROS_PER_SECOND,
    "minute": 60 * MICROS_PER_SECOND,
    "second": MICROS_PER_SECOND,
    "millisecond": 1000,
    "microsecond": 1,
}
UNITS = frozenset((*_MONTHS, *_DAYS, *_MICROS, "nanosecond"))
_FIELD = re.compile(r"\s*([+-]?)\s*(\d*)(\.\d*)?\s+([a-z]+)|\s*([+-]?)\s*(\d+)(\.\d*)?([a-z]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Interval:
    """A calendar interval: months, days and microseconds do not convert into each other."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    def plus(self, other: Interval) -> Interval:
        """The field-wise sum."""
        return Interval(self.months + other.months, self.days + other.days, self.microseconds + other.microseconds)

    def negated(self) -> Interval:
        """The field-wise negative."""
        return Interval(-self.months, -self.days, -self.microseconds)

    @property
    def duration_us(self) -> int:
        """As one span of time, a month being 31 days and a day 24 hours (Spark's IntervalUtils.getDuration)."""
        return (self.months * DAYS_PER_MONTH + self.days) * MICROS_PER_DAY + self.microseconds


def unit_name(word: str) -> str | None:
    """The unit that `word` names in the singular or the plural, in any case; None when it names none."""
    lower = word.lower()
    if lower in UNITS:
        return lower
    return lower[:-1] if lower.endswith("s") and lower[:-1] in UNITS else None


def from_unit(text: str, unit: str) -> Interval:
    """`text` (a number; only seconds may have a fraction) of `unit`; ValueError when it is none."""
    value = text.strip()
    if not re.fullmatch(r"[+-]?\s*(\d+(\.\d*)?|\.\d+)", value):
        raise ValueError(f"{text!r} is not a number of {unit}s")
    number = Decimal(value.replace(" ", ""))
    if unit == "second":
        return Interval(microseconds=int(number * MICROS_PER_SECOND))
    if "." in value:
        raise ValueError(f"{text!r} {unit}s: only seconds may have a fraction")
    return _whole(int(number), unit)


def _whole(number: int, unit: str) -> Interval:
    if unit in _MONTHS:
        return Interval(months=number * _MONTHS[unit])
    if unit in _DAYS:
        return Interval(days=number * _DAYS[unit])
    if unit == "nanosecond":
        return Interval(microseconds=int(Decimal(number) / 1000))
    return Interval(microseconds=number * _MICROS[unit])


def interval_of(text: str) -> Interval:
    """The interval that a text like `interval 1 day -2 hours` or `90 seconds` denotes; ValueError when it is none."""
    rest = re.sub(r"^\s*interval(?=[\s+-])", "", text, count=1, flags=re.IGNORECASE).strip()
    if not rest:
        raise ValueError(f"{text!r} holds no interval")
    total, position = Interval(), 0
    while position < len(rest):
        match = _FIELD.match(rest, position)
        if match is None:
            raise ValueError(f"{rest[position:]!r} in {text!r} is not a number and a unit")
        sign, whole, fraction, word = match.group(1, 2, 3, 4) if match.group(4) else match.group(5, 6, 7, 8)
        unit = unit_name(word)
        if unit is None or unit == "nanosecond":
            raise ValueError(f"{word!r} in {text!r} is not a unit of time")
        total = total.plus(from_unit(f"{sign}{whole}{fraction or ''}", unit))
        position = match.end()
    return total


def parse_interval(text: str) -> Interval:
    """`10 seconds`, `interval 1 minute 30 seconds` -> months, days, microseconds; else CANNOT_PARSE_INTERVAL."""
    try:
        return interval_of(text)
    except ValueError as error:
        message = f"Unable to read {text!r} as an interval ({error}). Write a number and a unit, as in '10 minutes'."
        raise analysis_error("CANNOT_PARSE_INTERVAL", message, "22006", intervalString=f"'{text}'") from None


def parse_delay(text: str) -> int:
    """A watermark's delay in microseconds; a negative one raises as Spark's `require` does."""
    delay = parse_interval(text)
    if delay.duration_us < 0:
        message = f"requirement failed: delay threshold ({text}) should not be negative."
        raise SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])  # Spark has no condition for it
    return delay.duration_us


def year_month(text: str) -> int:
    """`1-2` (years-months) in months; ValueError when it is none."""
    match = re.fullmatch(r"\s*([+-]?)(\d+)-(\d+)\s*", text)
    if match is None or int(match.group(3)) > 11:
        raise ValueError(f"{text!r} is not of the form [+|-]y-m")
    months = int(match.group(2)) * 12 + int(match.group(3))
    return -months if match.group(1) == "-" else months


_DAY_TIME_PATTERNS = {"day": r"(?P<day>\d+)", "hour": r"(?P<hour>\d{1,10})", "minute": r"(?P<minute>\d{1,10})",
                      "second": r"(?P<second>\d{1,10}(\.\d{1,9})?)"}  # fmt: skip


def day_time(text: str, start: str, end: str) -> int:
    """`1 02:03:04.5` from field `start` to `end` in microseconds; ValueError when it is none."""
    names = DAY_TIME_FIELDS[DAY_TIME_FIELDS.index(start) : DAY_TIME_FIELDS.index(end) + 1]
    pattern = _DAY_TIME_PATTERNS[names[0]]
    for before, name in itertools.pairwise(names):
        pattern += (r"\s+" if before == "day" else ":") + _DAY_TIME_PATTERNS[name]
    match = re.fullmatch(r"\s*(?P<sign>[+-]?)" + pattern + r"\s*", text)
    if match is None:
        raise ValueError(f"{text!r} is not an interval {start} to {end}")
    for name, limit in (("hour", 24), ("minute", 60), ("second", 60)):
        if name in names[1:] and Decimal(match.group(name)) >= limit:
            raise ValueError(f"{name} {match.group(name)} outside range [0, {limit - 1}] in {text!r}")
    micros = {"day": MICROS_PER_DAY, **_MICROS}
    total = sum(int(Decimal(match.group(name)) * micros[name]) for name in names)
    return -total if match.group("sign") == "-" else total


def invalid_interval(text: str, reason: str) -> SparkError:
    """A malformed interval literal in SQL text."""
    return parse_error(
        "INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER",
        f"Error parsing {text!r} to interval: {reason}",
        "22006",
        input=text,
    )
