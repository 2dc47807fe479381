# ruff: noqa: E501
import datetime
from decimal import Decimal

import pytest
from reading import read, relation, rows

from penstock.core.errors import SparkError
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    ArrayType,
    DecimalType,
    MapType,
    StructType,
)

FIELDS = {"a": INTEGER, "s": STRING, "d": DOUBLE, "b": BOOLEAN}
GOOD = '{"a":1,"s":"x","d":1.5,"b":true}\n'


def write(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    return path


def test_a_bad_field_is_null_and_leaves_the_others(tmp_path):
    text = GOOD + '{"a":1.7,"s":5,"d":"2.5","b":1}\n{"a":"12","s":"y","d":"NaN","b":"true"}\n{"a":1e-7,"d":3}\n'
    found = read("json", write(tmp_path, text), FIELDS)
    assert found[:2] == [(1, "x", 1.5, True), (None, "5", None, None)]
    assert repr(found[2:]) == "[(None, 'y', nan, None), (None, None, 3.0, None)]"


def test_a_bad_line_is_a_row_of_nulls(tmp_path):
    text = GOOD + 'bad\n\n   \n{"a":1,\nnull\n5\n'
    assert rows_of(tmp_path, text) == [(1, "x", 1.5, True)] + [(None,) * 4] * 4


def test_an_array_line_gives_several_rows_and_the_last_duplicate_key_wins(tmp_path):
    text = '[{"a":5},{"a":6}]\n{"a":1,"a":2}\n{"A":9}\n{"a":8}x\n{"a":7} {"a":0}\n'
    assert rows_of(tmp_path, text) == [(a, None, None, None) for a in (5, 6, 2, None, 8, 7)]


def rows_of(tmp_path, text):
    """Where only the tolerant scan can answer."""
    found = relation("json", write(tmp_path, text), FIELDS)
    return rows(found.scan([(name, name) for name in FIELDS], "UTC"))


def test_strings_keep_the_digits_of_numbers(tmp_path):
    assert rows_of(tmp_path, '{"s":1.50}\n{"s":"1.50"}\n{"s":"a:b"}\n{"s":7}\n') == [
        (None, s, None, None) for s in ("1.50", "1.50", "a:b", "7")
    ]


def test_decimals_round_half_up_and_keep_all_digits(tmp_path):
    path = write(tmp_path, '{"x":0.005,"y":12345678901234567890.0123456789}\n{"x":"1.5","y":1}\n')
    found = relation("json", path, {"x": DecimalType(10, 2), "y": DecimalType(38, 10)})
    assert rows(found.scan([("x", "x"), ("y", "y")], "UTC")) == [
        (Decimal("0.01"), Decimal("12345678901234567890.0123456789")),
        (Decimal("1.50"), Decimal(1)),
    ]


def test_times(tmp_path):
    text = '{"t":"2024-01-01T00:00:00.000Z","n":"2024-01-02 03:04:05","d":"2024-01-02"}\n{"t":5,"n":null,"d":"2024"}\n{"t":"2024-03"}\n'
    found = read_slow(write(tmp_path, text), {"t": TIMESTAMP, "n": TIMESTAMP_NTZ, "d": DATE})
    assert [row[0].timestamp() for row in found] == [1704067200, 5, 1709251200]
    assert found[0][1:] == (datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.date(2024, 1, 2))
    assert found[1][2] == datetime.date(2024, 1, 1)


def read_slow(path, fields, **options):
    found = relation("json", path, fields, **options)
    return rows(found.scan([(name, name) for name in fields], "UTC"))


def test_formats(tmp_path):
    path = write(tmp_path, '{"d":"31/01/2024","t":"2024/01/31 10.20"}\n{"d":"2024-01-31","t":"x"}\n')
    fields = {"d": DATE, "t": TIMESTAMP_NTZ}
    found = read("json", path, fields, dateFormat="dd/MM/yyyy", timestampNTZFormat="yyyy/MM/dd HH.mm")
    assert found == [(datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, 10, 20)), (None, None)]


def test_nested(tmp_path):
    inner = StructType().add("x", LONG).add("y", STRING)
    fields = {"st": inner, "arr": ArrayType(LONG), "m": MapType(STRING, DOUBLE), "l": ArrayType(inner), "bin": BINARY}
    text = (
        '{"st":{"x":1,"y":"a"},"arr":[1,null,3],"m":{"k":1.5,"z":null},"l":[{"x":1},{"y":"q"}],"bin":"YWI="}\n'
        '{"st":{"x":"bad","y":"kept"},"arr":[1,"bad"],"m":5,"l":[{"x":1.5,"y":"k"}],"bin":"!"}\n'
        '{"st":[1],"arr":{}}\n'
    )
    first, second, third = read("json", write(tmp_path, text), fields)
    assert first == (
        {"x": 1, "y": "a"},
        [1, None, 3],
        [("k", 1.5), ("z", None)],
        [{"x": 1, "y": None}, {"x": None, "y": "q"}],
        b"ab",
    )
    assert second == ({"x": None, "y": "kept"}, None, None, [{"x": None, "y": "k"}], None)
    assert third == (None,) * 5


def test_modes(tmp_path):
    path = write(tmp_path, GOOD + 'bad\n{"a":"x"}\n')
    assert read_slow(path, {**FIELDS, "_corrupt_record": STRING}) == [
        (1, "x", 1.5, True, None), (None, None, None, None, "bad"), (None, None, None, None, '{"a":"x"}')]  # fmt: skip
    assert read_slow(path, {"a": INTEGER, "oops": STRING}, columnNameOfCorruptRecord="oops")[1] == (None, "bad")
    assert read_slow(path, FIELDS, mode="DROPMALFORMED") == [(1, "x", 1.5, True)]
    with pytest.raises(Exception, match="MALFORMED_RECORD_IN_PARSING"):
        read_slow(path, FIELDS, mode="FAILFAST")
    assert read("json", write(tmp_path, GOOD), FIELDS, mode="FAILFAST") == [(1, "x", 1.5, True)]
    assert len(read_slow(path, FIELDS, mode="whatever")) == 1


def test_multi_line(tmp_path):
    assert read("json", write(tmp_path, '[{"a":1},\n {"a":2}]'), {"a": INTEGER}, multiLine="true") == [(1,), (2,)]
    assert read("json", write(tmp_path, '{\n"a":1\n}'), None, multiLine="true") == [(1,)]


def test_inference(tmp_path):
    text = '{"b":1,"a":{"y":[1,2.5],"x":true}}\n{"b":"s","c":null,"d":[{"w":1}]}\n{"b":2}\n'
    found = relation("json", write(tmp_path, text)).schema
    expected = "struct<a:struct<x:boolean,y:array<double>>,b:string,c:string,d:array<struct<w:bigint>>>"
    assert found.simpleString() == expected
    assert (
        relation("json", write(tmp_path, '{"a":1}\nbad\n')).schema.simpleString()
        == "struct<_corrupt_record:string,a:bigint>"
    )
    assert (
        relation("json", write(tmp_path, '{"a":1}'), primitivesAsString="true").schema.simpleString()
        == "struct<a:string>"
    )


def test_columns_are_pruned_and_renamed(tmp_path):
    found = relation("json", write(tmp_path, GOOD), FIELDS)
    assert rows(found.scan([("d", "c7"), ("a", "c3")], "UTC")) == [(1.5, 1)]
    assert len(rows(found.scan([], "UTC"))) == 1


def test_unsupported_options_are_named(tmp_path):
    path = write(tmp_path, GOOD)
    with pytest.raises(SparkError, match="singleVariantColumn='v'"):
        relation("json", path, FIELDS, singleVariantColumn="v")
    with pytest.raises(SparkError, match="utf-16 needs the option lineSep"):
        relation("json", path, FIELDS, encoding="utf-16")
    relation("json", path, FIELDS, allowComments="false", noSuchOption="1")


def test_only_the_corrupt_column(tmp_path):
    found = relation("json", write(tmp_path, GOOD), {"a": INTEGER, "_corrupt_record": STRING})
    with pytest.raises(SparkError, match="QUERY_ONLY_CORRUPT_RECORD_COLUMN"):
        found.scan([("_corrupt_record", "c1")], "UTC")
