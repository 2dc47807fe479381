"""The calls of a SparkContext that make RDDs and run jobs."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import builtins
import itertools
import os
import re
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkValueError

from penstock.core.files import fs, local_path
from penstock.rdd import saving
from penstock.rdd.errors import Refused
from penstock.rdd.executor import Executor, Threads
from penstock.rdd.files import AddedFiles
from penstock.rdd.hadoop_files import HadoopInputs
from penstock.rdd.nodes import Collection, Generated, Node
from penstock.rdd.once import once
from penstock.rdd.paths import files_of
from penstock.rdd.rdd import RDD, ancestors
from penstock.rdd.scheduler import Action, Job, Scheduler
from penstock.rdd.shared import Accumulator, Broadcast, merge_updates
from penstock.rdd.status import StatusTracker
from penstock.rdd.storage import Block, Checkpoint
from penstock.rdd.transformations import union_of
from penstock.rdd.work import Work

if TYPE_CHECKING:
    from pyspark.profiler import ProfilerCollector
    from pyspark.serializers import Serializer

    from penstock.rdd.measuring import RoundTrip
    from penstock.rdd.remote import Processes

EXECUTOR = "spark.penstock.rdd.executor"
MEMORY = "spark.executor.pyspark.memory"
_GROUP, _DESCRIPTION = "spark.jobGroup.id", "spark.job.description"
_INTERRUPT = "spark.job.interruptOnCancel"
_MAX_FAILURES = "spark.task.maxFailures"
_NOT_PENDING = Path()
_LOCAL = re.compile(r"local(?:\[(\*|\d+)(?:,\s*(\d+))?\])?$")
_LOCAL_CLUSTER = re.compile(r"local-cluster\[\s*(\d+)\s*,\s*(\d+)\s*,\s*\d+\s*\]$")
#: How many elements of a list are kept together when it is cut.
_BATCH = 1024


class _Thread(threading.local):
    """What a thread has set for the jobs that it starts."""

    def __init__(self) -> None:
        self.properties: dict[str, str | None] = {}
        self.tags: frozenset[str] = frozenset()


class RDDCalls(HadoopInputs):
    """The part of a SparkContext that is about RDDs.  The other part gives `_setting` and `master`."""

    master: Any
    #: How many elements of a list are kept together when it is cut; 0: as many as Spark's default.
    _batchSize: int = 0  # noqa: N815
    _unbatched_serializer: Serializer | None = None
    profiler_collector: ProfilerCollector | None = None

    def _setting(self, key: str, default: str) -> str:
        raise NotImplementedError

    # ------------------------------------------------------------ jobs

    @once
    def _scheduler(self) -> Scheduler:
        slots, failures = self._slots()
        scheduler = Scheduler(self._executor(max(1, slots // self._task_cpus)), failures)
        scheduler.on_success = merge_updates
        if self._processes is not None or self._serializer is not None or self._profiles_rdds():
            scheduler.placed = self._placed
        return scheduler

    def _profiles_rdds(self) -> bool:
        return self.profiler_collector is not None and self._setting("spark.python.profile", "false") == "true"

    @once
    def _serializer(self) -> RoundTrip | None:
        """What the context's serializer does to elements; None when it is the one that changes nothing."""
        if self._unbatched_serializer is None:
            return None
        from penstock.rdd.measuring import round_trip

        return round_trip(self._unbatched_serializer)

    @once
    def _processes(self) -> Processes | None:
        """The processes that tasks run in, if the settings say so."""
        where = self._setting(EXECUTOR, "threads")
        if where not in ("threads", "processes"):
            raise PySparkValueError(f"{EXECUTOR} is threads or processes, not {where}")
        if where == "threads":
            return None
        from penstock.rdd.remote import Processes, bytes_of

        return Processes(bytes_of(self._setting(MEMORY, "")))

    def _placed(self, work: Work, node: Node) -> Callable[[int, Any], Any]:
        from penstock.rdd.measuring import profiled

        if self._serializer is not None:
            work = self._serializer.around(work)
        if self._profiles_rdds():
            work = profiled(work, node, self.profiler_collector, self)
        if self._processes is None:
            return work
        from penstock.rdd.remote import RemoteWork, is_remote

        return RemoteWork(work, node, self._processes) if is_remote(node) else work

    @once
    def _task_cpus(self) -> int:
        return int(self._setting("spark.task.cpus", "1"))

    def _slots(self) -> tuple[int, int]:
        """How many tasks run at once, and how often one may fail: local[slots, failures].  As in Spark the setting
        spark.task.maxFailures is that of clusters: local[slots] runs a task once."""
        cluster = _LOCAL_CLUSTER.match(self.master or "")
        if cluster:
            failures = int(self._setting(_MAX_FAILURES, "4"))
            if failures < 1:
                raise PySparkValueError(f"{_MAX_FAILURES} is at least 1, not {failures}")
            return int(cluster[1]) * int(cluster[2]), failures
        found = _LOCAL.match(self.master or "local[*]")
        count, once_or_more = found.groups() if found else ("*", None)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return (cores if count == "*" else int(count or 1)), int(once_or_more or 1)

    def _executor(self, slots: int) -> Executor:
        return Threads(slots)

    @once
    def _thread(self) -> _Thread:
        return _Thread()

    @once
    def _pending_checkpoints(self) -> weakref.WeakKeyDictionary[Node, Path | None]:
        """Nodes whose elements are to be kept after the next job that uses them, and where."""
        return weakref.WeakKeyDictionary()

    def _run(
        self,
        node: Node,
        action: Action,
        partitions: Sequence[int] | None = None,
        on_result: Callable[[int, Any], None] | None = None,
        tag: str | None = None,
    ) -> list[Any]:
        tags = self._thread.tags | ({tag} if tag else set())
        properties = self._thread.properties
        if self._task_cpus > 1:
            properties = {**properties, "spark.task.cpus": str(self._task_cpus)}
        results = self._scheduler.run(node, action, partitions, properties, tags, on_result)
        if self._pending_checkpoints:
            self._write_checkpoints(node)
        return results

    def _write_checkpoints(self, node: Node) -> None:
        """Those that the job's lineage asks for; parents after children, so that a child's is not in vain."""
        for found in ancestors(node):
            directory = self._pending_checkpoints.pop(found, _NOT_PENDING)  # of two threads one writes it
            if directory is _NOT_PENDING:
                continue
            if directory is None:
                self._scheduler.run(found, lambda _, elements: sum(1 for _ in elements))
                assert found.saved is not None
                self._scheduler.cut(found, found.saved)
                continue
            checkpoint = Checkpoint(directory)
            fs.make_directory(directory)
            self._scheduler.run(found, checkpoint.write)
            self._scheduler.cut(found, checkpoint)

    def runJob(
        self,
        rdd: RDD,
        partitionFunc: Callable[[Iterable[Any]], Iterable[Any]],
        partitions: Sequence[int] | None = None,
        allowLocal: bool = False,
    ) -> list[Any]:
        """The members of `partitionFunc` of the asked-for partitions."""
        parts = self._run(rdd._node, lambda _, elements: list(partitionFunc(elements)), partitions)
        return [x for part in parts for x in part]

    @contextmanager
    def _in_group(self, group: str, description: str, interrupt: bool) -> Iterator[None]:
        before = dict(self._thread.properties)
        interrupting = str(interrupt).lower()
        self._thread.properties.update({_GROUP: group, _DESCRIPTION: description, _INTERRUPT: interrupting})
        try:
            yield
        finally:
            self._thread.properties = before

    def setLocalProperty(self, key: str, value: str | None) -> None:
        """For the jobs of this thread; None takes it back."""
        if value is None:
            self._thread.properties.pop(key, None)
        else:
            self._thread.properties[key] = value

    def getLocalProperty(self, key: str) -> str | None:
        """What setLocalProperty set in this thread."""
        return self._thread.properties.get(key)

    def addJobTag(self, tag: str) -> None:
        """Jobs of this thread bear the tag."""
        _check_tag(tag)
        self._thread.tags |= {tag}

    def removeJobTag(self, tag: str) -> None:
        """Jobs of this thread bear the tag no longer."""
        _check_tag(tag)
        self._thread.tags -= {tag}

    def getJobTags(self) -> set[str]:
        """The tags of this thread."""
        return set(self._thread.tags)

    def clearJobTags(self) -> None:
        """Take all tags of this thread back."""
        self._thread.tags = frozenset()

    def _cancel(self, chosen: Callable[[Job], bool], why: str) -> None:
        self._scheduler.cancel(chosen, why)

    def cancelJobsWithTag(self, tag: str) -> None:
        """Stop the jobs that bear the tag."""
        _check_tag(tag)
        self._cancel(lambda job: tag in job.tags, f"by its tag {tag}")

    def statusTracker(self) -> StatusTracker:
        """What is running."""
        return StatusTracker(self._scheduler)

    # ------------------------------------------------------------ RDDs

    def _rdd(self, node: Node) -> RDD:
        return RDD(node, self)

    def emptyRDD(self) -> RDD:
        """Without partitions."""
        empty = Collection([])
        empty.kind = "EmptyRDD"
        return self._rdd(empty)

    def parallelize(self, c: Iterable[Any], numSlices: int | None = None) -> RDD:
        """The elements of a collection, by value, in `numSlices` partitions."""
        count = int(numSlices) if numSlices is not None else self._default_slices()
        if isinstance(c, builtins.range):
            return self._range(c, count)
        elements = c if isinstance(c, (list, tuple)) else list(c)
        if count < 1:
            raise Refused("Positive number of partitions required")
        if self._serializer is not None:
            elements = self._serializer(list(elements))
        size = max(1, min(len(elements) // count, self._batchSize or _BATCH))
        batches = -(-len(elements) // size)
        edges = [i * batches // count * size for i in builtins.range(count + 1)]
        blocks = [Block(list(elements[a:b])) for a, b in itertools.pairwise(edges)]
        return self._rdd(Generated(count, lambda i: blocks[i].read(), "ParallelCollectionRDD", held=True))

    def range(self, start: int, end: int | None = None, step: int = 1, numSlices: int | None = None) -> RDD:
        """The integers of Python's range."""
        whole = builtins.range(start) if end is None else builtins.range(start, end, step)
        return self._range(whole, numSlices if numSlices is not None else self._default_slices())

    def _range(self, whole: builtins.range, count: int) -> RDD:
        if count < 1:
            raise Refused("Positive number of partitions required")
        size = len(whole)
        return self._rdd(Generated(count, lambda i: whole[i * size // count : (i + 1) * size // count], "PythonRDD"))

    def _default_slices(self) -> int:
        return int(self._setting("spark.default.parallelism", "") or self._slots()[0])

    @property
    def defaultParallelism(self) -> int:
        """`spark.default.parallelism`, or how many tasks run at once."""
        return self._default_slices()

    @property
    def defaultMinPartitions(self) -> int:
        """As Spark: two, or one with one slot."""
        return min(self.defaultParallelism, 2)

    def union(self, rdds: Sequence[RDD]) -> RDD:
        """The elements of all.  Without any: IndexError."""
        return self._rdd(union_of([rdd._node for rdd in rdds]))

    def textFile(self, name: str, minPartitions: int | None = None, use_unicode: bool = True) -> RDD:
        """The lines of files: a path, a directory, a glob, or several with commas.  Bytes that are not UTF-8 become
        U+FFFD; with use_unicode=False lines stay bytes."""
        wanted = minPartitions if minPartitions is not None else min(self._default_slices(), 2)
        decode: Callable[[bytes], Any] = _decoded if use_unicode else bytes
        splits = saving.file_splits(files_of(name), wanted)

        def lines(i: int) -> Iterator[Any]:
            path, start, end = splits[i]
            return saving.read_lines(path, start, end, decode)

        return self._rdd(Generated(len(splits), lines, f"{name} HadoopRDD"))

    def wholeTextFiles(self, path: str, minPartitions: int | None = None, use_unicode: bool = True) -> RDD:
        """(file, text) of each file."""
        decode: Callable[[bytes], Any] = _decoded if use_unicode else bytes
        return self.binaryFiles(path, minPartitions).mapValues(decode)

    def binaryFiles(self, path: str, minPartitions: int | None = None) -> RDD:
        """(file, bytes) of each file."""
        paths = files_of(path)
        wanted = minPartitions if minPartitions is not None else min(self._default_slices(), 2)
        count = max(1, min(wanted, len(paths)))

        def read(i: int) -> Iterator[tuple[str, bytes]]:
            for file in paths[i * len(paths) // count : (i + 1) * len(paths) // count]:
                with saving.open_binary(file) as opened:
                    yield f"file:{file}", opened.read()

        return self._rdd(Generated(count, read, "BinaryFileRDD"))

    def binaryRecords(self, path: str, recordLength: int) -> RDD:
        """Records of so many bytes."""
        paths = files_of(path)
        for file in paths:
            if file.stat().st_size % recordLength:
                raise Refused(f"The size of {file} is not a multiple of the record length {recordLength}")

        def read(i: int) -> Iterator[bytes]:
            data = paths[i].read_bytes()
            return (data[a : a + recordLength] for a in builtins.range(0, len(data), recordLength))

        return self._rdd(Generated(len(paths), read, "BinaryRecordsRDD"))

    def pickleFile(self, name: str, minPartitions: int | None = None) -> RDD:
        """What RDD.saveAsPickleFile wrote.  Unpickling runs code: read only files that you trust."""
        paths = files_of(name)
        return self._rdd(Generated(len(paths), lambda i: saving.read_pickles(paths[i]), "PickleFileRDD"))

    def _checkpointFile(self, name: str, input_deserializer: Any = None) -> RDD:
        """The RDD whose checkpoint is in a directory.  Unpickling runs code: read only what you trust."""
        checkpoint = Checkpoint(Path(local_path(name)))
        node = Node((), len(list(checkpoint.directory.glob("part-*"))))
        node.cut(checkpoint)
        return self._rdd(node)

    def _files_of(self, name: str) -> list[Path]:
        return files_of(name)

    # ------------------------------------------------------------ shared with tasks

    def broadcast(self, value: Any) -> Broadcast[Any]:
        """A value for all tasks."""
        return Broadcast(value)

    def accumulator(self, value: Any, accum_param: Any = None) -> Accumulator:
        """A sum that tasks add to."""
        return Accumulator(value, accum_param)

    def setCheckpointDir(self, dirName: str) -> None:
        """Where RDD.checkpoint writes: a new directory below this one."""
        directory = Path(local_path(dirName)) / str(uuid.uuid4())
        fs.make_directory(directory)
        self._checkpoint_directory = directory

    _checkpoint_directory: Path | None = None

    def getCheckpointDir(self) -> str | None:
        """The directory in use."""
        return None if self._checkpoint_directory is None else f"file:{self._checkpoint_directory}"

    # ------------------------------------------------------------ files

    @once
    def _added(self) -> AddedFiles:
        return AddedFiles()

    def addFile(self, path: str, recursive: bool = False) -> None:
        """Make a file, or with `recursive` a directory, available to tasks by `SparkFiles.get(name)`."""
        self._added.add(path, recursive)

    @property
    def listFiles(self) -> list[str]:
        """The files that were added."""
        return list(self._added.files)

    def addArchive(self, path: str) -> None:
        """Make the unpacked members of an archive available to tasks."""
        self._added.add_archive(path)

    @property
    def listArchives(self) -> list[str]:
        """The archives that were added."""
        return list(self._added.archives)

    def _end_jobs(self, why: str) -> None:
        """At the end of the context."""
        if "_scheduler" in self.__dict__:
            self._scheduler.stop(why)
            if self._processes is not None:
                self._processes.stop()
        if "_added" in self.__dict__:
            self._added.remove()


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _check_tag(tag: str) -> None:
    if not tag or "," in tag:
        raise Refused("Spark job tag is not empty and has no comma in it.")
