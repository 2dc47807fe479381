import datetime
from decimal import Decimal

import pytest
from reading import read, relation

from penstock.core.errors import SparkError
from penstock.plan.types import BOOLEAN, DATE, DOUBLE, INTEGER, LONG, STRING, TIMESTAMP_NTZ, ArrayType, DecimalType


def write(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text)
    return path


def test_without_header_all_columns_are_strings(tmp_path):
    path = write(tmp_path, '1,x\n2,"q\\"a, b"\n')
    assert relation("csv", path).schema.simpleString() == "struct<_c0:string,_c1:string>"
    assert read("csv", path) == [("1", "x"), ("2", 'q"a, b')]


def test_header_and_inference(tmp_path):
    path = write(
        tmp_path,
        "i,l,d,dt,t,b,s,i\n1,99999999999,2.5,2024-01-02,2024-01-02 03:04:05,true,x,\n2,1,3,2024-01-03,,FALSE,,\n",
    )
    found = relation("csv", path, header="true", inferSchema="true").schema
    assert found.simpleString() == ("struct<i0:int,l:bigint,d:double,dt:date,t:timestamp,b:boolean,s:string,i7:string>")
    assert relation("csv", path, header="true").schema["l"].dataType == STRING


def test_the_largest_file_tells_the_columns(tmp_path):
    (tmp_path / "a.csv").write_text("p,q\n1,2\n")
    (tmp_path / "b.csv").write_text("one\ntwo\nthree\n")
    assert relation("csv", tmp_path).schema.names == ["_c0"]
    assert relation("csv", tmp_path, header="true").schema.names == ["one"]
    assert read("csv", tmp_path) == [("one",), ("two",), ("three",), ("p",), ("1",)]


def test_values_by_type_and_ragged_rows(tmp_path):
    path = write(tmp_path, "1,x,2.5,true,1.5\n1.5, 3,NaN,yes,1\n\nbad\n5,y,Inf,FALSE,0.005,extra,extra\n")
    fields = {"a": INTEGER, "s": STRING, "d": DOUBLE, "b": BOOLEAN, "n": DecimalType(5, 2)}
    found = read("csv", path, fields)
    assert found[0] == (1, "x", 2.5, True, Decimal("1.50"))
    assert repr(found[1]) == "(None, ' 3', nan, None, Decimal('1.00'))"
    assert found[2] == (None,) * 5
    assert found[3] == (5, "y", float("inf"), False, Decimal("0.01"))


def test_nulls_and_empty_strings(tmp_path):
    path = write(tmp_path, ',""\nNA,x\n')
    assert read("csv", path) == [(None, None), ("NA", "x")]
    assert read("csv", path, nullValue="NA") == [(None, ""), (None, "x")]
    assert read("csv", path, emptyValue="-") == [(None, "-"), ("NA", "x")]


def test_options(tmp_path):
    path = write(tmp_path, "#c\n1; x ;31/01/2024\n")
    fields = {"a": LONG, "s": STRING, "d": DATE}
    found = read("csv", path, fields, sep=";", comment="#", dateFormat="dd/MM/yyyy", ignoreLeadingWhiteSpace="true")
    assert found == [(1, "x ", datetime.date(2024, 1, 31))]
    with pytest.raises(SparkError, match="'quote' must be one character"):
        relation("csv", path, quote="ab")
    with pytest.raises(SparkError, match="BACK_TO_DELIMITER"):
        relation("csv", path, unescapedQuoteHandling="BACK_TO_DELIMITER")
    with pytest.raises(SparkError, match="UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"):
        relation("csv", path, {"a": ArrayType(LONG)})


def test_quoted_line_ends(tmp_path):
    from reading import rows

    found = relation("csv", write(tmp_path, '1,"a\nb"\n2,c\n'), {"a": LONG, "s": STRING})
    torn = [(1, "a"), (None, None), (2, "c")]  # only multiLine lets a record go over several lines
    assert rows(found.scan([("a", "a"), ("s", "s")], "UTC")) == torn
    assert read("csv", tmp_path / "x.csv", {"a": LONG, "s": STRING}, multiLine="true") == [(1, "a\nb"), (2, "c")]


def test_modes(tmp_path):
    path = write(tmp_path, "1,x\nz,y\n3\n")
    fields = {"a": INTEGER, "s": STRING}
    assert read("csv", path, fields, mode="DROPMALFORMED") == [(1, "x")]
    with pytest.raises(Exception, match="MALFORMED_RECORD_IN_PARSING"):
        read("csv", write(tmp_path, "z,y\n"), fields, mode="FAILFAST")


def test_timestamps_without_zone(tmp_path):
    found = read("csv", write(tmp_path, "2024-01-02T03:04:05\n2024-01-02T03:04:05Z\n"), {"t": TIMESTAMP_NTZ})
    assert found == [(datetime.datetime(2024, 1, 2, 3, 4, 5),), (None,)]


def test_text(tmp_path):
    path = write(tmp_path, 'a\n\n "b",\\x \nc')
    assert read("text", path) == [("a",), ("",), (' "b",\\x ',), ("c",)]
    assert read("text", path, wholetext="true") == [('a\n\n "b",\\x \nc',)]
    (tmp_path / "dos.txt").write_bytes(b"a\r\n\r\nb")
    assert read("text", tmp_path / "dos.txt") == [("a",), ("",), ("b",)]
    assert read("text", write(tmp_path, "a|b|"), lineSep="|") == [("a",), ("b",)]
    with pytest.raises(SparkError, match="UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"):
        relation("text", path, {"value": LONG})
