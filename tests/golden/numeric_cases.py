"""Queries about sketches, random numbers and statistics, asked of real Spark by `make_numeric.py`."""

from __future__ import annotations

INTS = "VALUES (5), (1), (2), (2), (NULL), (77777777777) AS t(x)"
MANY = "range(0, 20000, 1, 1)"
WORDS = "VALUES ('a'), ('bc'), (''), (NULL), ('bc'), ('é') AS t(x)"
PAIRS = "VALUES (1, 2.5D), (4, 7D), (2, -3.25D), (NULL, 1D), (9, 0.1D), (3, 3.3D) AS t(x, y)"
GROUPS = "(SELECT id % 7 AS g, pow(id % 97, 1.5) - id AS x, sin(id) * 1e3 AS y FROM range(0, 500, 1, 1))"

HLL = [
    f"SELECT hex(hll_sketch_agg(x)) FROM {INTS}",
    f"SELECT hex(hll_sketch_agg(x, 4)) FROM {INTS}",
    "SELECT hex(hll_sketch_agg(CAST(x AS INT), 21)) FROM VALUES (5), (NULL) AS t(x)",
    f"SELECT hex(hll_sketch_agg(x)) FROM {WORDS}",
    "SELECT hex(hll_sketch_agg(x)) FROM VALUES (X'0102'), (X''), (X'FF') AS t(x)",
    "SELECT hex(hll_sketch_agg(x)) FROM VALUES (CAST(NULL AS INT)) AS t(x)",
    f"SELECT hll_sketch_estimate(hll_sketch_agg(id)), md5(hll_sketch_agg(id)) FROM {MANY}",
    f"SELECT hll_sketch_estimate(hll_sketch_agg(id, 8)), md5(hll_sketch_agg(id, 8)) FROM {MANY}",
    "SELECT md5(hll_sketch_agg(id)) FROM range(0, 30, 1, 1)",
    "SELECT md5(hll_sketch_agg(id, 10)) FROM range(0, 100, 1, 1)",
    "SELECT md5(hll_union(a, b)), md5(hll_union(a, b, true)) FROM (SELECT hll_sketch_agg(id) a, "
    "hll_sketch_agg(id + 5) b FROM range(0, 100, 1, 1))",
    "SELECT hex(hll_union_agg(s, true)) FROM (SELECT hll_sketch_agg(id) s FROM range(0, 3, 1, 1) UNION ALL "
    "SELECT hll_sketch_agg(id, 10) s FROM range(0, 5, 1, 1))",
    "SELECT hex(hll_union_agg(s)) FROM (SELECT hll_sketch_agg(id) s FROM range(0, 3, 1, 1) UNION ALL "
    "SELECT hll_sketch_agg(id, 10) s FROM range(0, 5, 1, 1))",
    "SELECT hex(hll_union_agg(s)) FROM (SELECT CAST(NULL AS BINARY) s)",
    "SELECT hex(hll_union(a, b)) FROM (SELECT hll_sketch_agg(id) a, hll_sketch_agg(id, 10) b FROM range(0, 3, 1, 1))",
    "SELECT hll_union(CAST(NULL AS BINARY), X'00')",
    "SELECT hll_sketch_estimate(X'0102')",
    "SELECT hll_sketch_estimate(CAST(NULL AS BINARY))",
    "SELECT hll_sketch_agg(id, 3) FROM range(3)",
    "SELECT hll_sketch_agg(id, 22) FROM range(3)",
    "SELECT hll_sketch_agg(id, id) FROM range(3)",
    "SELECT hll_sketch_agg(id, NULL) FROM range(3)",
    "SELECT hll_sketch_agg(CAST(id AS DOUBLE)) FROM range(3)",
    "SELECT hll_sketch_agg(CAST(id AS DATE)) FROM range(3)",
    "SELECT hll_sketch_agg(CAST(id AS TINYINT)) FROM range(3)",
    "SELECT hll_sketch_agg(id, 'a') FROM range(3)",
    "SELECT hll_sketch_agg() FROM range(3)",
    "SELECT hll_sketch_agg(id, lgConfigK => 4) FROM range(3)",
    "SELECT hll_union(1, 2)",
    "SELECT hll_union_agg(id) FROM range(3)",
    "SELECT hll_union_agg(CAST('a' AS BINARY)) FROM range(3)",
]

THETA = [
    f"SELECT hex(theta_sketch_agg(x)) FROM {INTS}",
    f"SELECT hex(theta_sketch_agg(x)) FROM {WORDS}",
    "SELECT hex(theta_sketch_agg(x)) FROM VALUES (1.5D), (-0.0D), (0.0D), ('NaN'), (NULL) AS t(x)",
    "SELECT hex(theta_sketch_agg(x)) FROM VALUES (1.5F), (2F) AS t(x)",
    "SELECT hex(theta_sketch_agg(x)) FROM VALUES (X'0102'), (X'') AS t(x)",
    "SELECT hex(theta_sketch_agg(x)) FROM VALUES (array(1, 2)), (array(1)), (array()), (NULL) AS t(x)",
    "SELECT hex(theta_sketch_agg(x)) FROM VALUES (array(1L, 2L)), (array(1L)) AS t(x)",
    "SELECT hex(theta_sketch_agg(x)) FROM VALUES (CAST(NULL AS INT)) AS t(x)",
    "SELECT hex(theta_sketch_agg(x)) FROM VALUES (7) AS t(x)",
    f"SELECT theta_sketch_estimate(s), length(s), md5(s) FROM (SELECT theta_sketch_agg(id) s FROM {MANY})",
    f"SELECT theta_sketch_estimate(s), length(s), md5(s) FROM (SELECT theta_sketch_agg(id, 5) s FROM {MANY})",
    "SELECT hex(theta_union(a, b)), hex(theta_intersection(a, b)), hex(theta_difference(a, b)) FROM (SELECT "
    "theta_sketch_agg(id) a, theta_sketch_agg(id + 2) b FROM range(0, 4, 1, 1))",
    f"SELECT md5(theta_union(a, b)), md5(theta_intersection(a, b)), md5(theta_difference(a, b)), "
    f"theta_sketch_estimate(theta_union(a, b, 8)) FROM (SELECT "
    f"theta_sketch_agg(id) a, theta_sketch_agg(id + 2000, 10) b FROM {MANY})",
    "SELECT hex(theta_union_agg(s)), hex(theta_intersection_agg(s)) FROM (SELECT theta_sketch_agg(id) s FROM "
    "range(0, 3, 1, 1) UNION ALL SELECT theta_sketch_agg(id, 10) s FROM range(0, 5, 1, 1))",
    "SELECT hex(theta_union_agg(s)) FROM (SELECT CAST(NULL AS BINARY) s)",
    "SELECT hex(theta_intersection_agg(s)) FROM (SELECT CAST(NULL AS BINARY) s)",
    "SELECT theta_union(CAST(NULL AS BINARY), X'00')",
    "SELECT theta_sketch_estimate(X'0102')",
    "SELECT theta_sketch_agg(id, 3) FROM range(3)",
    "SELECT theta_sketch_agg(id, 27) FROM range(3)",
    "SELECT theta_sketch_agg(id, id) FROM range(3)",
    "SELECT theta_sketch_agg(id, NULL) FROM range(3)",
    "SELECT theta_sketch_agg(CAST(id AS DATE)) FROM range(3)",
    "SELECT theta_sketch_agg(id > 1) FROM range(3)",
    "SELECT theta_sketch_agg(CAST(id AS DECIMAL(5,2))) FROM range(3)",
    "SELECT theta_union(X'00', X'00', 3)",
    "SELECT theta_union_agg(X'00') FROM range(1)",
    "SELECT theta_union(1, 2)",
]

KLL = [
    sql.format(kind=kind, type=type_)
    for kind, type_ in (("bigint", "BIGINT"), ("double", "DOUBLE"), ("float", "FLOAT"))
    for sql in (
        "SELECT hex(kll_sketch_agg_{kind}(CAST(x AS {type}))) FROM VALUES (5), (1), (2), (2), (NULL), (777777) AS t(x)",
        "SELECT hex(kll_sketch_agg_{kind}(CAST(x AS {type}), 8)) FROM VALUES (5) AS t(x)",
        "SELECT hex(kll_sketch_agg_{kind}(CAST(x AS {type}))) FROM VALUES (CAST(NULL AS INT)) AS t(x)",
        "SELECT length(kll_sketch_agg_{kind}(CAST(id AS {type}))) > 0 FROM range(0, 20000, 1, 1)",
        "SELECT kll_sketch_get_n_{kind}(s), kll_sketch_get_quantile_{kind}(s, 0.5), kll_sketch_get_quantile_{kind}(s, "
        "array(0.0, 0.25, 1.0)), kll_sketch_get_rank_{kind}(s, CAST(3 AS {type})), kll_sketch_get_rank_{kind}(s, "
        "array(CAST(0 AS {type}), CAST(9 AS {type}))), kll_sketch_to_string_{kind}(s) FROM (SELECT "
        "kll_sketch_agg_{kind}(CAST(id AS {type})) s FROM range(0, 10, 1, 1))",
        "SELECT hex(kll_sketch_merge_{kind}(s, s)) FROM (SELECT kll_sketch_agg_{kind}(CAST(id AS {type}), 20) s FROM "
        "range(0, 5, 1, 1))",
        "SELECT hex(kll_merge_agg_{kind}(s)), hex(kll_merge_agg_{kind}(s, 50)) FROM (SELECT "
        "kll_sketch_agg_{kind}(CAST(id AS {type}), 20) s FROM range(0, 5, 1, 1) UNION ALL SELECT "
        "kll_sketch_agg_{kind}(CAST(id AS {type}), 30) s FROM range(5, 8, 1, 1))",
        "SELECT hex(kll_merge_agg_{kind}(s)) FROM (SELECT CAST(NULL AS BINARY) s)",
        "SELECT kll_sketch_to_string_{kind}(kll_sketch_agg_{kind}(CAST(NULL AS {type}))) FROM range(1)",
        "SELECT kll_sketch_get_quantile_{kind}(kll_sketch_agg_{kind}(CAST(NULL AS {type})), 0.5) FROM range(1)",
        "SELECT kll_sketch_get_rank_{kind}(kll_sketch_agg_{kind}(CAST(NULL AS {type})), CAST(1 AS {type})) FROM "
        "range(1)",
        "SELECT kll_sketch_get_n_{kind}(kll_sketch_agg_{kind}(CAST(NULL AS {type}))) FROM range(1)",
        "SELECT kll_sketch_get_quantile_{kind}(kll_sketch_agg_{kind}(CAST(id AS {type})), 1.5) FROM range(3)",
        "SELECT kll_sketch_get_quantile_{kind}(kll_sketch_agg_{kind}(CAST(id AS {type})), NULL) FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS {type}), 7) FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS {type}), 65536) FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS {type}), CAST(id AS INT)) FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS {type}), CAST(NULL AS INT)) FROM range(3)",
        "SELECT kll_sketch_agg_{kind}('a') FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(DATE'2020-01-01') FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS INT)) IS NULL FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS FLOAT)) IS NULL FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS DOUBLE)) IS NULL FROM range(3)",
        "SELECT kll_sketch_agg_{kind}(CAST(id AS DECIMAL(5,1))) IS NULL FROM range(3)",
        "SELECT kll_sketch_get_n_{kind}(X'0102')",
        "SELECT kll_sketch_merge_{kind}(X'0102', X'0102')",
        "SELECT kll_merge_agg_{kind}(X'0102') FROM range(1)",
        "SELECT kll_sketch_get_rank_{kind}(kll_sketch_agg_{kind}(CAST(id AS {type})), id) FROM range(3) GROUP BY id",
    )
]

TUPLE = [
    sql.format(kind=kind, one=one, type=type_)
    for kind, one, type_ in (("double", "1.5D", "DOUBLE"), ("integer", "3", "INT"))
    for sql in (
        "SELECT hex(tuple_sketch_agg_{kind}(k, CAST(v AS {type}))) FROM VALUES (1, 5), (1, 1), (2, 7), (NULL, 1), (3, "
        "NULL), (4, -2) AS t(k, v)",
        *(
            f"SELECT hex(tuple_sketch_agg_{{kind}}(k, CAST(v AS {{type}}), 5, '{mode}')) FROM VALUES (1, 5), (1, 1), "
            "(2, 7) AS t(k, v)"
            for mode in ("sum", "min", "max", "alwaysone", "SUM", "avg")
        ),
        "SELECT hex(tuple_sketch_agg_{kind}(k, {one})) FROM VALUES ('a'), (''), ('b') AS t(k)",
        "SELECT hex(tuple_sketch_agg_{kind}(k, {one})) FROM VALUES (1.5D), (2D) AS t(k)",
        "SELECT hex(tuple_sketch_agg_{kind}(k, {one})) FROM VALUES (1.5F), (2F) AS t(k)",
        "SELECT hex(tuple_sketch_agg_{kind}(k, {one})) FROM VALUES (X'01'), (X'') AS t(k)",
        "SELECT hex(tuple_sketch_agg_{kind}(k, {one})) FROM VALUES (array(1, 2)) AS t(k)",
        "SELECT hex(tuple_sketch_agg_{kind}(k, {one})) FROM VALUES (CAST(NULL AS INT)) AS t(k)",
        "SELECT tuple_sketch_estimate_{kind}(s), tuple_sketch_theta_{kind}(s), tuple_sketch_summary_{kind}(s), "
        "tuple_sketch_summary_{kind}(s, 'max'), length(s), md5(s) FROM (SELECT tuple_sketch_agg_{kind}(id, "
        "CAST(id % 10 AS {type}), 6) s FROM range(0, 20000, 1, 1))",
        "SELECT hex(tuple_union_{kind}(a, b)), hex(tuple_intersection_{kind}(a, b)), hex(tuple_difference_{kind}(a, "
        "b)), hex(tuple_union_{kind}(a, b, 10, 'max')), hex(tuple_intersection_{kind}(a, b, 'min')) FROM (SELECT "
        "tuple_sketch_agg_{kind}(id, CAST(id AS {type})) a, tuple_sketch_agg_{kind}(id + 2, CAST(100 AS {type})) b "
        "FROM range(0, 4, 1, 1))",
        "SELECT hex(tuple_union_theta_{kind}(a, b)), hex(tuple_intersection_theta_{kind}(a, b)), "
        "hex(tuple_union_theta_{kind}(a, b, 10, 'max')), hex(tuple_intersection_theta_{kind}(a, b, 'alwaysone')), "
        "hex(tuple_difference_theta_{kind}(a, b)) FROM (SELECT tuple_sketch_agg_{kind}(id, CAST(id AS {type})) a, "
        "theta_sketch_agg(id + 2) b FROM range(0, 4, 1, 1))",
        "SELECT hex(tuple_union_theta_{kind}(a, b)), hex(tuple_intersection_theta_{kind}(a, b)), "
        "hex(tuple_union_theta_{kind}(a, b, 10, 'max')), hex(tuple_intersection_theta_{kind}(a, b, 'alwaysone')) "
        "FROM (SELECT tuple_sketch_agg_{kind}(id, CAST(id AS {type})) a, "
        "theta_sketch_agg(id + 2) b FROM range(0, 4, 1, 1))",
        "SELECT hex(tuple_union_agg_{kind}(s)), hex(tuple_intersection_agg_{kind}(s)), hex(tuple_union_agg_{kind}(s, "
        "10, 'min')), hex(tuple_intersection_agg_{kind}(s, 'max')) FROM (SELECT tuple_sketch_agg_{kind}(id, "
        "CAST(id AS {type})) s FROM range(0, 3, 1, 1) UNION ALL SELECT tuple_sketch_agg_{kind}(id, CAST(7 AS {type}), "
        "10) s FROM range(0, 5, 1, 1))",
        "SELECT hex(tuple_union_agg_{kind}(s)) FROM (SELECT CAST(NULL AS BINARY) s)",
        "SELECT hex(tuple_intersection_agg_{kind}(s)) FROM (SELECT CAST(NULL AS BINARY) s)",
        "SELECT tuple_sketch_agg_{kind}(id, {one}, 3) FROM range(3)",
        "SELECT tuple_sketch_agg_{kind}(id, {one}, CAST(id AS INT)) FROM range(3)",
        "SELECT tuple_sketch_agg_{kind}(id, {one}, 12, CAST(id AS STRING)) FROM range(3)",
        "SELECT tuple_sketch_agg_{kind}(id, {one}, NULL) FROM range(3)",
        "SELECT tuple_sketch_agg_{kind}(id, {one}, 12, NULL) FROM range(3)",
        "SELECT hex(tuple_sketch_agg_{kind}(id, 'a')) FROM range(0, 3, 1, 1)",
        "SELECT hex(tuple_sketch_agg_{kind}(id, id)) FROM range(0, 3, 1, 1)",
        "SELECT hex(tuple_sketch_agg_{kind}(id, 1.5)) FROM range(0, 3, 1, 1)",
        "SELECT hex(tuple_sketch_agg_{kind}(DATE'2020-01-01', {one})) FROM range(0, 3, 1, 1)",
        "SELECT tuple_sketch_estimate_{kind}(X'0102')",
        "SELECT tuple_sketch_summary_{kind}(CAST(NULL AS BINARY))",
        "SELECT tuple_sketch_summary_{kind}(s, 'avg') FROM (SELECT tuple_sketch_agg_{kind}(id, {one}) s FROM range(3))",
        "SELECT tuple_sketch_summary_{kind}(s, 'alwaysone'), tuple_sketch_summary_{kind}(s, 'min') FROM (SELECT "
        "tuple_sketch_agg_{kind}(id, {one}) s FROM range(0, 3, 1, 1))",
        "SELECT tuple_sketch_summary_{kind}(s), tuple_sketch_summary_{kind}(s, 'min'), tuple_sketch_theta_{kind}(s), "
        "tuple_sketch_estimate_{kind}(s) FROM (SELECT tuple_sketch_agg_{kind}(id, {one}) s FROM range(0))",
        "SELECT tuple_union_{kind}(X'00', X'00')",
        "SELECT tuple_union_{kind}(1, 2)",
        "SELECT tuple_union_agg_{kind}(X'0102') FROM range(1)",
    )
]

TOP_K = [
    "SELECT approx_top_k(x) FROM VALUES (0), (0), (1), (1), (2), (3), (4), (4) AS t(x)",
    "SELECT approx_top_k(x, 20) FROM VALUES ('w'), ('b'), ('w'), ('zz'), ('abc'), ('q'), (NULL), ('Hello') AS t(x)",
    "SELECT approx_top_k(x, 20) FROM VALUES (1.5D), (2.5D), (1.5D), (-0.25D), (7D), (100D) AS t(x)",
    "SELECT approx_top_k(x, 20) FROM VALUES (1.5F), (2.5F), (1.5F), (-0.25F), (7F), (100F) AS t(x)",
    "SELECT approx_top_k(x, 20) FROM VALUES (1.5), (2.5), (1.5), (-0.25), (7.0), (100.0) AS t(x)",
    "SELECT approx_top_k(x, 20) FROM VALUES (true), (false), (true), (NULL) AS t(x)",
    "SELECT approx_top_k(x, 20) FROM VALUES (DATE'2020-01-01'), (DATE'2021-01-01'), (DATE'2022-02-02') AS t(x)",
    "SELECT approx_top_k(x, 20) FROM VALUES (TIMESTAMP'2020-01-01'), (TIMESTAMP'2021-01-01'), "
    "(TIMESTAMP'2022-02-02') AS t(x)",
    "SELECT approx_top_k(CAST(x AS TINYINT), 20) FROM VALUES (5), (-3), (100), (7), (8), (-3) AS t(x)",
    "SELECT approx_top_k(id % 37, 40) FROM range(0, 500, 1, 1)",
    "SELECT approx_top_k(CAST(id % 37 AS STRING), 40) FROM range(0, 500, 1, 1)",
    "SELECT approx_top_k(CASE WHEN id % 3 = 0 THEN id % 10 ELSE id END, 10, 20) FROM range(0, 3000, 1, 1)",
    "SELECT approx_top_k(id, 10, 20) FROM range(0, 3000, 1, 1)",
    "SELECT hex(approx_top_k_accumulate(x).sketch) FROM VALUES (0), (0), (1), (1), (2), (3), (4), (4), (NULL) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES (0L), (0L), (1L), (-5L) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES ('a'), ('é'), ('bcd'), ('a') AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES (1.5D), (2D), (1.5D) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES (1.5F), (2F), (1.5F) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES (1.5), (2.0), (1.5) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES (true), (false), (true) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(CAST(x AS TINYINT), 100).sketch) FROM VALUES (5), (-3) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(CAST(x AS SMALLINT), 100).sketch) FROM VALUES (5), (-3) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(CAST(x AS DECIMAL(30,2)), 100).sketch) FROM VALUES (5), (-3) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES (CAST(NULL AS INT)) AS t(x)",
    "SELECT hex(approx_top_k_accumulate(x, 100).sketch) FROM VALUES (DATE'2020-01-01') AS t(x)",
    "SELECT approx_top_k_accumulate(x, 100) FROM VALUES (CAST(1 AS DECIMAL(5,2))) AS t(x)",
    "SELECT approx_top_k_accumulate(x) FROM VALUES ('a') AS t(x)",
    "SELECT approx_top_k_estimate(approx_top_k_combine(s, 5), 5), hex(approx_top_k_combine(s, 5).sketch), "
    "approx_top_k_combine(s, 50).maxItemsTracked FROM (SELECT approx_top_k_accumulate(id % 4) s FROM "
    "range(0, 9, 1, 1) UNION ALL SELECT approx_top_k_accumulate(id % 3) s FROM range(0, 9, 1, 1))",
    "SELECT approx_top_k_combine(s) FROM (SELECT approx_top_k_accumulate(id % 4, 10) s FROM range(0, 9, 1, 1) "
    "UNION ALL SELECT approx_top_k_accumulate(id % 3, 20) s FROM range(0, 9, 1, 1))",
    "SELECT approx_top_k_combine(s).maxItemsTracked FROM (SELECT approx_top_k_accumulate(id % 4, 10) s FROM "
    "range(0, 9, 1, 1))",
    "SELECT approx_top_k_estimate(approx_top_k_accumulate(id % 4)) FROM range(0, 9, 1, 1)",
    "SELECT approx_top_k_estimate(approx_top_k_accumulate(id % 4), 0) FROM range(0, 9, 1, 1)",
    "SELECT approx_top_k(id, 0) FROM range(3)",
    "SELECT approx_top_k(id, 5, 2) FROM range(3)",
    "SELECT approx_top_k(id, 5, 1000001) FROM range(3)",
    "SELECT approx_top_k(id, NULL) FROM range(3)",
    "SELECT approx_top_k(id, 5, NULL) FROM range(3)",
    "SELECT approx_top_k(id, CAST(id AS INT)) FROM range(3)",
    "SELECT approx_top_k(id, 5, CAST(id AS INT)) FROM range(3)",
    "SELECT approx_top_k(id, 5, -1) FROM range(3)",
    "SELECT approx_top_k(array(id)) FROM range(3)",
    "SELECT approx_top_k(CAST('a' AS BINARY)) FROM range(3)",
    "SELECT approx_top_k(id, 'a') FROM range(3)",
    "SELECT approx_top_k_estimate(1)",
    "SELECT approx_top_k_combine(named_struct('a', 1)) FROM range(3)",
    "SELECT approx_top_k_accumulate(id, 0) FROM range(3)",
]

COUNTS = [
    f"SELECT approx_count_distinct(id), approx_count_distinct(id, 0.1), approx_count_distinct(id, 0.01), "
    f"approx_count_distinct(CAST(id AS STRING)), approx_count_distinct(id / 3), approx_count_distinct(id % 300) "
    f"FROM {MANY}",
    "SELECT approx_count_distinct(id), approx_count_distinct(CAST(id AS INT)), "
    "approx_count_distinct(CAST(id AS DECIMAL(20,2))), approx_count_distinct(named_struct('a', id, 'b', 1)), "
    "approx_count_distinct(array(id)), approx_count_distinct(CAST(id AS FLOAT)), "
    "approx_count_distinct(DATE'2020-01-01' + CAST(id AS INT)) FROM range(0, 1500, 1, 1)",
    "SELECT id % 5 g, approx_count_distinct(id) FROM range(0, 7000, 1, 1) GROUP BY 1 ORDER BY 1",
    "SELECT approx_count_distinct(id, 0.39) FROM range(0, 100, 1, 1)",
    "SELECT approx_count_distinct(x) FROM VALUES (0D), (-0.0D), ('NaN'), (NULL) AS t(x)",
    "SELECT approx_count_distinct(id, 0.4) FROM range(3)",
    "SELECT approx_count_distinct(id, id) FROM range(3)",
    "SELECT approx_count_distinct(id) FROM range(0)",
    "SELECT hex(count_min_sketch(id, 1.0, 0.3, 2)) FROM range(0, 100, 1, 1)",
    "SELECT hex(count_min_sketch(id, 0.5, 0.9, 7)) FROM range(0, 100, 1, 1)",
    "SELECT hex(count_min_sketch(x, 0.5D, 0.9D, 1)) FROM VALUES ('a'), (NULL), ('longer text'), ('a') AS t(x)",
    "SELECT hex(count_min_sketch(x, 0.5D, 0.9D, 1)) FROM VALUES (X'01'), (X'0203FF') AS t(x)",
    "SELECT hex(count_min_sketch(CAST(x AS TINYINT), 0.5D, 0.9D, 1)) FROM VALUES (-5), (7) AS t(x)",
    "SELECT hex(count_min_sketch(x, 0.5D, 0.9D, 1)) FROM VALUES (CAST(NULL AS INT)) AS t(x)",
    "SELECT count_min_sketch(id, 0.0D, 0.9D, 1) FROM range(3)",
    "SELECT count_min_sketch(id, 0.5D, 1.0D, 1) FROM range(3)",
    "SELECT count_min_sketch(CAST(id AS DOUBLE), 0.5D, 0.9D, 1) FROM range(3)",
    "SELECT count_min_sketch(id, 0.5D, 0.9D, NULL) FROM range(3)",
    "SELECT count_min_sketch(id, CAST(id AS DOUBLE), 0.9D, 1) FROM range(3)",
]

RANDOM = [
    "SELECT rand(42), randn(42) FROM range(0, 8, 1, 1)",
    "SELECT rand(0), rand(-1), rand(9876543210), randn(3) FROM range(0, 3, 1, 1)",
    "SELECT rand(NULL), randn(NULL) FROM range(0, 3, 1, 1)",
    "SELECT id FROM range(0, 20, 1, 1) WHERE rand(42) < 0.3",
    "SELECT rand(42) + rand(42) FROM range(0, 3, 1, 1)",
    "SELECT id FROM range(0, 10, 1, 1) ORDER BY rand(42)",
    "SELECT uniform(5, 105, 3) FROM range(0, 5, 1, 1)",
    "SELECT uniform(5.5, 105, 3), uniform(0, 1D, 3), uniform(0F, 10, 3), uniform(10L, 20, 0), uniform(1S, 9S, 3), "
    "uniform(1.25, 2, 0) FROM range(0, 5, 1, 1)",
    "SELECT uniform(NULL, 1, 0)",
    "SELECT uniform(id, 1, 0) FROM range(3)",
    "SELECT uniform('a', 1, 0)",
    "SELECT uniform(0, 1, id) FROM range(3)",
    "SELECT uniform(0, 1, 'a') FROM range(3)",
    "SELECT uniform(10, 20, 0) > 0 AS result",
    "SELECT randstr(5, 3) FROM range(0, 4, 1, 1)",
    "SELECT randstr(-1, 3)",
    "SELECT randstr(5, 'a')",
    "SELECT randstr(CAST(id AS INT), 0) FROM range(3)",
    "SELECT randstr('a', 0)",
    "SELECT rand('a')",
    "SELECT rand(id) FROM range(3)",
    "SELECT rand(1.5)",
    "SELECT shuffle(sequence(1, 10), 42) FROM range(0, 3, 1, 1)",
    "SELECT shuffle(array(1, 2), id) FROM range(3)",
    "SELECT uuid() IS NOT NULL",
]

_PAIR_FUNCTIONS = [
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_count",
    "regr_avgx",
    "regr_avgy",
    "regr_sxx",
    "regr_syy",
    "regr_sxy",
    "regr_slope",
    "regr_intercept",
    "regr_r2",
]
_ONE_FUNCTIONS = ["stddev", "stddev_pop", "variance", "var_pop", "skewness", "kurtosis", "avg", "sum"]

STATISTICS = [
    *(f"SELECT {f}(x, y) FROM {PAIRS}" for f in _PAIR_FUNCTIONS),
    *(f"SELECT {f}(y) FROM {PAIRS}" for f in _ONE_FUNCTIONS),
    *(f"SELECT {f}(x, y) FROM {GROUPS}" for f in _PAIR_FUNCTIONS),
    *(f"SELECT {f}(y) FROM {GROUPS}" for f in _ONE_FUNCTIONS),
    *(f"SELECT {f}(x, x) FROM VALUES (3D) AS t(x)" for f in _PAIR_FUNCTIONS),
    *(f"SELECT {f}(x) FROM VALUES (3D) AS t(x)" for f in _ONE_FUNCTIONS),
    *(f"SELECT {f}(x, y) FROM VALUES (3D, 1D), (3D, 2D) AS t(x, y)" for f in _PAIR_FUNCTIONS),
    *(f"SELECT {f}(y, x) FROM VALUES (3D, 1D), (3D, 2D) AS t(x, y)" for f in _PAIR_FUNCTIONS),
    *(f"SELECT {f}(x) FROM VALUES (3D), (3D) AS t(x)" for f in _ONE_FUNCTIONS),
    *(f"SELECT {f}(x, x) FROM VALUES (CAST(NULL AS DOUBLE)) AS t(x)" for f in _PAIR_FUNCTIONS),
    *(f"SELECT {f}(x) FROM VALUES (CAST(NULL AS DOUBLE)) AS t(x)" for f in _ONE_FUNCTIONS),
    *(f"SELECT {f}(x) FROM VALUES (1D), ('Infinity'), (2D) AS t(x)" for f in _ONE_FUNCTIONS),
    *(f"SELECT {f}(x) FROM VALUES (1D), ('NaN'), (2D) AS t(x)" for f in _ONE_FUNCTIONS),
    "SELECT skewness(x) FILTER (WHERE x > 1) FROM VALUES (1), (2), (2), (10) AS t(x)",
    "SELECT x, corr(x, y) OVER (ORDER BY x) FROM VALUES (1, 2), (2, 5), (3, 1) AS t(x, y)",
    "SELECT x, skewness(x) OVER (ORDER BY x) FROM VALUES (1), (2), (7) AS t(x)",
    "SELECT regr_slope(1.5, 2), corr('a', 1)",
    "SELECT histogram_numeric(x, 5) FROM VALUES (0), (1), (2), (10) AS t(x)",
    "SELECT histogram_numeric(id, 5) FROM range(0, 100, 1, 1)",
    "SELECT histogram_numeric(id * 1.5D, 3) FROM range(0, 10, 1, 1)",
    "SELECT histogram_numeric(x, 3) FROM VALUES (DATE'2020-01-01'), (DATE'2020-01-03'), (DATE'2020-03-01'), "
    "(DATE'2020-03-02') AS t(x)",
    "SELECT histogram_numeric(CAST(x AS DECIMAL(5,2)), 3) FROM VALUES (1), (2), (NULL) AS t(x)",
    "SELECT histogram_numeric(x, 3) FROM VALUES (CAST(NULL AS INT)) AS t(x)",
    "SELECT histogram_numeric(x, 1) FROM VALUES (1) AS t(x)",
    "SELECT histogram_numeric(x, x) FROM VALUES (1) AS t(x)",
    "SELECT histogram_numeric('a', 3)",
    "SELECT median(x), percentile(x, 0.3), percentile(x, array(0.1, 0.9)), percentile_cont(0.3) WITHIN GROUP (ORDER "
    "BY x), percentile_cont(0.3) WITHIN GROUP (ORDER BY x DESC), percentile_disc(0.3) WITHIN GROUP (ORDER BY x), "
    f"percentile_disc(0.3) WITHIN GROUP (ORDER BY x DESC) FROM {PAIRS}",
    "SELECT percentile(x, 0.3, y) FROM VALUES (1, 10), (2, 1), (7, 5), (9, NULL), (11, 0) AS t(x, y)",
    "SELECT percentile(x, array(0.0, 0.5, 1.0), 2) FROM VALUES (1), (2), (7), (9) AS t(x)",
    "SELECT percentile(x, 0.5, -1) FROM VALUES (1), (2) AS t(x)",
    "SELECT percentile(x, 1.1) FROM VALUES (1), (2) AS t(x)",
    "SELECT percentile(x, array(0.1, 1.1)) FROM VALUES (1), (2) AS t(x)",
    "SELECT percentile(x, x) FROM VALUES (1), (2) AS t(x)",
    "SELECT percentile(x, NULL) FROM VALUES (1), (2) AS t(x)",
    "SELECT percentile('a', 0.5)",
    "SELECT percentile_approx(x, 0.3), percentile_approx(x, array(0.1, 0.9), 100), approx_percentile(y, 0.5) "
    f"FROM {PAIRS}",
    "SELECT percentile_approx(id, 0.5, 0) FROM range(3)",
    "SELECT percentile_approx(id, 1.5) FROM range(3)",
    "SELECT percentile_approx(id, 0.5, CAST(id AS INT)) FROM range(3)",
    "SELECT percentile_approx(id, NULL) FROM range(3)",
    "SELECT percentile_approx(id, id) FROM range(3)",
    "SELECT percentile_approx('a', 0.5)",
    "SELECT percentile_approx(x, 0.5) FROM VALUES (DATE'2020-01-01'), (DATE'2021-01-01') AS t(x)",
    "SELECT percentile_approx(x, 0.5) FROM VALUES (INTERVAL '1' DAY), (INTERVAL '3' DAY) AS t(x)",
    "SELECT mode(x) FROM VALUES (1), (2), (2), (NULL) AS t(x)",
    "SELECT mode(x, true), mode() WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY x DESC) FROM VALUES "
    "(3), (1), (2), (1), (2) AS t(x)",
    "SELECT mode(x) FROM VALUES (CAST(NULL AS INT)) AS t(x)",
    "SELECT listagg(x, ',') WITHIN GROUP (ORDER BY x DESC), listagg(x) WITHIN GROUP (ORDER BY y), listagg(DISTINCT x, "
    "'|') WITHIN GROUP (ORDER BY x) FROM VALUES ('a', 3), ('b', 1), (NULL, 0), ('a', 2) AS t(x, y)",
    "SELECT hex(listagg(x, X'2C') WITHIN GROUP (ORDER BY x DESC)) FROM VALUES (X'01'), (X'02') AS t(x)",
    "SELECT listagg(DISTINCT x, ',') WITHIN GROUP (ORDER BY y) FROM VALUES ('a', 3), ('b', 1) AS t(x, y)",
    "SELECT listagg(x) FROM VALUES (CAST(NULL AS STRING)) AS t(x)",
    "SELECT listagg(id) FROM range(3)",
    "SELECT listagg(CAST(id AS STRING), CAST(id AS STRING)) FROM range(3)",
    "SELECT listagg(X'01', ',')",
    "SELECT listagg('a', X'01')",
    "SELECT listagg(array(1))",
    "SELECT listagg('a', 1)",
    "SELECT bit_and(x), bit_or(x), bit_xor(x), bit_or(DISTINCT x) FROM VALUES (3), (5), (NULL) AS t(x)",
    "SELECT bit_and(CAST(x AS TINYINT)), bit_xor(CAST(x AS SMALLINT)) FROM VALUES (3), (5) AS t(x)",
    "SELECT bit_and(1.5)",
]

_NUMBERS = (
    "0, -0.0D, 1, -1, 0.5, 2, 3, 4, 5, 6, 7, 9, 10, -2.5, 0.1, 1e-7, 12.375, 20, 100, 700, -700, 710, 1e10, 1e300, "
    "CAST('NaN' AS DOUBLE), CAST('Infinity' AS DOUBLE), CAST('-Infinity' AS DOUBLE), 0.7853981633974483, 1e-300"
)
MATH = [
    f"SELECT transform(array({_NUMBERS}), x -> {f}(CAST(x AS DOUBLE)))"
    for f in [
        "cosh", "sinh", "tanh", "exp", "expm1", "log2", "log10", "ln", "log1p", "asin", "acos", "atan", "asinh",
        "acosh", "atanh", "cbrt", "sqrt", "degrees", "radians", "sign", "signum", "rint",
    ]
] + [
    f"SELECT transform(array({_NUMBERS}), x -> {f})"
    for f in (
        "atan2(CAST(x AS DOUBLE), 2D)", "log(3, CAST(x AS DOUBLE))",
        "pow(CAST(x AS DOUBLE), 0)", "pow(CAST(x AS DOUBLE), -1)",
    )
]  # fmt: skip

OTHERS = [
    "SELECT array_distinct(array(3, 1, NULL, 3, NULL, 2, 1))",
    "SELECT array_distinct(array('b', 'a', 'b')), array_distinct(array(array(1), array(1), NULL))",
    "SELECT array_distinct(array(1D, -0.0D, 0.0D, double('NaN'), double('NaN')))",
    "SELECT array_distinct(array(named_struct('a', 1), named_struct('a', 1), named_struct('a', NULL)))",
    "SELECT array_distinct(CAST(array() AS ARRAY<INT>)), array_distinct(CAST(NULL AS ARRAY<INT>))",
    "SELECT array_union(array(2, 1, 2, NULL), array(3, NULL, 1)), array_intersect(array(3, 1, NULL, 3), array(3, "
    "NULL)), array_except(array(3, 1, 3, NULL, 5, 5), array(1, NULL))",
]

SQL: tuple[str, ...] = tuple(
    dict.fromkeys([*HLL, *THETA, *KLL, *TUPLE, *TOP_K, *COUNTS, *RANDOM, *STATISTICS, *MATH, *OTHERS])
)
