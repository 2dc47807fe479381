"""The type that a text would have: the cascade of guesses of CSV and XML inference."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from penstock.core.active_conf import timestamps_are_local
from penstock.plan.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    NULL,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NullType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.sources import options as opt
from penstock.sources.records import values
from penstock.sources.records.errors import BadValue
from penstock.sources.records.java_time import java_pattern
from penstock.sources.records.times import Times

_DIGITS = {IntegerType: 10, LongType: 20}


def fits(read: Callable[[str], object], text: str) -> bool:
    """Whether a parser takes the text."""
    try:
        read(text)
    except BadValue:
        return False
    return True


class CsvGuess:
    """Guesses one column, text by text."""

    def __init__(self, options: Mapping[str, str], times: Times) -> None:
        self._times = times
        self._null = options.get("nullvalue", "")
        self._words = {
            options.get("nanvalue", "NaN"),
            options.get("negativeinf", "-Inf"),
            options.get("positiveinf", "Inf"),
        }
        self._prefers_date = opt.boolean(options, "preferDate", True)
        self._date = java_pattern(options.get("dateformat", "yyyy-MM-dd"))
        self._local_kind = TIMESTAMP_NTZ if timestamps_are_local() else TIMESTAMP
        self._steps: tuple[tuple[type[DataType], Callable[[str], DataType | None]], ...] = (
            (IntegerType, lambda text: INTEGER if fits(lambda one: values.whole(one, 32), text) else None),
            (LongType, lambda text: LONG if fits(lambda one: values.whole(one, 64), text) else None),
            (DecimalType, self._decimal),
            (DoubleType, lambda text: DOUBLE if text in self._words or fits(values.floating, text) else None),
            (DateType, lambda text: DATE if self._prefers_date and fits(self._date.date, text) else None),
            (TimestampNTZType, lambda text: self._local_kind if fits(self._local, text) else None),
            (TimestampType, lambda text: TIMESTAMP if fits(self._moment, text) else None),
            (BooleanType, lambda text: BOOLEAN if fits(values.boolean, text) else None),
        )

    def _local(self, text: str) -> int:
        if self._local_kind == TIMESTAMP and self._times.timestamp_pattern and not self._times.local_pattern:
            raise BadValue
        return self._times.local_timestamp(text)

    def _moment(self, text: str) -> int:
        pattern = self._times.timestamp_pattern
        return self._times.timestamp(text) if pattern is None else pattern.timestamp(text, self._times.time_zone)

    def _decimal(self, text: str) -> DataType | None:
        try:
            number = values.big_decimal(text).as_tuple()
        except BadValue:
            return None
        exponent = int(number.exponent)
        digits = len(number.digits)
        return DecimalType(digits - exponent if exponent > 0 else digits, 0) if exponent == 0 and digits <= 38 else None

    def field(self, so_far: DataType, text: str | None) -> DataType:
        """The column's type after one more text."""
        if text is None or text == "" or text == self._null or isinstance(so_far, StringType):
            return so_far
        start = IntegerType if isinstance(so_far, NullType) else type(so_far)
        found: DataType = STRING
        kinds = [kind for kind, _ in self._steps]
        for _, guess in self._steps[kinds.index(start) :]:
            guessed = guess(text)
            if guessed is not None:
                found = guessed
                break
        return common(so_far, found)


def canonical(t: DataType, never_set: DataType | None) -> DataType | None:
    """Without empty structs and nameless fields; what was always NULL is `never_set`, or goes."""
    if isinstance(t, ArrayType):
        inner = canonical(t.elementType, never_set)
        return None if inner is None else ArrayType(inner, t.containsNull)
    if isinstance(t, StructType):
        kept = [(f, canonical(f.dataType, never_set)) for f in t.fields if f.name]
        fields = [StructField(f.name, inner, True) for f, inner in kept if inner is not None]
        return StructType(fields) if fields else None
    return never_set if isinstance(t, NullType) else t


def common(a: DataType, b: DataType) -> DataType:
    """The type of a CSV column with texts of both types."""
    if a == b or isinstance(b, NullType):
        return a
    if isinstance(a, NullType):
        return b
    if (time := wider_time(a, b)) is not None:
        return time
    numbers = (IntegerType, LongType, DecimalType, DoubleType)
    if isinstance(a, numbers) and isinstance(b, numbers):
        return _number(a, b)
    return STRING


def wider_time(a: DataType, b: DataType) -> DataType | None:
    """The type of dates and times of both types; None where one is neither."""
    kinds = (DATE, TIMESTAMP_NTZ, TIMESTAMP)
    return max(a, b, key=kinds.index) if a in kinds and b in kinds else None


def _number(a: DataType, b: DataType) -> DataType:
    if DOUBLE in (a, b):
        return DOUBLE
    if isinstance(a, DecimalType) or isinstance(b, DecimalType):
        digits = max(t.precision if isinstance(t, DecimalType) else _DIGITS[type(t)] for t in (a, b))
        return DecimalType(digits, 0) if digits <= 38 else DOUBLE
    return LONG


class XmlGuess:
    """Guesses single texts of XML."""

    def __init__(self, options: Mapping[str, str], times: Times) -> None:
        self._times = times
        self._null = options.get("nullvalue")
        self._trim = opt.boolean(options, "ignoreSurroundingSpaces", True)
        self._infer = opt.boolean(options, "inferSchema", True)
        self._prefers_date = opt.boolean(options, "preferDate", True)
        self._decimals = opt.boolean(options, "prefersDecimal", False)
        self._local = timestamps_are_local()
        self._date = java_pattern(options.get("dateformat", "yyyy-MM-dd"))

    def type_of(self, text: str | None) -> DataType:
        """The type of one text; NULL for none."""
        if text is not None and self._trim:
            text = text.strip("".join(map(chr, range(33))))
        if not self._infer:
            return STRING
        if not text:
            return NULL
        bare = text[1:] if text[:1] in ("+", "-") else text
        if bare[:1].isdigit() and fits(lambda one: values.whole(one, 64), bare):
            return LONG
        if (bare[:1].isdigit() or bare[:1] == ".") and bare[-1] not in "dDfF" and fits(values.floating, bare):
            return self._decimal(text) if self._decimals else DOUBLE
        return self._time_or_word(text)

    def _decimal(self, text: str) -> DataType:
        try:
            number = values.big_decimal(text.replace(",", "")).as_tuple()
        except BadValue:
            return DOUBLE
        scale = -int(number.exponent)
        precision = max(len(number.digits), scale)
        return DecimalType(precision, scale) if scale >= 0 and precision <= 38 else DOUBLE

    def _time_or_word(self, text: str) -> DataType:
        if self._prefers_date and fits(self._date.date, text):
            return DATE
        if self._local and fits(self._times.local_timestamp, text):
            return TIMESTAMP_NTZ
        pattern = self._times.timestamp_pattern
        moment = self._times.timestamp if pattern is None else lambda one: pattern.timestamp(one, self._times.time_zone)
        if (pattern is not None or re.match(r"[+-]?\d|T\d", text)) and fits(moment, text):
            return TIMESTAMP
        return BOOLEAN if text.lower() in ("true", "false") else STRING
