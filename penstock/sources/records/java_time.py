"""Java's date-time patterns (options dateFormat, timestampFormat, timestampNTZFormat) as parsers.

Two-letter numbers need two digits, one letter takes one or two; fractions (S) take one digit up to as many as there are
letters; texts of months, days and halves of the day are English, in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from penstock.core.errors import illegal_argument, unsupported
from penstock.sources.records.errors import BadValue
from penstock.sources.records.instants import DAY_US, days, time_of_day, to_utc

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)
_NUMBERS = {"d": "day", "H": "hour", "m": "minute", "s": "second", "h": "half_hour", "k": "hour24", "K": "half_hour0"}
_OFFSETS = {
    "X": r"Z|[+-]\d{2}(?:\d{2})?", "XX": r"Z|[+-]\d{4}", "XXX": r"Z|[+-]\d{2}:\d{2}", "XXXX": r"Z|[+-]\d{4}(?:\d{2})?",
    "XXXXX": r"Z|[+-]\d{2}:\d{2}(?::\d{2})?", "x": r"[+-]\d{2}(?:\d{2})?", "xx": r"[+-]\d{4}",
    "xxx": r"[+-]\d{2}:\d{2}",
    "Z": r"[+-]\d{4}", "ZZ": r"[+-]\d{4}", "ZZZ": r"[+-]\d{4}", "ZZZZZ": r"Z|[+-]\d{2}:\d{2}(?::\d{2})?",
}  # fmt: skip


class JavaPattern:
    """One pattern, compiled.  Letters that Spark refuses raise INCONSISTENT_BEHAVIOR... at once, as in Spark."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._groups: dict[str, str] = {}
        self._regex = re.compile(self._compiled(pattern), re.IGNORECASE)

    def date(self, text: str) -> int:
        """Days since 1970."""
        return self._local(self._fields(text)) // DAY_US

    def timestamp(self, text: str, time_zone: str) -> int:
        """Microseconds since 1970 in UTC."""
        fields = self._fields(text)
        offset = fields.get("offset") or fields.get("zone")
        return to_utc(self._local(fields), "UTC" if offset in ("Z", "z") else offset or time_zone)

    def local_timestamp(self, text: str, *, with_zone: bool = False) -> int:
        """Microseconds since 1970 on the local clock; BadValue where the text names a zone, unless it may."""
        fields = self._fields(text)
        if not with_zone and (fields.get("offset") or fields.get("zone")):
            raise BadValue
        return self._local(fields)

    def _fields(self, text: str) -> dict[str, str]:
        match = self._regex.fullmatch(text)
        if match is None:
            raise BadValue
        return {self._groups[group]: found for group, found in match.groupdict().items() if found is not None}

    def _local(self, fields: dict[str, str]) -> int:
        if "day_of_year" in fields:
            day = days(_year(fields), 1, 1) + int(fields["day_of_year"]) - 1
            if not 1 <= int(fields["day_of_year"]) <= days(_year(fields) + 1, 1, 1) - days(_year(fields), 1, 1):
                raise BadValue
        else:
            day = days(_year(fields), _month(fields), int(fields.get("day", 1)))
        return day * DAY_US + time_of_day(
            _hour(fields), fields.get("minute"), fields.get("second"), fields.get("fraction")
        )

    # ------------------------------------------------------------ compiling

    def _compiled(self, pattern: str) -> str:
        out = ""
        for match in _PIECE.finditer(pattern):
            literal, letter, other = match[1], match[2], match[3]
            if literal is not None:
                out += re.escape(literal.replace("''", "'") or "'")
            elif letter is not None:
                out += self._letters(match[0])
            else:
                out += {"[": "(?:", "]": ")?"}.get(other, re.escape(other))
        return out

    def _letters(self, letters: str) -> str:
        letter, count = letters[0], len(letters)
        if letter in "yu":
            return (
                self._group("year2", r"\d{2}")
                if count == 2
                else self._group("year", r"\d{4}" if count > 2 else r"-?\d{1,9}")
            )
        if letter in "ML":
            if count > 2:
                names = _MONTHS if count == 4 else [name[:3] for name in _MONTHS]
                return self._group("month_name", "|".join(names))
            return self._group("month", r"\d{2}" if count == 2 else r"\d{1,2}")
        if letter in _NUMBERS and count <= 2:
            return self._group(_NUMBERS[letter], r"\d{2}" if count == 2 else r"\d{1,2}")
        if letter == "D" and count <= 3:
            return self._group("day_of_year", rf"\d{{{count},3}}")
        if letter == "S" and count <= 9:
            return self._group("fraction", rf"\d{{1,{count}}}")
        if letters == "a":
            return self._group("half", "AM|PM")
        if letters in _OFFSETS:
            return self._group("offset", _OFFSETS[letters])
        if letters in ("VV", "z", "zz", "zzz"):
            return self._group("zone", r"[A-Za-z][A-Za-z0-9~/._+-]*|[+-]\d{1,2}(?::?\d{2})?")
        if letters == "G":
            return "AD"
        raise _refused(letters, self.pattern)

    def _group(self, field: str, regex: str) -> str:
        name = f"g{len(self._groups)}"
        self._groups[name] = field
        return f"(?P<{name}>{regex})"


def _refused(letters: str, pattern: str) -> Exception:
    if letters[0] in "YWweuFcAnNpBQqE" or not letters[0].isalpha():
        message = (
            f"The date-time pattern {pattern!r} has the letters {letters!r}, which cannot be used. Leave them out, or "
            "cast the text with to_timestamp."
        )
        condition = "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"
        return illegal_argument(
            condition, message, "42K0B", pattern=f"'{pattern}'", config='"spark.sql.legacy.timeParserPolicy"'
        )
    return unsupported(f"the date-time pattern letters {letters!r} (in {pattern!r})")


def _year(fields: dict[str, str]) -> int:
    return 2000 + int(fields["year2"]) if "year2" in fields else int(fields.get("year", 1970))


def _month(fields: dict[str, str]) -> int:
    if "month_name" in fields:
        return next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(fields["month_name"].lower()))
    return int(fields.get("month", 1))


def _hour(fields: dict[str, str]) -> str | None:
    if "half_hour" in fields or "half_hour0" in fields:
        hour = int(fields.get("half_hour", fields.get("half_hour0", "0")))
        if not 0 <= hour <= 12 or ("half_hour" in fields and hour == 0):
            raise BadValue
        return str(hour % 12 + (12 if fields.get("half", "AM").upper() == "PM" else 0))
    if "hour24" in fields:
        return str(int(fields["hour24"]) % 24)
    return fields.get("hour")


@lru_cache(maxsize=256)
def java_pattern(pattern: str) -> JavaPattern:
    """The compiled pattern, remembered."""
    return JavaPattern(pattern)


Parser = Callable[[str], int]
