"""SQL over streaming views: LATERAL VIEW, explode, windows that slide, CTEs, CASE, UNION ALL, joins, subqueries."""

import json

from lib import run, session, show, work_directory, write_files
from pyspark.errors import PySparkException

spark, work = session(), work_directory()
spark.conf.set("spark.sql.json.filterPushdown.enabled", "false")
write_files(str(work / "in"), [
    [{"t": "2026-03-01T10:00:01Z", "k": "a", "tags": ["x", "y"], "m": {"p": 1, "q": 2}}, {"t": "2026-03-01T10:00:09Z", "k": "b", "tags": []}],
    [{"t": "2026-03-01T10:00:14Z", "k": "a", "tags": ["y", None]}, {"t": "2026-03-01T10:00:02Z", "k": "c", "tags": ["x"]}],
    [{"t": "2026-03-01T10:01:00Z", "k": None, "tags": ["z"], "m": {"p": 5}}],
])  # fmt: skip
schema = "t timestamp, k string, tags array<string>, m map<string,int>"
events = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).json(str(work / "in"))
events.withWatermark("t", "5 seconds").createOrReplaceTempView("events")
spark.createDataFrame([("a", "ann"), ("b", "bob")], "k string, name string").createOrReplaceTempView("names")
QUERIES = {
    "lateral": ("SELECT k, tag FROM events LATERAL VIEW explode(tags) AS tag WHERE tag <> 'z'", "append"),
    "outer": ("SELECT k, pos, tag FROM events LATERAL VIEW OUTER posexplode(tags) AS pos, tag", "append"),
    "map": ("SELECT k, e.* FROM events LATERAL VIEW explode(m) e AS key, value", "append"),
    "tags": ("SELECT tag, count(*) AS n, collect_set(k) AS ks FROM (SELECT k, explode(tags) AS tag FROM events) GROUP BY tag", "complete"),
    "sliding": ("SELECT window.start, count(*) AS n, max(k) AS k FROM events GROUP BY window(t, '20 seconds', '10 seconds')", "append"),
    "cte": ("WITH w AS (SELECT window(t, '1 minute') AS w, k FROM events) SELECT w.end, count(k) AS n FROM w GROUP BY w", "update"),
    "case": ("SELECT CASE WHEN size(tags) > 1 THEN 'many' WHEN size(tags) = 1 THEN tags[0] END AS c, date_format(t, 'ss') AS s FROM events", "append"),
    "union": ("SELECT k, 1 AS side FROM events UNION ALL SELECT upper(k), 2 FROM events WHERE k IS NOT NULL", "append"),
    "join": ("SELECT e.k, name FROM events e LEFT JOIN names USING (k) WHERE coalesce(name, 'none') LIKE '%n%'", "append"),
    "in": ("SELECT k FROM events WHERE k IN (SELECT k FROM names)", "append"),
    "having": ("SELECT k, count(*) AS n FROM events GROUP BY k HAVING count(*) > 1 ORDER BY n DESC", "complete"),
    "cube": ("SELECT k, size(tags) AS s, count(*) AS n, grouping_id() AS g FROM events GROUP BY CUBE (k, size(tags))", "complete"),
    "lambda": ("SELECT transform(tags, x -> concat(x, '!')) AS a, filter(tags, x -> x = 'y') AS f, m['p'] AS p FROM events", "append"),
    "within": ("SELECT k, sum(size(tags)) OVER (PARTITION BY k) FROM events", "append"),
    "scalar": ("SELECT k, (SELECT max(name) FROM names) AS top FROM events", "append"),
    "distinct": ("SELECT DISTINCT k FROM events", "update"),
}  # fmt: skip
for name, (text, mode) in QUERIES.items():
    show(name)
    try:
        run(spark.sql(text), mode, work_directory(), progress=False)
    except PySparkException as error:
        show("refused", condition=error.getCondition())
print(json.dumps({"batch": "views", "streaming": [spark.table(name).isStreaming for name in ("events", "names")]}))
