"""SQL texts, in order, whose answers by real Spark `make_sql_features.py` records in `sql_features.json`."""

from __future__ import annotations

FUNCTIONS = """
create function f1(a int) return a + 1
select f1(2), default.f1(3)
select f1()
select * from f1(2)
create temporary function f2(a int, b int default 3) returns double return a + b
select f2(2), f2(b => 1, a => 2)
select f2(1,2,3)
create function f1(a int) return a + 1
create or replace function f1(a int) returns string return concat('x', a)
select f1(2)
drop function nosuch
drop temporary function nosuch
create temporary function t1(n int) returns table(v bigint) return select id from range(10) where id < n
select * from t1(2)
select t1(2)
describe function f2
describe function t1
select t.id, u.v from range(3) t, lateral t1(cast(t.id as int)) u
create temporary function nearest(x bigint) returns bigint return select max(id) from range(10) where id < x
select id, nearest(id) from range(3)
create temporary function sq(x bigint) returns bigint return x * x
select sum(sq(id)), sq(3) from range(4)
create function fp as 'com.example.F'
select fp(1)
drop function fp
drop function f1
select f1(2)
""".strip().splitlines()

ROW_CHANGES = """
create table changed (id bigint, v string) using parquet
update changed set v = 'b' where id = 1
delete from changed where id = 1
delete from changed
merge into changed using (select 1 as id) s on changed.id = s.id when matched then delete
update nosuch set a = 1
delete from nosuch
merge into nosuch using (select 1 as id) s on nosuch.id = s.id when matched then delete
drop table changed
""".strip().splitlines()

BUCKETS = """
create table bucketed (a int, b string) using parquet clustered by (a) sorted by (b) into 4 buckets
insert into bucketed values (1, 'x')
select * from bucketed
drop table bucketed
create table bucketed (a int) using parquet clustered by (a) into 0 buckets
create table bucketed (a int) using parquet clustered by (nope) into 2 buckets
""".strip().splitlines()

ORDER = """
select sort_array(array(named_struct('a',2),named_struct('a',cast(null as int)),null))
select sort_array(array(named_struct('a',2),named_struct('a',cast(null as int)),null), false)
select array_min(array(named_struct('a',2),named_struct('a',cast(null as int)),null))
select array_max(array(named_struct('a',2),named_struct('a',cast(null as int)),null))
select * from values (named_struct('a',2)),(named_struct('a',null)),(null) t(s) order by s
select * from values (named_struct('a',2)),(named_struct('a',null)),(null) t(s) order by s desc
select * from values (named_struct('a',2)),(named_struct('a',null)),(null) t(s) order by s desc nulls first
select named_struct('a',2) > named_struct('a',cast(null as int)), named_struct('a',1) <= named_struct('a',2)
select greatest(named_struct('a',2),named_struct('a',cast(null as int)),null)
select least(named_struct('a',2),named_struct('a',cast(null as int)),null)
select array(1,null) < array(1,2), array(2) > array(1,5), array(1) < array(1,null)
select min(s), max(s) from values (named_struct('a',2)),(named_struct('a',null)),(null) t(s)
select s, row_number() over (order by s) n from values (named_struct('a',2)),(named_struct('a',null)) t(s)
select array_sort(array(array(2), array(cast(null as int)), null)) as x
select count(distinct *) from values (1,2),(1,2),(3,null) t(a,b)
""".strip().splitlines()

VARIANTS = """
select parse_json('1') v group by v
select distinct parse_json('1')
select * from (select parse_json('1') v) order by v
select parse_json('1') = parse_json('1')
select max(parse_json('1'))
select parse_json('1') union select parse_json('2')
select to_json(parse_json('{"b": [1, 2.50, null], "a": "é"}'))
select variant_get(parse_json('{"a": [1, 2]}'), '$.a', 'array<int>')
select variant_get(parse_json('{"a": 1}'), '$', 'struct<a int, b int>')
select variant_get(parse_json('{"a": 1, "b": 2}'), '$', 'map<string, int>')
select variant_get(parse_json('"2020-01-02"'), '$', 'date')
select variant_get(parse_json('1.25'), '$', 'decimal(5,1)'), try_variant_get(parse_json('[1]'), '$', 'binary')
select variant_get(parse_json('[1]'), '$', 'int')
select variant_get(parse_json('{"a": 1}'), p, 'int') from values ('$.a'), ('$.b') t(p)
select variant_get(parse_json('{"a": 1}'), p, 'int') from values ('a') t(p)
""".strip().splitlines()

TEXT = """
select split(s, p, l) from values ('oneAtwoBthree', '[AB]', 2), ('abc', '', -1), ('abc', '', 2) t(s, p, l)
select split(s, p, l) from values ('a1b2', '[0-9]', 0), ('a1b2', '[0-9]', 1) t(s, p, l)
select split(s, p, 3) from values ('aXbXcXd', 'X'), ('a,b', ';'), (',a,', ',') t(s, p)
select str_to_map(s, p, q) from values ('a:1,b:2', ',', ':'), ('a=1;b', ';', '='), ('a1x2b', '[0-9]', 'x') t(s, p, q)
select str_to_map('a::1||b::2', '\\\\|\\\\|', '::')
select to_timestamp(s, f) from values ('2020-01-02', 'yyyy-MM-dd'), ('03/Feb/2021 14:05', 'dd/MMM/yyyy HH:mm') t(s, f)
select try_to_timestamp(s, f) from values ('x', 'yyyy') t(s, f)
select to_unix_timestamp(s, f) from values ('1970-01-02', 'yyyy-MM-dd') t(s, f)
select map_concat(map(1, 'a'), map(2, 'b')), map_keys(map()), map_values(map()), map_entries(map())
select map(1, 'a', 1, 'b')
select stack(3, 1, 2)
select make_interval(1, 2, 3, 4, 5, 6, 7.008) as i
select try_divide(make_interval(1), 0) as a, try_multiply(make_interval(0, 0, 0, 1), 2.5) as b
select make_interval(1, 1) / 2 as c, make_interval(0, 1, 0, 3) * 1.5 as d
select make_interval(1) / 0
select nth_value(a, 2, true) over (order by a desc) from values (1), (cast(null as int)), (3) t(a)
select 1 as select, 2 as table, 3 as end, 4 as group, 5 order, date'2020-01-01' as date
""".strip().splitlines()

VARIABLES = """
declare variable x int default 5
select x, x + 1
set var x = 7
select x
set variable x = (select max(id) from range(10))
select session.x, system.session.x
declare x int
declare or replace x = 'abc'
select x
drop temporary variable x
drop temporary variable x
drop temporary variable if exists x
set var nosuch = 3
execute immediate 'select ? + ?' using 1, 2
execute immediate 'select :a + :b' using (1 as a, 2 as b)
declare stmt string = 'select 41 + 1'
execute immediate stmt
declare r int
execute immediate 'select max(id) from range(5)' into r
select r
select id from range(5) where id = r
declare a, b int default 2
set var (a, b) = (select 3, 4)
select a, b, a * b
set var a = 5, b = a + 1
select a, b
select a from values (100) t(a)
execute immediate 'create or replace temp view vx as select 1 as one'
select * from vx
""".strip().splitlines()

GROUPS = {"functions": FUNCTIONS, "row changes": ROW_CHANGES, "buckets": BUCKETS, "order": ORDER,
          "variants": VARIANTS, "text": TEXT, "variables": VARIABLES}  # fmt: skip
#: Parameters of errors that hold Spark's own wording or its links, and the key of DUPLICATED_MAP_KEY, which the engine
#: does not tell.
UNTOLD = ("key", "docroot", "message", "ansiConfig", "config", "hint", "badRecord")


def answer(spark: object, text: str) -> dict[str, object]:
    """What a session answers to one text: names and rows as text, or an error's condition and parameters."""
    from pyspark.errors import PySparkException

    try:
        frame = spark.sql(text)  # type: ignore[attr-defined]
        texts = frame.selectExpr(*(f"cast(`{name}` as string) as c{i}" for i, name in enumerate(_names(frame))))
        return {"columns": frame.columns, "rows": [list(row) for row in texts.collect()]}
    except PySparkException as error:
        params = error.getMessageParameters() or {}
        return {"error": error.getCondition(), "params": {k: v for k, v in sorted(params.items()) if k not in UNTOLD}}


def _names(frame: object) -> list[str]:
    return [name.replace("`", "``") for name in frame.columns]  # type: ignore[attr-defined]
