"""What a program of DStreams must remember: which batches there were, which are not done, where their state is.

A checkpoint directory holds `graph` (graph_file.py), a few files `checkpoint-TIME`, the data of checkpointed RDDs, and
the write-ahead logs of receivers.  A `checkpoint-TIME` begins with all there is to remember (checkpoint_files.py);
what follows are lines, one for each batch that was made and one for each that was done, so that a batch costs what it
adds.  That a batch was made is durable before its jobs run: one that runs again after a crash has the same time and
the same data.  That it was done is in the file when its line is written, and durable with the next one: when the
machine fails, and not only the process, the last batches may run again.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.checkpoint.lock import FileLock
from penstock.core.faults import point
from penstock.core.files import fs, local_path
from penstock.streaming import graph_file
from penstock.streaming.checkpoint_files import PREFIX, Metadata, Streams, checkpoint_files, encoded_line
from penstock.streaming.dstream import STREAM_DATA
from penstock.streaming.log_file import LogFile

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext

#: How many checkpoints are kept: the last is used, one before it if that cannot be read.
KEPT = 3
#: What `setCheckpointDir` calls the directory of a process.
_IS_DATA = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: How long a program waits for the end of one before it in the same process.
_PATIENCE_S = 10.0
#: How many lines a checkpoint has before a new one is begun.
LINES = 500


class Checkpoints:
    """Writes the checkpoints of one running context.  `pending`: the batches that a restart has to run; `noted` is
    told of each that it has not to run any more."""

    def __init__(
        self, context: StreamingContext, location: str, pending: Callable[[], list[int]], noted: Callable[[int], None]
    ) -> None:
        self._context = context
        self._pending = pending
        self._noted = noted
        self.directory = Path(local_path(location))
        self._lock = threading.Lock()
        self._written: list[tuple[Path, set[str]]] = []
        self._last_ms = 0
        self._file: LogFile | None = None
        self._closed = False
        self._lines = 0
        self._streams: Streams = {}
        fs.make_directory(self.directory)
        self._claim = _claimed(self.directory)

    def begin(self) -> None:
        """At the start of a new program: what another program left here is not ours to go on from."""
        old = checkpoint_files(self.directory)
        for path in old:
            path.unlink()
        if old:
            fs.sync_directory(self.directory)  # before what they need goes
        shutil.rmtree(self.directory / "receivedData", ignore_errors=True)
        self._remove_unused(set())
        graph_file.write(self.directory, self._context)

    def first(self, zero_ms: int) -> None:
        """Before anything comes in: what a receiver acknowledges before the first batch is made is not lost."""
        self._last_ms = zero_ms
        with self._lock:
            self._begin_file({})
            point("dstream-checkpoint-written")

    def go_on(self, last_ms: int) -> None:
        """After a restart, whose last batch had this time: what the process before has left is removed when newer
        checkpoints are there."""
        self._last_ms = last_ms
        is_whole = True
        for path in checkpoint_files(self.directory):
            try:
                self._written.append((path, Metadata.decode(fs.read(path)).directories()))
            except (ValueError, TypeError):
                is_whole = False
                self._written.append((path, set()))
        if is_whole:
            self._remove_unused(set().union(*(needed for _, needed in self._written)))

    def made(self, times: Sequence[int]) -> None:
        """Batches have been made: durable when it returns, and what only batches before them needed is let go."""
        inputs = self._context.graph.inputs
        with self._lock:
            self._last_ms = max(self._last_ms, *times)
            marks = [stream.mark() for stream in inputs]
            if self._file is None or self._lines + len(times) > LINES:
                self._begin_file(self._kept())
            else:
                self._add([self._made_line(time_ms) for time_ms in times], durable=True)
            point("dstream-checkpoint-written")
            for stream, mark in zip(inputs, marks, strict=True):
                stream.let_go(mark)
            if self._closed:
                self._close_file()

    def done(self, time_ms: int) -> None:
        """A batch is done.  Where state has been written, a new checkpoint begins.  Until it is written the batch is
        pending: what fails here, and a file that another thread begins meanwhile, must not forget it."""
        with self._lock:
            streams = self._kept()
            if self._file is None or streams != self._streams:
                self._begin_file(streams, done_ms=time_ms)
            else:
                self._add([{"done": time_ms}], durable=False)
            self._noted(time_ms)
            point("dstream-checkpoint-written")
            if self._closed:
                self._close_file()

    def close(self) -> None:
        """The context has stopped.  A batch whose function stopped it is still to be done."""
        with self._lock:
            self._closed = True
            self._close_file()

    def release(self, after: Sequence[threading.Thread] = ()) -> None:
        """Another program may use the directory: now, or when the threads have ended that still note a batch."""
        if not after:
            self._claim.release()
            return
        _ending.add(self.directory)

        def wait() -> None:
            for thread in after:
                thread.join()
            self._claim.release()
            _ending.discard(self.directory)

        threading.Thread(target=wait, name="penstock streaming end", daemon=True).start()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    # ------------------------------------------------------------ files

    def _made_line(self, time_ms: int) -> dict[str, Any]:
        inputs = {}
        for i, stream in self._context.graph.numbered_inputs():
            entry = stream.describe_batch(time_ms)
            if entry is not None:
                inputs[str(i)] = entry
        return {"made": time_ms, "inputs": inputs}

    def _add(self, lines: list[dict[str, Any]], *, durable: bool) -> None:
        assert self._file is not None
        try:
            self._file.append(b"".join(map(encoded_line, lines)), durable=durable)
        except BaseException:
            self._close_file()  # whatever comes next is in a file of its own
            raise
        self._lines += len(lines)

    def _begin_file(self, streams: Streams, done_ms: int | None = None) -> None:
        graph = self._context.graph
        zero = next((stream.zero_ms for stream in graph.streams if stream.zero_ms is not None), 0)
        inputs = {str(i): stream.describe() for i, stream in graph.numbered_inputs()}
        described = {i: found for i, found in inputs.items() if found is not None}
        pending = [time_ms for time_ms in self._pending() if time_ms != done_ms]
        metadata = Metadata(self._last_ms, zero, pending, streams, described)
        path = self.directory / f"{PREFIX}{self._last_ms}"
        self._close_file()  # it may have this name, and lose it although the writing fails in the end
        fs.write_atomic(path, metadata.encode())
        self._file, self._lines, self._streams = LogFile(path), 0, streams
        self._keep(path, metadata.directories())

    def _kept(self) -> Streams:
        kept = ((str(i), stream.kept_files()) for i, stream in enumerate(self._context.graph.streams))
        return {i: {str(t): (list(paths), n) for t, (paths, n) in found.items()} for i, found in kept if found}

    def _keep(self, path: Path, directories: set[str]) -> None:
        """Remember the newest, and remove what only older ones need."""
        self._written = [entry for entry in self._written if entry[0] != path]
        before = set().union(*(needed for _, needed in self._written)) if self._written else set()
        self._written.append((path, directories))
        dropped, self._written = self._written[:-KEPT], self._written[-KEPT:]
        for old, _ in dropped:
            old.unlink(missing_ok=True)
        needed = set().union(*(directories for _, directories in self._written))
        for unused in before - needed:
            shutil.rmtree(unused, ignore_errors=True)
            self._remove_if_empty(Path(unused).parent)

    def _remove_unused(self, needed: set[str]) -> None:
        """What processes before this one were killed with: half-written files, and the data of streams that no
        checkpoint names.  RDDs that the program itself has checkpointed stay."""
        fs.remove_temporary(self.directory)
        names = {(Path(path).parent.name, Path(path).name) for path in needed}
        for place in [p for p in self.directory.iterdir() if _IS_DATA.fullmatch(p.name) and p.is_dir()]:
            for data in [p for p in place.iterdir() if p.name.startswith(("state-", STREAM_DATA))]:
                if (place.name, data.name) not in names:
                    shutil.rmtree(data, ignore_errors=True)
            self._remove_if_empty(place)

    def _remove_if_empty(self, directory: Path) -> None:
        """The data directory of a process before this one."""
        if str(directory) != (self._context.sparkContext.getCheckpointDir() or "").removeprefix("file:"):
            with contextlib.suppress(OSError):
                directory.rmdir()


#: The directories of contexts of this process that have ended but for a batch that is still to be noted.
_ending: set[Path] = set()


def _claimed(directory: Path) -> FileLock:
    """The directory for this program alone: what two wrote into it would be lost."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        is_ending = directory in _ending  # asked first: meanwhile it may let go and be none of those any more
        try:
            return FileLock(directory / ".lock")
        except BlockingIOError:
            if not is_ending or time.monotonic() > deadline:
                message = f"Another program runs on the checkpoint directory {directory}: stop it first"
                raise ValueError(message) from None
        time.sleep(0.005)
