"""Kernels over text."""

from __future__ import annotations

import re

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

_UNSIGNED = 1 << 64
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@by_row(pa.string())
def conv(text: str, source: int, target: int, ansi: bool) -> str | None:
    """A number in base `source` (2 to 36) written in base `target`; a negative target base gives a signed number.

    Digits end at the first character that is none.  What leaves 64 bits is an overflow (ANSI) or all ones.
    """
    text = text.strip(" ")
    if not 2 <= source <= 36 or not 2 <= abs(target) <= 36 or not text:
        return None
    negative = text.startswith("-")
    value = 0
    for character in text[negative:]:
        digit = _DIGITS.find(character.upper())
        if not 0 <= digit < source:
            break
        value = value * source + digit
    value = _clamped(value, ansi)
    if negative:
        value = _UNSIGNED - value if target > 0 and value < _UNSIGNED // 2 else value
        value = value % _UNSIGNED
    minus = target < 0 and ((value >= _UNSIGNED // 2) or (negative and value > 0))
    if target < 0 and value >= _UNSIGNED // 2:
        value = _UNSIGNED - value
    return ("-" if minus else "") + _in_base(value, abs(target))


def _clamped(value: int, ansi: bool) -> int:
    if value < _UNSIGNED:
        return value
    if ansi:
        raise raised(
            "ARITHMETIC_OVERFLOW", "Overflow in function conv().", sqlstate="22003", kind="arithmetic",
            message_="Overflow in function conv()", alternative="", config='"spark.sql.ansi.enabled"',
        )  # fmt: skip
    return _UNSIGNED - 1


def _in_base(value: int, base: int) -> str:
    digits = ""
    while value:
        value, digit = divmod(value, base)
        digits = _DIGITS[digit] + digits
    return digits or "0"


@by_row(pa.string(), strict=False)
def mask(text: str | None, upper: str | None, lower: str | None, digit: str | None, other: str | None) -> str | None:
    """Each character replaced by the character of its class; a class whose replacement is NULL stays."""
    if text is None:
        return None
    return "".join(_masked(c, upper, lower, digit, other) for c in text)


def _masked(c: str, upper: str | None, lower: str | None, digit: str | None, other: str | None) -> str:
    if c.isupper():
        return c if upper is None else upper
    if c.islower():
        return c if lower is None else lower
    if c.isdecimal():
        return c if digit is None else digit
    return c if other is None else other


# A to Z; 0 is a vowel (it separates equal codes), 7 is H or W (it does not)
_SOUNDEX = "01230127022455012623017202"


@by_row(pa.string())
def soundex(text: str) -> str:
    """The Soundex code; a text that does not start with an ASCII letter stays as it is."""
    first = text[:1].upper()
    if not ("A" <= first <= "Z" and first.isascii()):
        return text
    code, last = first, _SOUNDEX[ord(first) - 65]
    for character in text[1:].upper():
        if not "A" <= character <= "Z":
            last = "0"
            continue
        digit = _SOUNDEX[ord(character) - 65]
        if digit == "7":
            continue
        if digit not in ("0", last):
            code += digit
            if len(code) == 4:
                break
        last = digit
    return code.ljust(4, "0")


@by_row(pa.int32())
def levenshtein(left: str, right: str) -> int:
    """How many characters to insert, delete or replace to get from one text to the other."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@by_row(pa.bool_())
def luhn_check(text: str) -> bool:
    """Whether the digits end in their Luhn check digit."""
    if not text or not all("0" <= c <= "9" for c in text):
        return False
    total = 0
    for i, character in enumerate(reversed(text)):
        digit = int(character) * (2 if i % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^a-z\s])|(?<=[!?])\s+|\u2029+")
_WORD = re.compile(r"\w+(?:['’.\-]\w+)*")


@by_row(pa.list_(pa.list_(pa.string())))
def sentences(text: str) -> list[list[str]]:
    """Sentences as lists of words, by the rules of English text."""
    found = (_WORD.findall(part) for part in _SENTENCE.split(text))
    return [words for words in found if words]
