"""Local times as instants: what DuckDB's casts make of times that clocks show twice."""

from __future__ import annotations

import re

from penstock.functions.markers import quote

_FIXED = re.compile(r"(?:UTC|GMT|UT|Z)?(?:[+-].*)?|Etc/.*")
_HOUR_US = 3_600_000_000


def has_changes(zone: str) -> bool:
    """Whether local times of a zone may occur twice or not at all."""
    return _FIXED.fullmatch(zone) is None


def is_utc(zone: str) -> bool:
    """Whether local times of a zone are those of UTC."""
    return zone in ("UTC", "GMT", "UT", "Z", "Etc/UTC", "Etc/GMT", "+00:00")


def instant(local: str, zone: str) -> str:
    """SQL of the TIMESTAMPTZ at which clocks of the session's zone show the TIMESTAMP `local`; the earlier of two."""
    return f"spark_to_instant({quote(zone)}, {local})" if has_changes(zone) else f"CAST({local} AS TIMESTAMPTZ)"


def hour_of(moment: str, zone: str) -> str:
    """SQL of the beginning of an hour of local time, which goes back as far as its minutes and seconds say: of an hour
    that is there twice each is its own."""
    if not has_changes(zone):
        return f"date_trunc('hour', {moment})"
    past = f"epoch_us(CAST({moment} AS TIMESTAMP)) % {_HOUR_US}"
    own = f"({moment} - to_microseconds(({past} + {_HOUR_US}) % {_HOUR_US}))"
    shown = f"date_trunc('hour', CAST({moment} AS TIMESTAMP))"
    return f"CASE WHEN CAST({own} AS TIMESTAMP) = {shown} THEN {own} ELSE date_trunc('hour', {moment}) END"


def seconds_of_day(moment: str, zone: str) -> str:
    """SQL of the seconds that have passed since the beginning of the local day, however long its hours are."""
    begin = instant(f"CAST(CAST(CAST({moment} AS TIMESTAMP) AS DATE) AS TIMESTAMP)", zone)
    return f"((epoch_us({moment}) - epoch_us({begin})) // 1000000)"
