"""Dates and timestamps from and to text: to_date, to_timestamp, date_format, unix_timestamp, from_unixtime."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import unsupported
from penstock.core.java_format import format_micros
from penstock.core.row_functions import define
from penstock.functions.coercion import DATETIME, cast_if_needed, default_timestamp, is_numeric, is_string
from penstock.functions.errors import wrong_input
from penstock.functions.interval_arithmetic import wall_clock
from penstock.functions.literals import constant, constant_value
from penstock.functions.markers import raise_with_values
from penstock.functions.patterns import choices, format_sql, formats, names_zone, parse_sql, parses
from penstock.functions.resolve import null_on_failure
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.functions.zones import instant
from penstock.plan.expressions import Cast, Expression, FunctionCall, Literal
from penstock.plan.types import (
    DATE,
    LONG,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    DataType,
    DateType,
    NullType,
    TimestampNTZType,
    TimestampType,
)  # fmt: skip

_DEFAULT = Literal("yyyy-MM-dd HH:mm:ss", STRING)


def _pattern(e: Expression, name: str) -> str:
    value = constant_value(e)
    if not isinstance(value, str):
        raise unsupported(f"{name} with a pattern that is not a constant")
    return value


def _unparsable(text: str, name: str) -> str:
    return raise_with_values(
        "CANNOT_PARSE_TIMESTAMP", f"Text '{{_value}}' does not fit the pattern. Use `{name}` to get NULL instead.",
        {"_value": text}, sqlstate="22007", kind="date_time", func=f"`{name}`",
        message_="Text '{_value}' could not be parsed",
    )  # fmt: skip


def parsed(text: str, pattern: str, fails: bool, suggestion: str, zone_type: str, zone: str) -> str:
    """`text` parsed by a pattern as `zone_type`; what does not fit raises CANNOT_PARSE_TIMESTAMP, or is NULL.
    `zone` is the session's."""
    values = [_parsed_whole(text, choice, zone_type, zone) for choice in choices(pattern)]
    if not fails and len(values) == 1:
        return values[0]
    if not fails:
        return f"coalesce({', '.join(values)})"
    return f"coalesce({', '.join(values)}, CASE WHEN {text} IS NOT NULL THEN {_unparsable(text, suggestion)} END)"


def _parsed_whole(text: str, pattern: str, zone_type: str, zone: str) -> str:
    """By a pattern without optional parts; NULL for what does not fit."""
    value, zoned = parse_sql(text, pattern)
    if zoned and zone_type == "TIMESTAMP":
        value = f"CAST({value} AS TIMESTAMP)"
    return f"CAST({value} AS {zone_type})" if zoned or zone_type != "TIMESTAMPTZ" else instant(value, zone)


def _parse(kind: DataType | None, strict: bool) -> Any:
    """to_date(x), which is a cast, or to_date(x, pattern); without a `kind` it gives what TIMESTAMP means."""

    def build(args: Args, request: Request) -> Expression:
        name, key = request.name, request.function.name
        target = kind or default_timestamp(request.conf)
        value = args[0]
        if len(args) == 1:
            if isinstance(target, TimestampNTZType) and is_numeric(value.type):  # only an instant counts seconds
                value = cast_if_needed(value, STRING, request.conf)
            mode = ("ansi" if request.conf.ansi else "legacy") if strict else "try"
            cast = value if value.type == target else Cast(value, target, mode, implicit=True)
            return FunctionCall(key, (cast,), target, cast.nullable, name)
        if not (is_string(value.type) or isinstance(value.type, (*DATETIME, NullType))):
            raise wrong_input(name, args, 0, '("STRING" or "DATE" or "TIMESTAMP" or "TIMESTAMP_NTZ")')
        value = value if is_string(value.type) else cast_if_needed(value, target, request.conf)
        pattern = cast_if_needed(args[1], STRING, request.conf)
        nullable = not strict or not request.conf.ansi or value.nullable or pattern.nullable
        return FunctionCall(key, (value, pattern), target, nullable, name)

    return build


def _parse_sql(strict: bool) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        kind = {DateType: "DATE", TimestampType: "TIMESTAMPTZ", TimestampNTZType: "TIMESTAMP"}[type(call.type)]
        if len(args) == 1 or not is_string(call.args[0].type):
            return args[0]
        if isinstance(call.args[1], Literal) and call.args[1].value is None:
            return f"CAST(NULL AS {kind})"
        suggestion = "try_to_date" if kind == "DATE" else "try_to_timestamp"
        fails, zone = strict and context.conf.ansi, context.conf.time_zone
        if _goes_by_row(call.args[1], call.display, kind == "TIMESTAMP"):
            micros = _read_by_row(args, suggestion if fails else "", None if kind == "TIMESTAMP" else zone)
            if kind == "TIMESTAMP":
                return f"make_timestamp({micros})"
            moment = f"make_timestamptz({micros})"
            return moment if kind == "TIMESTAMPTZ" else f"CAST(CAST({moment} AS TIMESTAMP) AS DATE)"
        pattern = _pattern(call.args[1], call.display)
        if kind == "DATE":
            return f"CAST({parsed(args[0], pattern, fails, suggestion, 'TIMESTAMP', zone)} AS DATE)"
        return parsed(args[0], pattern, fails, suggestion, kind, zone)

    return sql


def _goes_by_row(pattern: Expression, name: str, local: bool = False) -> bool:
    """Whether texts are read by Python, row by row: by patterns that are no constants, by letters that DuckDB has no
    directives for, and for times on the `local` clock beside an offset, which DuckDB would add."""
    if constant(pattern) is None:
        return True
    text = _pattern(pattern, name)
    if parses(text) and not (local and names_zone(text)):
        return False
    from penstock.functions.kernels.patterns import java_pattern

    java_pattern(text)  # letters that it does not know either are refused now
    return True


def _read_by_row(args: list[str], suggestion: str, zone: str | None) -> str:
    """Microseconds since 1970, by way of `zone` or on the local clock."""
    from penstock.functions.kernels import patterns

    takes = ("VARCHAR", "VARCHAR", "VARCHAR")
    name = define(f"parse timestamp {zone}", lambda: patterns.reader(zone), takes, "BIGINT")
    return f"{name}({args[0]}, {args[1]}, '{suggestion}')"


def _parser_row(names: str, target: DataType | None, strict: bool = True) -> Function:
    return row(names, "any any?", target or TIMESTAMP, _parse_sql(strict), build=_parse(target, strict))


def _date_format_input(args: Args, request: Request) -> Args:
    value = args[0] if isinstance(args[0].type, TimestampNTZType) else cast_if_needed(args[0], TIMESTAMP, request.conf)
    return value, cast_if_needed(args[1], STRING, request.conf)


def _date_format(args: list[str], call: FunctionCall, context: Any) -> str:
    return _formatted(args, call.args[0].type, call, context)


def _formatted(args: list[str], t: DataType, call: FunctionCall, context: Any) -> str:
    """`args[0]`, a TIMESTAMP or TIMESTAMP_NTZ, by the pattern that the call's second argument is."""
    zone = None if isinstance(t, TimestampNTZType) else context.conf.time_zone
    if constant(call.args[1]) is None:
        return _formatted_by_row(args, zone)
    if constant_value(call.args[1]) is None:
        return "CAST(NULL AS VARCHAR)"
    pattern = _pattern(call.args[1], call.display)
    if not formats(pattern, zone or "UTC"):
        format_micros(0, pattern, zone)  # letters that it does not know either are refused now
        return _formatted_by_row(args, zone)
    return format_sql(wall_clock(args[0], t), pattern, context.conf.time_zone)


def _formatted_by_row(args: list[str], zone: str | None) -> str:
    """By Python, row by row: patterns that DuckDB has no directives for, and those that are no constants."""
    from penstock.functions.kernels import patterns

    name = define(f"date_format {zone}", lambda: patterns.formatter(zone), ("BIGINT", "VARCHAR"), "VARCHAR")
    return f"{name}(epoch_us({args[0]}), {args[1]})"


def _unix_input(args: Args, request: Request) -> Args:
    if not args:
        from penstock.functions.resolve import resolve

        args = (resolve("current_timestamp", (), conf=request.conf),)
    value = args[0]
    if not isinstance(value.type, DATETIME):
        value = cast_if_needed(value, STRING, request.conf)
    pattern = args[1] if len(args) > 1 else _DEFAULT
    return value, cast_if_needed(pattern, STRING, request.conf)


def _unix_timestamp(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    if isinstance(t, DateType):
        return f"spark_floor_div(epoch_us(CAST({args[0]} AS TIMESTAMPTZ)), 1000000)"
    if isinstance(t, (TimestampType, TimestampNTZType)):
        return f"spark_floor_div(epoch_us({args[0]}), 1000000)"
    if _goes_by_row(call.args[1], call.display):
        micros = _read_by_row(args, "try_to_timestamp" if context.conf.ansi else "", context.conf.time_zone)
        return f"spark_floor_div({micros}, 1000000)"
    pattern = _pattern(call.args[1], call.display)
    moment = parsed(args[0], pattern, context.conf.ansi, "try_to_timestamp", "TIMESTAMPTZ", context.conf.time_zone)
    return f"spark_floor_div(epoch_us({moment}), 1000000)"


def _from_unixtime_input(args: Args, request: Request) -> Args:
    return cast_if_needed(args[0], LONG, request.conf), cast_if_needed(args[1], STRING, request.conf)


def _from_unixtime(args: list[str], call: FunctionCall, context: Any) -> str:
    return _formatted([f"make_timestamptz({args[0]} * 1000000)", args[1]], TIMESTAMP, call, context)


register(
    _parser_row("to_date", DATE),
    _parser_row("try_to_date", DATE, strict=False),
    _parser_row("to_timestamp", None),
    _parser_row("to_timestamp_ltz", TIMESTAMP),
    _parser_row("to_timestamp_ntz", TIMESTAMP_NTZ),
    _parser_row("try_to_timestamp", None, strict=False),
    row("date_format", "any any", STRING, _date_format, coerce=_date_format_input),
    row("unix_timestamp to_unix_timestamp", "any? any?", LONG, _unix_timestamp, coerce=_unix_input,
        build=null_on_failure),
    row("from_unixtime", "any any?", STRING, _from_unixtime, coerce=_from_unixtime_input, defaults={1: _DEFAULT},
        nullable=True),
)  # fmt: skip
