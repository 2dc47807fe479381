"""Sessions in SQL with FILTER, HAVING and expressions over aggregates."""

from lib import EVENTS, in_stages


def query(read):
    events = read("in").withWatermark("time", "5 seconds")
    events.createOrReplaceTempView("events")
    return events.sparkSession.sql("""
        SELECT k, session_window.start AS began, unix_timestamp(session_window.end) AS ended,
               count(*) FILTER (WHERE n % 2 = 0) AS even, max(n) - min(n) + 1 AS width
        FROM events GROUP BY k, session_window(time, '10 seconds') HAVING count(*) > 1""")


in_stages(query, "append", *EVENTS)
