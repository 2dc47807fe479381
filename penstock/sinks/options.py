"""Typed access to a writer's options (keys in lower case), with errors that name option and value."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError


def flag(options: Mapping[str, str], name: str, default: bool) -> bool:
    """`true` or `false`, in any case."""
    value = options.get(name.lower())
    if value is None:
        return default
    if value.strip().lower() not in ("true", "false"):
        raise bad_value(name, value, "true or false")
    return value.strip().lower() == "true"


def line_end(options: Mapping[str, str]) -> str:
    """The option lineSep: a line feed where it is not given."""
    text = options.get("linesep", "\n")
    if not text:
        raise bad_value("lineSep", text, "at least one character")
    return text


def charset(options: Mapping[str, str]) -> str:
    """The option encoding (or charset): UTF-8 where it is not given."""
    name = options.get("encoding", options.get("charset", "utf-8"))
    try:
        codecs.lookup(name)
    except LookupError:
        message = f"The option encoding has the value {name!r}, which is no character set that is known."
        params = {
            "parameter": "`charset`",
            "functionName": "`encode`",
            "charset": name,
            "charsets": "UTF-8, UTF-16, ...",
        }
        condition = "INVALID_PARAMETER_VALUE.CHARSET"
        raise SparkError(condition, message, params, sqlstate="22023", classes=ILLEGAL_ARGUMENT) from None
    return name


def bad_value(name: str, value: str, expected: str) -> SparkError:
    """An option's value that does not fit (an IllegalArgumentException)."""
    message = f"Invalid value {value!r} for the option {name!r}: it must be {expected}."
    params = {"optionName": name, "message": f"{value!r} is not {expected}"}
    condition = "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE"
    return SparkError(condition, message, params, sqlstate="42616", classes=ILLEGAL_ARGUMENT)
