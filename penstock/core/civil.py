"""Dates of the proleptic Gregorian calendar of any year: Python's end at the years 1 and 9999, Spark's do not.

The calendar repeats itself every 400 years, weekdays included: what is outside is moved by so many years, and back.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

YEARS = 400
DAYS = 146_097
MICROS = DAYS * 86_400_000_000
_EPOCH = date(1970, 1, 1)
_LEAST, _MOST = (date.min - _EPOCH).days, (date.max - _EPOCH).days


def cycles_of_year(year: int) -> int:
    """How many times 400 years to take from `year` so that Python has it."""
    return (year - 1) // YEARS if year < 1 else max(0, -((9999 - year) // YEARS))


def cycles_of_days(days: int) -> int:
    """The same, of days since 1970."""
    return (days - _LEAST) // DAYS if days < _LEAST else max(0, -((_MOST - days) // DAYS))


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970; ValueError for a month or a day that is not there."""
    cycles = cycles_of_year(year)
    return (date(year - cycles * YEARS, month, day) - _EPOCH).days + cycles * DAYS


def date_text(days: int) -> str:
    """`2020-01-31`, `-0001-12-31`, `+10000-01-01`, as java.time writes dates."""
    cycles = cycles_of_days(days)
    found = _EPOCH + timedelta(days=days - cycles * DAYS)
    return f"{year_text(found.year + cycles * YEARS)}-{found.month:02d}-{found.day:02d}"


def timestamp_text(micros: int) -> str:
    """`2020-01-31 00:00:00.5`, of local microseconds since 1970: the fraction without trailing zeros."""
    days, rest = divmod(micros, 86_400_000_000)
    clock = (datetime.min + timedelta(microseconds=rest)).time()
    fraction = f".{clock.microsecond:06d}".rstrip("0") if clock.microsecond else ""
    return f"{date_text(days)} {clock:%H:%M:%S}{fraction}"


def year_text(year: int) -> str:
    """At least four digits, with a sign where there are more or the year is before 0."""
    return f"+{year}" if year > 9999 else f"-{-year:04d}" if year < 0 else f"{year:04d}"
