"""A query made of stand-ins: a source of numbers, an execution that sums them durably, a sink that keeps batches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from penstock.core import faults, files
from penstock.core.config import Conf
from penstock.plan.nodes import OneRow, Read
from penstock.plan.types import LONG, StructField, StructType
from penstock.runtime.execution import BatchInput, BatchResult, EventTimeStats, OperatorMetrics
from penstock.runtime.manager import StreamingQueryManager
from penstock.runtime.spec import QuerySpec
from penstock.sources.base import Scan

SCHEMA = StructType([StructField("total", LONG)])

#: How long a test waits at most for what must come: a machine may be slow, and stand still for seconds.
PATIENCE_MS = 60_000


def until(condition: Callable[[], object]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.002)


class NumberSource:
    """Offsets count rows; `limit` rows a batch."""

    def __init__(self, limit: int | None = None, name: str = "numbers") -> None:
        self.rows: list[int] = []
        self.limit = limit
        self.name = name
        self.committed: list[str] = []
        self.asked = self.stopped = 0
        self.end: int | None = None
        self.context: Any = None

    def add(self, *rows: int) -> None:
        self.rows += rows

    def open_stream(self, context: Any) -> NumberSource:
        self.context, self.end = context, None
        return self

    @property
    def description(self) -> str:
        return f"NumberSource[{self.name}]"

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        self.asked += 1
        begin = int(start or 0)
        end = len(self.rows) if self.end is None else self.end
        if self.limit is not None and not ignore_limits:
            end = min(end, begin + self.limit)
        return str(end) if end > begin else start

    def prepare_for_available_now(self) -> None:
        self.end = len(self.rows)

    def batch(self, start: str | None, end: str, columns: Any) -> Scan:
        return Scan(table=pa.table({columns[0][1]: self.rows[int(start or 0) : int(end)]}))

    def row_count(self, start: str | None, end: str) -> int | None:
        return int(end) - int(start or 0)

    def metrics(self, end: str | None) -> dict[str, str]:
        return {}

    def commit(self, end: str) -> None:
        self.committed.append(end)

    def stop(self) -> None:
        self.stopped += 1


@dataclass
class SumExecution:
    """Adds up everything; the state is a JSON file a version.  A row v has event time v seconds."""

    reads: tuple[Read, ...]
    directory: Path
    delays_ms: tuple[int, ...] = ()
    operator_names: tuple[str, ...] = ("stateStoreSave",)
    fail: Callable[[BatchInput], None] | None = None
    batches: list[BatchInput] = field(default_factory=list)
    total: int = 0
    purged: list[int] = field(default_factory=list)
    has_state: bool = True

    @property
    def sources(self) -> tuple[Read, ...]:
        return self.reads

    @property
    def schema(self) -> StructType:
        return SCHEMA

    @property
    def watermark_delays_ms(self) -> tuple[int, ...]:
        return self.delays_ms

    def needed_columns(self, source: int) -> tuple[tuple[str, str], ...]:
        return (("value", f"c{source}"),)

    def restore(self, version: int) -> None:
        self.total = json.loads((self.directory / f"{version}.json").read_text()) if version and self.has_state else 0

    def run(self, batch: BatchInput) -> BatchResult:
        self.batches.append(batch)
        if self.fail is not None:
            self.fail(batch)
        columns = [scan.table.column(0).to_pylist() if scan and scan.table else [] for scan in batch.scans]
        self.total += sum(sum(rows) for rows in columns)
        seen = [v * 1000 for rows in columns for v in rows]
        stats = (
            EventTimeStats(self.delays_ms[0], max(seen), min(seen), sum(seen) // len(seen), len(seen))
            if seen and self.delays_ms
            else None
        )
        return BatchResult(
            pa.table({"total": [self.total]}), tuple(len(rows) for rows in columns), (stats,) if self.delays_ms else ()
        )

    def commit_state(self, batch_id: int) -> None:
        files.fs.write_atomic(self.directory / f"{batch_id + 1}.json", json.dumps(self.total).encode())

    def operator_metrics(self) -> tuple[OperatorMetrics, ...]:
        if not self.has_state:
            return ()
        return tuple(OperatorMetrics(name, 1, 1, 0, 0, 100, 1, 0, 1, 1) for name in self.operator_names)

    def wants_no_data_batch(self, previous_watermark_ms: int, watermark_ms: int) -> bool:
        return self.has_state and watermark_ms > previous_watermark_ms

    has_clock = False

    def due(self, now_ms: int) -> bool:
        return False

    def explain(self, extended: bool) -> str:
        return "SumExecution"

    def purge(self, oldest_version: int) -> None:
        self.purged.append(oldest_version)

    def stop(self) -> None:
        pass


class CollectSink:
    """Keeps the rows of each batch by id: writing a batch again replaces it."""

    def __init__(self) -> None:
        self.batches: dict[int, list[Any]] = {}
        self.writes: list[int] = []
        self.fail: Callable[[int], None] | None = None
        self.stopped = 0

    @property
    def description(self) -> str:
        return "CollectSink"

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        if self.fail is not None:
            self.fail(batch_id)
        faults.point("before_sink_files")
        self.writes.append(batch_id)
        faults.point("after_sink_files")
        self.batches[batch_id] = table.column(0).to_pylist()
        faults.point("after_sink_commit")
        return table.num_rows

    def stop(self) -> None:
        self.stopped += 1


class FakeCursor:
    def __init__(self) -> None:
        self.interrupted = 0

    def interrupt(self) -> None:
        self.interrupted += 1

    def close(self) -> None:
        pass


class Bench:
    """A manager with one query made of the stand-ins, started as often as a test likes on one checkpoint."""

    def __init__(self, root: Path, *sources: NumberSource, **execution: Any) -> None:
        self.root = root
        self.sources = sources or (NumberSource(),)
        self.sink = CollectSink()
        self.options = execution
        self.executions: list[SumExecution] = []
        self.events: list[Any] = []
        self.compiled: list[Conf] = []
        self.manager = self.new_manager()

    def new_manager(self) -> StreamingQueryManager:
        manager = StreamingQueryManager(FakeCursor, self.compile)  # type: ignore[arg-type]
        manager.add_listener(self.events.append)
        return manager

    @property
    def source(self) -> NumberSource:
        return self.sources[0]

    @property
    def execution(self) -> SumExecution:
        return self.executions[-1]

    def compile(self, plan: Any, mode: str, conf: Conf, cursor: Any, directory: Path, label: str) -> SumExecution:
        reads = tuple(Read("numbers", {}, streaming=True, relation=source) for source in self.sources)
        self.compiled.append(conf)
        self.executions.append(SumExecution(reads, directory, **self.options))
        return self.executions[-1]

    def spec(self, **changes: Any) -> QuerySpec:
        given = {"checkpoint_location": str(self.root), "make_sink": lambda context: self.sink, **changes}
        return QuerySpec(plan=OneRow(), **given)

    def start(self, **changes: Any) -> Any:
        return self.manager.start(self.spec(**changes))
