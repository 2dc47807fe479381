"""Points in time in options: `modifiedAfter`, `startTimestamp`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from penstock.core.errors import illegal_argument


def file_time_ms(options: Mapping[str, str], name: str, time_zone: str) -> int | None:
    """`YYYY-MM-DDTHH:mm:ss` in the session's zone (or the option `timeZone`) as milliseconds since 1970."""
    text = options.get(name.lower())
    if text is None:
        return None
    try:
        value = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        message = f"The option {name!r} has the value {text!r}, which is no timestamp such as 2024-01-31T12:00:00."
        raise illegal_argument("_LEGACY_ERROR_TEMP_1332", message, optionName=name, value=text) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=ZoneInfo(options.get("timezone", time_zone)))
    return int(value.timestamp() * 1000)
