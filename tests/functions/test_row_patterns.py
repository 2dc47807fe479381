"""Patterns that only the row knows, geometry's byte orders, maps whose last value counts, sums that wrap around."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock.core.errors import SparkError

POINT, LINE = "0101000000000000000000F03F0000000000000040", "010200000002000000" + "00" * 32
POLYGON = "01030000000100000004000000" + "00" * 64


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT split(s, p, l) FROM VALUES ('aXbXc', 'X', 2), ('abc', '', 2), ('aXX', 'X', -1) t(s, p, l)",
         [(["a", "bXc"],), (["a", "bc"],), (["a", "", ""],)]),
        ("SELECT map_keys(str_to_map(s, p, '=')) FROM VALUES ('a=1;b', ';'), ('a=1xyb=2', '[xy]+') t(s, p)",
         [(["a", "b"],), (["a", "b"],)]),
        ("SELECT CAST(to_timestamp_ntz(s, f) AS STRING) FROM VALUES ('03/Feb/2021 2:05 PM', 'dd/MMM/yyyy h:mm a'), "
         "('2020-1-2T03:04:05.25', \"yyyy-M-d'T'HH:mm:ss.SS\") t(s, f)",
         [("2021-02-03 14:05:00",), ("2020-01-02 03:04:05.25",)]),
        ("SELECT to_unix_timestamp(s, f) FROM VALUES ('1970-01-02', 'yyyy-MM-dd') t(s, f)", [(86400,)]),
        (f"SELECT hex(st_asbinary(st_geomfromwkb(X'{POINT}'), e)) FROM VALUES ('XDR'), ('ndr') t(e)",
         [("00000000013FF00000000000004000000000000000",), (POINT,)]),
        (f"SELECT st_srid(st_setsrid(st_geomfromwkb(X'{POINT}'), s)) FROM VALUES (4326), (3857), (NULL) t(s)",
         [(4326,), (3857,), (None,)]),
        ("SELECT sign(double('NaN')) > 1e300, listagg(b, X'00') FROM VALUES (X'01'), (X'02') t(b)",
         [(True, b"\x01\x00\x02")]),
        ("SELECT try_sum(x), try_avg(x) FROM VALUES (CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0))), "
         "(CAST(1 AS DECIMAL(38,0))) t(x)", [(None, None)]),
        ("SELECT try_avg(x) FROM VALUES (CAST(1 AS DECIMAL(38,0))), (CAST(2 AS DECIMAL(38,0))), "
         "(CAST(-7 AS DECIMAL(38,0))) t(x)", [(Decimal("-1.3333"),)]),
    ],
)  # fmt: skip
def test_answers(answer: Any, query: str, rows: list[Any]) -> None:
    assert answer(query) == rows


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("SELECT split(s, p, 2) FROM VALUES ('a', '(') t(s, p)", "INVALID_PARAMETER_VALUE.PATTERN"),
        ("SELECT to_timestamp(s, f) FROM VALUES ('x', 'yyyy') t(s, f)", "CANNOT_PARSE_TIMESTAMP"),
        ("SELECT to_timestamp(s, f) FROM VALUES ('x', 'zzzz') t(s, f)", "UNSUPPORTED_FEATURE.PENSTOCK"),
        (f"SELECT st_asbinary(st_geomfromwkb(X'{POINT}'), 'PDP')", "ST_INVALID_ENDIANNESS_VALUE"),
        (f"SELECT st_setsrid(st_geomfromwkb(X'{POINT}'), s) FROM VALUES (7) t(s)", "ST_INVALID_SRID_VALUE"),
        ("SELECT make_interval(1) / 0", "INTERVAL_DIVIDED_BY_ZERO"),
        ("SELECT nth_value(a, 1, 'x') OVER (ORDER BY a) FROM VALUES (1) t(a)", "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT"),
        ("SELECT variant_get(parse_json('1'), p) FROM VALUES ('a') t(p)", "INVALID_VARIANT_GET_PATH"),
        ("SELECT variant_get(parse_json('[1, \"x\"]'), '$', 'array<int>')", "INVALID_VARIANT_CAST"),
    ],
)
def test_errors(answer: Any, query: str, condition: str) -> None:
    with pytest.raises(SparkError) as caught:
        answer(query)
    assert caught.value.condition == condition


def test_a_sum_wraps_around_without_ansi(answer: Any) -> None:
    query = "SELECT sum(x), sum(DISTINCT x) FROM VALUES (9223372036854775807), (2), (2) t(x)"
    assert answer(query, ansi=False) == [(-9223372036854775805, -9223372036854775807)]
    with pytest.raises(SparkError, match="overflow"):
        answer(query)


@pytest.mark.parametrize("wkb", [LINE, POLYGON, "010400000001000000" + POINT])
def test_byte_orders_of_all_kinds(wkb: str) -> None:
    from penstock.functions.kernels.geometry import _swapped

    data = bytes.fromhex(wkb)
    swapped, end = _swapped(data, 0)
    assert end == len(data) == len(swapped)
    assert swapped[0] == 0
    assert int.from_bytes(swapped[1:5], "big") == data[1]
