"""The session's settings: Spark's keys with Spark's defaults, and typed access to those that Penstock heeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from penstock.core.errors import NO_SUCH_ELEMENT, SparkError

DEFAULTS: dict[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.shuffle.partitions": "200",
    "spark.sql.sources.default": "parquet",
}


class Conf(Mapping[str, str]):
    """The settings of one session: what was set, over the defaults."""

    def __init__(self, initial: Mapping[str, str] | None = None) -> None:
        self._set: dict[str, str] = dict(initial or {})

    def __getitem__(self, key: str) -> str:
        if key in self._set:
            return self._set[key]
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
        """Set one key."""
        self._set[key] = value

    def unset(self, key: str) -> None:
        """Back to the default."""
        self._set.pop(key, None)

    def snapshot(self) -> Conf:
        """A copy that later changes do not touch (a streaming query keeps the settings it was started with)."""
        return Conf(self._set)

    def flag(self, key: str) -> bool:
        """A boolean setting."""
        return self[key].strip().lower() == "true"

    @property
    def time_zone(self) -> str:
        return self["spark.sql.session.timeZone"]

    @property
    def ansi(self) -> bool:
        return self.flag("spark.sql.ansi.enabled")

    @property
    def case_sensitive(self) -> bool:
        return self.flag("spark.sql.caseSensitive")
