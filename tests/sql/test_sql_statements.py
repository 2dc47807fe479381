"""SQL commands."""

from __future__ import annotations

import pytest

from penstock.core.errors import SparkError
from penstock.sql import parse_statement
from penstock.sql import statements as st
from tests.sql.plan_text import text

CASES = {
    "SET": st.SetConf(None),
    "set a.b": st.SetConf("a.b"),
    "SET a.b = c d ;": st.SetConf("a.b", "c d"),
    "set time zone 'Europe/Paris'": st.SetConf("spark.sql.session.timeZone", "Europe/Paris"),
    "reset": st.ResetConf(),
    "RESET a.b": st.ResetConf("a.b"),
    "drop view if exists a.`b c`": st.DropView(("a", "b c"), True),
    "drop table t": st.DropView(("t",), is_table=True),
    "show tables": st.ShowTables(),
    "show tables in global_temp like 'x*'": st.ShowTables(("global_temp",), "x*"),
    "show views from db": st.ShowViews(("db",)),
    "show schemas": st.ShowDatabases(),
    "show columns in t": st.ShowColumns(("t",)),
    "show functions like 'a*'": st.ShowFunctions("a*"),
    "describe table extended t": st.Describe(("t",), extended=True),
    "use db": st.Use(("db",)),
    "use catalog c": st.Use(("c",), True),
    "cache lazy table t": st.CacheTable(("t",), lazy=True),
    "uncache table if exists t": st.UncacheTable(("t",), True),
    "clear cache": st.ClearCache(),
}


@pytest.mark.parametrize("sql", CASES)
def test_command(sql: str) -> None:
    assert parse_statement(sql) == CASES[sql]


def test_query_after_comments() -> None:
    found = parse_statement("-- why\n/* what */ select 1 ;")
    assert isinstance(found, st.Query)
    assert text(found.plan) == "Project[1](OneRow)"


@pytest.mark.parametrize(
    ("sql", "kind", "replace"),
    [
        ("create or replace temp view `a b` (x, y) as select 1, 2", "temp", True),
        ("create global temporary view `a b` (x, y) as (select 1, 2)", "global", False),
        ("create view `a b` (x, y) as select 1, 2", "persistent", False),
    ],
)
def test_create_view(sql: str, kind: str, replace: bool) -> None:
    found = parse_statement(sql)
    assert isinstance(found, st.CreateView)
    assert (found.name, found.kind, found.replace, found.columns) == (("a b",), kind, replace, ("x", "y"))
    assert text(found.plan) == "Project[1, 2](OneRow)"


def test_explain_and_describe_hold_a_query() -> None:
    explain = parse_statement("explain extended select 1")
    assert isinstance(explain, st.Explain)
    assert explain.mode == "extended"
    assert isinstance(explain.statement, st.Query)
    describe = parse_statement("describe query select 1 as x")
    assert isinstance(describe, st.Describe)
    assert text(describe.plan) == "Project[1 AS x](OneRow)"


def test_create_table() -> None:
    found = parse_statement(
        "CREATE TABLE IF NOT EXISTS a.t (x ARRAY<STRUCT<a: INT>>, y DECIMAL(10, 2)) USING csv "
        "PARTITIONED BY (p INT) OPTIONS (header true, sep ';') LOCATION '/x' TBLPROPERTIES ('k' = 'v')"
    )
    assert isinstance(found, st.CreateTable)
    assert found.schema is not None
    assert found.schema.simpleString() == "struct<x:array<struct<a:int>>,y:decimal(10,2),p:int>"
    assert (found.name, found.provider, found.partition_by, found.if_not_exists) == (("a", "t"), "csv", ("p",), True)
    assert (found.options, found.properties) == ({"header": "true", "sep": ";"}, {"k": "v"})
    assert found.location == "/x"


@pytest.mark.parametrize("query", ["SELECT 1", "VALUES (1)", "(SELECT 1)"])
def test_insert(query: str) -> None:
    found = parse_statement(f"INSERT OVERWRITE TABLE t {query}")
    assert isinstance(found, st.Insert)
    assert (found.name, found.overwrite, found.columns) == (("t",), True, ())
    columns = parse_statement(f"INSERT INTO t (a, `b c`) {query}")
    assert isinstance(columns, st.Insert)
    assert columns.columns == ("a", "b c")


ERRORS = {
    "": "PARSE_EMPTY_STATEMENT",
    " -- nothing\n;": "PARSE_SYNTAX_ERROR",
    "foo bar": "PARSE_SYNTAX_ERROR",
    "selec 1": "PARSE_SYNTAX_ERROR",
    "insert into t partition (p) select 1": "UNSUPPORTED_FEATURE.PENSTOCK",
    "create table t (a int) cluster by (a)": "UNSUPPORTED_FEATURE.PENSTOCK",
    "create table t (a int": "PARSE_SYNTAX_ERROR",
    "set time zone local": "UNSUPPORTED_FEATURE.PENSTOCK",
    "create temp view v as set a=b": "PARSE_SYNTAX_ERROR",
}


@pytest.mark.parametrize("sql", ERRORS)
def test_error(sql: str) -> None:
    with pytest.raises(SparkError) as raised:
        parse_statement(sql)
    assert raised.value.condition == ERRORS[sql]
