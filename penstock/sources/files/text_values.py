"""Dates and timestamps in text as values, in SQL, for CSV and JSON.

Spark accepts `2024`, `2024-1`, `2024-01-31`, a time after `T` or a blank, and a zone after the time; a
time without a zone is in the session's.
"""

from __future__ import annotations

_YEAR, _MONTH = "[+-]?[0-9]{4}", "[+-]?[0-9]{4}-[0-9]{1,2}"


def date_sql(text: str) -> str:
    """The DATE in a text; NULL if there is none."""
    day = f"regexp_extract({text}, '^\\s*([+-]?[0-9]{{4,7}}-[0-9]{{1,2}}-[0-9]{{1,2}})([T ].*|\\s*)$', 1)"
    return f"TRY_CAST(CASE {_short_dates(text)} ELSE {day} END AS DATE)"


def timestamp_sql(text: str, *, zoned: bool) -> str:
    """The TIMESTAMPTZ (or, not zoned, the TIMESTAMP) in a text; NULL if there is none."""
    target = "TIMESTAMPTZ" if zoned else "TIMESTAMP"
    hours = f"regexp_full_match({text}, '\\s*{_MONTH}-[0-9]{{1,2}}[T ][0-9]{{1,2}}\\s*')"
    spelled = (
        f"CASE {_short_dates(text)} WHEN {hours} THEN trim({text}) || ':00' "
        f"WHEN regexp_matches({text}, '^\\s*{_MONTH}-[0-9]') THEN {text} END"
    )
    if not zoned:
        spelled = f"CASE WHEN NOT regexp_matches({text}, ':.*([A-Za-z]|[+-][0-9:]+)\\s*$') THEN {spelled} END"
    return f"TRY_CAST({spelled} AS {target})"


def _short_dates(text: str) -> str:
    return (
        f"WHEN regexp_full_match({text}, '\\s*{_YEAR}\\s*') THEN trim({text}) || '-01-01' "
        f"WHEN regexp_full_match({text}, '\\s*{_MONTH}\\s*') THEN trim({text}) || '-01'"
    )
