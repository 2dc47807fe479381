"""DuckDB macros that templates of the function table use; the engine creates them once per database."""

from __future__ import annotations

from penstock.functions.markers import overflow

_LEAST, _MOST = -9223372036854775808, 9223372036854775807

MACROS: tuple[str, ...] = (
    # a TIMESTAMPTZ moved by an INTERVAL, once (1) or backwards (-1): by its months, then its days, then its clock time
    "CREATE OR REPLACE MACRO spark_shifted(t, i, times) AS t "
    "+ to_months(CAST(times * (datepart('year', i) * 12 + datepart('month', i)) AS INTEGER)) "
    "+ to_days(CAST(times * datepart('day', i) AS INTEGER)) "
    "+ to_microseconds(times * (datepart('hour', i) * 3600000000 "
    "+ datepart('minute', i) * 60000000 + datepart('microsecond', i)))",
    # whole months from a local TIMESTAMP to another, as java.time counts them: the last day of a month is a day like
    # any other, and a clock time that has not come yet takes a day off
    "CREATE OR REPLACE MACRO spark_days_in_months(a, b) AS "
    "((((year(b) - year(a)) * 12 + month(b) - month(a)) * 32 + day(b) - day(a)) // 32)",
    "CREATE OR REPLACE MACRO spark_months(a, b) AS spark_days_in_months(a, CAST(b AS DATE) "
    "- CAST(CAST(b AS DATE) > CAST(a AS DATE) AND CAST(b AS TIME) < CAST(a AS TIME) AS INTEGER) "
    "+ CAST(CAST(b AS DATE) < CAST(a AS DATE) AND CAST(b AS TIME) > CAST(a AS TIME) AS INTEGER))",
    # a HUGEINT as BIGINT; ARITHMETIC_OVERFLOW when it does not fit
    "CREATE OR REPLACE MACRO spark_long(x) AS CASE WHEN x IS NULL THEN NULL "
    f"WHEN x BETWEEN ({_LEAST}) AND {_MOST} THEN CAST(x AS BIGINT) ELSE {overflow('long', 'try_sum')} END",
    # a HUGEINT as BIGINT, its upper bits cut off
    "CREATE OR REPLACE MACRO spark_wrapped_long(x) AS CAST(((x + 9223372036854775808::HUGEINT) & "
    "18446744073709551615::HUGEINT) - 9223372036854775808::HUGEINT AS BIGINT)",
    # distinct elements in the order of their first occurrence; NULL counts as a value
    # (sorted with their positions, so that equal ones are neighbours)
    "CREATE OR REPLACE MACRO spark_list_distinct(l) AS list_transform("
    "[list_sort(list_transform(l, lambda x, i: {'v': x, 'i': i}))], lambda s: list_transform(list_sort(list_transform("
    "list_filter(s, lambda e, k: k = 1 OR s[k - 1].v IS DISTINCT FROM e.v), lambda e: {'i': e.i, 'v': e.v})), "
    "lambda e: e.v))[1]",
    # division rounded down, for a positive divisor
    "CREATE OR REPLACE MACRO spark_floor_div(a, b) AS (a // b - CASE WHEN a % b < 0 THEN 1 ELSE 0 END)",
    # a map of the last value of each key, in the order of the keys' first occurrence
    "CREATE OR REPLACE MACRO spark_map_last(ks, vs) AS list_transform([{'k': ks, 'v': vs, 'r': list_reverse(ks), "
    "'d': list_filter(ks, lambda k, i: list_position(ks, k) = i)}], lambda m: "
    "map(m.d, list_transform(m.d, lambda k: m.v[len(m.k) + 1 - list_position(m.r, k)])))[1]",
    # a calendar interval times a number: the fraction of a month is lost, that of a day becomes time
    "CREATE OR REPLACE MACRO spark_calendar_times(i, n) AS "
    "to_months(CAST(trunc((datepart('years', i) * 12 + datepart('months', i)) * n) AS INTEGER)) + "
    "to_days(CAST(trunc(datepart('days', i) * n) AS INTEGER)) + to_microseconds(CAST(round("
    "(datepart('hours', i) * 3600000000 + datepart('minutes', i) * 60000000 + datepart('microseconds', i)) * n "
    "+ 86400000000 * (datepart('days', i) * n - trunc(datepart('days', i) * n))) AS BIGINT))",
    # three-valued ANY and ALL of a list of BOOLEAN
    "CREATE OR REPLACE MACRO spark_any(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, TRUE) THEN TRUE "
    "WHEN list_position(l, NULL) IS NOT NULL THEN NULL ELSE FALSE END",
    "CREATE OR REPLACE MACRO spark_all(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, FALSE) THEN FALSE "
    "WHEN list_position(l, NULL) IS NOT NULL THEN NULL ELSE TRUE END",
    "CREATE OR REPLACE MACRO spark_list_remove(l, v) AS CASE WHEN v IS NULL THEN NULL ELSE "
    "list_filter(l, lambda x: x IS NULL OR x <> v) END",
)
