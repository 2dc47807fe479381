"""Dates and times in text by Spark's default rules: `2024`, `2024-1-3`, `2024-01-31T10:11:12.5+02:00 ...`.

Dates are days since 1970, timestamps microseconds since 1970 (in UTC for TIMESTAMP, local for TIMESTAMP_NTZ).
What is no date or time raises BadValue.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

from penstock.core.text import zone
from penstock.sources.records.errors import BadValue

DAY_US = 86_400_000_000
_BLANKS = "".join(chr(code) for code in range(33)) + "\x7f"
_DATE = re.compile(r"([+-]?)(\d{4,7})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ].*)?)?)?", re.DOTALL)
_TIMESTAMP = re.compile(
    r"([+-]?)(\d{4,6})(?:-(\d{1,2})(?:-(\d{1,2})"
    r"(?:[T ](\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?\s*(.*))?)?)?", re.DOTALL
)  # fmt: skip
_TIME = re.compile(r"T?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?\s*(.*)", re.DOTALL)
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")
_EPOCH = datetime.date(1970, 1, 1).toordinal()


def days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the proleptic Gregorian calendar; BadValue for a day that is none."""
    if not (1 <= month <= 12 and 1 <= day <= _month_length(year, month)):
        raise BadValue
    if 1 <= year <= 9999:
        return datetime.date(year, month, day).toordinal() - _EPOCH
    shifted = year % 400 + 400  # the calendar repeats every 400 years of 146,097 days
    return datetime.date(shifted, month, day).toordinal() - _EPOCH + (year - shifted) // 400 * 146_097


def _month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def parse_date(text: str) -> int:
    """Days since 1970."""
    match = _DATE.fullmatch(text.strip(_BLANKS))
    if match is None:
        raise BadValue
    year = int(match[2]) * (-1 if match[1] == "-" else 1)
    return days(year, int(match[3] or 1), int(match[4] or 1))


def parse_timestamp(text: str, time_zone: str) -> int:
    """Microseconds since 1970; a time without a zone is in `time_zone`."""
    local, found = _parts(text.strip(_BLANKS), time_zone)
    return to_utc(local, found or time_zone)


def parse_local_timestamp(text: str) -> int:
    """Microseconds since 1970 on the local clock; a text that names a zone does not fit."""
    local, found = _parts(text.strip(_BLANKS), None)
    if found:
        raise BadValue
    return local


def _parts(text: str, time_zone: str | None) -> tuple[int, str | None]:
    match = _TIMESTAMP.fullmatch(text)
    if match is not None:
        year = int(match[2]) * (-1 if match[1] == "-" else 1)
        day = days(year, int(match[3] or 1), int(match[4] or 1))
        return day * DAY_US + time_of_day(match[5], match[6], match[7], match[8]), match[9] or None
    only_time = _TIME.fullmatch(text)
    if only_time is None or time_zone is None:
        raise BadValue
    found = only_time[5] or time_zone
    today = datetime.datetime.now(_zone(found)).date().toordinal() - _EPOCH
    return today * DAY_US + time_of_day(only_time[1], only_time[2], only_time[3], only_time[4]), found


def time_of_day(hour: str | None, minute: str | None, second: str | None, fraction: str | None) -> int:
    """Microseconds since midnight; digits of the fraction after the sixth do not count."""
    h, m, s = int(hour or 0), int(minute or 0), int(second or 0)
    if h > 23 or m > 59 or s > 59:
        raise BadValue
    return ((h * 60 + m) * 60 + s) * 1_000_000 + int(((fraction or "") + "000000")[:6])


def to_utc(local: int, time_zone: str) -> int:
    """Local microseconds as UTC: a time in a gap moves forward, an ambiguous one takes the earlier offset."""
    info = _zone(time_zone)
    if info is datetime.UTC:
        return local
    seconds = local // 1_000_000
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(
        seconds=min(max(seconds, -62_135_000_000), 253_402_000_000)
    )
    offset = moment.replace(tzinfo=info).utcoffset() or datetime.timedelta()
    return local - int(offset.total_seconds()) * 1_000_000


@lru_cache(maxsize=256)
def _zone(name: str) -> datetime.tzinfo:
    match = _OFFSET.fullmatch(name)
    if match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
        if hours > 18 or minutes > 59 or seconds > 59:
            raise BadValue
        delta = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return datetime.timezone(-delta if match[1] == "-" else delta)
    try:
        return zone(name)
    except (ValueError, KeyError, OSError):
        raise BadValue from None
