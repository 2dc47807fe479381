"""Literals of Spark SQL: numbers with suffixes, hexadecimal bytes, dates, timestamps, intervals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from penstock.core import civil
from penstock.core.active_conf import timestamps_are_local
from penstock.core.errors import DATE_TIME, SparkError, parse_error, unsupported
from penstock.plan import types as t
from penstock.plan.expressions import Literal
from penstock.sql import intervals
from penstock.sql.intervals import DAY_TIME_FIELDS, YEAR_MONTH_FIELDS, Interval, unit_name
from penstock.sql.types import precision_error

_INTEGRAL = {"Y": (t.BYTE, 8), "S": (t.SHORT, 16), "L": (t.LONG, 64)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DATE = re.compile(r"([+-]?\d{4,7})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T].*)?)?)?")
_TIMESTAMP = re.compile(
    r"([+-]?\d{4,6})"
    r"(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T](?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{0,9}))?)?)?\s*(\S.*)?)?)?)?"
)
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?")
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")
_SPECIAL = {"now", "today", "tomorrow", "yesterday"}


def number(text: str) -> Literal:
    """`1`, `1L`, `1.50`, `1e3`, `2.5BD`, with a sign in front of it or not."""
    match = re.fullmatch(r"(-?[\d.]+(?:[eE][+-]?\d+)?)(BD|[LSYDF])?", text)
    if match is None:
        raise invalid_literal("NUMERIC", text)
    digits, suffix = match.group(1), match.group(2) or ""
    if suffix in _INTEGRAL:
        return _integral(digits, suffix)
    if suffix in ("D", "F"):
        return _floating(digits, t.DOUBLE if suffix == "D" else t.FLOAT)
    if suffix == "BD":
        return decimal(digits)
    if "e" in digits.lower():
        return _floating(digits, t.DOUBLE)
    return decimal(digits) if "." in digits else _integer(digits)


_MOST = {t.DOUBLE: Decimal("1.7976931348623157E+308"), t.FLOAT: Decimal("3.4028234663852886E+38")}


def _floating(digits: str, data_type: t.DataType) -> Literal:
    most = _MOST[data_type]
    if abs(Decimal(digits)) > most:
        raise _outside(digits, data_type, -most, most)
    return Literal(float(digits), data_type)


def _integer(digits: str) -> Literal:
    value = int(digits)
    if -(2**31) <= value < 2**31:
        return Literal(value, t.INTEGER)
    return Literal(value, t.LONG) if -(2**63) <= value < 2**63 else decimal(digits)


def _integral(digits: str, suffix: str) -> Literal:
    data_type, bits = _INTEGRAL[suffix]
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if not digits.lstrip("-").isdigit():
        raise invalid_literal("NUMERIC", digits + suffix)
    if not low <= int(digits) <= high:
        raise _outside(digits, data_type, low, high)
    return Literal(int(digits), data_type)


def _outside(digits: str, data_type: t.DataType, low: object, high: object) -> SparkError:
    name = data_type.simpleString()
    return parse_error(
        "INVALID_NUMERIC_LITERAL_RANGE", f"The literal {digits} is outside of {name}, which goes from {low} to {high}.",
        "22003", rawStrippedQualifier=digits, minValue=low, maxValue=high, typeName=name,
    )  # fmt: skip


def decimal(digits: str) -> Literal:
    """An exact number; its type has the digits that were written."""
    value = Decimal(digits)
    parts = value.as_tuple()
    exponent = int(parts.exponent)
    scale = max(0, -exponent)
    precision = max(len(parts.digits) + max(0, exponent), scale)
    if precision > 38:
        raise precision_error(precision)
    return Literal(value, t.DecimalType(precision, scale))


def binary(text: str) -> Literal:
    """X'1F'; an odd number of digits gets a zero in front."""
    try:
        return Literal(bytes.fromhex("0" + text if len(text) % 2 else text), t.BINARY)
    except ValueError:
        raise invalid_literal("X", text) from None


def typed(keyword: str, text: str, time_zone: str) -> Literal:
    """DATE, TIMESTAMP, TIMESTAMP_NTZ, TIMESTAMP_LTZ and TIME; without a zone in the text, `time_zone` holds, or
    TIMESTAMP means TIMESTAMP_NTZ."""
    value = text.strip()
    if value.lower() in _SPECIAL:
        raise unsupported(f"the special value {keyword} '{value}'", "Use current_date() or current_timestamp().")
    if keyword == "DATE":
        return Literal(_days(value, keyword), t.DATE)
    if keyword == "TIME":
        return Literal(_nanos(value), t.TimeType(6))
    if keyword == "TIMESTAMP_NTZ":
        return Literal(_micros(value, keyword, "UTC", zoned=False), t.TIMESTAMP_NTZ)
    if keyword == "TIMESTAMP" and timestamps_are_local():
        if (zone := _zone_in(value)) is None:
            return Literal(_micros(value, keyword, "UTC", zoned=False), t.TIMESTAMP_NTZ)
        _check_zone(zone)
    return Literal(_micros(value, keyword, time_zone, zoned=True), t.TIMESTAMP)


def _zone_in(text: str) -> str | None:
    match = _TIMESTAMP.fullmatch(text)
    return match.groups()[-1] if match is not None else None


def _check_zone(name: str) -> None:
    try:
        _zone(name)
    except (ValueError, KeyError, OSError):
        message = f"There is no time zone {name!r}: give a name like Europe/Paris or an offset like +02:00."
        raise SparkError("INVALID_TIMEZONE", message, {"timeZone": name}, sqlstate="22009", classes=DATE_TIME) from None


def _days(text: str, keyword: str) -> int:
    if text.lower() == "epoch":
        return 0
    match = _DATE.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        year, month, day = (int(part or 1) for part in match.groups())
        return _held(civil.days_of(year, month, day), 32)
    except ValueError:
        raise invalid_literal(keyword, text) from None


def _micros(text: str, keyword: str, time_zone: str, *, zoned: bool) -> int:
    if text.lower() == "epoch":
        return 0
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        *numbers, fraction, zone = match.groups()
        year, month, day, hour, minute, second = (
            int(n or low) for n, low in zip(numbers, (1, 1, 1, 0, 0, 0), strict=True)
        )
        micro = int((fraction or "").ljust(6, "0")[:6])
        region = _zone(zone or time_zone) if zoned else UTC
        cycles = civil.cycles_of_year(year)
        moment = datetime(year - cycles * civil.YEARS, month, day, hour, minute, second, micro, tzinfo=region)
        micros = (moment.replace(tzinfo=UTC) - (moment.utcoffset() or timedelta()) - _EPOCH) // _MICROSECOND
        return _held(micros + cycles * civil.MICROS, 64)
    except (ValueError, KeyError, OverflowError):
        raise invalid_literal(keyword, text) from None


def _held(value: int, bits: int) -> int:
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ValueError(value)
    return value


def _zone(name: str) -> tzinfo:
    """A region, `Z`, or an offset such as +01:00 or GMT+8."""
    if name in ("Z", "UTC", "GMT"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match is None:
        return ZoneInfo(name)
    sign = -1 if match.group(1) == "-" else 1
    hours, minutes, seconds = (int(part or 0) for part in match.group(2, 3, 4))
    return timezone(sign * timedelta(hours=hours, minutes=minutes, seconds=seconds))


def _nanos(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise invalid_literal("TIME", text)
    hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3))
    if hour > 23 or minute > 59 or second > 59:
        raise invalid_literal("TIME", text)
    micro = int((match.group(4) or "").ljust(6, "0"))
    return ((hour * 3600 + minute * 60 + second) * 1_000_000 + micro) * 1000


def interval(fields: list[tuple[str, str, str]]) -> Literal:
    """INTERVAL literals, of (value, unit, end unit): one range `'1-2' YEAR TO MONTH`, one text `'1 day 2 hours'`, or
    several values with a unit each.  The type covers the units named."""
    text = " ".join(part for field in fields for part in field if part)
    try:
        value, unit, end = fields[0]
        if len(fields) == 1 and end:
            return _range(value, unit, end)
        if len(fields) == 1 and not unit:
            if not re.search("[a-z]", value, re.IGNORECASE):
                raise invalid_literal("INTERVAL", value)
            words = [unit_name(word) for word in re.findall(r"[A-Za-z]+", value)]
            return _of_units(intervals.interval_of(value), [word for word in words if word], text)
        total = Interval()
        for value, unit, _ in fields:
            if re.search(r"[^\W\d_]", value):
                message = f"The value of an interval must be a number, not {value!r}."
                raise parse_error("_LEGACY_ERROR_TEMP_0026", message, "", value=value)
            total = total.plus(intervals.from_unit(value, unit))
        return _of_units(total, [unit for _, unit, _ in fields], text)
    except ValueError as error:
        raise intervals.invalid_interval(text, str(error)) from None


def _range(value: str, start: str, end: str) -> Literal:
    negative, text = value.startswith("-"), value.removeprefix("-")
    if value.startswith("--"):
        negative, text = False, value[2:]
    sign = -1 if negative else 1
    if (start, end) == YEAR_MONTH_FIELDS:
        return Literal(sign * intervals.year_month(text), t.YearMonthIntervalType(0, 1))
    if start in DAY_TIME_FIELDS and end in DAY_TIME_FIELDS[DAY_TIME_FIELDS.index(start) + 1 :]:
        first, last = DAY_TIME_FIELDS.index(start), DAY_TIME_FIELDS.index(end)
        return Literal(sign * intervals.day_time(text, start, end), t.DayTimeIntervalType(first, last))
    message = f"An interval cannot go from {start} to {end}."
    params = {"from": start, "to": end, "input": value}
    raise parse_error("INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION", message, "22006", **params)


_FIELD_OF_UNIT = {
    "week": 0,
    "day": 0,
    "hour": 1,
    "minute": 2,
    "second": 3,
    "millisecond": 3,
    "microsecond": 3,
    "nanosecond": 3,
}


def _of_units(value: Interval, units: list[str], text: str) -> Literal:
    months = [YEAR_MONTH_FIELDS.index(unit) for unit in units if unit in YEAR_MONTH_FIELDS]
    times = [_FIELD_OF_UNIT[unit] for unit in units if unit in _FIELD_OF_UNIT]
    if months and times:
        message = f"The interval {text!r} mixes year-month and day-time units; use make_interval or two literals."
        raise parse_error("_LEGACY_ERROR_TEMP_0029", message, literal=text)
    if months:
        return Literal(value.months, t.YearMonthIntervalType(min(months), max(months)))
    micros = value.days * intervals.MICROS_PER_DAY + value.microseconds
    return Literal(micros, t.DayTimeIntervalType(min(times), max(times)))


def invalid_literal(keyword: str, text: str) -> SparkError:
    """INVALID_TYPED_LITERAL: the text does not denote a value of the type."""
    message = f"The value {text!r} of the typed literal {keyword} is invalid."
    return parse_error("INVALID_TYPED_LITERAL", message, "42604", valueType=f'"{keyword}"', value=f"'{text}'")
