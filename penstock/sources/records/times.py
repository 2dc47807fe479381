"""The three kinds of dates and times, read with the options of one source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.core.errors import illegal_argument
from penstock.core.text import zone
from penstock.sources import options as opt
from penstock.sources.records import instants
from penstock.sources.records.errors import BadValue
from penstock.sources.records.java_time import JavaPattern, java_pattern


@dataclass(frozen=True)
class Times:
    """Parsers by format; None stands for Spark's default rules.  `fallback_*`: texts that the pattern does not fit are
    read by the default rules, too."""

    time_zone: str
    date_pattern: JavaPattern | None = None
    timestamp_pattern: JavaPattern | None = None
    local_pattern: JavaPattern | None = None
    fallback_date: bool = False
    fallback_timestamp: bool = False
    day_numbers: bool = False

    @staticmethod
    def of(
        options: Mapping[str, str], time_zone: str, *, default_date: str | None = None, day_numbers: bool = False
    ) -> Times:
        """Of the options dateFormat, timestampFormat, timestampNTZFormat, timeZone and enableDateTimeParsingFallback
        (keys lower-case).  `default_date`: the pattern when dateFormat is not set."""
        patterns = {name: options.get(name) for name in ("dateformat", "timestampformat", "timestampntzformat")}
        date = patterns["dateformat"] or default_date
        fallback = (
            opt.boolean(options, "enableDateTimeParsingFallback", False)
            if "enabledatetimeparsingfallback" in options
            else None
        )
        return Times(
            checked_zone(options.get("timezone", time_zone)),
            _pattern(date),
            _pattern(patterns["timestampformat"]),
            _pattern(patterns["timestampntzformat"]),
            fallback if fallback is not None else patterns["dateformat"] is None,
            fallback if fallback is not None else patterns["timestampformat"] is None,
            day_numbers,
        )

    def date(self, text: str) -> int:
        """Days since 1970."""
        if self.date_pattern is not None:
            try:
                return self.date_pattern.date(text)
            except BadValue:
                if not self.fallback_date:
                    raise
        try:
            return instants.parse_date(_without_gmt(text))
        except BadValue:
            if self.day_numbers and self.fallback_date and text.lstrip("+-").isdigit():
                return int(text)
            raise

    def timestamp(self, text: str) -> int:
        """Microseconds since 1970, UTC."""
        if self.timestamp_pattern is None:
            return instants.parse_timestamp(text, self.time_zone)
        try:
            return self.timestamp_pattern.timestamp(text, self.time_zone)
        except BadValue:
            if not self.fallback_timestamp:
                raise
        return instants.parse_timestamp(_without_gmt(text), self.time_zone)

    def local_timestamp(self, text: str) -> int:
        """Microseconds since 1970, local."""
        pattern = self.local_pattern
        return instants.parse_local_timestamp(text) if pattern is None else pattern.local_timestamp(text)


def _pattern(text: str | None) -> JavaPattern | None:
    return java_pattern(text) if text is not None else None


def _without_gmt(text: str) -> str:
    """`...GMT+01:00` of old versions as `...+01:00`."""
    at = text.find("GMT")
    return text if at <= 0 else text[:at] + text[at + 3 :]


def checked_zone(name: str) -> str:
    """A time zone's name, if it is one."""
    try:
        zone(name)
    except (ValueError, KeyError, OSError):
        message = f"The option timeZone has the value {name!r}, which is no time zone: give a region or an offset."
        raise illegal_argument("INVALID_TIMEZONE", message, "22009", timeZone=name) from None
    return name
