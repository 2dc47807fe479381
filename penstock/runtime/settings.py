"""The settings that the batch loop heeds, read once when a query starts: Spark's keys and defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock.core.config import Conf
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, illegal_argument
from penstock.runtime.watermark import POLICY_KEY

_PREFIX = "spark.sql.streaming."
_DURATION = re.compile(r"(\d+)\s*([a-z]*)")
_UNITS_MS = {"": 1, "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

#: Settings that a query keeps from its first start on: the checkpoint's values win over the session's.
KEPT_KEYS = {"spark.sql.shuffle.partitions": "200", POLICY_KEY: "min"}


@dataclass(frozen=True)
class StreamingSettings:
    """Times in milliseconds."""

    no_data_batches: bool
    polling_delay_ms: int
    batches_to_retain: int
    progress_updates: int
    idle_progress_interval_ms: int
    stop_timeout_ms: int
    watermark_policy: str
    force_delete_temporary: bool
    stop_active_run: bool

    @staticmethod
    def of(conf: Conf) -> StreamingSettings:
        """Read them; a value that does not parse raises Spark's error with key and value."""
        return StreamingSettings(
            no_data_batches=_flag(conf, "noDataMicroBatches.enabled", True),
            polling_delay_ms=_duration(conf, "pollingDelay", 10),
            batches_to_retain=_count(conf, "minBatchesToRetain", 100),
            progress_updates=_count(conf, "numRecentProgressUpdates", 100),
            idle_progress_interval_ms=_duration(conf, "noDataProgressEventInterval", 10_000),
            stop_timeout_ms=_duration(conf, "stopTimeout", 0),
            watermark_policy=conf.get(POLICY_KEY, "min") or "min",
            force_delete_temporary=_flag(conf, "forceDeleteTempCheckpointLocation", False),
            stop_active_run=_flag(conf, "stopActiveRunOnRestart", True),
        )


def kept_conf(conf: Conf) -> dict[str, str]:
    """What the offset log remembers of the settings."""
    return {key: conf.get(key, default) or default for key, default in KEPT_KEYS.items()}


def _text(conf: Conf, name: str) -> str | None:
    value = conf.get(_PREFIX + name)
    return None if value is None else value.strip().lower()


def _flag(conf: Conf, name: str, default: bool) -> bool:
    value = _text(conf, name)
    if value not in (None, "true", "false"):
        raise _invalid(name, value, "true or false")
    return default if value is None else value == "true"


def _count(conf: Conf, name: str, default: int) -> int:
    value = _text(conf, name)
    if value is None:
        return default
    if re.fullmatch(r"[+-]?\d+", value) is None:
        raise _invalid(name, value, "a positive number")
    if int(value) < 1:
        message = f"The setting {_PREFIX}{name} is {value}; it has to be positive."
        raise SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])  # Spark has no condition for it
    return int(value)


def _duration(conf: Conf, name: str, default_ms: int) -> int:
    value = _text(conf, name)
    if value is None:
        return default_ms
    match = _DURATION.fullmatch(value)
    if match is None or match[2] not in _UNITS_MS:
        raise _invalid(name, value, "a time such as 10ms, 5s or 2min")
    return int(match[1]) * _UNITS_MS[match[2]]


def _invalid(name: str, value: str | None, wanted: str) -> SparkError:
    key = _PREFIX + name
    message = f"The setting {key} is {value!r}; it must be {wanted}."
    condition = "INVALID_CONF_VALUE.TYPE_MISMATCH"
    return illegal_argument(condition, message, "22022", confName=key, confValue=value, confType=wanted)
