"""A function's rows or groups shared out among worker processes, and what they give put together again."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from penstock.core.config import Conf
from penstock.core.errors import illegal_argument
from penstock.plan.types import StructType
from penstock.pyfn.calls import Call
from penstock.pyfn.eval_types import ARROW_ROW, MAP_ARROW_ITER, MAP_PANDAS_ITER, SCALAR_ARROW_ITER, SCALAR_PANDAS_ITER
from penstock.pyfn.worker import Group
from penstock.pyfn.worker import load as load_here

WORKERS = "spark.penstock.python.workers"


def worker_count(conf: Conf) -> int:
    """How many processes evaluate functions; 0: this one does."""
    text = str(conf.get(WORKERS, "0")).strip()
    if not text.isdecimal():
        message = (
            f"The value '{text}' of the setting \"{WORKERS}\" is not valid: it has to be 0 or a number of processes."
        )
        params = {"confName": WORKERS, "confValue": text, "confRequirement": "a number that is not negative"}
        raise illegal_argument("INVALID_CONF_VALUE.REQUIREMENT", message, "22022", **params)
    return int(text)


#: Functions of an iterator over all rows.
_ALL_ROWS = frozenset({SCALAR_PANDAS_ITER, SCALAR_ARROW_ITER, MAP_PANDAS_ITER, MAP_ARROW_ITER})
#: Arrow streams, one for each run of batches of one schema.
Packed = list[bytes]


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to load a function."""

    call: Call
    conf: Conf
    offsets: tuple[int, ...] | None
    input_type: StructType | None
    frames: str

    def open(self) -> Callable[[Any], Packed]:
        """The function, over what `Shared` sends."""
        loaded = load_here(self.call, self.conf, self.offsets, self.input_type, self.frames)

        def run(request: tuple[list[tuple[int, ...]] | None, list[Packed]]) -> Packed:
            sizes, packed = request
            sides = [unpacked(side) for side in packed]
            if sizes is None:
                (batches,) = sides
                return packed_batches(loaded.over_batches(batches, batches[0].schema))
            return packed_batches(loaded.over_groups(_groups(sizes, sides)))

        return run


class Shared:
    """Has the methods of `Loaded`."""

    def __init__(self, recipe: Recipe, workers: int) -> None:
        self._recipe = recipe
        self._function = pickle.dumps(recipe)
        self._workers = workers

    def over_batches(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> list[pa.RecordBatch]:
        """As of `Loaded`; functions of many rows at once get the batches that they would get without workers."""
        given = list(batches)
        if self._recipe.call.eval_type == ARROW_ROW and len(given) < self._workers:
            given = [part for batch in given for part in slices(batch, self._workers)]
        parts = _shares(given, [batch.num_rows for batch in given], self._workers)
        return self._run([(None, [packed_batches(part)]) for part in parts])

    def over_groups(self, groups: Iterable[tuple[Group, ...]]) -> list[pa.RecordBatch]:
        """As of `Loaded`."""
        given = [tuple(list(frame) for frame in frames) for frames in groups]
        weights = [sum(batch.num_rows for frame in frames for batch in frame) for frames in given]
        return self._run([_packed_groups(part) for part in _shares(given, weights, self._workers)])

    def _run(self, requests: Sequence[Any]) -> list[pa.RecordBatch]:
        if not requests:
            return []
        from penstock.pyfn.pool import pool  # processes, sockets: only for those who use them

        answers = pool.run(self._workers, self._function, requests)
        return [batch for answer in answers for batch in unpacked(answer)]


class Function(Protocol):
    """A function ready to be fed, here or in worker processes: what `Loaded` promises."""

    def over_batches(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> list[pa.RecordBatch]: ...

    def over_groups(self, groups: Iterable[tuple[Group, ...]]) -> list[pa.RecordBatch]: ...


def load(
    call: Call,
    conf: Conf,
    offsets: Sequence[int] | None = None,
    input_type: StructType | None = None,
    frames: str = "",
) -> Function:
    """As `penstock.pyfn.worker.load`; in worker processes where the session has them and rows or groups do not depend
    on each other."""
    workers = worker_count(conf)
    if not workers or call.eval_type in _ALL_ROWS:
        return load_here(call, conf, offsets, input_type, frames)
    places = None if offsets is None else tuple(offsets)
    return Shared(Recipe(call, conf, places, input_type, frames), workers)


def _packed_groups(groups: list[tuple[list[pa.RecordBatch], ...]]) -> tuple[list[tuple[int, ...]], list[Packed]]:
    """How many batches each frame of each group has, and the batches of first frames, of second frames."""
    sizes = [tuple(len(frame) for frame in frames) for frames in groups]
    sides = range(len(groups[0]))
    return sizes, [packed_batches([batch for frames in groups for batch in frames[side]]) for side in sides]


def _groups(sizes: list[tuple[int, ...]], sides: list[list[pa.RecordBatch]]) -> Iterable[tuple[Group, ...]]:
    streams = [iter(side) for side in sides]
    for counts in sizes:
        yield tuple([next(stream) for _ in range(count)] for count, stream in zip(counts, streams, strict=True))


def packed_batches(batches: Sequence[pa.RecordBatch]) -> Packed:
    """Batches as bytes."""
    packed: Packed = []
    start = 0
    for end in range(1, len(batches) + 1):
        if end == len(batches) or not batches[end].schema.equals(batches[start].schema):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batches[start].schema) as writer:
                for batch in batches[start:end]:
                    writer.write_batch(batch)
            packed.append(sink.getvalue().to_pybytes())
            start = end
    return packed


def unpacked(packed: Packed) -> list[pa.RecordBatch]:
    """The batches again."""
    return [batch for stream in packed for batch in pa.ipc.open_stream(pa.py_buffer(stream))]


def slices(batch: pa.RecordBatch, count: int) -> list[pa.RecordBatch]:
    size = max(1, -(-batch.num_rows // count))
    return [batch.slice(start, size) for start in range(0, batch.num_rows, size)]


def _shares(items: list[Any], weights: list[int], count: int) -> list[list[Any]]:
    """The items, in order, in at most so many runs of about the same weight."""
    total, taken = sum(weights) or 1, 0
    shares: list[list[Any]] = [[] for _ in range(count)]
    for item, weight in zip(items, weights, strict=True):
        shares[min(count - 1, taken * count // total)].append(item)
        taken += weight
    return [share for share in shares if share]
