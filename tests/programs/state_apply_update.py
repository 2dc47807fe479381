"""applyInPandasWithState without timeouts: counts by key in update mode, state that is removed and comes back, restart."""

from collections.abc import Iterator

import pandas as pd
from lib import run, session, work_directory, write_files

spark, work = session(), work_directory()

FILES = [
    [{"user": "a", "n": 1}, {"user": "b", "n": 2}, {"user": "a", "n": 3}],
    [{"user": "a", "n": 10}, {"user": None, "n": 5}, {"user": "c", "n": None}],
    [{"user": "b", "n": 100}, {"user": "a", "n": -1}],
    [{"user": "a", "n": 7}, {"user": None, "n": 1}, {"user": "b", "n": 1}],
]
write_files(str(work / "in"), FILES[:2])


def count(key: tuple, frames: Iterator[pd.DataFrame], state) -> Iterator[pd.DataFrame]:
    before, names = state.getOption, []
    rows, total = before[:2] if before else (0, 0)
    for frame in frames:
        rows += len(frame)
        total += int(frame["n"].fillna(0).sum())
        names.append(",".join(frame.columns) + " " + ",".join(str(kind) for kind in frame.dtypes))
    if total < 0 or rows >= 4:
        state.remove()
    else:
        state.update((rows, total, str([rows] * rows)))
    after = state.get if state.exists else None
    yield pd.DataFrame(
        {"user": [key[0]], "rows": [rows], "total": [total], "frames": [";".join(names)], "state": [str(after)]}
    )


events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
counts = events.groupBy("user").applyInPandasWithState(
    count,
    "user string, rows long, total long, frames string, state string",
    "rows long, total long, sizes string",
    "update",
    "NoTimeout",
)
run(counts, "update", work)
write_files(str(work / "in"), FILES[2:], first=2)
run(counts, "update", work)
