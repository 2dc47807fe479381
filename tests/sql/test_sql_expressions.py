"""Expressions of Spark SQL: text and the plan it stands for."""

from __future__ import annotations

import pytest

from penstock.core.errors import SparkError
from penstock.sql import parse_expression
from tests.sql.plan_text import text

CASES = {
    # names
    "a": "a",
    "t.a.b.c.d.e": "t.a.b.c.d.e",
    "`a.b`.c": "`a.b`.c",
    "t.select": "t.select",
    "* except (a, t.b)": "* EXCEPT a/t.b",
    "t.*": "t.*",
    "a as b": "a AS b",
    "a b": "a AS b",
    "explode(m) as (k, v)": "explode(m) AS k/v",
    "offset + 1": "+(offset, 1)",
    "window.start": "window.start",
    # numbers
    "-2147483648": "-2147483648",
    "2147483648": "2147483648:bigint",
    "9223372036854775808": "Decimal('9223372036854775808'):decimal(19,0)",
    "1.50": "Decimal('1.50'):decimal(3,2)",
    ".5": "Decimal('0.5'):decimal(1,1)",
    "1e3": "1000.0:double",
    "1.5e-2BD": "Decimal('0.015'):decimal(3,3)",
    "1L": "1:bigint",
    "-128Y": "-128:tinyint",
    "1S": "1:smallint",
    "1.5F": "1.5:float",
    "1D": "1.0:double",
    "- a": "-(a)",
    "+a": "positive(a)",
    # strings and bytes
    r"'a\n\'b\''": "\"a\\n'b'\"",
    r"r'\d'": r"'\\d'",
    "'it''s'": '"it\'s"',
    "'a' \"b\"": "'ab'",
    r"'\u0041\101\%'": r"'AA\\%'",
    "x'1F'": r"b'\x1f':binary",
    "X '0'": r"b'\x00':binary",
    # dates, timestamps, intervals
    "date '1970-1-2'": "1:date",
    "timestamp '1970-01-01 00:00:01.5'": "1500000:timestamp",
    "timestamp '1970-01-01T01:00:00+01:00'": "0:timestamp",
    "timestamp_ntz'1970-01-01'": "0:timestamp_ntz",
    "time '00:00:01'": "1000000000:time(6)",
    "date('1970-01-02')": "date('1970-01-02')",
    "interval 1 day": "86400000000:interval day",
    "interval -3 weeks": "-1814400000000:interval day",
    "interval '1-2' year to month": "14:interval year to month",
    "interval -'1-2' year to month": "-14:interval year to month",
    "interval '1 02:03:04.5' day to second": "93784500000:interval day to second",
    "interval 1 day 2 hours": "93600000000:interval day to hour",
    "interval '1 day 2 hours'": "93600000000:interval day to hour",
    "interval '1.5' second": "1500000:interval second",
    "a - interval 5 minutes": "-(a, 300000000:interval minute)",
    "interval": "interval",
    # operators, in Spark's order of precedence
    "a | b ^ c & d << 1 + 2": "|(a, ^(b, &(c, <<(d, +(1, 2)))))",
    "a >>> 2 >> 1": ">>(>>>(a, 2), 1)",
    "a + b || c * d": "concat(+(a, b), *(c, d))",
    "5 div 2 % 3": "%(div(5, 2), 3)",
    "a < b = c": "==(<(a, b), c)",
    "not a and b or c": "or(and(not(a), b), c)",
    "! a = b": "not(==(a, b))",
    "~a": "~(a)",
    "a != b": "not(==(a, b))",
    "a <> b": "not(==(a, b))",
    "a == b": "==(a, b)",
    "a <=> b": "<=>(a, b)",
    "a::int::string": "cast(cast(a AS int) AS string)",
    "cast(a as array<array<int>>)": "cast(a AS array<array<int>>)",
    "cast(a as timestamp without time zone)": "cast(a AS timestamp_ntz)",
    "try_cast(a as interval day to second)": "try(a AS interval day to second)",
    # predicates
    "a is null": "isnull(a)",
    "a is not null": "isnotnull(a)",
    "a is not true": "not(<=>(a, True))",
    "a isnull": "a AS isnull",
    "isnull(a)": "isnull(a)",
    "a is unknown": "isnull(a)",
    "a = b is null": "isnull(==(a, b))",
    "a is distinct from b": "not(<=>(a, b))",
    "a is not distinct from b": "<=>(a, b)",
    "a between 1 and 2 and b": "and(between(a, 1, 2), b)",
    "a not between 1 and 2": "not(between(a, 1, 2))",
    "a in (1, 2)": "in(a, 1, 2)",
    "a not in (1)": "not(in(a, 1))",
    "(a, b) in ((1, 2))": "in(named_struct('a', a, 'b', b), named_struct('col1', 1, 'col2', 2))",
    "a in (select x from t)": "in<a; Project[x](t)>",
    "(a, b) in (select x, y from t)": "in<a, b; Project[x, y](t)>",
    "not exists (select 1)": "not(exists<Project[1](OneRow)>)",
    "(select max(x) from t) as m": "scalar<Project[max(x)](t)> AS m",
    "a like 'x%'": "like(a, 'x%')",
    "a not like 'x' escape '/'": "not(like(a, 'x', '/'))",
    "a not ilike b": "not(ilike(a, b))",
    "a rlike 'x'": "rlike(a, 'x')",
    "a regexp 'x'": "rlike(a, 'x')",
    "a like any ('x', 'y')": "$likeany(a, 'x', 'y')",
    "a not like all ('x', 'y')": "$notlikeall(a, 'x', 'y')",
    "a ilike some ('X', 'y')": "$likeany(lower(a), 'x', 'y')",
    "a like any ('x', b)": "or(like(a, 'x'), like(a, b))",
    "a not like all ('x', b)": "and(not(like(a, 'x')), not(like(a, b)))",
    "a !> b": "<=(a, b)",
    "a !< b": ">=(a, b)",
    # calls with syntax of their own
    "case when a then 1 when b then 2 else 3 end": "when(a, 1, b, 2, 3)",
    "case a when 1 then 'x' end": "when(==(a, 1), 'x')",
    "extract(year from d)": "extract('year', d)",
    "trim(both 'a' from x)": "trim('a', x)",
    "trim(leading from x)": "ltrim(x)",
    "trim('a', x)": "trim('a', x)",
    "substring(x from 2 for 3)": "substring(x, 2, 3)",
    "substring(x, 2)": "substring(x, 2)",
    "position('a' in x)": "locate('a', x)",
    "overlay(a placing b from 1 for 2)": "overlay(a, b, 1, 2)",
    "timestampadd(HOUR, 1, ts)": "timestampadd('HOUR', 1, ts)",
    "date_add(d, 1)": "date_add(d, 1)",
    "current_date": "current_date()",
    "MOD(5, 2)": "mod(5, 2)",
    "if(a, b, null)": "if(a, b, None)",
    "f(a => 1, b => x)": "f(a => 1, b => x)",
    "struct(a as x, b)": "struct(a AS x, b)",
    "window(ts, '10 minutes', '5 minutes').start": "window(ts, '10 minutes', '5 minutes')['start']",
    # aggregates and window functions
    "count(*)": "count(1)",
    "count(distinct *)": "count(*) DISTINCT",
    "count(distinct a, b)": "count(a, b) DISTINCT",
    "sum(a) filter (where b > 1)": "sum(a) FILTER >(b, 1)",
    "first(a ignore nulls)": "first(a) IGNORE_NULLS",
    "last(a) ignore nulls": "last(a) IGNORE_NULLS",
    "listagg(a, ',') within group (order by b desc)": "listagg(a, ',') ORDER b desc",
    "row_number() over (partition by a order by b desc nulls first)": "row_number() OVER [a | b desc nulls first]",
    "sum(a) over (order by b rows between unbounded preceding and 1 following)": (
        "sum(a) OVER [ | b rows unbounded_preceding..following(1)]"
    ),
    "sum(a) over (order by b rows 5 preceding)": "sum(a) OVER [ | b rows preceding(5)..current_row]",
    # lambdas and access to nested values
    "transform(a, x -> x + y)": "transform(a, (x) -> +($x, y))",
    "filter(a, (x, i) -> x.b.c > i)": "filter(a, (x, i) -> >($x['b']['c'], $i))",
    "transform(a, x -> transform(x, y -> x.z + y))": "transform(a, (x) -> transform($x, (y) -> +($x['z'], $y)))",
    "a.b[1][2].c": "a.b[1][2]['c']",
    "(a).b": "a['b']",
    "m['k']": "m['k']",
}


@pytest.mark.parametrize("sql", CASES)
def test_expression(sql: str) -> None:
    assert text(parse_expression(sql)) == CASES[sql]


def test_lambda_parameters_are_bound_by_id() -> None:
    call = parse_expression("transform(a, x -> x + 1)")
    function = call.children[1]
    (parameter,) = function.params  # type: ignore[attr-defined]
    assert parameter.id > 0
    assert function.body.args[0].id == parameter.id  # type: ignore[attr-defined]


def test_timestamps_without_zone_are_in_the_sessions() -> None:
    here = parse_expression("timestamp '2020-06-01 12:00:00'", time_zone="Europe/Paris")
    assert here == parse_expression("timestamp '2020-06-01 10:00:00'")
    gap = parse_expression("timestamp '2021-03-28 02:30:00'", time_zone="Europe/Paris")
    assert gap == parse_expression("timestamp '2021-03-28 03:30:00'", time_zone="Europe/Paris")


ERRORS = {
    "a +": ("PARSE_SYNTAX_ERROR", "end of input"),
    "(a": ("PARSE_SYNTAX_ERROR", "end of input"),
    "f(a,)": ("PARSE_SYNTAX_ERROR", "')'"),
    "a in ()": ("INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", None),
    "interval '1' foo": ("INVALID_TYPED_LITERAL", None),
    "interval '5' day to day": ("INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION", None),
    "a b c": ("PARSE_SYNTAX_ERROR", "'c'"),
    "@a": ("PARSE_SYNTAX_ERROR", "'@'"),
    "{a}": ("PARSE_SYNTAX_ERROR", "'{'"),
    "a rlike any ('x')": ("PARSE_SYNTAX_ERROR", "'RLIKE'"),
    "cast(a as foo)": ("UNSUPPORTED_DATATYPE", None),
    "cast(a as char)": ("DATATYPE_MISSING_SIZE", None),
    "date 'x'": ("INVALID_TYPED_LITERAL", None),
    "X 'zz'": ("INVALID_TYPED_LITERAL", None),
    "300Y": ("INVALID_NUMERIC_LITERAL_RANGE", None),
    ":p": ("UNBOUND_SQL_PARAMETER", None),
    "sum(a) over w": ("MISSING_WINDOW_SPECIFICATION", None),
}


@pytest.mark.parametrize("sql", ERRORS)
def test_error(sql: str) -> None:
    condition, near = ERRORS[sql]
    with pytest.raises(SparkError) as raised:
        parse_expression(sql)
    assert raised.value.condition == condition
    if near is not None:
        assert raised.value.params["error"] == near
