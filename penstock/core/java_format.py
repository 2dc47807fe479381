"""Dates and timestamps as text by Java's patterns (dateFormat, timestampFormat, timestampNTZFormat when writing)."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

from penstock.core.errors import unsupported
from penstock.core.pattern_rules import check_pattern
from penstock.core.text import zone

TIMESTAMP = "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]"
TIMESTAMP_NTZ = "yyyy-MM-dd'T'HH:mm:ss[.SSS]"
DATE = "yyyy-MM-dd"

_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)
_EPOCH = datetime.datetime(1970, 1, 1)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@lru_cache(maxsize=256)
def _pieces(pattern: str) -> tuple[tuple[str, str], ...]:
    """(letters, "") or ("", literal) pairs; raises for a pattern that Spark does not take."""
    check_pattern(pattern, parsing=False)
    found = []
    for match in _PIECE.finditer(pattern):
        literal, letter, other = match[1], match[2], match[3]
        if letter is not None:
            found.append((match[0], ""))
        elif literal is not None:
            found.append(("", literal.replace("''", "'") or "'"))
        elif other not in "[]":
            found.append(("", other))
    return tuple(found)


def format_micros(micros: int, pattern: str, time_zone: str | None) -> str:
    """Microseconds since 1970 as text: UTC shown in `time_zone`, or local ones without a zone (None)."""
    if time_zone is None:
        return _format(_EPOCH + datetime.timedelta(microseconds=micros), pattern, "")
    moment = (_EPOCH.replace(tzinfo=datetime.UTC) + datetime.timedelta(microseconds=micros)).astimezone(zone(time_zone))
    return _format(moment, pattern, time_zone)


def format_days(days: int, pattern: str) -> str:
    """Days since 1970 as text."""
    return _format(_EPOCH + datetime.timedelta(days=days), pattern, "")


def _format(moment: datetime.datetime, pattern: str, time_zone: str) -> str:
    return "".join(literal or _letters(letters, moment, time_zone, pattern) for letters, literal in _pieces(pattern))


def _letters(letters: str, m: datetime.datetime, time_zone: str, pattern: str) -> str:
    letter, count = letters[0], len(letters)
    if letter == "y":
        return f"{m.year % 100:02d}" if count == 2 else f"{m.year:0{count}d}"
    numbers = {
        "d": m.day,
        "H": m.hour,
        "m": m.minute,
        "s": m.second,
        "h": m.hour % 12 or 12,
        "k": m.hour or 24,
        "K": m.hour % 12,
    }
    if letter in numbers and count <= 2:
        return f"{numbers[letter]:0{count}d}"
    if letter in "ML":
        return f"{m.month:0{count}d}" if count <= 2 else _MONTHS[m.month - 1][: None if count == 4 else 3]
    if letter == "S" and count <= 9:
        return f"{m.microsecond:06d}000"[:count]
    if letter == "E":
        return _DAYS[m.weekday()][: None if count == 4 else 3]
    if letter == "D":
        return f"{m.timetuple().tm_yday:0{count}d}"
    if letter == "a":
        return "AM" if m.hour < 12 else "PM"
    if letters in ("O", "OOOO", "ZZZZ"):
        return _offset_of_gmt(m, short=count == 1)
    if letter in "XxZ":
        return _offset(letters, m)
    if letters == "VV":
        return time_zone
    if letter == "z" and count < 4:
        return m.tzname() or ""
    if letter in "Qq":
        quarter = (m.month + 2) // 3
        return f"{quarter:0{count}d}" if count <= 2 else f"Q{quarter}" if count == 3 else _QUARTERS[quarter - 1]
    if letter == "G":
        return "AD" if count < 4 else "Anno Domini"
    if letter == "F":
        return str((m.day - 1) % 7 + 1)
    raise unsupported(f"the date-time pattern letters {letters!r} (in {pattern!r})")


def _offset_of_gmt(m: datetime.datetime, short: bool) -> str:
    seconds = int((m.utcoffset() or datetime.timedelta()).total_seconds())
    if seconds == 0:
        return "GMT"
    sign, (hours, minutes) = "-" if seconds < 0 else "+", divmod(abs(seconds) // 60, 60)
    if short:
        return f"GMT{sign}{hours}" + (f":{minutes:02d}" if minutes else "")
    return f"GMT{sign}{hours:02d}:{minutes:02d}"


def _offset(letters: str, m: datetime.datetime) -> str:
    seconds = int((m.utcoffset() or datetime.timedelta()).total_seconds())
    if seconds == 0 and (letters[0] == "X" or letters == "ZZZZZ"):
        return "Z"
    sign, minutes = "-" if seconds < 0 else "+", abs(seconds) // 60
    colon = ":" if (len(letters) in (3, 5) and letters[0] in "Xx") or letters == "ZZZZZ" else ""
    if len(letters) == 1 and letters[0] in "Xx" and minutes % 60 == 0:
        return f"{sign}{minutes // 60:02d}"
    return f"{sign}{minutes // 60:02d}{colon}{minutes % 60:02d}"
