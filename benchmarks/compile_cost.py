"""What it costs to analyse and compile a query: TPC-H-like shapes, as SQL text and as DataFrames.

usage: python benchmarks/compile_cost.py [--profile NAME]

Prints, for each query, the median CPU time of warm runs in milliseconds: parsing the text (SQL only), analysis and translation
to the engine's SQL; no row is read.  The limit is 15 ms each.  --profile shows where one query's time goes.
"""

from __future__ import annotations

import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Callable

from pyspark.sql import functions as F
from pyspark.sql.connect.client import ChannelBuilder
from pyspark.sql.connect.session import SparkSession

from penstock.connect.inprocess import InProcessChannel
from penstock.connect.service import Service

LIMIT_MS = 15
RUNS = 15
TABLES = {
    "lineitem": "l_orderkey long, l_partkey long, l_suppkey long, l_linenumber int, l_quantity decimal(15,2), "
    "l_extendedprice decimal(15,2), l_discount decimal(15,2), l_tax decimal(15,2), l_returnflag string, "
    "l_linestatus string, l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct string, l_shipmode string",
    "orders": "o_orderkey long, o_custkey long, o_orderstatus string, o_totalprice decimal(15,2), o_orderdate date, "
    "o_orderpriority string, o_clerk string, o_shippriority int, o_comment string",
    "customer": "c_custkey long, c_name string, c_address string, c_nationkey long, c_phone string, "
    "c_acctbal decimal(15,2), c_mktsegment string, c_comment string",
    "part": "p_partkey long, p_name string, p_mfgr string, p_brand string, p_type string, p_size int, "
    "p_container string, p_retailprice decimal(15,2), p_comment string",
    "partsupp": "ps_partkey long, ps_suppkey long, ps_availqty int, ps_supplycost decimal(15,2), ps_comment string",
    "supplier": "s_suppkey long, s_name string, s_address string, s_nationkey long, s_phone string, "
    "s_acctbal decimal(15,2), s_comment string",
    "nation": "n_nationkey long, n_name string, n_regionkey long, n_comment string",
    "region": "r_regionkey long, r_name string, r_comment string",
}
SQL = {
    "q1 pricing summary": """
        SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
          sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
          sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, avg(l_quantity) AS avg_qty,
          avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
        FROM lineitem WHERE l_shipdate <= DATE'1998-12-01' - INTERVAL '90' DAY
        GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus""",
    "q2 minimum cost supplier": """
        SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
        FROM part, supplier, partsupp, nation, region
        WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND p_size = 15 AND p_type LIKE '%BRASS'
          AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE'
          AND ps_supplycost = (SELECT min(ps_supplycost) FROM partsupp, supplier, nation, region
            WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND s_nationkey = n_nationkey
              AND n_regionkey = r_regionkey AND r_name = 'EUROPE')
        ORDER BY s_acctbal DESC, n_name, s_name, p_partkey LIMIT 100""",
    "q3 shipping priority": """
        SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
        FROM customer, orders, lineitem
        WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey
          AND o_orderdate < DATE'1995-03-15' AND l_shipdate > DATE'1995-03-15'
        GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10""",
    "q4 order priority": """
        SELECT o_orderpriority, count(*) AS order_count FROM orders
        WHERE o_orderdate >= DATE'1993-07-01' AND o_orderdate < DATE'1993-07-01' + INTERVAL '3' MONTH
          AND EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate)
        GROUP BY o_orderpriority ORDER BY o_orderpriority""",
    "q5 local supplier volume": """
        SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue
        FROM customer, orders, lineitem, supplier, nation, region
        WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey
          AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
          AND r_name = 'ASIA' AND o_orderdate >= DATE'1994-01-01' AND o_orderdate < DATE'1995-01-01'
        GROUP BY n_name ORDER BY revenue DESC""",
    "q6 forecasting revenue": """
        SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem
        WHERE l_shipdate >= DATE'1994-01-01' AND l_shipdate < DATE'1995-01-01'
          AND l_discount BETWEEN 0.06 - 0.01 AND 0.06 + 0.01 AND l_quantity < 24""",
    "q7 volume shipping": """
        SELECT supp_nation, cust_nation, l_year, sum(volume) AS revenue FROM (
          SELECT n1.n_name AS supp_nation, n2.n_name AS cust_nation, year(l_shipdate) AS l_year,
            l_extendedprice * (1 - l_discount) AS volume
          FROM supplier, lineitem, orders, customer, nation n1, nation n2
          WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND c_custkey = o_custkey
            AND s_nationkey = n1.n_nationkey AND c_nationkey = n2.n_nationkey
            AND ((n1.n_name = 'FRANCE' AND n2.n_name = 'GERMANY') OR (n1.n_name = 'GERMANY' AND n2.n_name = 'FRANCE'))
            AND l_shipdate BETWEEN DATE'1995-01-01' AND DATE'1996-12-31') AS shipping
        GROUP BY supp_nation, cust_nation, l_year ORDER BY supp_nation, cust_nation, l_year""",
    "q8 market share": """
        SELECT o_year, sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) / sum(volume) AS mkt_share FROM (
          SELECT year(o_orderdate) AS o_year, l_extendedprice * (1 - l_discount) AS volume, n2.n_name AS nation
          FROM part, supplier, lineitem, orders, customer, nation n1, nation n2, region
          WHERE p_partkey = l_partkey AND s_suppkey = l_suppkey AND l_orderkey = o_orderkey AND o_custkey = c_custkey
            AND c_nationkey = n1.n_nationkey AND n1.n_regionkey = r_regionkey AND r_name = 'AMERICA'
            AND s_nationkey = n2.n_nationkey AND o_orderdate BETWEEN DATE'1995-01-01' AND DATE'1996-12-31'
            AND p_type = 'ECONOMY ANODIZED STEEL') AS all_nations GROUP BY o_year ORDER BY o_year""",
    "q10 returned items": """
        SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, c_acctbal, n_name, c_address,
          c_phone, c_comment FROM customer, orders, lineitem, nation
        WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate >= DATE'1993-10-01'
          AND o_orderdate < DATE'1993-10-01' + INTERVAL '3' MONTH AND l_returnflag = 'R' AND c_nationkey = n_nationkey
        GROUP BY c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment ORDER BY revenue DESC LIMIT 20""",
    "q13 customer distribution": """
        SELECT c_count, count(*) AS custdist FROM (
          SELECT c_custkey, count(o_orderkey) AS c_count FROM customer LEFT JOIN orders
            ON c_custkey = o_custkey AND o_comment NOT LIKE '%special%requests%' GROUP BY c_custkey) AS c_orders
        GROUP BY c_count ORDER BY custdist DESC, c_count DESC""",
    "q15 top supplier": """
        WITH revenue AS (SELECT l_suppkey AS supplier_no, sum(l_extendedprice * (1 - l_discount)) AS total_revenue
          FROM lineitem WHERE l_shipdate >= DATE'1996-01-01' GROUP BY l_suppkey)
        SELECT s_suppkey, s_name, s_address, s_phone, total_revenue FROM supplier, revenue
        WHERE s_suppkey = supplier_no AND total_revenue = (SELECT max(total_revenue) FROM revenue) ORDER BY s_suppkey""",
    "q17 small quantity orders": """
        SELECT sum(l_extendedprice) / 7.0 AS avg_yearly FROM lineitem, part
        WHERE p_partkey = l_partkey AND p_brand = 'Brand#23' AND p_container = 'MED BOX'
          AND l_quantity < (SELECT 0.2 * avg(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)""",
    "q18 large volume customers": """
        SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity)
        FROM customer, orders, lineitem
        WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey HAVING sum(l_quantity) > 300)
          AND c_custkey = o_custkey AND o_orderkey = l_orderkey
        GROUP BY c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice
        ORDER BY o_totalprice DESC, o_orderdate LIMIT 100""",
    "q19 discounted revenue": """
        SELECT sum(l_extendedprice * (1 - l_discount)) AS revenue FROM lineitem, part
        WHERE (p_partkey = l_partkey AND p_brand = 'Brand#12' AND p_container IN ('SM CASE', 'SM BOX', 'SM PACK')
            AND l_quantity >= 1 AND l_quantity <= 11 AND p_size BETWEEN 1 AND 5 AND l_shipmode IN ('AIR', 'AIR REG'))
          OR (p_partkey = l_partkey AND p_brand = 'Brand#23' AND p_container IN ('MED BAG', 'MED BOX', 'MED PKG')
            AND l_quantity >= 10 AND l_quantity <= 20 AND p_size BETWEEN 1 AND 10 AND l_shipmode IN ('AIR', 'AIR REG'))""",
    "q21 waiting suppliers": """
        SELECT s_name, count(*) AS numwait FROM supplier, lineitem l1, orders, nation
        WHERE s_suppkey = l1.l_suppkey AND o_orderkey = l1.l_orderkey AND o_orderstatus = 'F'
          AND l1.l_receiptdate > l1.l_commitdate
          AND EXISTS (SELECT * FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey)
          AND NOT EXISTS (SELECT * FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey
            AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate)
          AND s_nationkey = n_nationkey AND n_name = 'SAUDI ARABIA'
        GROUP BY s_name ORDER BY numwait DESC, s_name LIMIT 100""",
    "q22 global sales opportunity": """
        SELECT cntrycode, count(*) AS numcust, sum(c_acctbal) AS totacctbal FROM (
          SELECT substring(c_phone, 1, 2) AS cntrycode, c_acctbal FROM customer
          WHERE substring(c_phone, 1, 2) IN ('13', '31', '23', '29', '30', '18', '17')
            AND c_acctbal > (SELECT avg(c_acctbal) FROM customer WHERE c_acctbal > 0.00)
            AND NOT EXISTS (SELECT * FROM orders WHERE o_custkey = c_custkey)) AS custsale
        GROUP BY cntrycode ORDER BY cntrycode""",
}  # fmt: skip


def frames(spark: SparkSession) -> dict[str, Callable[[], object]]:
    """Some of them as DataFrame programs."""
    t = {name: spark.table(name) for name in TABLES}
    revenue = F.sum(F.col("l_extendedprice") * (1 - F.col("l_discount"))).alias("revenue")

    def q1() -> object:
        price = F.col("l_extendedprice") * (1 - F.col("l_discount"))
        return (
            t["lineitem"].where(F.col("l_shipdate") <= "1998-09-02").groupBy("l_returnflag", "l_linestatus")
            .agg(F.sum("l_quantity"), F.sum("l_extendedprice"), F.sum(price), F.sum(price * (1 + F.col("l_tax"))),
                 F.avg("l_quantity"), F.avg("l_extendedprice"), F.avg("l_discount"), F.count("*"))
            .orderBy("l_returnflag", "l_linestatus")
        )  # fmt: skip

    def q3() -> object:
        c, o, li = t["customer"], t["orders"], t["lineitem"]
        return (
            c.where(c.c_mktsegment == "BUILDING").join(o, c.c_custkey == o.o_custkey)
            .join(li, li.l_orderkey == o.o_orderkey).where((o.o_orderdate < "1995-03-15") & (li.l_shipdate > "1995-03-15"))
            .groupBy("l_orderkey", "o_orderdate", "o_shippriority").agg(revenue)
            .orderBy(F.desc("revenue"), "o_orderdate").limit(10)
        )  # fmt: skip

    def q5() -> object:
        c, o, li, s, n, r = (t[x] for x in ("customer", "orders", "lineitem", "supplier", "nation", "region"))
        return (
            c.join(o, c.c_custkey == o.o_custkey).join(li, li.l_orderkey == o.o_orderkey)
            .join(s, (li.l_suppkey == s.s_suppkey) & (c.c_nationkey == s.s_nationkey))
            .join(n, s.s_nationkey == n.n_nationkey).join(r, n.n_regionkey == r.r_regionkey)
            .where((r.r_name == "ASIA") & (o.o_orderdate >= "1994-01-01")).groupBy("n_name").agg(revenue)
            .orderBy(F.desc("revenue"))
        )  # fmt: skip

    def q13() -> object:
        c, o = t["customer"], t["orders"]
        counts = (
            c.join(o, (c.c_custkey == o.o_custkey) & ~o.o_comment.like("%special%requests%"), "left")
            .groupBy("c_custkey").agg(F.count("o_orderkey").alias("c_count"))
        )  # fmt: skip
        return counts.groupBy("c_count").count().orderBy(F.desc("count"), F.desc("c_count"))

    def q18() -> object:
        li, o, c = t["lineitem"], t["orders"], t["customer"]
        large = li.groupBy("l_orderkey").agg(F.sum("l_quantity").alias("q")).where("q > 300").select("l_orderkey")
        return (
            o.join(large, o.o_orderkey == large.l_orderkey, "semi").join(c, o.o_custkey == c.c_custkey)
            .join(li, o.o_orderkey == li.l_orderkey).groupBy("c_name", "c_custkey", "o_orderkey").agg(F.sum("l_quantity"))
        )  # fmt: skip

    return {f"{f.__name__} as DataFrame": f for f in (q1, q3, q5, q13, q18)}


class Builder(ChannelBuilder):
    """Leads the client to a service in this process."""

    host = "benchmark"

    def __init__(self, service: Service) -> None:
        super().__init__(params={"user_id": "benchmark"})
        self._service = service

    def toChannel(self) -> InProcessChannel:  # noqa: N802 (the client's name)
        return InProcessChannel(self._service)


def session() -> SparkSession:
    """A session with the empty tables as views."""
    made = SparkSession(connection=Builder(Service()))
    SparkSession._set_default_and_active_session(made)
    for name, columns in TABLES.items():
        made.createDataFrame([], columns).createOrReplaceTempView(name)
    return made


def compiled(spark: SparkSession, frame: object) -> None:
    """Analysis and translation of a DataFrame, in the service: what `explain` shows and nothing else."""
    frame._explain_string()  # type: ignore[attr-defined]


def median_ms(run: Callable[[], object]) -> float:
    """Of CPU time: other work on the machine does not count."""
    times = []
    for _ in range(RUNS + 3):
        start = time.process_time()
        run()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times[3:])


def queries(spark: SparkSession) -> dict[str, Callable[[], object]]:
    runs: dict[str, Callable[[], object]] = {
        name: (lambda text=text: compiled(spark, spark.sql(text))) for name, text in SQL.items()
    }
    for name, build in frames(spark).items():
        runs[name] = lambda build=build: compiled(spark, build())
    return runs


def main(arguments: list[str]) -> int:
    spark = session()
    runs = queries(spark)
    if arguments[:1] == ["--profile"]:
        run = runs[arguments[1]]
        run()
        profile = cProfile.Profile()
        profile.runcall(lambda: [run() for _ in range(10)])
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return 0
    slow = 0
    for name, run in runs.items():
        took = median_ms(run)
        slow += took > LIMIT_MS
        print(f"{name:32} {took:6.1f} ms{'   too slow' if took > LIMIT_MS else ''}")
    print(f"{len(runs) - slow} of {len(runs)} within {LIMIT_MS} ms")
    return 1 if slow else 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    import os

    os._exit(code)
