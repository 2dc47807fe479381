"""Texts as numbers by the rules of Java, which Spark's readers rely on.  What does not fit raises BadValue."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from penstock.sources.records.errors import BadValue

_WHOLE = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[\x00-\x20]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?[\x00-\x20]*")
_HEX = re.compile(
    r"[\x00-\x20]*[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+[dDfF]?[\x00-\x20]*"
)
_WORDS = {"NaN": "nan", "Infinity": "inf", "+Infinity": "inf", "-Infinity": "-inf", "+NaN": "nan", "-NaN": "nan"}
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WIDE = Context(prec=400, rounding=ROUND_HALF_UP)
BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}


def whole(text: str, bits: int) -> int:
    """A signed whole number of so many bits."""
    if _WHOLE.fullmatch(text) is None:
        raise BadValue
    return fitting(int(text), bits)


def fitting(value: int, bits: int) -> int:
    """The number, if it has not too many bits."""
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise BadValue
    return value


def floating(text: str) -> float:
    """As Java's Double.parseDouble: blanks around, a suffix `d` or `f`, NaN and Infinity."""
    bare = text.strip("".join(map(chr, range(33))))
    if bare in _WORDS:
        return float(_WORDS[bare])
    if _FLOAT.fullmatch(text):
        return float(bare.rstrip("dDfF"))
    if _HEX.fullmatch(text):
        return float.fromhex(bare.rstrip("dD") if bare[-1] in "dD" else bare)
    raise BadValue


def big_decimal(text: str) -> Decimal:
    """As java.math.BigDecimal."""
    if _DECIMAL.fullmatch(text) is None:
        raise BadValue
    try:
        return Decimal(text)
    except InvalidOperation:
        raise BadValue from None


def decimal(value: Decimal, precision: int, scale: int) -> Decimal:
    """Rounded half up to `scale`; BadValue if that has too many digits."""
    try:
        rounded = value.quantize(Decimal(1).scaleb(-scale), context=_WIDE)
    except InvalidOperation:
        raise BadValue from None
    if not rounded.is_finite() or (len(rounded.as_tuple().digits) > precision and rounded != 0):
        raise BadValue
    return rounded


def boolean(text: str) -> bool:
    """As Scala's toBoolean: the words in any case."""
    found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise BadValue
    return found
