"""Queries of Spark SQL: text and the plan it stands for."""

from __future__ import annotations

import pytest

from penstock.core.errors import SparkError
from penstock.plan.expressions import Literal
from penstock.plan.types import INTEGER
from penstock.sql import parse_query
from tests.sql.plan_text import text

CASES = {
    "select 1": "Project[1](OneRow)",
    "select distinct a from t where b order by a": "Sort[a](Distinct(Project[a](Filter[b](t))))",
    "select a from t order by all desc": "Sort[ALL desc](Project[a](t))",
    "select a from t limit 2 * 3 - 1": "Limit[5](Project[a](t))",
    "select a from t order by 2, b desc nulls first limit 3 offset 1": (
        "Limit[3](Offset[1](Sort[2, b desc nulls first](Project[a](t))))"
    ),
    "table t": "Project[*](t)",
    # words that are names where the clause they begin is empty
    "select a from": "Project[a AS from](OneRow)",
    "select from t": "Project[from AS t](OneRow)",
    "select a from t where": "Project[a](SubqueryAlias[where](t))",
    "values (1, 2), (3, 4)": "Values[1, 2; 3, 4]",
    # grouping
    "select a, sum(b) s from t group by a having s > 1": "Filter[>(s, 1)](Aggregate[a | a, sum(b) AS s](t))",
    "select a, sum(b) from t group by 1": "Aggregate[1 | a, sum(b)](t)",
    "select a, sum(b) from t group by all": "Aggregate[ALL | a, sum(b)](t)",
    "select count(*) from t having count(*) > 1": "Filter[>(count(1), 1)](Aggregate[ | count(1)](t))",
    "select a from t group by rollup(a, b)": "Aggregate[rollup a, b | a](t)",
    "select a from t group by a, b with cube": "Aggregate[cube a, b | a](t)",
    "select a from t group by grouping sets ((a, b), a, ())": "Aggregate[grouping_sets a, b ((0, 1), (0,), ()) | a](t)",
    "select a from t group by a, b grouping sets ((b), ())": "Aggregate[grouping_sets a, b ((1,), ()) | a](t)",
    "select a from t group by a, rollup(b, c)": "Aggregate[grouping_sets a, b, c ((0, 1, 2), (0, 1), (0,)) | a](t)",
    "select window(ts, '1 hour') w, count(*) from t group by window(ts, '1 hour')": (
        "Aggregate[window(ts, '1 hour') | window(ts, '1 hour') AS w, count(1)](t)"
    ),
    "select max(offset) from t group by partition, offset": "Aggregate[partition, offset | max(offset)](t)",
    # relations
    "select * from a.b.c as x": "Project[*](SubqueryAlias[x](a.b.c))",
    "select * from (select 1 as x) t(y)": "Project[*](SubqueryAlias[t(y)](Project[1 AS x](OneRow)))",
    "select * from values (1, 'a') as t(x, y)": "Project[*](SubqueryAlias[t(x, y)](Values[1, 'a']))",
    "select * from range(1, 5) r": "Project[*](SubqueryAlias[r](range!(1, 5)))",
    "select * from t tablesample (10 percent) s": "Project[*](SubqueryAlias[s](Sample[0.0..0.1](t)))",
    "select * from parquet.`/x/y z`": "Project[*](parquet./x/y z)",
    "select * from a, b": "Project[*](Join[cross](a; b))",
    "select * from a join b on a.x = b.x": "Project[*](Join[inner on ==(a.x, b.x)](a; b))",
    "select * from a left outer join b using (x, y)": "Project[*](Join[left using x/y](a; b))",
    "select * from a right join b on true full join c on false": (
        "Project[*](Join[full on False](Join[right on True](a; b); c))"
    ),
    "select * from a left semi join b on c left anti join d on e": (
        "Project[*](Join[anti on e](Join[semi on c](a; b); d))"
    ),
    "select * from a natural join b cross join c": "Project[*](Join[cross](Join[natural inner](a; b); c))",
    "select * from a join (b join c on x) on y": "Project[*](Join[inner on y](a; Join[inner on x](b; c)))",
    "select * from t, lateral (select t.a) s": (
        "Project[*](Join[lateral cross](t; SubqueryAlias[s](Project[t.a](OneRow))))"
    ),
    "select * from t, lateral explode(t.a) as s(b)": (
        "Project[*](Join[lateral cross](t; SubqueryAlias[s(b)](explode!(t.a))))"
    ),
    "select * from t lateral view explode(a) x as y lateral view outer posexplode(b) z as p, c": (
        "Project[*](Generate[posexplode(b) outer z(p, c)](Generate[explode(a) x(y)](t)))"
    ),
    # set operations
    "select 1 union select 2 union all select 3": (
        "SetOperation[union all](SetOperation[union](Project[1](OneRow); Project[2](OneRow)); Project[3](OneRow))"
    ),
    "select 1 union select 2 intersect select 3": (
        "SetOperation[union](Project[1](OneRow); SetOperation[intersect](Project[2](OneRow); Project[3](OneRow)))"
    ),
    "select 1 minus select 2": "SetOperation[except](Project[1](OneRow); Project[2](OneRow))",
    "select a from t union by name select b from t": "SetOperation[union by name](Project[a](t); Project[b](t))",
    "select 1 union all select 2 order by 1 limit 3": (
        "Limit[3](Sort[1](SetOperation[union all](Project[1](OneRow); Project[2](OneRow))))"
    ),
    "(select 1 limit 1) union all (select 2)": (
        "SetOperation[union all](Limit[1](Project[1](OneRow)); Project[2](OneRow))"
    ),
    # the rest
    "with a as (select 1), b(y) as (select * from a) select * from b": (
        "With[a, b](Project[1](OneRow); SubqueryAlias[b(y)](Project[*](a)); Project[*](b))"
    ),
    "select /*+ BROADCAST(t), COALESCE(3) */ * from t": "Hint[BROADCAST(t)](Hint[COALESCE(3)](Project[*](t)))",
    "select a from t distribute by a sort by b desc": "Sort[b desc local](Repartition[a](Project[a](t)))",
    "select a from t cluster by a": "Sort[a local](Repartition[a](Project[a](t)))",
    "select sum(a) over w from t window w as (order by b)": "Project[sum(a) OVER [ | b]](t)",
    "select a, row_number() over (order by b) n from t qualify n = 1": (
        "Filter[==(n, 1)](Project[a, row_number() OVER [ | b] AS n](t))"
    ),
    "select topic, partition, offset, value from k where offset > 3": (
        "Project[topic, partition, offset, value](Filter[>(offset, 3)](k))"
    ),
}


@pytest.mark.parametrize("sql", CASES)
def test_query(sql: str) -> None:
    assert text(parse_query(sql)) == CASES[sql]


def test_parameters_by_name_and_by_place() -> None:
    one, two = Literal(1, INTEGER), Literal(2, INTEGER)
    assert text(parse_query("select :a from t limit :b", {"a": one, "b": two})) == "Limit[2](Project[1](t))"
    assert text(parse_query("select ? from t where ? = 'x'", [one, two])) == "Project[1](Filter[==(2, 'x')](t))"
    with pytest.raises(SparkError, match="UNBOUND_SQL_PARAMETER"):
        parse_query("select ?, ?", [one])


ERRORS = {
    "select a,, b": "PARSE_SYNTAX_ERROR",
    "select a as 'b'": "PARSE_SYNTAX_ERROR",
    'select a from t as "u"': "PARSE_SYNTAX_ERROR",
    "select a, from t": "TRAILING_COMMA_IN_SELECT",
    "select 1; select 2": "PARSE_SYNTAX_ERROR",
    "select 'abc": "PARSE_SYNTAX_ERROR",
    "select top 5 a from t": "PARSE_SYNTAX_ERROR",
    "select a from t fetch first 5 rows only": "PARSE_SYNTAX_ERROR",
    "select a from t limit 5, 3": "PARSE_SYNTAX_ERROR",
    "select b'01'": "PARSE_SYNTAX_ERROR",
    "from t |> no x": "PARSE_SYNTAX_ERROR",
    "select * from (from t |> limit 1)": "UNSUPPORTED_FEATURE.PENSTOCK",
    "select * from values (1, 2), (3)": "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
    "select a from t limit 'x'": "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE",
    "select a from t limit -1": "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
    "select distinct on (a) b from t": "UNSUPPORTED_FEATURE.PENSTOCK",
    "select a into b from t": "UNSUPPORTED_FEATURE.PENSTOCK",
    "select a from t for update": "UNSUPPORTED_FEATURE.PENSTOCK",
    "": "PARSE_EMPTY_STATEMENT",
    " ; ": "PARSE_SYNTAX_ERROR",
}


@pytest.mark.parametrize("sql", ERRORS)
def test_error(sql: str) -> None:
    with pytest.raises(SparkError) as raised:
        parse_query(sql)
    assert raised.value.condition == ERRORS[sql]
