"""format_string: the conversions of java.util.Formatter."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

_SPEC = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")
_BITS = {"byte": 8, "short": 16, "int": 32, "long": 64}


@by_row(pa.string(), strict=False)
def format_string(pattern: str | None, kinds: str, values: list[str | None]) -> str | None:
    """`pattern` with `values` (as text; `kinds` says what each is) in place of its conversions."""
    if pattern is None:
        return None
    types, out, at, next_value = kinds.split(), "", 0, 0
    while (percent := pattern.find("%", at)) >= 0:
        match = _SPEC.match(pattern, percent)
        if match is None:
            raise _wrong(pattern, pattern[percent : percent + 2])
        out, at = out + pattern[at:percent], match.end()
        if match[5] in "n%":
            out += _padded("\n" if match[5] == "n" else "%", match)
            continue
        index = int(match[1]) - 1 if match[1] else next_value
        next_value += not match[1]
        if index >= len(values):
            raise _wrong(pattern, match[0])
        out += _converted(match, types[index], values[index], pattern)
    return out + pattern[at:]


def _wrong(pattern: str, spec: str) -> ValueError:
    return raised(
        "UNSUPPORTED_FEATURE.PENSTOCK", f"Penstock does not support `{spec}` in the format `{pattern}` for this value.",
        sqlstate="0A000", kind="unsupported", feature=f"`{spec}` in format_string",
    )  # fmt: skip


def _padded(text: str, match: re.Match[str]) -> str:
    width = int(match[3] or 0)
    return text.ljust(width) if "-" in match[2] else text.rjust(width)


def _converted(match: re.Match[str], kind: str, value: str | None, pattern: str) -> str:
    flags, precision, conversion = match[2], match[4], match[5]
    lower = conversion.lower()
    if lower in "sb":
        text = _boolean(kind, value) if lower == "b" else "null" if value is None else value
        if set(flags) - {"-"}:
            raise _wrong(pattern, match[0])
        text = _padded(text[: int(precision)] if precision else text, match)
    elif value is None and lower in "dxofec":
        text = _padded("null", match)
    elif lower in "dxo" and kind in _BITS and not precision:
        text = _integer(match, kind, int(value or 0))
    elif lower in "fe" and kind in ("float", "double"):
        text = _floating(match, kind, value or "")
    elif lower == "c" and kind in _BITS and not precision:
        text = _padded(chr(int(value or 0)), match)
    else:
        raise _wrong(pattern, match[0])
    return text.upper() if conversion.isupper() else text


def _boolean(kind: str, value: str | None) -> str:
    return "false" if value is None else value if kind == "boolean" else "true"


def _integer(match: re.Match[str], kind: str, value: int) -> str:
    flags, conversion = match[2], match[5].lower()
    if conversion == "d":
        return _signed(match, f"{abs(value):,}" if "," in flags else str(abs(value)), value < 0)
    value %= 1 << _BITS[kind]
    digits = f"{value:x}" if conversion == "x" else f"{value:o}"
    if "#" in flags:
        digits = ("0x" if conversion == "x" else "0") + digits
    return digits.zfill(int(match[3] or 0)) if "0" in flags else _padded(digits, match)


def _signed(match: re.Match[str], digits: str, negative: bool) -> str:
    flags, width = match[2], int(match[3] or 0)
    before = ("(" if "(" in flags else "-") if negative else "+" if "+" in flags else " " if " " in flags else ""
    after = ")" if negative and "(" in flags else ""
    if "0" in flags:
        digits = digits.zfill(width - len(before) - len(after))
    return _padded(before + digits + after, match)


def _floating(match: re.Match[str], kind: str, value: str) -> str:
    """Digits of the shortest decimal text of the double, rounded half up."""
    number = float(value.replace("Infinity", "inf"))
    if kind == "float":
        number = float(np.float32(number))
    if number != number or number in (float("inf"), float("-inf")):
        name = "NaN" if number != number else "Infinity"
        return _padded(("-" if number < 0 else "+" if "+" in match[2] and number == number else "") + name, match)
    places = int(match[4]) if match[4] else 6
    exact = Decimal(repr(abs(number)))
    if match[5].lower() == "e":
        digits = _scientific(exact, places)
    else:
        rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        digits = f"{rounded:,f}" if "," in match[2] else f"{rounded:f}"
    return _signed(match, digits, str(number).startswith("-"))


def _scientific(exact: Decimal, places: int) -> str:
    exponent = exact.adjusted() if exact else 0
    rounded = exact.scaleb(-exponent).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if rounded >= 10:
        exponent, rounded = exponent + 1, (rounded / 10).quantize(Decimal(1).scaleb(-places))
    return f"{rounded:f}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
