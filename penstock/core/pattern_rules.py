"""Which date-time patterns Spark takes: Java's letters and counts, without those whose meaning changed in Spark 3."""

from __future__ import annotations

import re
from functools import lru_cache

from penstock.core.errors import SparkError, illegal_argument

_WEEK_BASED = "YWwuec"
_REFUSED = "ABnNp"
_REFUSED_IN_PARSING = "EFqQ"
_TOO_LONG = (*(letter * 5 for letter in "GMLEQq"), "y" * 7)
#: Letters of the formatter before Spark 3: what it took and the present one does not is told apart.
_BEFORE = "GyYMLwWDdFEuaHkKhmsSzZX"
#: Letter -> the counts in which Java takes it.
_COUNTS = {
    **dict.fromkeys("GMLQqE", range(1, 5)), "y": range(1, 7), "a": (1,), "S": range(1, 10), "F": (1,), "D": (1, 2, 3),
    **dict.fromkeys("dhHkKms", (1, 2)), "z": range(1, 5), "V": (2,), "v": (1, 4), "Z": range(1, 6), "O": (1, 4),
    **dict.fromkeys("Xx", range(1, 6)),
}  # fmt: skip
_RUN = re.compile(r"([a-zA-Z])\1*")


@lru_cache(maxsize=512)
def check_pattern(pattern: str, parsing: bool) -> None:
    """Raise what Spark raises for a pattern that it does not take, when it formats or when it parses.

    INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION where the formatter before Spark 3 took it; else
    .DATETIME_WEEK_BASED_PATTERN or INVALID_DATETIME_PATTERN.*.
    """
    error = _failure(pattern, parsing)
    if error is None:
        return
    if _was_known(pattern):
        raise illegal_argument(
            "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            f"The date-time pattern {pattern!r} is not taken any more: see Spark's page on date-time patterns.",
            "42K0B", pattern=f"'{pattern}'", config='"spark.sql.legacy.timeParserPolicy"',
            docroot="https://spark.apache.org/docs/latest",
        )  # fmt: skip
    raise error


def _failure(pattern: str, parsing: bool) -> SparkError | None:
    unquoted = "'".join(pattern.split("'")[::2])
    for letter in unquoted:
        if letter in _WEEK_BASED:
            return illegal_argument(
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN",
                f"The letter {letter!r} of week-based patterns is not taken any more: use the function extract.",
                "42K0B", c=letter,
            )  # fmt: skip
    for letter in unquoted:
        if letter in _REFUSED or (parsing and letter in _REFUSED_IN_PARSING):
            return _illegal(pattern, letter)
    for run in _TOO_LONG:
        if run in unquoted:
            return illegal_argument(
                "INVALID_DATETIME_PATTERN.LENGTH", f"Too many letters in the date-time pattern {run!r}.", "22007",
                pattern=run,
            )  # fmt: skip
    return _unknown(pattern, unquoted)


def _unknown(pattern: str, unquoted: str) -> SparkError | None:
    """What Java itself does not take."""
    for match in _RUN.finditer(unquoted):
        if len(match[0]) not in _COUNTS.get(match[1], ()):
            return _illegal(pattern, match[0])
    if pattern.count("'") % 2 or any(mark in unquoted for mark in "{}#"):
        return _illegal(pattern, pattern)
    opened = 0
    for mark in unquoted:
        opened += (mark == "[") - (mark == "]")
        if opened < 0:
            return _illegal(pattern, mark)
    return None


def _illegal(pattern: str, letters: str) -> SparkError:
    return illegal_argument(
        "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER",
        f"The date-time pattern {pattern!r} has something that is not taken: {letters!r}.", "22007",
        c=letters, pattern=pattern,
    )  # fmt: skip


def _was_known(pattern: str) -> bool:
    unquoted = "'".join(pattern.split("'")[::2])
    letters = {letter for letter in unquoted if letter.isascii() and letter.isalpha()}
    return pattern.count("'") % 2 == 0 and letters <= set(_BEFORE) and "XXXX" not in unquoted
