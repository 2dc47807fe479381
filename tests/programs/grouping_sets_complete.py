"""GROUPING SETS with HAVING in SQL, complete mode."""

from lib import EVENTS, in_stages


def query(read):
    events = read("in")
    events.createOrReplaceTempView("events")
    return events.sparkSession.sql("""
        SELECT k, n % 3 AS rest, count(*) AS rows, avg(n) AS mean, grouping(k) AS no_key
        FROM events GROUP BY GROUPING SETS ((k), (n % 3), (k, n % 3)) HAVING count(*) > 1""")


in_stages(query, "complete", *EVENTS)
