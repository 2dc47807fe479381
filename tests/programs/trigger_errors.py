"""Triggers, intervals and modes that are none."""

from lib import condition, session, show, work_directory, write_files

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"n": 0}]])
events = spark.readStream.schema("n int").json(str(work / "in"))
TRIGGERS = [
    {}, {"once": False}, {"once": True, "availableNow": True}, {"availableNow": False}, {"processingTime": ""},
    {"processingTime": "-5 seconds"}, {"processingTime": "5 parsecs"}, {"processingTime": "1 month"}, {"processingTime": 5},
    {"continuous": ""}, {"continuous": "x"}, {"processingTime": "0 seconds"}, {"processingTime": "interval 1 second"},
    {"processingTime": "1 minute 5 seconds"},
]  # fmt: skip
for trigger in TRIGGERS:
    try:
        query = events.writeStream.format("noop").trigger(**trigger).start()
        query.stop()
        show(str(trigger), result="starts")
    except Exception as error:
        show(str(trigger), result=type(error).__name__, condition=condition(error))
for mode in ("Append", "UPDATE", "all"):
    try:
        events.writeStream.format("noop").outputMode(mode).start().stop()
        show(f"mode {mode}", result="starts")
    except Exception as error:
        show(f"mode {mode}", result=type(error).__name__, condition=condition(error))
for name in ("", "a", None, "q " * 40):
    try:
        query = events.writeStream.format("noop").queryName(name).start()
        query.stop()
        show(f"name {name!r}", result=query.name)
    except Exception as error:
        show(f"name {name!r}", result=type(error).__name__, condition=condition(error))
