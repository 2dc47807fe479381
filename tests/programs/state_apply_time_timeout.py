"""applyInPandasWithState with processing-time timeouts: a key times out in the batch after its own, or much later."""

import time
from collections.abc import Iterator

import pandas as pd
from lib import run, session, work_directory, write_files

spark, work = session(), work_directory()
spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")

FILES = [
    [{"user": "soon", "n": 1}, {"user": "later", "n": 2}, {"user": "never", "n": 3}],
    [{"user": "x", "n": 1}, {"user": "later", "n": 5}],
    [{"user": "soon", "n": 10}, {"user": "y", "n": 1}],
    [{"user": "y", "n": 3}],
    [{"user": "z", "n": 3}],
]
write_files(str(work / "in"), FILES)


def watch(key: tuple, frames: Iterator[pd.DataFrame], state) -> Iterator[pd.DataFrame]:
    time.sleep(0.01)  # batches must be further apart than the timeout
    if state.hasTimedOut:
        value = state.get
        state.remove()
        yield pd.DataFrame({"user": key, "n": [value[0]], "what": ["timed out"]})
        return
    total = (state.get[0] if state.exists else 0) + sum(int(frame["n"].sum()) for frame in frames)
    state.update((total,))
    if key[0] in ("soon", "y"):
        state.setTimeoutDuration(1)
    elif key[0] == "later":
        state.setTimeoutDuration(10_000_000)
    yield pd.DataFrame({"user": key, "n": [total], "what": ["seen"]})


events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
seen = events.groupBy("user").applyInPandasWithState(
    watch, "user string, n long, what string", "total long", "update", "ProcessingTimeTimeout"
)
run(seen, "update", work)
