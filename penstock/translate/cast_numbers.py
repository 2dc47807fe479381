"""Casts to numbers and booleans."""

from __future__ import annotations

from penstock.engine.types import duckdb_type
from penstock.functions.markers import raise_with_values
from penstock.functions.type_names import quoted_type
from penstock.plan.types import (
    BooleanType,
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
)
from penstock.translate.context import TranslateContext

_ANSI_CONFIG = '"spark.sql.ansi.enabled"'
_MOST_LONG = "9223372036854775807"
#: Behind numbers in messages, as in SQL literals.
_SUFFIXES: dict[type[DataType], str] = {
    LongType: "L",
    ShortType: "S",
    ByteType: "T",
    DoubleType: "D",
    DecimalType: "BD",
}
_MASKS: dict[type[DataType], tuple[int, int]] = {
    ByteType: (0xFF, 0x80), ShortType: (0xFFFF, 0x8000), IntegerType: (0xFFFFFFFF, 0x80000000),
}  # fmt: skip


def malformed(sql: str, target: DataType, kind: str = "number_format") -> str:
    """SQL that raises CAST_INVALID_INPUT for the string `sql`."""
    name = quoted_type(target)
    return raise_with_values(
        "CAST_INVALID_INPUT",
        f"The value {{expression}} of the type \"STRING\" cannot be cast to {name} because it is malformed."
        " Correct the value, or use `try_cast` to get NULL instead.",
        {"expression": f"'''' || {sql} || ''''"}, sqlstate="22018", kind=kind,
        sourceType='"STRING"', targetType=name, ansiConfig=_ANSI_CONFIG,
    )  # fmt: skip


def out_of_range(sql: str, target: DecimalType) -> str:
    """SQL that raises NUMERIC_VALUE_OUT_OF_RANGE for a value that a decimal type cannot hold."""
    return raise_with_values(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        f"The value {{value}} cannot be represented as Decimal({target.precision}, {target.scale})."
        " Set \"spark.sql.ansi.enabled\" to \"false\" to get NULL instead.",
        {"value": sql}, sqlstate="22003", kind="arithmetic",
        precision=target.precision, scale=target.scale, config=_ANSI_CONFIG,
    )  # fmt: skip


def unsupported_range(sql: str) -> str:
    """SQL that raises NUMERIC_OUT_OF_SUPPORTED_RANGE: more than 38 digits before the point."""
    return raise_with_values(
        "NUMERIC_OUT_OF_SUPPORTED_RANGE", "The value {value} has more than 38 digits and cannot be a decimal number.",
        {"value": sql}, sqlstate="22003", kind="arithmetic",
    )  # fmt: skip


def cast_overflow(sql: str, source: DataType, target: DataType) -> str:
    """SQL that raises CAST_OVERFLOW for the number `sql`."""
    suffix = _SUFFIXES.get(type(source), "")
    shown = f"spark_floating_text({sql})" if isinstance(source, (FloatType, DoubleType)) else f"CAST({sql} AS VARCHAR)"
    return raise_with_values(
        "CAST_OVERFLOW",
        f"The value {{value}} of the type {quoted_type(source)} cannot be cast to {quoted_type(target)}:"
        " it overflows. Use `try_cast` to get NULL instead.",
        {"value": f"{shown} || '{suffix}'"}, sqlstate="22003", kind="arithmetic",
        sourceType=quoted_type(source), targetType=quoted_type(target), ansiConfig=_ANSI_CONFIG,
    )  # fmt: skip


def checked(attempt: str, sql: str, error: str, mode: str) -> str:
    """`attempt`, which is NULL where the cast fails; in ANSI mode the failure raises `error`."""
    if mode != "ansi":
        return f"({attempt})"
    return f"coalesce({attempt}, CASE WHEN {sql} IS NOT NULL THEN {error} END)"


def string_to_integer(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Trimmed decimal digits with a sign; without ANSI a fraction is cut off."""
    prefix = "spark_legacy_" if mode == "legacy" else "spark_"
    return checked(f"{prefix}{duckdb_type(target).lower()}({sql})", sql, malformed(sql, target), mode)


def string_to_floating(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """As Java parses: also NaN, Infinity, and a suffix d or f."""
    attempt = f"CAST(spark_double({sql}) AS {duckdb_type(target)})"
    if isinstance(target, FloatType):
        attempt = f"spark_to_float(spark_double({sql}))"
    return checked(attempt, sql, malformed(sql, target), mode)


def string_to_decimal(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Rounded half up to the scale."""
    assert isinstance(target, DecimalType)
    name = duckdb_type(target)
    parsed = f"coalesce(TRY_CAST({sql} AS {name}), TRY_CAST(spark_trim({sql}) AS {name}))"
    attempt = f"CASE WHEN NOT contains({sql}, '_') THEN {parsed} END"
    number = f"isfinite(TRY_CAST(spark_trim({sql}) AS DOUBLE)) AND NOT contains({sql}, '_')"
    huge = f"regexp_matches({sql}, '[0-9]') AND abs(TRY_CAST(spark_trim({sql}) AS DOUBLE)) >= 1e38"
    error = (
        f"CASE WHEN {huge} THEN {unsupported_range(sql)} WHEN {number} THEN {out_of_range(sql, target)}"
        f" ELSE {malformed(sql, target)} END"
    )
    return checked(attempt, sql, error, mode)


def string_to_boolean(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """t, true, y, yes, 1 and their opposites, in any case."""
    return checked(f"spark_boolean({sql})", sql, malformed(sql, target, kind="runtime"), mode)


def date_to_number(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """NULL always: Spark has these casts with ANSI off alone."""
    return f"CAST(NULL AS {duckdb_type(target)})"


def number_to_boolean(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Zero is false."""
    return f"({sql} <> 0)"


def boolean_to_number(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """1 and 0."""
    number = f"CAST({sql} AS INTEGER)"
    if isinstance(target, DecimalType):
        return exact_to_decimal(number, IntegerType(), target, mode, context)
    return f"CAST({number} AS {duckdb_type(target)})"


def integer_to_integer(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Narrowing (widening is a plain cast): overflow raises, is NULL, or wraps around."""
    name = duckdb_type(target)
    if mode == "legacy":
        return _wrapped(sql, target)
    return checked(f"TRY_CAST({sql} AS {name})", sql, cast_overflow(sql, source, target), mode)


def floating_to_integer(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Cut off towards zero.  Without ANSI: NaN is 0, the rest is clamped to INT or BIGINT and then wraps."""
    if mode == "legacy":
        wide = LongType() if isinstance(target, LongType) else IntegerType()
        clamped = f"spark_clamp_{duckdb_type(wide).lower()}({sql})"
        return clamped if isinstance(target, (IntegerType, LongType)) else _wrapped(clamped, target)
    attempt = f"TRY_CAST(trunc({sql}) AS {duckdb_type(target)})"
    if isinstance(target, LongType):  # 2**63 is the double nearest to the largest BIGINT, and taken for it
        attempt = f"coalesce({attempt}, CASE WHEN {sql} = 9223372036854775808::DOUBLE THEN {_MOST_LONG} END)"
    return checked(attempt, sql, cast_overflow(sql, source, target), mode)


def decimal_to_integer(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Cut off towards zero.  Without ANSI it wraps around."""
    assert isinstance(source, DecimalType)
    whole = f"trunc({sql})"
    if mode == "legacy":
        fits = source.precision - source.scale < _DIGITS[LongType]
        wide = f"CAST({whole} AS BIGINT)" if fits else f"spark_wrapped_long(CAST({whole} AS HUGEINT))"
        return wide if isinstance(target, LongType) else _wrapped(wide, target)
    return checked(f"TRY_CAST({whole} AS {duckdb_type(target)})", sql, cast_overflow(sql, source, target), mode)


def number_to_floating(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """To DOUBLE or FLOAT; too large for a FLOAT is infinite, as in Java."""
    if isinstance(target, FloatType) and not isinstance(source, BooleanType):
        return f"spark_to_float(CAST({sql} AS DOUBLE))"
    return f"CAST({sql} AS {duckdb_type(target)})"


def floating_to_decimal(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """By way of the shortest text, as Spark does; NaN and infinities are NULL in every mode."""
    assert isinstance(target, DecimalType)
    attempt = f"TRY_CAST(CAST({sql} AS VARCHAR) AS {duckdb_type(target)})"
    if mode != "ansi":
        return attempt
    error = out_of_range(f"spark_floating_text({sql})", target)
    return f"coalesce({attempt}, CASE WHEN isfinite({sql}) THEN {error} END)"


def exact_to_decimal(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Rounded half up to the scale."""
    assert isinstance(target, DecimalType)
    name = duckdb_type(target)
    if _always_fits(source, target):
        return f"CAST({sql} AS {name})"
    return checked(f"TRY_CAST({sql} AS {name})", sql, out_of_range(sql, target), mode)


_DIGITS: dict[type[DataType], int] = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 19}


def _always_fits(source: DataType, target: DecimalType) -> bool:
    if isinstance(source, DecimalType):
        return bool(target.precision - target.scale >= source.precision - source.scale and target.scale >= source.scale)
    return bool(target.precision - target.scale >= _DIGITS[type(source)])


def _wrapped(sql: str, target: DataType) -> str:
    mask, sign = _MASKS[type(target)]
    return f"CAST(spark_wrap({sql}, {mask}, {sign}) AS {duckdb_type(target)})"
