"""The entry point of a program of DStreams."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from pyspark.storagelevel import StorageLevel

from penstock.core.clock import Clock, SystemClock
from penstock.core.faults import point
from penstock.core.files import local_path
from penstock.rdd.errors import ended
from penstock.rdd.rdd import RDD
from penstock.streaming import events, graph_file
from penstock.streaming.checkpoint_files import Metadata, latest
from penstock.streaming.checkpoints import Checkpoints
from penstock.streaming.dstream import DStream
from penstock.streaming.file_streams import FileStream
from penstock.streaming.generator import JobGenerator
from penstock.streaming.graph import Graph
from penstock.streaming.inputs import GeneratedStream, QueueStream
from penstock.streaming.jobs import Batch, JobScheduler
from penstock.streaming.times import milliseconds
from penstock.streaming.transformed import TransformedDStream

_log = logging.getLogger(__name__)

INITIALIZED, ACTIVE, STOPPED = "INITIALIZED", "ACTIVE", "STOPPED"
#: A signal that comes while the process is stopped is taken by any thread, which does not wake the main one.
_SLICE_S = 0.25


class StreamingContext:
    """A graph of streams over one SparkContext, with one batch interval (in seconds; 0.01 is the least that makes
    sense)."""

    _activeContext: ClassVar[StreamingContext | None] = None  # noqa: N815

    def __init__(
        self, sparkContext: Any, batchDuration: float | None = None, jssc: Any = None, *, clock: Clock | None = None
    ) -> None:
        if batchDuration is None or batchDuration <= 0:
            raise ValueError(f"StreamingContext needs a positive batchDuration in seconds, not {batchDuration}")
        warnings.warn(
            "DStream is deprecated as of Spark 3.4.0. Migrate to Structured Streaming.", FutureWarning, stacklevel=2
        )
        self._sc = sparkContext
        self.batch_ms = milliseconds(batchDuration)
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.graph = Graph()
        self.bus = events.ListenerBus()
        self.state = INITIALIZED
        self._inputs_made = 0
        self._checkpoint_directory: str | None = None
        self._checkpoints: Checkpoints | None = None
        self._recovered: Metadata | None = None
        self._found_nothing = False
        #: Batches that failed and run again after a restart.
        self._failed: set[int] = set()
        #: Batches whose jobs have not all ended.
        self._made: set[int] = set()
        concurrent = int(sparkContext._setting("spark.streaming.concurrentJobs", "1"))
        self._scheduler = JobScheduler(self, self.clock, concurrent)
        self._generator = JobGenerator(self, self._scheduler, self.clock)
        self._ending_batch = threading.Lock()
        self._ended = threading.Condition()
        self._error: BaseException | None = None

    @property
    def sparkContext(self) -> Any:
        """The SparkContext it runs on."""
        return self._sc

    @property
    def _jssc(self) -> StreamingContext:
        """Where programs reach for the JVM's context: this one."""
        return self

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin to take in data and make batches."""
        if self.state == STOPPED:
            raise ValueError("StreamingContext has already been stopped")
        if self.state == ACTIVE:
            _log.warning("StreamingContext has already been started")
            return
        if StreamingContext._activeContext is not None:
            raise ValueError("Only one StreamingContext may be started in this process: stop the other one first")
        self.graph.check(self._sc.getCheckpointDir() is not None)
        try:
            first = self._prepare(self._generator.first_batch_ms())
        except BaseException:
            self._let_go()
            raise
        self.state = ACTIVE
        StreamingContext._activeContext = self
        self.bus.start()
        self.bus.post("onStreamingStarted", events.StartedEvent(self.clock.now_ms()))
        self._scheduler.start()
        for stream in self.graph.inputs:
            stream.start()
        self._generator.start(first, self._missed(first))

    def _prepare(self, first_ms: int) -> int:
        """Where batches begin; after a restart they began before.  The time of the first batch: it comes after those
        that there were, also when the clock has been set back meanwhile."""
        if self._checkpoint_directory is not None:
            self._checkpoints = Checkpoints(self, self._checkpoint_directory, self._unfinished, self._made.discard)
            self._look_again(self._checkpoints.directory)
        recovered = self._recovered
        first_ms = first_ms if recovered is None else max(first_ms, recovered.time_ms + self.batch_ms)
        self.graph.start(first_ms - self.batch_ms if recovered is None else recovered.zero_ms)
        if self._checkpoints is not None:
            if recovered is None:
                self._checkpoints.begin()
            else:
                self._take_up(self._checkpoints, recovered)
        for source in self.graph.inputs:
            source.prepare()
        if self._checkpoints is not None and recovered is None:
            self._checkpoints.first(first_ms - self.batch_ms)
        return first_ms

    def _look_again(self, directory: Path) -> None:
        """Another program may have run here until just now: nobody else writes now, and what it has left counts."""
        if self._recovered is not None:
            self._recovered = latest(directory) or self._recovered
        elif self._found_nothing and latest(directory) is not None:
            raise ValueError(f"Another program has begun in {directory} meanwhile: start this one again")

    def _let_go(self, after: Sequence[threading.Thread] = ()) -> None:
        """Of the files; and of the directory, when these threads have ended."""
        for stream in self.graph.inputs:
            stream.close()
        if self._checkpoints is not None:
            self._checkpoints.close()
            self._checkpoints.release(after)

    def _take_up(self, checkpoints: Checkpoints, recovered: Metadata) -> None:
        """What the process before has left."""
        checkpoints.go_on(recovered.time_ms)
        self._made.update(recovered.pending)
        for i, stream in enumerate(self.graph.streams):
            kept = recovered.streams.get(str(i), {})
            stream.take_up({int(t): (entry[0], entry[1]) for t, entry in kept.items()})
        for i, source in self.graph.numbered_inputs():
            if str(i) in recovered.inputs:
                source.restore(recovered.inputs[str(i)])

    def _missed(self, first_ms: int) -> list[int]:
        """After a restart: the times of the batches that were not done, and of those whose time came while nothing
        ran."""
        recovered, self._recovered = self._recovered, None
        if recovered is None:
            return []
        missed = range(recovered.time_ms + self.batch_ms, first_ms, self.batch_ms)
        return sorted({*recovered.pending, *missed})

    def stop(self, stopSparkContext: bool = True, stopGraceFully: bool = False) -> None:
        """End.  Gracefully: data that has come in is processed first.  A function that makes a batch, and gracefully
        also one that runs in a batch, would wait for itself: the end has begun when this returns to it."""
        own = threading.current_thread()
        waits_for_itself = self._generator.is_run_by(own) or (stopGraceFully and self._scheduler.is_run_by(own))
        if self.state == ACTIVE and waits_for_itself:
            if not stopGraceFully:
                self._generator.limit()  # the batch that is being made is the last
            args = (stopSparkContext, stopGraceFully)
            threading.Thread(target=self.stop, args=args, name="penstock streaming stop", daemon=True).start()
            return
        if self.state == ACTIVE:
            for stream in self.graph.inputs:
                stream.stop()
            after = self._generator.first_batch_ms() if stopGraceFully else None
            self._generator.stop(after)
            if stopGraceFully:
                self._scheduler.drain()
            still_running = self._scheduler.stop()
            self.bus.stop()
            self._let_go(still_running)
        with self._ended:  # who sees that this one has stopped may start another
            if StreamingContext._activeContext is self:
                StreamingContext._activeContext = None
            self.state = STOPPED
            self._ended.notify_all()
        if stopSparkContext:
            self._sc.stop()

    def awaitTermination(self, timeout: float | None = None) -> None:
        """Wait until the context is stopped.  Raises what a batch raised."""
        self.awaitTerminationOrTimeout(timeout)

    def awaitTerminationOrTimeout(self, timeout: float | None) -> bool:
        """Wait until the context is stopped: True; or for so many seconds: False.  Raises what a batch raised."""
        with self._ended:
            while not self._ended.wait_for(
                lambda: self.state == STOPPED or self._error is not None, _SLICE_S if timeout is None else timeout
            ):
                if timeout is not None:
                    break
            if self._error is not None:
                raise self._error
            return self.state == STOPPED

    def report(self, what: str, error: BaseException) -> BaseException:
        """A batch failed: awaitTermination raises the error that this returns.  What would end a thread, such as
        sys.exit() in a function, is an error like others: it must not end the program without a word."""
        if not isinstance(error, Exception):
            error = ended(error)
        _log.error("%s: %s", what, error)
        with self._ended:
            if self._error is None:
                self._error = error
            self._ended.notify_all()
        return error

    @classmethod
    def getOrCreate(cls, checkpointPath: str, setupFunc: Callable[[], StreamingContext]) -> StreamingContext:
        """The context that a checkpoint directory holds, or a new one made by `setupFunc`.  The directory's graph is
        code: use only directories that nobody else can write to."""
        directory = Path(local_path(checkpointPath))
        metadata = latest(directory)
        if metadata is None:
            made = setupFunc()
            made.checkpoint(checkpointPath)
            made._found_nothing = True
            return made
        context = graph_file.read(directory, cls._again)
        context._recovered = metadata
        context.checkpoint(checkpointPath)
        return context

    @classmethod
    def _again(cls, conf: dict[str, str], batch_ms: int) -> StreamingContext:
        from pyspark import SparkConf, SparkContext

        spark = SparkContext.getOrCreate(SparkConf().setAll(list(conf.items())))
        return cls(spark, batch_ms / 1000)

    @classmethod
    def getActiveOrCreate(
        cls, checkpointPath: str | None, setupFunc: Callable[[], StreamingContext]
    ) -> StreamingContext:
        """The active context, or getOrCreate; without a path a new one."""
        if not callable(setupFunc):
            raise TypeError("setupFunc should be callable.")
        if cls._activeContext is not None:
            return cls._activeContext
        return setupFunc() if checkpointPath is None else cls.getOrCreate(checkpointPath, setupFunc)

    @classmethod
    def getActive(cls) -> StreamingContext | None:
        """The context that is started and not stopped."""
        return cls._activeContext

    # ------------------------------------------------------------ settings

    def check_not_started(self) -> None:
        """What is fixed at the start cannot change after."""
        if self.state != INITIALIZED:
            raise ValueError("This cannot be changed after the StreamingContext has started")

    def remember(self, duration: float) -> None:
        """Streams keep their RDDs at least so many seconds."""
        self.graph.remember_ms = max(self.graph.remember_ms or 0, milliseconds(duration))

    def checkpoint(self, directory: str) -> None:
        """Where the graph and the state of streams are kept, so that getOrCreate can go on from there."""
        self._sc.setCheckpointDir(directory)
        self._checkpoint_directory = directory

    def log_directory(self) -> Path | None:
        """Where receivers keep what they have taken in, if they do."""
        enabled = self._sc._setting("spark.streaming.receiver.writeAheadLog.enable", "false") == "true"
        if not enabled:
            return None
        if self._checkpoint_directory is None:
            raise ValueError(
                "spark.streaming.receiver.writeAheadLog.enable needs a checkpoint directory: "
                "set it by StreamingContext.checkpoint()"
            )
        return Path(local_path(self._checkpoint_directory)) / "receivedData"

    @property
    def default_state_checkpoint_ms(self) -> int:
        """How often the state of a stream is written if nobody says otherwise."""
        return 10_000

    def addStreamingListener(self, streamingListener: Any) -> None:
        """Tell it what happens."""
        self.bus.add(streamingListener)

    # ------------------------------------------------------------ batches

    def allocate(self, time_ms: int) -> None:
        """Decide which received data the batch has."""
        for stream in self.graph.inputs:
            stream.allocate(time_ms)

    def input_infos(self, time_ms: int) -> dict[int, events.StreamInputInfo]:
        """What came in for the batch."""
        found = ((s.id, s.records(time_ms), s.info(time_ms)) for s in self.graph.inputs)
        return {key: events.StreamInputInfo(key, n, info) for key, n, info in found if n is not None}

    def batches_made(self, times: Sequence[int]) -> None:
        """The data of batches is decided and their jobs are made: durable before they run."""
        self._made.update(times)
        if self._checkpoints is not None:
            self._checkpoints.made(times)

    def batch_failed(self, time_ms: int) -> None:
        """A batch's jobs could not be made, or its end could not be noted: it runs again after a restart."""
        if self._checkpoints is not None:
            self._failed.add(time_ms)
        self._made.discard(time_ms)

    def batch_done(self, batch: Batch) -> None:
        """A batch's jobs have ended.  One that failed runs again after a restart, with its data."""
        with self._ending_batch:  # with concurrent jobs one after the other
            self._batch_done(batch)

    def _batch_done(self, batch: Batch) -> None:
        failed = any(job.error is not None for job in batch.jobs)
        if failed and self._checkpoints is not None:
            self._failed.add(batch.time_ms)
        for stream in self.graph.inputs:
            info = batch.inputs.get(stream.id)
            stream.batch_done(events.info(batch), info.numRecords() if info is not None else 0)
        unpersist = self._sc._setting("spark.streaming.unpersist", "true") == "true"
        if not failed:
            for used in self.graph.streams:
                used.batch_computed(batch.time_ms)
        # With concurrent jobs a batch may be done before one that came before it.
        open_times = [t - self.batch_ms for t in list(self._made) if t != batch.time_ms]
        self.graph.forget(min([batch.time_ms, *open_times]), unpersist, self._failed_times())
        if self._checkpoints is None or failed:
            self._made.discard(batch.time_ms)
        else:
            self._checkpoints.done(batch.time_ms)
        point("dstream-batch-done")

    def _failed_times(self) -> list[int]:
        return sorted(self._failed)

    def _unfinished(self) -> list[int]:
        """The batches that a restart has to run."""
        return sorted({*list(self._made), *list(self._failed)})

    @contextmanager
    def batch_properties(self, time_ms: int, output: int) -> Iterator[None]:
        """The jobs inside the block belong to a batch."""
        before = dict(self._sc._thread.properties)
        self._sc._thread.properties.update(
            {"spark.streaming.internal.batchTime": str(time_ms), "spark.streaming.internal.outputOpId": str(output)}
        )
        try:
            yield
        finally:
            self._sc._thread.properties = before

    # ------------------------------------------------------------ sources

    def next_input_id(self) -> int:
        """A number for a new input."""
        self._inputs_made += 1
        return self._inputs_made - 1

    def queueStream(self, rdds: Any, oneAtATime: bool = True, default: RDD | Sequence[Any] | None = None) -> DStream:
        """RDDs (or lists) in a list, one or all per batch; when there is none, `default`.  The list is
        copied: what is added to it later is not seen, as in Spark."""
        last: RDD | None = default if isinstance(default, RDD) else None
        if default is not None and last is None:
            last = self._sc.parallelize(default)
        return QueueStream(self, list(rdds), oneAtATime, last)

    def generatedStream(self, make: Callable[[int], Any]) -> DStream:
        """The elements of `make(batch time in ms)` for each batch: a rate source or a simulation; replayed after a
        restart."""
        return GeneratedStream(self, make, "generatedStream")

    def socketTextStream(
        self, hostname: str, port: int, storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2
    ) -> DStream:
        """The UTF-8 lines that a TCP server sends."""
        from penstock.streaming.receivers import ReceiverStream
        from penstock.streaming.socket_receiver import SocketReceiver

        return ReceiverStream(self, SocketReceiver(hostname, port, storageLevel), "socketTextStream")

    def receiverStream(self, receiver: Any) -> DStream:
        """What a custom receiver stores."""
        from penstock.streaming.receivers import ReceiverStream

        return ReceiverStream(self, receiver, type(receiver).__name__)

    def textFileStream(self, directory: str) -> DStream:
        """The lines of new files in a directory (or directories, by a glob).  Files are moved there whole; names
        that begin with a dot are left out."""
        return FileStream(self, directory, lambda spark, file: spark.textFile(_exactly(file)), "textFileStream")

    def binaryRecordsStream(self, directory: str, recordLength: int) -> DStream:
        """Records of so many bytes of new files in a directory."""
        return FileStream(
            self,
            directory,
            lambda spark, file: spark.binaryRecords(_exactly(file), recordLength),
            "binaryRecordsStream",
        )

    # ------------------------------------------------------------ several streams

    def transform(self, dstreams: list[DStream], transformFunc: Callable[..., RDD]) -> DStream:
        """`transformFunc(rdds)` of each batch."""
        return TransformedDStream(tuple(dstreams), lambda _, rdds: transformFunc(rdds))

    def union(self, *dstreams: DStream) -> DStream:
        """The elements of all."""
        if not dstreams:
            raise ValueError("should have at least one DStream to union")
        if len(dstreams) == 1:
            return dstreams[0]
        return TransformedDStream(tuple(dstreams), lambda _, rdds: self._sc.union(rdds))


def _exactly(file: str) -> str:
    """A file as a path that means only it."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in file)
