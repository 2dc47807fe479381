"""Functions that run as kernels, with the values that Spark 4.2 gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock.core.errors import SparkError


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("conv('-15', 10, -16)", "-F"),
        ("conv('12x', 10, 2)", "1100"),
        ("mask('aB1-', 'X', 'x', 'n', 'o')", "xXno"),
        ("soundex('Pfister')", "P236"),
        ("luhn_check('8112189876')", True),
        ("sentences('Hi there! Good morning.')", [["Hi", "there"], ["Good", "morning"]]),
        ("format_string('%05d|%-4s|%.1f|%x', 42, 'a', 0.25D, -1)", "00042|a   |0.3|ffffffff"),
        ("printf('%,d', 1234567)", "1,234,567"),
        ("url_encode('a b~*')", "a+b%7E*"),
        ("url_decode('a+b%20c')", "a b c"),
        ("try_url_decode('%zz')", None),
        ("parse_url('http://u:p@h.org:80/x?k=v#r', 'AUTHORITY')", "u:p@h.org:80"),
        ("parse_url('http://h/x?k=v&q=', 'QUERY', 'k')", "v"),
        ("try_parse_url('inva lid://x', 'HOST')", None),
        ("hash('Spark', array(123), 2)", -1321691492),
        ("xxhash64('Spark', array(123), 2)", 5602566077635097486),
        ("crc32('Spark')", 1557323817),
        ("sha2('abc', 224)", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        ("hex(encode('é', 'UTF-16BE'))", "00E9"),
        ("decode(x'E9', 'ISO-8859-1')", "é"),
        ("is_valid_utf8(x'61C262')", False),
        ("make_valid_utf8(x'80')", "\ufffd"),
        ("try_validate_utf8(x'80')", None),
        ("validate_utf8(x'61')", "a"),
        ("to_char(-12454.8, '99G999D9S')", "12,454.8-"),
        ("to_char(-34, 'S999')", " -34"),
        ("to_char(123456, '99,999')", "## ###"),
        ("to_number('$78.12', '$99.99')", Decimal("78.12")),
        ("try_to_number('abc', '999')", None),
        ("bitmap_count(x'0103')", 3),
        ("bitmap_bucket_number(32769)", 2),
        ("bitmap_bit_position(123)", 122),
        ("vector_norm(array(3.0F, 4.0F))", 5.0),
        ("vector_inner_product(array(1.0F, 2.0F), array(3.0F, 4.0F))", 11.0),
        ("vector_l2_distance(array(0.0F), array(2.0F))", 2.0),
        ("vector_cosine_similarity(array(1.0F), array(2.0F))", 1.0),
        ("vector_normalize(array(3.0F, 4.0F), 1.0F)[0]", pytest.approx(0.428571433)),
        ("xpath('<a><b>1</b><b>2</b></a>', 'a/b/text()')", ["1", "2"]),
        ("xpath_int('<a><b>1</b><b>2</b></a>', 'sum(a/b)')", 3),
        ('xpath_string(\'<a><b id="1">x</b><b id="2">y</b></a>\', \'a/b[@id="2"]\')', "y"),
        ("xpath_boolean('<a/>', 'a/b')", False),
        ("from_csv('x,\"a,b\",', 'a INT, b STRING, c DOUBLE')", {"a": None, "b": "a,b", "c": None}),
        ("from_xml('<p a=\"7\"><b>x</b></p>', '_a INT, b STRING')", {"_a": 7, "b": "x"}),
        ("to_xml(named_struct('a', 1))", "<ROW>\n    <a>1</a>\n</ROW>"),
        ('schema_of_json(\'[{"a":1},{"b":2.5}]\')', "ARRAY<STRUCT<a: BIGINT, b: DOUBLE>>"),
        ("schema_of_csv('1,x')", "STRUCT<_c0: INT, _c1: STRING>"),
        ("schema_of_xml('<p><a>1</a></p>')", "STRUCT<a: BIGINT>"),
        ("CAST(aes_decrypt(aes_encrypt('secret', '0000111122223333'), '0000111122223333') AS STRING)", "secret"),
        ("CAST(aes_decrypt(unbase64('3lmwu+Mw0H3fi5NDvcu9lg=='), '1234567890abcdef', 'ECB') AS STRING)", "Spark SQL"),
        ("try_aes_decrypt(x'00', '0000111122223333')", None),
        ('CAST(parse_json(\'{"b":[1,2.50,null],"a":1e3}\') AS STRING)', '{"a":1000.0,"b":[1,2.5,null]}'),
        ("variant_get(parse_json('{\"a\":[1.5]}'), '$.a[0]', 'int')", 1),
        ("try_variant_get(parse_json('[\"x\"]'), '$[0]', 'int')", None),
        ("schema_of_variant(parse_json('[1,\"a\"]'))", "ARRAY<VARIANT>"),
        ("is_variant_null(parse_json('null'))", True),
        ("CAST(to_variant_object(named_struct('a', CAST(NULL AS INT))) AS STRING)", '{"a":null}'),
    ],
)
def test_values(answer: Any, expression: str, value: Any) -> None:
    assert answer(f"SELECT {expression}") == [(value,)]


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("conv('FFFFFFFFFFFFFFFFF', 16, 10)", "ARITHMETIC_OVERFLOW"),
        ("url_decode('%zz')", "CANNOT_DECODE_URL"),
        ("parse_url('inva lid://x', 'HOST')", "INVALID_URL"),
        ("encode('é', 'US-ASCII')", "MALFORMED_CHARACTER_CODING"),
        ("encode('x', 'foo')", "INVALID_PARAMETER_VALUE.CHARSET"),
        ("validate_utf8(x'ff')", "INVALID_UTF8_STRING"),
        ("to_number('abc', '999')", "INVALID_FORMAT.MISMATCH_INPUT"),
        ("to_char(1, '')", "INVALID_FORMAT.EMPTY"),
        ("aes_encrypt('x', 'short')", "INVALID_PARAMETER_VALUE.AES_KEY_LENGTH"),
        ("aes_decrypt(x'00', '0000111122223333')", "INVALID_PARAMETER_VALUE.AES_CRYPTO_ERROR"),
        ("variant_get(parse_json('[\"x\"]'), '$[0]', 'int')", "INVALID_VARIANT_CAST"),
        ("parse_json('[1')", "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"),
        ("hash(map(1, 2))", "DATATYPE_MISMATCH.HASH_MAP_TYPE"),
        ("hll_sketch_estimate(X'01')", "HLL_INVALID_INPUT_SKETCH_BUFFER"),
        ("format_string('%q', 1)", "UNSUPPORTED_FEATURE.PENSTOCK"),
        ("xpath_int('<a/>', 'ancestor::b')", "UNSUPPORTED_FEATURE.PENSTOCK"),
    ],
)
def test_errors(answer: Any, expression: str, condition: str) -> None:
    with pytest.raises(SparkError) as error:
        answer(f"SELECT {expression}")
    assert error.value.condition == condition


def test_kernels_see_columns_with_nulls_in_chunks(answer: Any) -> None:
    rows = answer(
        "SELECT count(*), count(h), min(h), sum(CAST(x AS BIGINT) - x) FROM (SELECT id AS x, soundex(CASE WHEN id % 2 "
        "= 0 THEN 'Robert' END) AS h FROM range(5000))"
    )
    assert rows == [(5000, 2500, "R163", 0)]


def test_hash_leaves_nulls_out(answer: Any) -> None:
    assert answer("SELECT hash(a), hash(a, 1) = hash(1) FROM VALUES (CAST(NULL AS INT)) AS t(a)") == [(42, True)]


def test_bitmaps_of_groups(answer: Any) -> None:
    sql = "SELECT bitmap_count(bitmap_construct_agg(bitmap_bit_position(c))) FROM VALUES (1), (2), (2), (NULL) AS t(c)"
    assert answer(sql) == [(2,)]
    sql = "SELECT bitmap_count(bitmap_or_agg(c)), bitmap_count(bitmap_and_agg(c)) FROM VALUES (x'01'), (x'03') AS t(c)"
    assert answer(sql) == [(2, 1)]


def test_variants_are_exploded(answer: Any) -> None:
    sql = 'SELECT pos, key, CAST(value AS STRING) FROM variant_explode(parse_json(\'{"b":2,"a":"x"}\'))'
    assert answer(sql) == [(0, "a", "x"), (1, "b", "2")]


def test_geometries(answer: Any) -> None:
    point = "x'0101000000000000000000F03F0000000000000040'"
    assert answer(f"SELECT st_srid(st_geomfromwkb({point}, 4326)), hex(st_asbinary(st_geogfromwkb({point})))") == [
        (4326, "0101000000000000000000F03F0000000000000040")
    ]
    with pytest.raises(SparkError, match="WKB_PARSE_ERROR"):
        answer("SELECT st_srid(st_geomfromwkb(x'00'))")


def test_the_count_min_sketch_has_sparks_bytes(answer: Any) -> None:
    expected = "0000000100000000000000030000000100000004000000005D8D6AB9" + "0" * 30 + "02" + "0" * 15 + "1" + "0" * 16
    assert answer("SELECT hex(count_min_sketch(c, 0.5D, 0.5D, 1)) FROM VALUES (1), (2), (1) AS t(c)") == [(expected,)]
