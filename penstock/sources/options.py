"""Typed access to a data source's options, with Spark's errors for values that do not fit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from penstock.core.durations import time_ms
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, unsupported

_TRUE, _FALSE = ("true",), ("false",)


def boolean(options: Mapping[str, str], name: str, default: bool) -> bool:
    """`true` or `false`, in any case."""
    value = options.get(name.lower())
    if value is None:
        return default
    if value.strip().lower() in _TRUE:
        return True
    if value.strip().lower() in _FALSE:
        return False
    raise bad_value(name, value, "true or false")


def positive(options: Mapping[str, str], name: str) -> int | None:
    """A whole number above zero; None when the option is not set."""
    return at_least(options, name, 1)


def at_least(options: Mapping[str, str], name: str, minimum: int) -> int | None:
    """A whole number not below `minimum`; None when the option is not set."""
    value = options.get(name.lower())
    if value is None:
        return None
    try:
        number = int(value)
    except ValueError:
        raise bad_value(name, value, "a whole number") from None
    if number < minimum:
        raise bad_value(name, value, "a positive integer" if minimum == 1 else f"an integer of at least {minimum}")
    return number


def span_ms(options: Mapping[str, str], name: str) -> int | None:
    """A time such as 7d or 30m, in milliseconds; None when the option is not set."""
    value = options.get(name.lower())
    if value is None:
        return None
    milliseconds = time_ms(value)
    if milliseconds is None:
        raise bad_value(name, value, "a time such as 7d or 30m")
    return milliseconds


def one_of(options: Mapping[str, str], name: str, values: tuple[str, ...], default: str) -> str:
    """One of several words, in any case; the result is in lower case."""
    value = options.get(name.lower(), default).strip().lower()
    if value not in values:
        raise bad_value(name, options[name.lower()], "one of " + ", ".join(values))
    return value


def refuse(
    options: Mapping[str, str], source: str, names: Collection[str], harmless: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Raise for options that Spark has and Penstock has not, unless their value (`harmless`) means the default."""
    for name in names:
        value = options.get(name.lower())
        if value is not None and value.strip().lower() != harmless.get(name, "\0"):
            raise unsupported(f"the option {name}={value!r} of the {source} data source", "Leave the option out.")


def bad_value(name: str, value: str, expected: str) -> SparkError:
    """An option's value that does not fit (an IllegalArgumentException)."""
    message = f"Invalid value {value!r} for the option {name!r}: it must be {expected}."
    params = {"optionName": name, "message": f"{value!r} is not {expected}"}
    condition = "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE"
    return SparkError(condition, message, params, sqlstate="42616", classes=ILLEGAL_ARGUMENT)
