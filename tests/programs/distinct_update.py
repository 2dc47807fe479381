"""SELECT DISTINCT is an aggregate: update mode gives a row again whenever it comes again."""

from lib import EVENTS, in_stages


def query(read):
    events = read("in")
    events.createOrReplaceTempView("events")
    return events.sparkSession.sql("SELECT DISTINCT k FROM events")


in_stages(query, "update", *EVENTS)
