"""SQL texts about tables, views and databases, in order, whose answers by real Spark `make_table_commands.py` records
in `table_commands.json`.  `{place}` stands for a directory of the run's own."""

from __future__ import annotations

from pathlib import Path

from tests.golden.sql_feature_cases import answer as plain_answer

RENAME = """
create table r1 (a int, p string) using parquet partitioned by (p)
insert into r1 values (1, 'x'), (2, 'y')
alter table r1 rename to r2
select * from r2 order by a
select * from r1
show partitions r2
insert into r2 values (3, 'x')
select * from r2 order by a
create table r1 (b int) using csv
select * from r1
alter table r1 rename to r2
alter table r1 rename to r1
alter table nosuch rename to r3
create database rdb
alter table r1 rename to rdb.r9
alter table default.r1 rename to default.r3
select * from r3
alter table default.r3 rename to r4
select * from default.r4
alter table r4 rename to `a b`
alter table r4 rename to spark_catalog.default.r5
alter table r4 rename r5
create table e1 (a int) using json location '{place}/e1'
insert into e1 values (7)
alter table e1 rename to e2
select * from e2
create view rv as select 1 as one
alter table rv rename to rv2
select * from rv2
alter view r2 rename to r7
create temp view tv as select 2 as two
alter view tv rename to tv2
select * from tv2
alter table tv2 rename to tv3
select * from tv3
create temp view tv4 as select 4 as four
alter view tv4 rename to tv3
alter view tv4 rename to default.tv5
alter view rv2 rename to rdb.rv3
alter view rv2 rename to r2
alter view rv2 rename to rv3
select * from rv3
alter view nosuch rename to other
drop view rv3
drop view tv3
drop view tv4
drop table e2
drop table r4
drop table r2
drop database rdb cascade
""".strip().splitlines()

PROPERTIES = """
create table p1 (a int comment 'first', b string) using parquet tblproperties ('k' = 'v')
alter table p1 set tblproperties ('x' = '1', y = 2, a.b = 'c', 'k' = 'w')
show tblproperties p1
show tblproperties p1 ('x')
show tblproperties p1 (x)
show tblproperties p1 ('nope')
alter table p1 unset tblproperties ('x', y)
show tblproperties p1
alter table p1 unset tblproperties ('nope')
alter table p1 unset tblproperties if exists ('nope', 'k')
show tblproperties p1
alter table p1 set tblproperties ('comment' = 'told')
show create table p1
alter table p1 set tblproperties ('provider' = 'csv')
alter table p1 set tblproperties ('location' = '/x')
alter table p1 set tblproperties ('owner' = 'me')
alter table p1 set tblproperties ('external' = 'x')
alter table p1 unset tblproperties ('comment')
show create table p1
alter table p1 set tblproperties ()
alter table p1 set tblproperties ('novalue')
alter table p1 set tblproperties ('k' = true, 'l' = 1.5, 'm' = -1)
alter table p1 unset tblproperties ('k' = 'v')
alter table nosuch set tblproperties ('k' = 'v')
alter table nosuch unset tblproperties ('k')
comment on table p1 is 'all of it'
show create table p1
comment on table p1 is null
show create table p1
comment on table p1 is ''
show create table p1
comment on table nosuch is 'x'
comment on column p1.a is 'new words'
describe p1
comment on column default.p1.b is 'b words'
comment on column p1.nope is 'x'
comment on column p1.a is null
describe p1
comment on column nosuch.a is 'x'
comment on column a is 'x'
create view pv (one comment 'c1', two) comment 'about' tblproperties ('a' = 'b') as select 1, 2
show tblproperties pv
alter view pv set tblproperties ('c' = 'd', 'a' = 'e')
show tblproperties pv
alter view pv unset tblproperties ('a')
show tblproperties pv ('c')
alter view pv unset tblproperties ('a')
alter view pv unset tblproperties if exists ('a')
alter table pv set tblproperties ('t' = 'u')
alter table pv unset tblproperties ('t')
alter view p1 set tblproperties ('t' = 'u')
alter view p1 unset tblproperties ('k')
alter view nosuch set tblproperties ('t' = 'u')
describe pv
comment on table pv is 'new'
comment on column pv.one is 'x'
create temp view ptv as select 1 as one
alter view ptv set tblproperties ('t' = 'u')
alter view ptv unset tblproperties ('t')
alter table ptv set tblproperties ('t' = 'u')
comment on table ptv is 'new'
show tblproperties ptv
drop view ptv
drop view pv
drop table p1
""".strip().splitlines()

COLUMNS = """
create table c1 (a int, p string) using parquet partitioned by (p)
insert into c1 values (1, 'x')
alter table c1 add columns (b int comment 'later', c string)
describe c1
select * from c1
insert into c1 values (2, 3, 'z', 'y')
select * from c1 order by a
alter table c1 add column d double
alter table c1 add columns d2 int, d3 int
alter table c1 add column (d4 date)
describe c1
alter table c1 add columns (A int)
alter table c1 add columns (e int, e int)
alter table c1 add columns (p int)
alter table c1 add columns (f int not null)
alter table c1 add columns (f int first)
alter table c1 add columns (f int after a)
alter table c1 add columns ()
alter table c1 add columns (`odd name` int)
alter table c1 add columns (s struct<x: int>)
alter table c1 add columns (s.y int)
alter table nosuch add columns (f int)
select * from c1 order by a
alter table c1 rename column a to z
alter table c1 rename column nope to z
alter table c1 drop column a
alter table c1 drop columns (a, b)
alter table c1 drop column if exists nope
alter table c1 drop column nope
alter table c1 replace columns (a int)
alter table c1 alter column a comment 'words'
alter table c1 alter column b type bigint
alter table c1 alter column b type int
alter table c1 alter column b first
alter table c1 alter column b after a
alter table c1 alter column b set not null
alter table c1 alter column b drop not null
alter table c1 alter column nope comment 'x'
alter table c1 alter column p comment 'key'
alter table c1 alter column B comment 'other'
alter table c1 alter column s.x comment 'x'
alter table c1 alter column a comment 'w1', b comment 'w2'
alter table c1 alter column a comment 'w1', a comment 'w2'
alter table c1 change column a comment 'changed'
alter table c1 change column a a int comment 'hive'
alter table c1 change column a z int comment 'hive'
alter table c1 change column a a string
alter table c1 change a a int comment 'hive again'
alter table c1 alter a comment 'short'
alter table c1 alter column a
describe c1
show columns in c1
alter table nosuch alter column a comment 'x'
create view cv as select 1 as one
alter table cv add columns (f int)
alter table cv alter column one comment 'x'
alter table cv rename column one to two
alter table cv drop column one
alter view cv add columns (f int)
create temp view ctv as select 1 as one
alter table ctv add columns (f int)
alter table ctv alter column one comment 'x'
drop view ctv
drop view cv
drop table c1
create table c2 (a int) using csv
insert into c2 values (1)
alter table c2 add columns (b int)
insert into c2 values (2, 3)
select * from c2 order by a
drop table c2
create table c3 (a int) using json
insert into c3 values (1)
alter table c3 add columns (b int)
insert into c3 values (2, 3)
select * from c3 order by a
drop table c3
create table c4 (value string) using text
alter table c4 add columns (b int)
drop table c4
""".strip().splitlines()

PARTITIONS = """
create table q1 (a int, p string, n int) using parquet partitioned by (p, n)
insert into q1 values (1, 'x', 1), (2, 'y', 2)
alter table q1 add partition (p = 'z', n = 3)
show partitions q1
alter table q1 add partition (p = 'z', n = 3)
alter table q1 add if not exists partition (p = 'z', n = 3) partition (p = 'w', n = 4)
show partitions q1
alter table q1 add partition (p = 'z')
alter table q1 add partition (p = 'z', o = 1)
alter table q1 add partition (p = 'z', n = 'q')
alter table q1 add partition (p = 'sp ace/%', n = 5)
show partitions q1
alter table q1 add partition (p = null, n = 6)
show partitions q1
alter table q1 partition (p = 'x', n = 1) rename to partition (p = 'x', n = 10)
select * from q1 order by a
show partitions q1
alter table q1 partition (p = 'x', n = 1) rename to partition (p = 'x', n = 11)
alter table q1 partition (p = 'x', n = 10) rename to partition (p = 'y', n = 2)
alter table q1 partition (p = 'x') rename to partition (p = 'v')
alter table q1 partition (p = 'x', n = 10) rename to partition (p = 'new', n = 12)
select * from q1 order by a
alter table q1 drop partition (p = 'nope', n = 1)
alter table q1 drop if exists partition (p = 'nope', n = 1)
alter table q1 drop partition (p = 'y', n = 2)
select * from q1 order by a
alter table q1 drop partition (p = 'z')
show partitions q1
alter table q1 drop partition (n = 4), partition (p = 'new')
show partitions q1
select * from q1
alter table q1 drop partition (o = 1)
alter table q1 drop partition (p > 'a')
alter table q1 drop partition (p = 'sp ace/%', n = 5) purge
insert into q1 values (8, 'x', 8), (9, 'y', 9)
show partitions q1 partition (p = 'x')
show partitions q1 partition (n = 9)
show partitions q1 partition (o = 9)
truncate table q1 partition (p = 'x', n = 8)
select * from q1
show partitions q1
truncate table q1 partition (p = 'y')
select * from q1
truncate table q1 partition (p = 'nope')
truncate table q1 partition (p = 'nope', n = 1)
truncate table q1 partition (o = 1)
show partitions q1
msck repair table q1
show partitions q1
alter table q1 recover partitions
msck repair table q1 drop partitions
msck repair table q1 sync partitions
msck repair table q1 add partitions
truncate table q1
show partitions q1
drop table q1
create table q2 (a int) using parquet
alter table q2 add partition (a = 1)
alter table q2 drop partition (a = 1)
alter table q2 partition (a = 1) rename to partition (a = 2)
alter table q2 recover partitions
msck repair table q2
msck repair table q2 drop partitions
truncate table q2 partition (a = 1)
show partitions q2 partition (a = 1)
insert into q2 values (1)
truncate table q2
select * from q2
drop table q2
alter table nosuch add partition (a = 1)
alter table nosuch drop partition (a = 1)
alter table nosuch partition (a = 1) rename to partition (a = 2)
alter table nosuch recover partitions
msck repair table nosuch
truncate table nosuch
create view qv as select 1 as one
alter table qv add partition (one = 1)
alter table qv drop partition (one = 1)
alter table qv partition (one = 1) rename to partition (one = 2)
alter table qv recover partitions
msck repair table qv
truncate table qv
drop view qv
create temp view qtv as select 1 as one
alter table qtv add partition (one = 1)
alter table qtv recover partitions
msck repair table qtv
truncate table qtv
drop view qtv
create table q3 (a int, d date) using csv partitioned by (d)
alter table q3 add partition (d = '2024-01-02')
alter table q3 add partition (d = date'2024-01-03')
alter table q3 add partition (d = '2024-1-4')
alter table q3 add partition (d = 'q')
insert into q3 values (1, date'2024-01-02')
insert into q3 partition (d = '2024-01-03') values (2)
show partitions q3
select * from q3 order by a
alter table q3 drop partition (d = '2024-01-03')
select * from q3 order by a
drop table q3
create table q4 (a int, p int) using json partitioned by (p) location '{place}/q4'
insert into q4 values (1, 1), (2, 2)
alter table q4 drop partition (p = 1)
select * from q4
msck repair table q4
select * from q4 order by a
show partitions q4
select * from q4 order by a
truncate table q4
truncate table q4 partition (p = 1)
select * from q4 order by a
insert into q4 values (11, 1)
alter table q4 drop partition (p = 1)
select * from q4
insert into q4 values (12, 1)
select * from q4 order by a
show partitions q4
drop table q4
create table q5 (a int, p int, s string) using parquet partitioned by (p, s)
alter table q5 add partition (p = '07', s = 'A') partition (P = 8, S = 'b')
show partitions q5
insert into q5 values (1, 7, 'A'), (2, 8, 'b')
alter table q5 add partition (p = 7, s = 'A')
alter table q5 add partition (p = 9, p = 9)
alter table q5 add partition (p = 7 s = 'A')
alter table q5 add partition (p, s = 'A')
alter table q5 partition (s = 'A', p = 7) rename to partition (p = 17, s = 'Z z')
select * from q5 order by a
show partitions q5
alter table q5 drop partition (p = 17, s = 'Z z'), partition (p = 8, s = 'b')
show partitions q5
select * from q5
drop table q5
""".strip().splitlines()

LOCATIONS = """
create table l1 (a int) using parquet
insert into l1 values (1)
alter table l1 set location '{place}/l1'
select * from l1
insert into l1 values (2)
select * from l1
show create table l1
alter table nosuch set location '{place}/x'
alter table l1 set location
create view lv as select 1 as one
alter table lv set location '{place}/x'
drop view lv
truncate table l1
drop table l1
create table l2 (a int, p int) using parquet partitioned by (p)
insert into l2 values (1, 1), (2, 2)
select * from l2 order by a
show partitions l2
insert into l2 values (3, 3)
select * from l2 order by a
select * from l2 order by a
insert into l2 values (4, 1)
select * from l2 order by a
drop table l2
create table l3 (a int) using parquet
alter table l3 set serde 'x'
alter table l3 set fileformat parquet
alter table l3 cluster by (a)
describe l3
alter table l3 cluster by none
alter table l3 clustered by (a) into 2 buckets
alter table l3 touch
alter table l3 compact 'major'
alter table l3 exchange partition (a = 1) with table l2
alter table l3 add constraint c check (a > 0)
alter table l3 drop constraint c
alter table l3 nonsense
alter table l3
drop table l3
""".strip().splitlines()

VIEWS = """
create table vt (a int, b string) using parquet
insert into vt values (1, 'x'), (2, 'y')
create view v1 (n comment 'c', m) comment 'about' as select a, b from vt
alter view v1 as select a + 1 as k from vt
select * from v1 order by k
describe v1
alter view v1 as select nope from vt
alter view v1 as select k from v1
alter view v1 select 5 as five
select * from v1
alter view vt as select 1
alter view nosuch as select 1
alter table v1 as select 1
alter view v1 (z) as select 7
select * from v1
create temp view v2 as select 1 as one
alter view v2 as select 2 as two
select * from v2
create global temp view v3 as select 1 as one
alter view global_temp.v3 as select 3 as three
select * from global_temp.v3
alter view global_temp.v3 rename to v4
alter view v1 as select two from v2
alter view v1 as select 1 as a, 2 as a
alter view v1 as values (1, 2)
select * from v1
alter view v2 as select two from v2
create view v5 as select * from v1
alter view v1 as select * from v5
alter view v1
create or replace view v1 as select * from v5
create or replace temp view v2 as select 9 as nine
drop view v5
drop view v1
drop view v2
drop view global_temp.v3
drop table vt
""".strip().splitlines()

DATABASES = """
create database d1 comment 'one' with dbproperties ('a' = 'b')
describe database d1
describe database extended d1
alter database d1 set dbproperties ('c' = 'd', 'a' = 'e')
describe database extended d1
alter schema d1 set properties ('x' = 'y')
describe schema extended d1
alter namespace d1 set dbproperties (z = 1)
describe namespace extended d1
alter database d1 unset dbproperties ('z')
alter database d1 unset dbproperties if exists ('z', 'nope')
alter database d1 unset dbproperties ('nope')
describe database extended d1
comment on database d1 is 'two'
describe database d1
comment on schema d1 is null
comment on namespace d1 is 'three'
describe database d1
alter database d1 set location '{place}/d1'
describe database d1
create table d1.t (a int) using parquet
alter database nosuch set dbproperties ('a' = 'b')
alter database nosuch set location '{place}/x'
comment on database nosuch is 'x'
alter database d1 set dbproperties ('location' = 'x')
alter database d1 set dbproperties ('comment' = 'four')
describe database extended d1
alter database d1 default collation UTF8_BINARY
alter database d1 set owner to x
alter database d1 rename to d2
alter database d1 set location ''
alter database default set dbproperties ('k' = 'v')
describe database extended default
alter database default unset dbproperties ('k')
comment on database d1 is
comment on nothing d1 is 'x'
drop database d1 cascade
""".strip().splitlines()

DEFAULTS = """
create table f1 (a int default 5, b string default 'x' comment 'words', c double) using parquet
describe f1
insert into f1 values (default, default, default)
insert into f1 values (1, default, 2.5)
insert into f1 (a) values (7)
insert into f1 (c, b) values (1.5, 'q')
insert into f1 (c, b) values (2.5, default)
select * from f1 order by a, b, c
insert into f1 values (1, 'y')
insert into f1 values (8)
insert into f1 select 9
insert into f1 select 9, default, 1
insert into f1 (a, b) select 10, 'z'
insert into f1 (a, nope) values (1, 2)
insert into f1 (a, A) values (1, 2)
insert into f1 (a, b) values (1)
insert into f1 (a) values (1, 2)
insert into f1 values (default + 1, 'x', 1)
insert into f1 values (1, 'x', 1), (default, 'w', default)
insert overwrite f1 (b) values (default), ('only')
select * from f1 order by a, b, c
insert into f1 by name select 'n' as b, 3 as a
insert into f1 by name select 'n' as b, 3 as nope
insert into f1 by name values (1, 2, 3)
insert overwrite f1 by name select 1.5 as c
select * from f1 order by a, b, c
alter table f1 alter column a set default 6
alter table f1 alter column c set default 1.0 + 1
insert into f1 (b) values ('after')
alter table f1 alter column a drop default
insert into f1 (b) values ('dropped')
select * from f1 order by a, b, c
alter table f1 alter column a set default 'text'
alter table f1 alter column a set default a
alter table f1 alter column a set default (select 1)
alter table f1 alter column a set default rand()
alter table f1 alter column a set default default
alter table f1 alter column nope set default 1
alter table f1 alter column c drop default
alter table f1 alter column c drop default
show create table f1
alter table f1 add columns (d int default 42, e string default upper('abc'), g int)
select * from f1 order by a, b, c
insert into f1 (a) values (100)
select * from f1 order by a, b, c
alter table f1 alter column d set default 43
insert into f1 (a) values (101)
select * from f1 order by a, b, c
alter table f1 alter column d drop default
insert into f1 (a) values (102)
select a, d from f1 order by a
select a, d from f1 where d = 42 order by a
select count(d), count(g) from f1
describe f1
show create table f1
drop table f1
create table f2 (a int default nope) using parquet
create table f2 (a int default 'q') using parquet
create table f2 (a int default (select 1)) using parquet
create table f2 (a int default rand()) using parquet
create table f2 (a tinyint default 1000) using parquet
create table f2 (a int default cast('q' as int)) using parquet
create table f2 (a int default 1 default 2) using parquet
create table f2 (a int default) using parquet
create table f2 (a date default current_date(), b timestamp default '2024-01-02 03:04:05', c int default null) using csv
insert into f2 (c) values (1)
select a = current_date(), b, c from f2
insert into f2 (a, b) values (date'2020-01-01', default)
select b, c from f2 order by c
drop table f2
create table f3 (a int, p string default 'pp') using json partitioned by (p)
insert into f3 (a) values (1)
insert into f3 values (2, default)
insert into f3 partition (p = 'given') (a) values (3)
insert into f3 partition (p = 'given') values (4)
insert into f3 partition (p = default) values (5)
select * from f3 order by a
insert into f3 (p, a) values ('k', 6)
select * from f3 order by a
alter table f3 add columns (b int default 3)
select * from f3 order by a
drop table f3
create table f4 (a int) using csv
insert into f4 values (1)
alter table f4 add columns (b int default 9, c string default 'q')
select * from f4
insert into f4 (a) values (2)
insert into f4 values (3, null, null)
select * from f4 order by a
drop table f4
create table f6 (a int) using json
insert into f6 values (1)
alter table f6 add columns (b int default 9, c string default 'q')
select * from f6
insert into f6 values (3, null, null)
select * from f6 order by a
drop table f6
create table f5 (a int not null, b int not null default 3) using parquet
insert into f5 (a) values (1)
insert into f5 (b) values (1)
select * from f5
drop table f5
create table f7 (a int default 1 + 1, s struct<x: int> default named_struct('x', 3), l array<int> default array(1, 2)) using parquet
insert into f7 (a) values (default)
select * from f7
insert into f7 select a, s, l from f7
insert into f7 values (default, null, default) , (1, named_struct('x', 1), array())
select * from f7 order by a, l, s.x nulls last
insert into f7 select default, null, null
insert into f7 (a) select default
insert into f7 select 1, 2 where default = 1
drop table f7
create table f8 (a int, p string, q int default 4) using parquet partitioned by (p) clustered by (a) into 2 buckets
describe f8
show create table f8
drop table f8
create table f9 (a tinyint default 5, b smallint default 1 + 1, c bigint default 3, d float default 1.5, e double default 1) using json
insert into f9 (b) values (default)
select * from f9
drop table if exists f9
create table f9 (a tinyint default 5, d decimal(10, 2) default 7, e date default '2024-01-02') using json
insert into f9 (a) values (default)
select * from f9
drop table if exists f9
create table f9 (a string default 5) using json
drop table if exists f9
create table f9 (a int default 5L) using json
drop table if exists f9
create table f9 (a int default 3000000000) using json
drop table if exists f9
create table f9 (a bigint default '5') using json
drop table if exists f9
create table f9 (a date default 'q') using json
drop table if exists f9
create table f9 (a double default 1.0 + 1) using json
drop table if exists f9
create table f9 (a int default 1.5) using json
drop table if exists f9
create table f9 (a double default '1.5') using json
drop table if exists f9
create table f9 (a decimal(10, 2) default '1.5') using json
drop table if exists f9
create table f9 (a boolean default 'true') using json
drop table if exists f9
create table f9 (a int default 2.0) using json
drop table if exists f9
create table f9 (a int) using json
alter table f9 add columns (b double default 1.0 + 1)
alter table f9 add columns (c bigint default '5')
drop table if exists f9
create table f9 (a double default 1.5D, b float default 1.5F, c boolean default true, d binary default X'01') using json
show create table f9
insert into f9 (c) values (false)
select a, b, c, hex(d) from f9
alter table f9 add columns (e smallint default 3, f smallint)
alter table f9 alter column f set default 1 + 1
alter table f9 alter column f set default 70000
alter table f9 alter column a set default 2.5
alter table f9 alter column a set default 1.0 + 1
describe f9
create table f10 as select * from f9
describe f10
drop table f10
drop table if exists f9
create table f9 (a double default rand()) using json
create table f9 (a double default 1.5) using json
drop table if exists f9
create table f9 (a decimal(10, 2) default 1.5) using json
drop table if exists f9
create table f9 (a int) using json
alter table f9 add columns (b int default nope)
alter table f9 add columns (b int default 'q')
alter table f9 add columns (b int default (select 1))
alter table f9 add columns (b int default 3 comment 'three', c date default date'2024-05-06', d string default null)
describe f9
insert into f9 values (1, default, default, default)
select * from f9
create view f9v as select 1 as one
insert into f9v values (1)
insert into f9v values (default)
drop view f9v
drop table f9
""".strip().splitlines()  # noqa: E501

CREATED = """
create table t1 (a int comment 'x' not null, b string) using parquet comment 'tells' tblproperties ('z' = '1')
describe t1
show create table t1
create table if not exists t1 (q int) using csv
describe t1
show tblproperties t1
create table t3 (a int, a int) using parquet
create table t3 (a int, A int) using parquet
drop table t1
create table t4 (a array<string>, s struct<x: string comment 'in', y: map<int, string>>, v varchar(3), c char(2), d decimal(5, 1), t timestamp_ntz) using parquet
show create table t4
describe t4
drop table t4
""".strip().splitlines()  # noqa: E501

GROUPS = {"rename": RENAME, "properties": PROPERTIES, "columns": COLUMNS, "partitions": PARTITIONS,
          "locations": LOCATIONS, "views": VIEWS, "databases": DATABASES, "defaults": DEFAULTS,
          "created": CREATED}  # fmt: skip


def answer(spark: object, text: str, places: dict[str, Path]) -> dict[str, object]:
    """What a session answers to one text, with the names of `places` for the directories of the run."""
    given = text
    for name, path in places.items():
        given = given.replace("{" + name + "}", str(path))
    return {"sql": text, **_shown(plain_answer(spark, given), places)}


def _shown(found: object, places: dict[str, Path]) -> object:
    if isinstance(found, dict):
        return {key: _shown(value, places) for key, value in found.items() if key != "tableType"}
    if isinstance(found, list) and found[:1] == ["Owner"]:
        return ["Owner", "me"]
    if isinstance(found, list):
        return [_shown(value, places) for value in found]
    if isinstance(found, str):
        for name, path in places.items():
            found = found.replace(str(path), "{" + name + "}")
    return found
