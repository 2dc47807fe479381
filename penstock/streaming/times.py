"""Times and durations.  Inside they are whole milliseconds since 1970 UTC; users give seconds and get datetimes."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any


def milliseconds(seconds: float) -> int:
    """A duration of the user's in milliseconds."""
    return int(seconds * 1000)


def as_datetime(time_ms: int) -> datetime:
    """A batch time as user functions get it: local, without a zone."""
    return datetime.fromtimestamp(time_ms / 1000)


def from_user(moment: datetime | float) -> int:
    """A time of the user's: a local datetime, or seconds since 1970."""
    if isinstance(moment, datetime):
        return int(time.mktime(moment.timetuple()) * 1000 + moment.microsecond // 1000)
    return int(moment * 1000)


def takes_time(function: Callable[..., Any], arguments: int) -> bool:
    """Whether a user function of `arguments` RDDs wants the batch time before them."""
    code = getattr(function, "__code__", None)
    if code is not None and not inspect.ismethod(function):
        return int(code.co_argcount) > arguments
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return True
    return False
