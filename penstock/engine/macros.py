"""DuckDB macros for Spark's casts, created once per database.

A macro's argument is copied into its body: one that is needed more than a few times goes through a one-element list.
A macro that parses returns NULL for what Spark does not accept; the caller raises.
"""

from __future__ import annotations

#: What Spark trims before it parses: white space and control characters.
_BLANK = "".join(chr(code) for code in range(1, 33)) + "\x7f"
_BLANKS = r"[\x00-\x20\x7f]*"


def _integer(name: str, sql_type: str) -> str:
    """The usual spelling (what the number would be written as) is recognised without a pattern."""
    return (
        f"CREATE OR REPLACE MACRO {name}(s) AS CASE WHEN CAST(TRY_CAST(s AS {sql_type}) AS VARCHAR) = s "
        f"THEN TRY_CAST(s AS {sql_type}) WHEN regexp_full_match(s, '{_BLANKS}[+-]?[0-9]+{_BLANKS}') "
        f"THEN TRY_CAST(spark_trim(s) AS {sql_type}) END"
    )


def _truncated_integer(name: str, sql_type: str) -> str:
    """Without ANSI, '1.9' is 1."""
    pattern = rf"{_BLANKS}[+-]?[0-9]*(?:[.][0-9]*)?{_BLANKS}"
    return (
        f"CREATE OR REPLACE MACRO {name}(s) AS CASE WHEN regexp_full_match(s, '{pattern}') "
        "AND regexp_matches(s, '[0-9]') THEN TRY_CAST(regexp_replace("
        f"regexp_replace(spark_trim(s), '[.].*', ''), '^([+-]?)$', '\\10') AS {sql_type}) END"
    )


_WRAP = """CREATE OR REPLACE MACRO spark_wrap(x, mask, sign) AS (xor(CAST(x AS BIGINT) & mask, sign) - sign)"""

_DOUBLE = rf"""CREATE OR REPLACE MACRO spark_double(s) AS CASE
  WHEN s IS NULL OR contains(s, '_') THEN NULL
  ELSE coalesce(
    TRY_CAST(s AS DOUBLE),
    TRY_CAST(spark_trim(s) AS DOUBLE),
    TRY_CAST(regexp_extract(
      s, '^{_BLANKS}([+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?)[dDfF]{_BLANKS}$', 1) AS DOUBLE)
  ) END"""

# Java writes 1.0E10 and 1.0E-5, but 1234.5 and 0.001 as they are; DuckDB's text has the same (shortest) digits.
_FLOATING_TEXT = """CREATE OR REPLACE MACRO spark_floating_text(x) AS CASE
  WHEN abs(x) >= 0.001 AND abs(x) < 1e7 THEN CAST(x AS VARCHAR)
  ELSE list_transform([CAST(x AS VARCHAR)], lambda t: CASE
    WHEN t IN ('0.0', '-0.0') THEN t
    WHEN t IN ('5e-324', '-5e-324') THEN replace(t, '5e', '4.9E')
    WHEN t = 'nan' OR t = '-nan' THEN 'NaN'
    WHEN t = 'inf' THEN 'Infinity'
    WHEN t = '-inf' THEN '-Infinity'
    WHEN contains(t, 'e') THEN CASE WHEN contains(t, '.') THEN regexp_replace(t, 'e[+]?(-?)0*', 'E\\1')
      ELSE regexp_replace(t, 'e[+]?(-?)0*', '.0E\\1') END
    WHEN regexp_matches(t, '^-?0[.]') THEN regexp_extract(t, '^-?')
      || spark_mantissa(regexp_extract(t, '0[.]0*([0-9]+)', 1))
      || 'E-' || CAST(length(regexp_extract(t, '[.](0*)', 1)) + 1 AS VARCHAR)
    ELSE regexp_extract(t, '^-?') || spark_mantissa(regexp_replace(replace(ltrim(t, '-'), '.', ''), '0+$', ''))
      || 'E' || CAST(length(regexp_extract(t, '([0-9]+)[.]', 1)) - 1 AS VARCHAR)
    END)[1] END"""

_MANTISSA = """CREATE OR REPLACE MACRO spark_mantissa(d) AS
  d[1] || '.' || CASE WHEN length(d) > 1 THEN substring(d, 2) ELSE '0' END"""

_BOOLEAN = """CREATE OR REPLACE MACRO spark_boolean(s) AS CASE
  WHEN lower(s) IN ('true', 'false') THEN lower(s) = 'true'
  WHEN lower(spark_trim(s)) IN ('t', 'true', 'y', 'yes', '1') THEN true
  WHEN lower(spark_trim(s)) IN ('f', 'false', 'n', 'no', '0') THEN false END"""

_DATE = r"""CREATE OR REPLACE MACRO spark_date(s) AS CASE
  WHEN length(s) = 10 AND s[5] = '-' AND s[8] = '-' THEN TRY_CAST(s AS DATE)
  WHEN s IS NOT NULL THEN list_transform(
    [regexp_extract(spark_trim(s), '^([+-]?)([0-9]{4,7})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[ T].*)?)?)?$',
      ['g', 'y', 'm', 'd'])],
    lambda p: CASE WHEN p.y <> '' THEN TRY_CAST(spark_year(p.g, p.y, p.m, p.d) AS DATE) END)[1] END"""

# DuckDB writes the year 0 as 1 BC.
_YEAR = """CREATE OR REPLACE MACRO spark_year(g, y, m, d) AS CASE
  WHEN g = '-' OR TRY_CAST(y AS INTEGER) = 0
  THEN lpad(CAST(TRY_CAST(y AS INTEGER) + 1 AS VARCHAR), 4, '0') || '-' || coalesce(nullif(m, ''), '01')
    || '-' || coalesce(nullif(d, ''), '01') || ' (BC)'
  ELSE y || '-' || coalesce(nullif(m, ''), '01') || '-' || coalesce(nullif(d, ''), '01') END"""

_TIME = r"([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]*))?)?)?"
_STAMP = rf"^([+-]?)([0-9]{{4,6}})(?:-([0-9]{{1,2}})(?:-([0-9]{{1,2}})(?:[ T]{_TIME} *([A-Za-z+-].*)?)?)?)?$"

_PARTS = rf"""CREATE OR REPLACE MACRO spark_stamp_parts(s) AS
  regexp_extract(spark_trim(s), '{_STAMP}', ['g', 'y', 'm', 'd', 'h', 'i', 'c', 'f', 'z'])"""

_LOCAL = """CREATE OR REPLACE MACRO spark_parts_to_local(p) AS CASE
  WHEN p.y = '' OR TRY_CAST(p.h AS INTEGER) > 23 THEN NULL
  WHEN p.h = '' THEN CAST(TRY_CAST(spark_year(p.g, p.y, p.m, p.d) AS DATE) AS TIMESTAMP)
  ELSE TRY_CAST(spark_year(p.g, p.y, p.m, p.d) AS DATE)
    + TRY_CAST(p.h || ':' || coalesce(nullif(p.i, ''), '00') || ':' || coalesce(nullif(p.c, ''), '00')
    || CASE WHEN p.f <> '' THEN '.' || p.f[:6] ELSE '' END AS TIME) END"""

# A local time that occurs twice (clocks go back) is the earlier instant; DuckDB takes the later.  The earlier one, if
# there is one, is where the clocks' offset of a day before would put it.
_TO_INSTANT = """CREATE OR REPLACE MACRO spark_to_instant(zone, naive) AS
  list_transform([timezone(zone, naive)], lambda t: list_transform([make_timestamptz(epoch_us(naive)
    - epoch_us(timezone(zone, make_timestamptz(epoch_us(t) - 86400000000))) + epoch_us(t) - 86400000000)],
  lambda e: CASE WHEN e < t AND timezone(zone, e) = naive THEN e ELSE t END)[1])[1]"""

# Days later on the clocks of a zone that has left out a day: what falls into it comes after it, as in java.time.
_DAYS_LATER = """CREATE OR REPLACE MACRO spark_days_later(zone, t, n) AS
  list_transform([make_timestamptz(epoch_us(t) + CAST(n AS BIGINT) * 86400000000)], lambda e: CASE
  WHEN timezone(zone, e) = timezone(zone, t) + to_days(n) THEN e
  ELSE spark_to_instant(zone, timezone(zone, t) + to_days(n)) END)[1]"""

# By its form and by a cast: `timezone` raises for a zone that it does not know, and nothing can catch that.
_SHORT_ZONES = (
    "ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST EST MST HST"
)
_IS_ZONE = rf"""CREATE OR REPLACE MACRO spark_is_zone(z) AS z IN ('Z', 'UTC', 'GMT', 'UT')
  OR regexp_full_match(z, '(UTC|GMT|UT)?[+-](0?[0-9]|1[0-7])(:?[0-5]?[0-9])?(:?[0-5][0-9])?|(UTC|GMT|UT)?[+-]18(:?00)?')
  OR regexp_full_match(z, '[A-Z][A-Za-z]+/[A-Za-z_/]+([+-][0-9]+)?|{_SHORT_ZONES.replace(" ", "|")}')
    AND TRY_CAST('2020-01-01 00:00:00 ' || z AS TIMESTAMPTZ) IS NOT NULL"""

_AT_ZONE = r"""CREATE OR REPLACE MACRO spark_at_zone(zone, naive) AS CASE
  WHEN zone IN ('Z', 'UTC', 'GMT', 'UT') THEN make_timestamptz(epoch_us(naive))
  WHEN regexp_matches(zone, '^(UTC|GMT|UT)?[+-]') THEN list_transform(
    [regexp_extract(zone, '^(?:UTC|GMT|UT)?([+-])([0-9]{1,2})(?::?([0-9]{1,2}))?(?::?([0-9]{2}))?$',
      ['s', 'h', 'm', 'c'])],
    lambda o: CASE WHEN o.h <> '' AND CAST(o.h AS BIGINT) <= 18 THEN make_timestamptz(
      epoch_us(naive) - CASE WHEN o.s = '-' THEN -1000000 ELSE 1000000 END * (CAST(o.h AS BIGINT) * 3600
      + coalesce(TRY_CAST(o.m AS BIGINT), 0) * 60 + coalesce(TRY_CAST(o.c AS BIGINT), 0))) END)[1]
  WHEN spark_is_zone(zone) THEN spark_to_instant(zone, naive) END"""

# What has this shape DuckDB reads as Spark does, or not at all: it keeps out what only DuckDB accepts ('epoch',
# 'infinity', '2020/01/01', 24:00).  JSON's ISO strings take this way, everything else the general one.
_ISO = "s LIKE '____-__-_____:__:__%' AND NOT s LIKE '___________24%'"
_LOCAL_ISO = (
    "(s LIKE '____-__-_____:__:__' OR (s LIKE '____-__-_____:__:__.%' AND regexp_full_match(s[21:], '[0-9]+'))) "
    "AND NOT s LIKE '___________24%'"
)

_STAMP_SLOW = """CREATE OR REPLACE MACRO spark_timestamp_slow(s, zone) AS CASE
  WHEN s IS NOT NULL THEN list_transform([spark_stamp_parts(s)], lambda p: CASE
    WHEN p.z = '' THEN spark_to_instant(zone, spark_parts_to_local(p))
    ELSE spark_at_zone(p.z, spark_parts_to_local(p)) END)[1] END"""

_TIMESTAMP = f"""CREATE OR REPLACE MACRO spark_timestamp(s, zone) AS coalesce(
  CASE WHEN {_ISO} AND s LIKE '%Z' THEN TRY_CAST(s AS TIMESTAMPTZ)
    WHEN {_LOCAL_ISO} THEN spark_to_instant(zone, TRY_CAST(s AS TIMESTAMP)) END,
  spark_timestamp_slow(s, zone))"""

# For session zones without clock changes (UTC and fixed offsets) DuckDB's own reading of local times is Spark's.
_TIMESTAMP_FIXED = f"""CREATE OR REPLACE MACRO spark_timestamp_fixed(s, zone) AS coalesce(
  CASE WHEN {_ISO} THEN TRY_CAST(s AS TIMESTAMPTZ) END, spark_timestamp_slow(s, zone))"""

_TIMESTAMP_NTZ = f"""CREATE OR REPLACE MACRO spark_timestamp_ntz(s) AS coalesce(
  CASE WHEN {_LOCAL_ISO} THEN TRY_CAST(s AS TIMESTAMP) END,
  CASE WHEN s IS NOT NULL THEN list_transform([spark_stamp_parts(s)], lambda p:
    CASE WHEN p.z = '' OR spark_is_zone(p.z) THEN spark_parts_to_local(p) END)[1] END)"""

_FLOOR_DIV = """CREATE OR REPLACE MACRO spark_floor_div(x, m) AS ((x - ((x % m) + m) % m) // m)"""

_YEAR_TEXT = """CREATE OR REPLACE MACRO spark_year_text(t) AS CASE
  WHEN contains(t, ' (BC)') THEN list_transform(
    [regexp_extract(t, '^([0-9]+)(-[0-9]+-[0-9]+) \\(BC\\)(.*)$', ['y', 'd', 'r'])],
    lambda p: CASE WHEN p.y = '0001' THEN '0000'
      ELSE '-' || lpad(CAST(CAST(p.y AS INTEGER) - 1 AS VARCHAR), 4, '0') END || p.d || p.r)[1]
  WHEN t[5] <> '-' THEN '+' || t ELSE t END"""

# Bytes that are no UTF-8 become the replacement character, as when Spark's string is shown.
_UTF8 = r"""CREATE OR REPLACE MACRO spark_utf8(b) AS
  coalesce(TRY(decode(b)), regexp_replace(CAST(b AS VARCHAR), '\\x[0-9A-F]{2}', chr(65533), 'g'))"""

_PAD = """CREATE OR REPLACE MACRO spark_pad(x) AS CASE
  WHEN x < 10 THEN '0' || CAST(x AS VARCHAR) ELSE CAST(x AS VARCHAR) END"""

_INTERVAL_TEXT = """CREATE OR REPLACE MACRO spark_sign(x) AS CASE WHEN x < 0 THEN '-' ELSE '' END"""

_TO_FLOAT = """CREATE OR REPLACE MACRO spark_to_float(x) AS coalesce(TRY_CAST(x AS FLOAT), CASE
  WHEN x > 0 THEN CAST('inf' AS FLOAT) WHEN x < 0 THEN CAST('-inf' AS FLOAT) END)"""


def _clamp(sql_type: str, low: str, high: str) -> str:
    return (
        f"CREATE OR REPLACE MACRO spark_clamp_{sql_type.lower()}(x) AS CASE WHEN isnan(x) THEN CAST(0 AS {sql_type}) "
        f"WHEN x >= {high} THEN CAST({high} AS {sql_type}) WHEN x <= {low} THEN CAST({low} AS {sql_type}) "
        f"ELSE CAST(trunc(x) AS {sql_type}) END"
    )


CAST_MACROS: tuple[str, ...] = (
    f"CREATE OR REPLACE MACRO spark_trim(s) AS trim(s, '{_BLANK}')",
    _integer("spark_tinyint", "TINYINT"),
    _integer("spark_smallint", "SMALLINT"),
    _integer("spark_integer", "INTEGER"),
    _integer("spark_bigint", "BIGINT"),
    _truncated_integer("spark_legacy_tinyint", "TINYINT"),
    _truncated_integer("spark_legacy_smallint", "SMALLINT"),
    _truncated_integer("spark_legacy_integer", "INTEGER"),
    _truncated_integer("spark_legacy_bigint", "BIGINT"),
    _WRAP,
    _DOUBLE,
    _MANTISSA,
    _FLOATING_TEXT,
    _BOOLEAN,
    _YEAR,
    _DATE,
    _PARTS,
    _LOCAL,
    _TO_INSTANT,
    _DAYS_LATER,
    _IS_ZONE,
    _AT_ZONE,
    _STAMP_SLOW,
    _TIMESTAMP,
    _TIMESTAMP_FIXED,
    _TIMESTAMP_NTZ,
    _TO_FLOAT,
    _clamp("INTEGER", "-2147483648", "2147483647"),
    _clamp("BIGINT", "-9223372036854775808", "9223372036854775807"),
    _FLOOR_DIV,
    _YEAR_TEXT,
    _UTF8,
    _PAD,
    _INTERVAL_TEXT,
)
