"""The session's settings: Spark's keys with Spark's defaults, and typed access to those that Penstock heeds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from penstock.core.config_entries import CORE_PREFIXES, ENTRIES, STATIC
from penstock.core.config_entry import Entry
from penstock.core.errors import NO_SUCH_ELEMENT, SparkError, analysis_error, illegal_argument

TIME_ZONE = "spark.sql.session.timeZone"


def local_time_zone() -> str:
    """The machine's time zone by its name, which is Spark's default for a session; UTC where it has no name."""
    name = os.environ.get("TZ", "").lstrip(":")
    if not name:
        target = os.path.realpath("/etc/localtime")
        name = target.partition("/zoneinfo/")[2]
    aliases = ("", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal")
    return "UTC" if name in aliases or not _is_time_zone(name) else name


def _is_time_zone(name: str) -> bool:
    """Whether Java would take the name: a region, an offset (+01:00), or UTC, GMT, UT with an offset."""
    if re.fullmatch(r"(UTC|GMT|UT)?[+-]\d{1,2}(:\d{1,2}(:\d{1,2})?)?|Z|(UTC|GMT|UT)", name):
        return True
    from zoneinfo import ZoneInfo  # 10 ms: only when a zone is set

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


DEFAULTS: dict[str, str] = {
    **{key: entry.default for key, entry in ENTRIES.items() if entry.default is not None},
    **{key: default for key, default in STATIC.items() if default is not None},
    "spark.sql.warehouse.dir": f"file:{Path.cwd()}/spark-warehouse",
    TIME_ZONE: local_time_zone(),
}


def _is_core(key: str) -> bool:
    return key.startswith(CORE_PREFIXES)


def is_modifiable(key: str) -> bool:
    """Whether Spark defines the key and a running session may change it."""
    return key in ENTRIES


def _require_modifiable(key: str) -> None:
    quoted = f'"{key}"'
    if key in STATIC:
        message = f"The setting {quoted} is fixed when Spark starts and cannot be changed in a running session."
        raise analysis_error("CANNOT_MODIFY_STATIC_CONFIG", message, "46110", key=quoted)
    if _is_core(key):
        message = f"The setting {quoted} belongs to the application and cannot be changed in a running session."
        docroot = "https://spark.apache.org/docs/latest"
        raise analysis_error("CANNOT_MODIFY_CONFIG", message, "46110", key=quoted, docroot=docroot)


_PATTERNS = {
    "boolean": r"(?i)\s*(true|false)\s*",
    "int": r"\s*[+-]?\d+\s*",
    "double": r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*",
    "time": r"(?i)\s*-?\d+\s*(us|ms|s|m|min|h|d)?\s*",
    "bytes": r"(?i)\s*-?\d+\s*([bkmgtp]|[kmgtp]i?b)?\s*",
}


def _refusal(subcondition: str, key: str, value: str, why: str, **params: str) -> SparkError:
    message = f"The value '{value}' of the setting \"{key}\" is not valid. {why}"
    return illegal_argument(
        f"INVALID_CONF_VALUE.{subcondition}", message, "22022", confName=key, confValue=value, **params
    )


def _check(key: str, value: str, entry: Entry) -> None:
    if entry.kind == "timezone":
        if not _is_time_zone(value):
            raise _refusal("TIME_ZONE", key, value, "There is no time zone of that name.")
    elif entry.options:
        if value.strip().upper() not in entry.options:
            options = ", ".join(entry.options)
            raise _refusal("OUT_OF_RANGE_OF_OPTIONS", key, value, f"Choose one of {options}.", confOptions=options)
    elif entry.kind in _PATTERNS and not re.fullmatch(_PATTERNS[entry.kind], value):
        raise _refusal("TYPE_MISMATCH", key, value, f"It has to be a value of type {entry.kind}.", confType=entry.kind)
    if entry.allowed and value.strip().lower() not in entry.allowed:
        requirement = f"The value of {key} must be one of {', '.join(entry.allowed)}"
        raise _refusal("REQUIREMENT", key, value, requirement, confRequirement=requirement)
    if entry.least is not None and int(value) < entry.least:
        requirement = f"The value of {key} must be at least {entry.least}"
        raise _refusal("REQUIREMENT", key, value, requirement, confRequirement=requirement)
    if entry.positive and int(re.match(r"\s*([+-]?\d+)", value)[1]) <= 0:  # type: ignore[index]
        requirement = f"The value of {key} must be positive"
        raise _refusal("REQUIREMENT", key, value, requirement, confRequirement=requirement)


def check_value(key: str, value: str) -> None:
    """Refuse a value that Spark would refuse (INVALID_CONF_VALUE); a key that Spark does not define takes any."""
    entry = ENTRIES.get(key)
    if entry is not None:
        _check(key, value, entry)


class Conf(Mapping[str, str]):
    """The settings of one session: what was set, over the defaults."""

    def __init__(self, initial: Mapping[str, str] | None = None) -> None:
        self._set: dict[str, str] = dict(initial or {})

    def __getitem__(self, key: str) -> str:
        if (found := self._set.get(key)) is not None:  # one look: another thread may unset it
            return found
        if key in DEFAULTS:
            return DEFAULTS[key]
        raise SparkError(
            "SQL_CONF_NOT_FOUND",
            f'The SQL config "{key}" cannot be found. Set it before reading it, or pass a default.',
            {"sqlConf": f'"{key}"'},
            sqlstate="42K0I",
            classes=NO_SUCH_ELEMENT,
        )

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return self._set.get(key, DEFAULTS.get(key, default))

    def __contains__(self, key: object) -> bool:
        return key in self._set or key in DEFAULTS

    def __iter__(self) -> Iterator[str]:
        return iter({**DEFAULTS, **self._set})

    def __len__(self) -> int:
        return len({**DEFAULTS, **self._set})

    def set(self, key: str, value: str) -> None:
        """Set one key; raises Spark's error for a fixed one and for a value out of its range."""
        _require_modifiable(key)
        check_value(key, value)
        self._set[key] = value

    def set_at_start(self, key: str, value: str) -> None:
        """Set one key as the builder of a session does: fixed ones too, since nothing has started yet."""
        check_value(key, value)
        self._set[key] = value

    def unset(self, key: str) -> None:
        """Back to the default."""
        _require_modifiable(key)
        self._set.pop(key, None)

    def reset(self) -> None:
        """Everything a session may change, back to the defaults (SQL RESET)."""
        for key in [key for key in list(self._set) if key not in STATIC and not _is_core(key)]:
            self._set.pop(key, None)

    @property
    def changed(self) -> Mapping[str, str]:
        """What was set, without the defaults."""
        return dict(self._set)

    def snapshot(self) -> Conf:
        """A copy that later changes do not touch (a streaming query keeps the settings it was started with)."""
        return Conf(self._set)

    def flag(self, key: str) -> bool:
        """A boolean setting."""
        return self[key].strip().lower() == "true"

    @property
    def time_zone(self) -> str:
        return self[TIME_ZONE]

    @property
    def ansi(self) -> bool:
        return self.flag("spark.sql.ansi.enabled")

    @property
    def timestamps_are_local(self) -> bool:
        """Whether TIMESTAMP means TIMESTAMP_NTZ."""
        return self["spark.sql.timestampType"].strip().upper() == "TIMESTAMP_NTZ"

    @property
    def case_sensitive(self) -> bool:
        return self.flag("spark.sql.caseSensitive")
