"""Spark's date and time patterns (Java letters) as DuckDB SQL: formatting and parsing.

Letters that DuckDB cannot do exactly are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock.core.errors import SparkError, analysis_error, unsupported
from penstock.core.java_patterns import optional_parts
from penstock.core.pattern_rules import check_pattern
from penstock.functions.markers import quote

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([a-zA-Z])\2*|[^a-zA-Z']+")

# letters -> strftime directive
_FORMATS = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "LL": "%m", "L": "%-m", "MMM": "%b", "LLL": "%b", "MMMM": "%B",
    "LLLL": "%B", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "a": "%p", "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A",
    "DDD": "%j", "D": "%-j",
}  # fmt: skip
# letters -> (regular expression that Java's parser accepts, strptime directive)
_PARSERS = {
    "yyyy": (r"\d{4}", "%Y"), "y": (r"\d{4}", "%Y"), "yyy": (r"\d{4}", "%Y"), "MM": (r"\d{2}", "%m"),
    "yy": (r"\d{2}", "%y"), "M": (r"\d{1,2}", "%m"),
    "dd": (r"\d{2}", "%d"), "d": (r"\d{1,2}", "%d"), "HH": (r"\d{2}", "%H"), "H": (r"\d{1,2}", "%H"),
    "hh": (r"\d{2}", "%I"), "h": (r"\d{1,2}", "%I"), "mm": (r"\d{2}", "%M"), "m": (r"\d{1,2}", "%M"),
    "ss": (r"\d{2}", "%S"), "s": (r"\d{1,2}", "%S"), "a": (r"(?i:am|pm)", "%p"),
    "MMM": (r"(?i:[a-z]{3})", "%b"), "MMMM": (r"(?i:[a-z]+)", "%B"), "E": (r"(?i:[a-z]{3})", "%a"),
    "EEE": (r"(?i:[a-z]{3})", "%a"), "EEEE": (r"(?i:[a-z]+)", "%A"), "DDD": (r"\d{3}", "%j"), "D": (r"\d{1,3}", "%j"),
}  # fmt: skip
# letters of an offset -> regular expression that Java's parser accepts; DuckDB's %z reads all of these but the bare Z
_OFFSETS = {
    "X": r"(?:Z|[+-]\d{2}(?:\d{2})?)", "XX": r"(?:Z|[+-]\d{4})", "XXX": r"(?:Z|[+-]\d{2}:\d{2})",
    "x": r"[+-]\d{2}(?:\d{2})?", "xx": r"[+-]\d{4}", "xxx": r"[+-]\d{2}:\d{2}",
    "Z": r"[+-]\d{4}", "ZZ": r"[+-]\d{4}", "ZZZ": r"[+-]\d{4}", "ZZZZZ": r"(?:Z|[+-]\d{2}:\d{2})",
}  # fmt: skip
_UTC_ZONES = ("UTC", "Etc/UTC", "GMT", "Z", "+00:00")
_OFFSETS_OF_UTC = {
    "X": "Z", "XX": "Z", "XXX": "Z", "x": "+00", "xx": "+0000", "xxx": "+00:00", "Z": "+0000", "ZZ": "+0000",
    "ZZZ": "+0000", "z": "UTC", "zzz": "UTC", "VV": "UTC", "O": "GMT",
}  # fmt: skip


@dataclass(frozen=True)
class Parser:
    """How to parse: the text must match `regex` in full, then `strptime` reads it; `zoned`: the text names its zone;
    `short_year`: a year of two digits is one from 2000 on, where `strptime` begins with 1969; `cut`: a regular
    expression that captures all but the digits beyond microseconds, where the pattern has such."""

    regex: str
    directive: str
    zoned: bool
    short_year: bool = False
    cut: str = ""


def tokens(pattern: str) -> list[tuple[str, str]]:
    """The pattern as ("text", literal) and ("letters", run of one letter) pairs."""
    found: list[tuple[str, str]] = []
    position = 0
    for match in _TOKEN.finditer(pattern):
        if match.start() != position:
            raise _illegal(pattern)
        position = match.end()
        piece = match[0]
        if piece.startswith("'"):
            found.append(("text", piece[1:-1].replace("''", "'") if len(piece) > 2 else "'"))
        else:
            found.append(("letters" if match[2] else "text", piece))
    if position != len(pattern):
        raise _illegal(pattern)
    return found


def _illegal(pattern: str) -> SparkError:
    return analysis_error(
        "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", f"The datetime pattern {pattern!r} is not valid.", "22007",
        c=pattern, pattern=pattern,
    )  # fmt: skip


def _refuse(letters: str, pattern: str) -> SparkError:
    return unsupported(f"the letters {letters!r} in the datetime pattern {pattern!r}")


def format_sql(value: str, pattern: str, zone: str) -> str:
    """`value` (a local TIMESTAMP) formatted by a Java pattern; raises for a pattern that Spark does not take."""
    check_pattern(pattern, parsing=False)
    pieces: list[str] = []
    directives = ""
    for kind, piece in tokens(pattern):
        if kind == "text":
            directives += piece.replace("%", "%%")
            continue
        if piece in _FORMATS:
            directives += _FORMATS[piece]
            continue
        if piece in _OFFSETS_OF_UTC and zone in _UTC_ZONES:
            directives += _OFFSETS_OF_UTC[piece]
            continue
        if directives:
            pieces.append(f"strftime({value}, {quote(directives)})")
            directives = ""
        pieces.append(_special(value, piece, pattern))
    if directives or not pieces:
        pieces.append(f"strftime({value}, {quote(directives)})")
    return pieces[0] if len(pieces) == 1 else f"({' || '.join(pieces)})"


def formats(pattern: str, zone: str) -> bool:
    """Whether `format_sql` knows every letter of a pattern."""
    try:
        format_sql("t", pattern, zone)
    except SparkError as error:
        if error.condition.startswith("UNSUPPORTED"):
            return False
        raise
    return "[" not in pattern


def _special(value: str, letters: str, pattern: str) -> str:
    if letters == "y":
        return f"CAST(year({value}) AS VARCHAR)"
    if letters == "yyy":
        return f"lpad(CAST(year({value}) AS VARCHAR), 3, '0')"
    if letters[0] == "S" and len(letters) < 10:
        return f"rpad(left(strftime({value}, '%f'), {min(6, len(letters))}), {len(letters)}, '0')"
    if letters in ("q", "Q", "qq", "QQ"):
        return f"lpad(CAST(quarter({value}) AS VARCHAR), {len(letters)}, '0')"
    if letters in ("qqq", "QQQ"):
        return f"('Q' || CAST(quarter({value}) AS VARCHAR))"
    raise _refuse(letters, pattern)


def parser(pattern: str) -> Parser:
    """How to parse texts of a Java pattern; raises for a pattern that Spark does not take."""
    check_pattern(pattern, parsing=True)
    regex, directive, zoned, cut = "", "", False, ""
    for kind, piece in tokens(pattern):
        if kind == "text":
            regex += re.sub(r"([^a-zA-Z0-9 ])", r"\\\1", piece)
            directive += piece.replace("%", "%%")
        elif piece in _PARSERS:
            regex += _PARSERS[piece][0]
            directive += _PARSERS[piece][1]
        elif piece[0] == "S":
            cut = f"({regex})" if len(piece) > 6 else cut
            regex += rf"\d{{1,{len(piece)}}}"
            directive += "%f"
        elif piece in _OFFSETS:
            regex += _OFFSETS[piece]
            directive += "%z"
            zoned = True
        else:
            raise _refuse(piece, pattern)
    if cut:
        cut = rf"^{cut}(\d{{1,6}})\d*({regex[len(cut) - 2 :].partition('}')[2]})$"
    return Parser(regex, directive, zoned, ("letters", "yy") in tokens(pattern), cut)


def choices(pattern: str) -> list[str]:
    """One pattern for each choice of the optional parts `[...]`, the fullest first."""
    unquoted = "'".join(pattern.split("'")[::2])
    if "[" not in unquoted and "]" not in unquoted:
        return [pattern]
    check_pattern(pattern, parsing=True)
    if unquoted.count("[") != pattern.count("[") or unquoted.count("]") != pattern.count("]"):
        raise unsupported(f"brackets in quotes beside optional parts in the datetime pattern {pattern!r}")
    return optional_parts(pattern + "]" * (pattern.count("[") - pattern.count("]")))


def parses(pattern: str) -> bool:
    """Whether `parse_sql` knows every letter of a pattern, in each choice of its optional parts."""
    try:
        for choice in choices(pattern):
            parser(choice)
    except SparkError as error:
        if error.condition.startswith("UNSUPPORTED"):
            return False
        raise
    return True


def names_zone(pattern: str) -> bool:
    """Whether texts of a pattern that `parses` may name their zone."""
    return any(parser(choice).zoned for choice in choices(pattern))


def parse_sql(text: str, pattern: str) -> tuple[str, bool]:
    """SQL that parses `text` (NULL when it does not fit), and whether it gives a TIMESTAMPTZ (the text has a zone)."""
    rule = parser(pattern)
    source = f"regexp_replace({text}, {quote(rule.cut)}, '\\1\\2\\3')" if rule.cut else text
    source = f"regexp_replace({source}, 'Z$', '+00:00')" if rule.zoned else source
    parsed = f"try_strptime({source}, {quote(rule.directive)})"
    if rule.short_year:
        later = f"CASE WHEN year({parsed}) < 2000 THEN 100 ELSE 0 END"
        parsed = f"({parsed} + to_years({later}))"
    return f"CASE WHEN regexp_full_match({text}, {quote(rule.regex)}) THEN {parsed} END", rule.zoned
