"""The graph of one program: its inputs, its streams, its output operations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.streaming.dstream import Stream
    from penstock.streaming.inputs import InputStream
    from penstock.streaming.outputs import Output


class Graph:
    """Made before the start, unchanged after."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.outputs: list[Output] = []
        self.remember_ms: int | None = None
        self._lock = threading.Lock()
        self.frozen = False

    def add(self, stream: Stream) -> None:
        """A new stream."""
        self._check()
        self.streams.append(stream)

    def add_output(self, output: Output) -> None:
        """A new output operation."""
        self._check()
        self.outputs.append(output)

    def _check(self) -> None:
        if self.frozen:
            raise ValueError(
                "Adding new inputs, transformations, and output operations after starting a context is not supported"
            )

    @property
    def inputs(self) -> list[InputStream]:
        """The streams that data comes in by."""
        from penstock.streaming.inputs import InputStream

        return [stream for stream in self.streams if isinstance(stream, InputStream)]

    def numbered_inputs(self) -> list[tuple[int, InputStream]]:
        """The inputs with their places in the graph."""
        from penstock.streaming.inputs import InputStream

        return [(i, stream) for i, stream in enumerate(self.streams) if isinstance(stream, InputStream)]

    def used(self) -> list[Stream]:
        """The streams that output operations need."""
        found: dict[int, Stream] = {}
        stack = [output.parent for output in self.outputs]
        while stack:
            stream = stack.pop()
            if id(stream) not in found:
                found[id(stream)] = stream
                stack.extend(stream.parents)
        return list(found.values())

    def start(self, zero_ms: int) -> None:
        """Batches come after this time."""
        self.frozen = True
        for stream in self.streams:
            stream.initialize(zero_ms)
        for stream in self.streams:
            stream.remember(max(stream.minimum_remember_ms(), self.remember_ms or 0))

    def check(self, has_directory: bool) -> None:
        """What must hold before the start; `has_directory`: whether RDDs can be checkpointed."""
        if not self.outputs:
            raise ValueError("No output operations registered, so nothing to execute")
        if not has_directory and any(stream.must_checkpoint for stream in self.streams):
            raise ValueError(
                "The checkpoint directory has not been set. Please set it by StreamingContext.checkpoint(): "
                "a stream with state needs it"
            )

    def jobs(self, time_ms: int) -> list[tuple[Output, Callable[[], None]]]:
        """What one batch has to do."""
        with self._lock:
            made = [(output, output.job(time_ms)) for output in self.outputs]
        return [(output, job) for output, job in made if job is not None]

    def __getstate__(self) -> dict[str, object]:
        state = self.__dict__.copy()
        del state["_lock"]
        state["frozen"] = False
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def forget(self, time_ms: int, unpersist: bool, failed: Sequence[int]) -> None:
        """A batch is done: let go what nobody needs any more.  `failed`: the times of the batches that run again
        after a restart, in order."""
        with self._lock:
            for stream in self.streams:
                stream.forget(time_ms, unpersist, failed)
