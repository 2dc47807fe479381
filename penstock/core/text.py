"""Values as text, as Spark's `show` prints them: Java's doubles, hexadecimal bytes, `{a -> 1}`, local timestamps."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pyspark.sql import types as t

if TYPE_CHECKING:
    import pyarrow as pa

Render = Callable[[Any], str]

_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROS = 1_000_000


def double_text(value: float) -> str:
    """A double as Java prints it: 1.0E20, 0.001, 9.99E-4, NaN, -Infinity."""
    return _java_float(value, repr(value))


def float_text(value: float) -> str:
    """A 32-bit float as Java prints it."""
    import numpy

    return _java_float(value, str(numpy.float32(value)))


def _java_float(value: float, shortest: str) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return shortest if "." in shortest else shortest + ".0"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + int(exponent)
    if len(text) == 1:  # Java always gives two digits, the nearest two: 4.9E-324
        text, point = _two_digits(abs(value), text, point)
    return ("-" if sign else "") + _place_point(text, point)


def _two_digits(value: float, text: str, point: int) -> tuple[str, int]:
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    digits = mantissa.replace(".", "").rstrip("0")
    return (digits, int(exponent) + 1) if float(f"{value:.1e}") == value and digits else (text, point)


def _place_point(digits: str, point: int) -> str:
    if -3 < point <= 7:
        if point <= 0:
            return "0." + "0" * -point + digits
        whole, fraction = digits[:point].ljust(point, "0"), digits[point:]
        return f"{whole}.{fraction or '0'}"
    return f"{digits[0]}.{digits[1:] or '0'}E{point - 1}"


def decimal_text(value: Decimal) -> str:
    """A decimal in plain digits, never with an exponent."""
    return format(value, "f")


def binary_text(value: bytes) -> str:
    """Bytes as `[01 FF]`."""
    return f"[{value.hex(' ').upper()}]"


def zone(name: str) -> datetime.tzinfo:
    """A Spark time zone: a region or an offset such as +01:00, UTC+3 or GMT-1."""
    match = re.fullmatch(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::(\d{1,2}))?(?::(\d{1,2}))?", name)
    if match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
        delta = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return datetime.timezone(-delta if match[1] == "-" else delta)
    if name in ("UTC", "GMT", "UT", "Z", "Etc/UTC"):
        return datetime.UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _date_time_text(moment: datetime.datetime) -> str:
    text = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d} {moment:%H:%M:%S}"
    return text + (f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else "")


def timestamp_text(micros: int, time_zone: datetime.tzinfo | None) -> str:
    """Microseconds since 1970 as local time in `time_zone`; None: a timestamp without zone."""
    try:
        delta = datetime.timedelta(microseconds=micros)
        if time_zone is None:
            return _date_time_text(_EPOCH + delta)
        return _date_time_text((_EPOCH_UTC + delta).astimezone(time_zone))
    except OverflowError:  # years that Python's datetime does not have, as UTC
        import numpy

        text = str(numpy.datetime64(micros, "us")).replace("T", " ")
        return text.rstrip("0").rstrip(".") if "." in text else text


def date_text(days: int) -> str:
    """Days since 1970 as yyyy-mm-dd."""
    try:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=days)).isoformat()
    except OverflowError:
        import numpy

        return str(numpy.datetime64(days, "D"))


_DAY_TIME_FIELDS = ("DAY", "HOUR", "MINUTE", "SECOND")
_YEAR_MONTH_FIELDS = ("YEAR", "MONTH")


def _span(fields: tuple[str, ...], first: int, last: int) -> str:
    return fields[first] if first == last else f"{fields[first]} TO {fields[last]}"


def day_time_text(micros: int, first: int, last: int) -> str:
    """A day-time interval: `INTERVAL '1 02:03:04.5' DAY TO SECOND`."""
    sign, rest = ("-" if micros < 0 else ""), abs(micros)
    units = (86_400 * _MICROS, 3_600 * _MICROS, 60 * _MICROS)
    parts: list[str] = []
    for index, unit in enumerate(units[first : last + 1], first):
        number, rest = divmod(rest, unit)
        parts.append(str(number) if index == 0 else f"{number:02d}")
    if last == 3:
        seconds, fraction = divmod(rest, _MICROS)
        parts.append(f"{seconds:02d}" + (f".{fraction:06d}".rstrip("0") if fraction else ""))
    body = parts[0] + " " + ":".join(parts[1:]) if first == 0 and len(parts) > 1 else ":".join(parts)
    return f"INTERVAL '{sign}{body}' {_span(_DAY_TIME_FIELDS, first, last)}"


def year_month_text(months: int, first: int, last: int) -> str:
    """A year-month interval: `INTERVAL '1-2' YEAR TO MONTH`."""
    sign, (years, rest) = ("-" if months < 0 else ""), divmod(abs(months), 12)
    body = {(0, 0): str(years), (1, 1): str(abs(months))}.get((first, last), f"{years}-{rest}")
    return f"INTERVAL '{sign}{body}' {_span(_YEAR_MONTH_FIELDS, first, last)}"


def calendar_text(months: int, days: int, nanos: int) -> str:
    """A calendar interval: `1 years 2 months -3 days 4 hours 5.5 seconds`, without the parts that are zero."""
    us = abs(nanos) // 1000
    sign = "-" if nanos < 0 else ""
    seconds = f"{us // _MICROS % 60}.{us % _MICROS:06d}".rstrip("0").rstrip(".")
    months_sign = "-" if months < 0 else ""
    parts = (
        (f"{months_sign}{abs(months) // 12}", "years"), (f"{months_sign}{abs(months) % 12}", "months"),
        (str(days), "days"), (f"{sign}{us // (3_600 * _MICROS)}", "hours"),
        (f"{sign}{us // (60 * _MICROS) % 60}", "minutes"), (f"{sign}{seconds}", "seconds"),
    )  # fmt: skip
    shown = [f"{number} {unit}" for number, unit in parts if number not in ("0", "-0")]
    return " ".join(shown) or "0 seconds"


def texts(column: pa.Array | pa.ChunkedArray, data_type: t.DataType, time_zone: datetime.tzinfo) -> list[str | None]:
    """Each value of an Arrow column as text; None for NULL."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        return [text for chunk in column.chunks for text in texts(chunk, data_type, time_zone)]
    if isinstance(data_type, (t.ArrayType, t.MapType, t.StructType)):
        return _nested_texts(column, data_type, time_zone)
    render = scalar_renderer(data_type, time_zone)
    if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
        column = column.cast(f"{'timestamp' if pa.types.is_timestamp(column.type) else 'duration'}[us]").cast("int64")
    elif pa.types.is_date32(column.type):
        column = column.cast("int32")
    return [None if value is None else render(value) for value in column.to_pylist()]


def scalar_renderer(data_type: t.DataType, time_zone: datetime.tzinfo) -> Render:
    """How one value of a type without parts is shown: dates are days, timestamps microseconds since 1970."""
    match data_type:
        case t.BooleanType():
            return lambda value: "true" if value else "false"
        case t.DoubleType():
            return double_text
        case t.FloatType():
            return float_text
        case t.DecimalType():
            return decimal_text
        case t.BinaryType():
            return binary_text
        case t.DateType():
            return date_text
        case t.TimestampType():
            return lambda micros: timestamp_text(micros, time_zone)
        case t.TimestampNTZType():
            return lambda micros: timestamp_text(micros, None)
        case t.DayTimeIntervalType():
            return lambda micros: day_time_text(int(micros), data_type.startField, data_type.endField)
        case t.YearMonthIntervalType():
            return lambda months: year_month_text(int(months), data_type.startField, data_type.endField)
        case t.CalendarIntervalType():
            return lambda value: calendar_text(*value)
        case t.VariantType():
            from penstock.core.variants import decoded, json_text

            return lambda value: json_text(decoded(value), time_zone)
    return str


def _shown(column: Any, data_type: t.DataType, time_zone: datetime.tzinfo) -> list[str]:
    return ["NULL" if text is None else text for text in texts(column, data_type, time_zone)]


def _nested_texts(column: Any, data_type: t.DataType, time_zone: datetime.tzinfo) -> list[str | None]:
    if isinstance(data_type, t.StructType):
        fields = [_shown(column.field(i), field.dataType, time_zone) for i, field in enumerate(data_type.fields)]
        rows = ["{" + ", ".join(field[i] for field in fields) + "}" for i in range(len(column))]
        return [row if valid else None for row, valid in zip(rows, column.is_valid().to_pylist(), strict=True)]
    return [None if not scalar.is_valid else _collection_text(scalar, data_type, time_zone) for scalar in column]


def _collection_text(scalar: Any, data_type: t.DataType, time_zone: datetime.tzinfo) -> str:
    if isinstance(data_type, t.MapType):
        entries = scalar.values
        keys = _shown(entries.field(0), data_type.keyType, time_zone)
        values = _shown(entries.field(1), data_type.valueType, time_zone)
        return "{" + ", ".join(f"{key} -> {value}" for key, value in zip(keys, values, strict=True)) + "}"
    assert isinstance(data_type, t.ArrayType)
    return "[" + ", ".join(_shown(scalar.values, data_type.elementType, time_zone)) + "]"
