"""A file stream with a long history: what does a batch cost that finds ten new files?

usage: penstock run benchmarks/million_files.py [FILES [flat|tree]]

Makes FILES empty files (hard links) in one directory, or in a thousand, and a checkpoint in which they are all read;
then ten files come, thirty times.  Prints one JSON line.  FILES=0 gives the figures without a history.  Works in a
directory of its own under /tmp and removes it.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from pyspark.sql import SparkSession

ROUNDS, FILES_A_ROUND = 30, 10
LINKS = 30_000  # ext4 allows 65,000 links to a file


def make_history(root: Path, count: int, shape: str) -> list[str]:
    """The paths of the files."""
    paths = []
    for i in range(count):
        directory = root / "in" if shape == "flat" else root / "in" / f"{i % 1000:03d}"
        if i < 1000:
            directory.mkdir(parents=True, exist_ok=True)
        if i % LINKS == 0:
            original = root / f"original-{i}"
            original.touch()
        paths.append(f"{directory}/part-{i:07d}.json")
        os.link(original, paths[-1])
    return paths


def write_checkpoint(checkpoint: Path, paths: list[str], modified_ms: int) -> None:
    """As if one batch had read them all."""
    for name in ("offsets", "commits", "sources/0"):
        (checkpoint / name).mkdir(parents=True)
    (checkpoint / "metadata").write_text(json.dumps({"id": str(uuid.uuid4())}))
    with open(checkpoint / "sources" / "0" / "0", "w") as log:
        log.write("v1")
        for path in paths:
            log.write(f'\n{{"path":"file://{path}","timestamp":{modified_ms},"batchId":0}}')
    times = json.dumps({"batchWatermarkMs": 0, "batchTimestampMs": modified_ms, "conf": {}})
    (checkpoint / "offsets" / "0").write_text(f'v1\n{times}\n{{"logOffset":0}}')
    (checkpoint / "commits" / "0").write_text('v1\n{"nextBatchWatermarkMs":0}')


def resident_mb() -> float:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def put(directory: Path, staging: Path, round_: int) -> None:
    """Ten files of one line each."""
    for i in range(FILES_A_ROUND):
        name = f"new-{round_:03d}-{i}.json"
        (staging / name).write_text(json.dumps({"n": i}) + "\n")
        (staging / name).rename(directory / name)


def measure(root: Path, count: int, shape: str) -> dict[str, object]:
    """The figures of one run."""
    (root / "in").mkdir()
    (root / "staging").mkdir()
    paths = make_history(root, count, shape)
    checkpoint = root / "checkpoint"
    if count:
        write_checkpoint(checkpoint, paths, int(time.time() * 1000))
    log_mb = sum(f.stat().st_size for f in checkpoint.glob("sources/0/*")) / 1e6
    directory = Path(paths[-1]).parent if paths else root / "in"
    del paths
    time.sleep(0.1)
    spark = SparkSession.builder.getOrCreate()
    reader = spark.readStream.schema("n int").option("recursiveFileLookup", "true")
    events = reader.json(str(root / "in"))
    before_mb, begun = resident_mb(), time.perf_counter()
    writer = events.writeStream.format("noop").option("checkpointLocation", str(checkpoint))
    query = writer.start()
    query.processAllAvailable()
    start_s = time.perf_counter() - begun
    batches, waits = [], []
    for round_ in range(ROUNDS):
        begun = time.perf_counter()
        put(directory, root / "staging", round_)
        query.processAllAvailable()
        waits.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.1)
    for progress in query.recentProgress:
        if progress["numInputRows"] or sum(source["numInputRows"] for source in progress["sources"]):
            batches.append(progress["durationMs"]["triggerExecution"])
    memory_mb = resident_mb() - before_mb
    query.stop()
    return {
        "files": count, "shape": shape, "logMB": round(log_mb, 1), "startSeconds": round(start_s, 2),
        "triggerMs": {"median": statistics.median(batches), "max": max(batches), "batches": len(batches)},
        "fromWritingToDoneMs": {"median": round(statistics.median(waits), 1), "max": round(max(waits), 1)},
        "memoryMB": round(memory_mb),
    }  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    shape = sys.argv[2] if len(sys.argv) > 2 else "flat"
    root = Path(tempfile.mkdtemp(prefix="million-files-"))
    try:
        print(json.dumps(measure(root, count, shape)), flush=True)
    finally:
        shutil.rmtree(root)


main()
