"""applyInPandasWithState with event-time timeouts in append mode: sessions that end when the watermark has passed."""

from collections.abc import Iterator

import pandas as pd
from lib import run, session, work_directory, write_files

spark, work = session(), work_directory()


def at(second: int, user: str) -> dict:
    return {"time": f"2026-03-01T10:{second // 60:02d}:{second % 60:02d}.000Z", "user": user}


FILES = [
    [at(1, "a"), at(3, "b"), at(8, "a")],
    [at(15, "a"), at(16, "c")],
    [at(40, "b"), at(2, "late"), at(41, "d")],
    [at(90, "a"), at(20, "late too")],
    [at(200, "z")],
]
write_files(str(work / "in"), FILES[:3])


def sessions(key: tuple, frames: Iterator[pd.DataFrame], state) -> Iterator[pd.DataFrame]:
    if state.hasTimedOut:
        count, end = state.get
        state.remove()
        seen = [list(frame.columns) for frame in frames]
        yield pd.DataFrame({"user": [key[0]], "events": [count], "end": [end], "frames": [str(seen)]})
        return
    count, end = state.getOption or (0, 0)
    for frame in frames:
        count += len(frame)
        end = max(end, int(frame["time"].max().timestamp() * 1000))
    state.update((count, end))
    state.setTimeoutTimestamp(max(end + 5000, state.getCurrentWatermarkMs() + 1))


events = spark.readStream.schema("time timestamp, user string").option("maxFilesPerTrigger", 1).json(str(work / "in"))
ended = (
    events.withWatermark("time", "10 seconds")
    .groupBy("user")
    .applyInPandasWithState(
        sessions, "user string, events long, end long, frames string", "count long, end long", "append",
        "EventTimeTimeout",
    )
)  # fmt: skip
run(ended, "append", work)
write_files(str(work / "in"), FILES[3:], first=3)
run(ended, "append", work)
