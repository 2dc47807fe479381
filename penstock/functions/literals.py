"""Constants in column names, and constants inside argument lists."""

from __future__ import annotations

import datetime
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from penstock.core import civil
from penstock.core.text import zone
from penstock.plan.expressions import Cast, Expression, Literal
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    CalendarIntervalType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    YearMonthIntervalType,
)  # fmt: skip

_EPOCH = datetime.datetime(1970, 1, 1)
_DAY = 86_400_000_000
_FIRST, _LAST = (
    (end - _EPOCH) // datetime.timedelta(microseconds=1)
    for end in (datetime.datetime(1, 1, 3), datetime.datetime(9999, 12, 29))
)
#: The zone that timestamps in column names are shown in: the session's, while its plan is analysed.
SHOWN_ZONE: ContextVar[str] = ContextVar("SHOWN_ZONE", default="UTC")


def constant(e: Expression) -> Literal | None:
    """The literal under implicit casts, or None when the expression is no constant."""
    while isinstance(e, Cast) and e.implicit:
        e = e.child
    return e if isinstance(e, Literal) else None


def constant_value(e: Expression) -> Any:
    """The value of a constant; None for NULL and for what is no constant."""
    found = constant(e)
    return found.value if found is not None else None


def literal_name(e: Literal) -> str:
    """Strings bare, NULL, `1.0`, `DATE '2020-01-01'`, `INTERVAL '1' DAY`, `array(1, 2)`."""
    return "NULL" if e.value is None else value_name(e.value, e.data_type)


def value_name(value: Any, t: DataType) -> str:
    """As `literal_name`, for a value of type `t`."""
    if value is None:
        return "NULL"
    if isinstance(t, StringType):
        return str(value)
    if isinstance(t, (DayTimeIntervalType, YearMonthIntervalType)):
        return interval_text(value, t)
    show = _SHOW.get(type(t))
    if show is not None:
        return str(show(value, t))
    return str(value).lower() if isinstance(value, bool) else str(value)


def double_text(value: float) -> str:
    """A double as Java prints it: `1.0`, `1.0E10`, `1.0E-5`, `NaN`, `Infinity`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(float(value)) if "e" not in repr(float(value)) else f"{value:f}"
    mantissa, exponent = f"{Decimal(repr(value)):E}".split("E")
    mantissa = mantissa.rstrip("0") if "." in mantissa else mantissa + "."
    return f"{mantissa}0E{int(exponent)}" if mantissa.endswith(".") else f"{mantissa}E{int(exponent)}"


def _timestamp(value: int, t: DataType) -> str:
    if isinstance(t, TimestampNTZType):
        return f"TIMESTAMP_NTZ '{civil.timestamp_text(value)}'"
    return f"TIMESTAMP '{civil.timestamp_text(value + _offset(value))}'"


def _offset(micros: int) -> int:
    """How far the clocks of the zone that is shown are ahead of UTC, in microseconds."""
    cycles = civil.cycles_of_days(micros // _DAY)
    inside = min(max(micros - cycles * civil.MICROS, _FIRST), _LAST)  # an hour at either end may be outside, too
    instant = _EPOCH.replace(tzinfo=datetime.UTC) + datetime.timedelta(microseconds=inside)
    offset = instant.astimezone(zone(SHOWN_ZONE.get())).utcoffset() or datetime.timedelta()
    return offset // datetime.timedelta(microseconds=1)


def _date(value: int, t: DataType) -> str:
    return f"DATE '{civil.date_text(value)}'"


def _array(value: tuple[Any, ...], t: ArrayType) -> str:
    return f"array({', '.join(value_name(v, t.elementType) for v in value)})"


def _struct(value: tuple[Any, ...], t: StructType) -> str:
    parts = (f"{f.name}, {value_name(v, f.dataType)}" for f, v in zip(t.fields, value, strict=True))
    return f"named_struct({', '.join(parts)})"


def _map(value: tuple[tuple[Any, Any], ...], t: MapType) -> str:
    parts = (f"{value_name(k, t.keyType)}, {value_name(v, t.valueType)}" for k, v in value)
    return f"map({', '.join(parts)})"


def _time(value: int, t: DataType) -> str:
    seconds, ns = divmod(value, 1_000_000_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"TIME '{text}" + (f".{ns:09d}".rstrip("0") if ns else "") + "'"


def _decimal(value: Decimal) -> str:
    """As Java's BigDecimal: no negative zero, no positive exponent."""
    return str(value if value else abs(value)) if int(value.as_tuple().exponent) <= 0 else f"{value:f}"


def _calendar(value: tuple[int, int, int], t: DataType) -> str:
    months, days, us = value
    parts = [f"{months // 12} years" if months // 12 else "", f"{months % 12} months" if months % 12 else ""]
    parts += [f"{days} days" if days else "", f"{us / 1e6:g} seconds" if us else ""]
    return f"INTERVAL '{' '.join(p for p in parts if p) or '0 seconds'}'"


_SHOW: dict[type, Any] = {
    DateType: _date,
    TimestampType: _timestamp,
    TimestampNTZType: _timestamp,
    BinaryType: lambda value, t: f"X'{bytes(value).hex().upper()}'",
    DoubleType: lambda value, t: double_text(value),
    FloatType: lambda value, t: double_text(value),
    DecimalType: lambda value, t: _decimal(Decimal(value)),
    ArrayType: _array,
    StructType: _struct,
    MapType: _map,
    TimeType: _time,
    CalendarIntervalType: _calendar,
}


# ---------------------------------------------------------------- intervals

_DAY_TIME = ("DAY", "HOUR", "MINUTE", "SECOND")
_YEAR_MONTH = ("YEAR", "MONTH")


def interval_text(value: int, t: DayTimeIntervalType | YearMonthIntervalType) -> str:
    """`INTERVAL '1 02:03:04.5' DAY TO SECOND`, as Spark's ANSI interval style writes a value of type `t`."""
    words = _DAY_TIME if isinstance(t, DayTimeIntervalType) else _YEAR_MONTH
    start, end = t.startField or 0, t.endField if t.endField is not None else t.startField or 0
    body = (
        _day_time(abs(value), start, end) if isinstance(t, DayTimeIntervalType) else _year_month(abs(value), start, end)
    )
    unit = words[start] if start == end else f"{words[start]} TO {words[end]}"
    return f"INTERVAL '{'-' if value < 0 else ''}{body}' {unit}"


def _year_month(months: int, start: int, end: int) -> str:
    if start == end:
        return str(months // 12 if start == 0 else months)
    return f"{months // 12}-{months % 12}"


def _day_time(us: int, start: int, end: int) -> str:
    units = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)
    parts: list[str] = []
    for field in range(start, end + 1):
        amount, us = divmod(us, units[field])
        parts.append(f"{amount}" if field == 0 else f"{amount:02d}")
    if end == 3 and us:
        parts[-1] += f".{us:06d}".rstrip("0")
    if start == 0 and len(parts) > 1:
        return f"{parts[0]} {':'.join(parts[1:])}"
    return ":".join(parts)
