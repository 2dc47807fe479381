"""SQL that moves dates and timestamps by months, days and microseconds.

DuckDB takes two constant intervals of equal length (a month and 30 days, a day and 24 hours) for one expression, and
computes it once.  So the three have forms of different shape here: months are added on the right, days on the left, or
as a number, and microseconds as a number, which is also what is quickest.
"""

from __future__ import annotations

from penstock.functions.markers import quote
from penstock.functions.zones import has_changes, is_utc
from penstock.plan.types import DataType, DateType, TimestampType

DAY_US = 86_400_000_000
#: Zones that have changed sides of the date line and left out a day: DuckDB would step over it backwards.
_WITHOUT_A_DAY = frozenset(
    ("Pacific/Apia", "MIT", "Pacific/Fakaofo", "Pacific/Kiritimati", "Pacific/Enderbury", "Pacific/Kanton",
     "Pacific/Kwajalein", "Kwajalein", "Asia/Manila")
)  # fmt: skip


def by_months(time: str, t: DataType, months: str, zone: str) -> str:
    """`time` so many months (an INTEGER) later on the clocks of `zone`; a date becomes a TIMESTAMP."""
    if isinstance(t, TimestampType) and is_utc(zone):
        return f"make_timestamptz(epoch_us(make_timestamp(epoch_us({time})) + to_months({months})))"
    return f"({time} + to_months({months}))"


def by_days(time: str, t: DataType, days: str, zone: str) -> str:
    """`time` so many days (an INTEGER) later on the clocks of `zone`; a date stays one."""
    if isinstance(t, DateType):
        return f"({time} + {days})"
    if isinstance(t, TimestampType) and zone in _WITHOUT_A_DAY:
        return f"spark_days_later({quote(zone)}, {time}, {days})"
    if isinstance(t, TimestampType) and has_changes(zone):
        return f"(to_days({days}) + {time})"
    return by_micros(time, t, f"CAST({days} AS BIGINT) * {DAY_US}")


def by_micros(time: str, t: DataType, micros: str) -> str:
    """A timestamp so many microseconds (a BIGINT) later."""
    make = "make_timestamptz" if isinstance(t, TimestampType) else "make_timestamp"
    return f"{make}(epoch_us({time}) + {micros})"
