"""FILTER, HAVING and expressions over aggregates, update mode, without windows."""

from lib import EVENTS, in_stages


def query(read):
    events = read("in")
    events.createOrReplaceTempView("events")
    return events.sparkSession.sql("""
        SELECT upper(k) AS key, sum(n) FILTER (WHERE n > 3) / count(*) AS share, coalesce(max(n), 0) - min(n) AS width,
               count_if(time IS NULL) AS timeless
        FROM events GROUP BY upper(k) HAVING sum(n) > 5 OR max(n) IS NULL""")


in_stages(query, "update", *EVENTS)
