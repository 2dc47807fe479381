"""What DuckDB reads of JSON is what the exact reader reads: ordinary texts, and the odd ones that it must not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import functions as F

import penstock
from penstock.functions import fast_json
from penstock.plan.types import LONG, STRING, StructField, StructType

NUMBERS = (
    "0", "-0", "-0.0", "12", "128", "70000", "2147483648", "9223372036854775808", "1.0", "1e5", "1E400", "NaN", "-INF",
    "0.30000000000000001", "123.455", "12345678.12", "1.00000005960464477539", "3.5e38", "01", ".5", '"1"', "true",
    "null",
)  # fmt: skip
TEXTS = (
    '""',
    '"a\\"b"',
    '"\\u0041\\ud83d\\ude00"',
    '"\\ud83d"',
    '"a\tb"',
    '"\\/"',
    '"id"',
    "'q'",
    "1.50",
    "null",
    "[1]",
    "{}",
)
TIMES = (
    '"2024-01-02T03:04:05Z"', '"2024-01-02 03:04:05.123"', '"2024-01-02T24:00:00"', '"2024-13-02T00:00:00"',
    '"2024-11-03 01:30:00"', '"2024-03-10 02:30:00"', '"1883-11-18 12:00:00"', '"2024-02-30"', '"2024-01-02"',
    "1", "null",
)  # fmt: skip
WHOLE = (
    "", " ", "null", "[]", '{"a":1', '{"a":1,}', '{"a":1} x', '{"a":1,"a":2}', '{"s":"x","a":1}',
    '{"\\u0061":5,"a":1}',
    '{"o":{"a":1,"s":"x"},"a":2}', '{"o":{"a":1,"a":3},"a":2}', '{"a":1,"s":"x","o":{"s":"y"}}', '{"A":1}',
    '{"a":1,"q":[{}]}',
    '{"l":[1,null],"a":1}', '{"a":1,"l":[1,99999999999]}', '{"l":[1.0]}', '{"a":1,"d":[0,-0,1e2]}', '{"d":[-0.0,"x"]}',
    '{ "a" : 1 ,\n"s" : "x" , "o" : { "a" : null } , "l" : [ 1 , 2 ] , "d" : [ ] }',
)  # fmt: skip
CASES = {
    "a tinyint": NUMBERS, "a int": NUMBERS, "a bigint": NUMBERS, "a double": NUMBERS, "a float": NUMBERS,
    "a decimal(10,2)": NUMBERS, "a boolean": NUMBERS, "a string": TEXTS, "a date": TIMES, "a timestamp": TIMES,
    "a timestamp_ntz": TIMES,
}  # fmt: skip


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A session in a zone whose clocks are changed."""
    session = penstock.session()
    before = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    yield session
    session.conf.set("spark.sql.session.timeZone", before)


def _both(spark: Any, texts: tuple[str, ...], schema: str) -> list[tuple[str, str | None, str | None]]:
    """Each text with what is read of it, first as usual and then by the exact reader, which any option asks for."""
    frame = spark.createDataFrame([(text,) for text in texts], "j string")
    read = [F.from_json("j", schema), F.from_json("j", schema, {"allowComments": "false"})]
    shown = [F.concat(column.cast("string"), F.coalesce(F.to_json(column), F.lit(""))) for column in read]
    return [tuple(row) for row in frame.select("j", *shown).collect()]


@pytest.mark.parametrize("schema", CASES)
def test_each_type_is_read_exactly(spark: Any, schema: str) -> None:
    texts = tuple(form % value for value in CASES[schema] for form in ('{"a":%s}', '{"other":1, "a" : %s}'))
    assert [case for case in _both(spark, texts, schema) if case[1] != case[2]] == []


def test_shapes_are_read_exactly(spark: Any) -> None:
    schema = "a int, s string, o struct<a: int, s: string>, l array<int>, d array<double>"
    found = _both(spark, WHOLE, schema)
    assert [case for case in found if case[1] != case[2]] == []
    assert found[-1][1] == '{1, x, {null, null}, [1, 2], []}{"a":1,"s":"x","o":{},"l":[1,2],"d":[]}'


def test_the_last_of_equal_names_counts(spark: Any) -> None:
    assert [case[1] for case in _both(spark, ('{"a":1,"a":2}', '{"a":1,"\\u0061":2}'), "a int")] == ['{2}{"a":2}'] * 2


def test_half_a_pair_of_surrogates_is_a_question_mark(spark: Any) -> None:
    assert _both(spark, ('{"a":"x\\ud83d"}',), "a string")[0][1] == '{x?}{"a":"x?"}'


def test_ordinary_texts_never_meet_the_exact_reader(spark: Any) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("CREATE MACRO exact(t) AS error('exact: ' || t)")
    schema = StructType([StructField("id", LONG), StructField("u", STRING)])
    for text in ('{"id": 1, "u": "x"}', '{"u":"é\\u0041","id":1}', '{"id":1,"q":{"id":2}}', '{"u":null}', "{}"):
        sql = fast_json.sql("?", schema, "exact", "UTC")
        value = connection.execute(f"SELECT {sql}", [text]).fetchone()
        assert value is not None and set(value[0]) == {"id", "u"}
