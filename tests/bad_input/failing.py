"""Running streams that fail, and saying what a failure has to look like."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException

from penstock.embed import _hand_over

SCHEMA = "k string, v int, t timestamp"
ROWS: tuple[Mapping[str, Any], ...] = (
    {"k": "a", "v": 1, "t": "2024-01-01T00:00:00Z"},
    {"k": "b", "v": 0, "t": "2024-01-01T00:00:01Z"},
)


def with_batches(writer: Any, function: Any) -> Any:
    """`writer.foreachBatch(function)` as `penstock run` does it: the very function, not a pickled copy."""
    return _hand_over(writer, writer._write_proto.foreach_batch, function)


def fails(action: Callable[[], Any], kind: type[Exception], condition: str | None, *names: str) -> Any:
    """`action` raises exactly this Python class with this condition, and a message with all the names; returns it."""
    with pytest.raises(kind) as caught:
        action()
    error: Any = caught.value
    assert type(error).__name__ == kind.__name__, f"it is a {type(error).__name__}: {error}"
    assert error.getCondition() == condition, f"{error.getCondition()}: {error}"
    for name in names:
        assert name in str(error), f"{name!r} is not in: {error}"
    return error


@dataclass
class Job:
    """One query of a program: JSON files of a directory, through `transform`, into Parquet or `sink`, with a
    checkpoint.  Run again and again with what has been put right."""

    spark: Any
    root: Path
    schema: str = SCHEMA
    options: Mapping[str, str] = field(default_factory=dict)
    transform: Callable[[Any], Any] = lambda frame: frame
    mode: str = "append"
    function: Callable[[Any, int], None] | None = None
    name: str = "job"

    @property
    def checkpoint(self) -> Path:
        return self.root / "checkpoint"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def add(self, name: str, rows: Sequence[Mapping[str, Any] | str]) -> Path:
        """A new input file, later than those before it; a string is a line as it is."""
        path = self.root / "in" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        seconds = 1_700_000_000 + len(list(path.parent.iterdir()))
        os.utime(path, (seconds, seconds))
        return path

    def frame(self) -> Any:
        """The stream."""
        reader = self.spark.readStream.schema(self.schema).options(**{"maxFilesPerTrigger": "1", **self.options})
        return self.transform(reader.json(str(self.root / "in")))

    def run(self) -> None:
        """Everything that is there, to the end."""
        writer = self.frame().writeStream.outputMode(self.mode).queryName(self.name).trigger(availableNow=True)
        writer = writer.option("checkpointLocation", str(self.checkpoint))
        if self.function is not None:
            query = with_batches(writer, self.function).start()
        else:
            query = writer.format("parquet").option("path", str(self.out)).start()
        assert query.awaitTermination(120), "the query hangs"

    def fails(self, cause: str, *names: str) -> Any:
        """The query ends by STREAM_FAILED, which names the query, the cause's condition and the rest."""
        error = fails(self.run, StreamingQueryException, "STREAM_FAILED", f"Query {self.name} [id = ", "runId = ")
        assert error.getSqlState() == "XXKST"
        for name in (f"[{cause}]" if cause else "", *names):
            assert name in str(error), f"{name!r} is not in: {error}"
        assert self.name not in [query.name for query in self.spark.streams.active]
        return error

    def rows(self) -> list[tuple[Any, ...]]:
        """What the file sink holds."""
        return _in_order(self.spark.read.parquet(str(self.out)))

    def batch_rows(self) -> list[tuple[Any, ...]]:
        """What the same program gives as a batch query."""
        frame = self.spark.read.schema(self.schema).options(**self.options).json(str(self.root / "in"))
        return _in_order(self.transform(frame))


def _in_order(frame: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=repr)
