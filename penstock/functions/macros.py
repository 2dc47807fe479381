"""DuckDB macros that templates of the function table use; the engine creates them once per database."""

from __future__ import annotations

from penstock.functions.markers import overflow

_LEAST, _MOST = -9223372036854775808, 9223372036854775807

MACROS: tuple[str, ...] = (
    # a HUGEINT as BIGINT; ARITHMETIC_OVERFLOW when it does not fit
    "CREATE OR REPLACE MACRO spark_long(x) AS CASE WHEN x IS NULL THEN NULL "
    f"WHEN x BETWEEN ({_LEAST}) AND {_MOST} THEN CAST(x AS BIGINT) ELSE {overflow('long', 'try_sum')} END",
    # distinct elements in the order of their first occurrence; NULL counts as a value
    "CREATE OR REPLACE MACRO spark_list_distinct(l) AS list_filter(l, lambda x, i: "
    "CASE WHEN x IS NULL THEN list_position(l[:i - 1], NULL) ELSE list_position(l[:i - 1], x) END IS NULL)",
    # division rounded down, for a positive divisor
    "CREATE OR REPLACE MACRO spark_floor_div(a, b) AS (a // b - CASE WHEN a % b < 0 THEN 1 ELSE 0 END)",
    # three-valued ANY and ALL of a list of BOOLEAN
    "CREATE OR REPLACE MACRO spark_any(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, TRUE) THEN TRUE "
    "WHEN list_position(l, NULL) IS NOT NULL THEN NULL ELSE FALSE END",
    "CREATE OR REPLACE MACRO spark_all(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, FALSE) THEN FALSE "
    "WHEN list_position(l, NULL) IS NOT NULL THEN NULL ELSE TRUE END",
    "CREATE OR REPLACE MACRO spark_list_remove(l, v) AS CASE WHEN v IS NULL THEN NULL ELSE "
    "list_filter(l, lambda x: x IS NULL OR x <> v) END",
)
