"""Tasks in processes of their own: `spark.penstock.rdd.executor` is `processes`.

A stage is pickled once, with its lineage down to what has been moved or is held here: shuffles, kept elements,
collections of the driver, states of streams.  A process asks for those partitions while it runs a task, and gives back
the result, what it added to accumulators, and the elements to keep.  Everything travels through a socket that the
process has inherited and nobody else has.
"""

from __future__ import annotations

import io
import itertools
import os
import pickle
import re
import signal
import threading
from typing import Any, ClassVar

from pyspark import cloudpickle

from penstock.pyfn.pool import Worker
from penstock.rdd import deep, files, partitioning, remote_worker, shared
from penstock.rdd.context import EXECUTOR, MEMORY
from penstock.rdd.errors import Refused, only_on_driver
from penstock.rdd.nodes import Node
from penstock.rdd.rdd import RDD
from penstock.rdd.shared import Accumulator, Broadcast
from penstock.rdd.shuffle import Shuffled
from penstock.rdd.storage import Persisted, dumps
from penstock.rdd.tasks import Task
from penstock.rdd.work import Work

#: The nodes that a stage's tasks ask the driver for, by what is asked and their id: `partition` for what the driver
#: holds, `kept` for what it keeps once it has been computed.  A node can be both: a shuffle that is persisted.
Held = dict[tuple[str, int], Node]

_numbers = itertools.count()


def hash_seed() -> str:
    """The seed of string hashes in processes: the program's, or one that all have."""
    seed = os.environ.get("PYTHONHASHSEED", "")
    return seed if seed.isdecimal() else "0"


def bytes_of(size: str) -> int | None:
    """A size as Spark's settings give it: 512m, 2g; a number alone is MiB.  None for none."""
    found = re.fullmatch(r"(\d+)([kmgt]?)b?", size.strip().lower())
    if size and found is None:
        raise Refused(f"{MEMORY} is a size such as 512m or 2g, not {size}")
    return int(found[1]) << {"k": 10, "": 20, "m": 20, "g": 30, "t": 40}[found[2]] if found else None


class WorkerLost(RuntimeError):  # noqa: N818
    """A process ended while it ran a task."""


class TaskProcess(Worker):
    """One process that runs tasks."""

    MODULE = "penstock.task_process"
    ENVIRONMENT: ClassVar[dict[str, str]] = {"PYTHONHASHSEED": hash_seed()}

    def __init__(self) -> None:
        super().__init__()
        self._told = 0

    def forgotten(self) -> list[int]:
        """The broadcast values that the process need not keep any longer, and has not been told of."""
        news = shared.forgotten[self._told :]
        self._told += len(news)
        return news

    def send_message(self, message: Any) -> None:
        """Send a message."""
        self._connection.send_bytes(pickle.dumps(message, protocol=5))

    def receive_message(self) -> Any:
        """The next message."""
        return pickle.loads(self._connection.recv_bytes())

    def lost(self) -> WorkerLost:
        """Why the process is gone."""
        code = self.process.wait()
        killed = f"was killed by signal {abs(code)} ({signal.strsignal(abs(code))})"
        how = killed if code < 0 else f"ended with exit code {code}"
        return WorkerLost(
            f"The process (pid {self.process.pid}) that ran the task {how}. Its memory may have run out, or the "
            f"function ended it. A master such as local[4,3] runs a task up to three times; {EXECUTOR}=threads runs "
            "tasks in the program's own process."
        )


class Processes:
    """As many processes as slots, each started when it is first needed.

    memory: the bytes of address space that each may take, as spark.executor.pyspark.memory says; None: no limit."""

    def __init__(self, memory: int | None = None) -> None:
        self.memory = memory
        self._lock = threading.Lock()
        self._idle: list[TaskProcess] = []
        self._all: set[TaskProcess] = set()

    def take(self) -> TaskProcess:
        """One that nobody uses."""
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None:
                break
            if process.process.poll() is None:
                return process
            self.drop(process)  # it was killed while it had nothing to do
        made = TaskProcess()
        with self._lock:
            self._all.add(made)
        return made

    def give_back(self, process: TaskProcess) -> None:
        """It may be used again."""
        with self._lock:
            self._idle.append(process)

    def drop(self, process: TaskProcess) -> None:
        """It is of no more use."""
        with self._lock:
            self._all.discard(process)
        process.process.kill()
        process.close()

    def stop(self) -> None:
        """End all."""
        with self._lock:
            idle, self._idle = self._idle, []
            busy, self._all = self._all - set(idle), set()
        for process in idle:
            process.close()
        for process in busy:
            process.process.kill()

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        with self._lock:
            return [process.process.pid for process in self._all]


class RemoteWork:
    """The work of one stage, run by processes.  What can't be pickled is a PicklingError before any task runs."""

    def __init__(self, work: Work, node: Node, processes: Processes) -> None:
        self._work = work
        self._node = node
        self._processes = processes
        self._held: Held = {}
        self._broadcasts: dict[int, Broadcast[Any]] = {}
        self._pickled = self._pickle()
        self._number = next(_numbers)

    def __call__(self, index: int, task: Task) -> Any:
        """Run one task; raises what it raises.  WorkerLost when the process dies."""
        process = self._processes.take()
        task.on_cancel.append(process.process.kill)
        try:
            outcome = self._converse(process, index, task)
        except (EOFError, OSError):
            self._processes.drop(process)
            raise process.lost() from None
        except BaseException:  # what is under way can't be told from what comes next
            self._processes.drop(process)
            raise
        finally:
            task.on_cancel.remove(process.process.kill)
        self._processes.give_back(process)
        return self._taken(outcome, index, task)

    def _converse(self, process: TaskProcess, index: int, task: Task) -> Any:
        given = (index, task.stage, task.id, task.attempt, task.properties)
        process.send_message(
            (
                "run",
                self._number,
                given,
                process.forgotten(),
                self._processes.memory,
                files.SparkFiles._root,
                files.import_places(),
                partitioning.SEEDED,
            )
        )
        while True:
            kind, *details = process.receive_message()
            if kind == "done":
                return details
            process.send_message(self._answer(kind, details, task))

    def _answer(self, kind: str, details: list[Any], task: Task) -> Any:
        """What the task asks for; an error here is the task's."""
        try:
            if kind == "work":
                return True, self._pickled
            if kind == "broadcast":
                return True, dumps(self._broadcasts[details[0]].value)
            number, index = details
            return True, (_kept if kind == "kept" else _partition)(self._held[kind, number], index, task)
        except Exception as error:
            return False, remote_worker.packed_error(error)

    def _taken(self, outcome: Any, index: int, task: Task) -> Any:
        worked, result, added, kept = outcome
        if not worked:
            raise remote_worker.unpacked_error(result)
        task.added.update(pickle.loads(added))
        for (number, partition), data in kept.items():
            saved = self._held["kept", number].saved
            if isinstance(saved, Persisted):
                saved.keep(partition, data)
        return self._work.from_remote(result)

    def _pickle(self) -> bytes:
        buffer = io.BytesIO()
        try:
            below = deep.lineage(self._node, _pickled_parents)
            _Pickler(buffer, self._held, self._broadcasts).dump((below, self._work))
        except Exception as error:
            text = f"Could not serialize the functions of a job for the processes of {EXECUTOR}: {error}"
            raise pickle.PicklingError(text) from error
        return buffer.getvalue()


def _pickled_parents(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is pickled with."""
    kept = node.saved is not None and not isinstance(node.saved, Persisted)
    return () if kept or (node.held_by_driver and node.saved is None) else node.bare().parents


def _kept(node: Node, index: int, task: Task) -> Any:
    """The one part of a partition, pickled; None when it is not kept yet, or not any more."""
    saved = node.saved
    data = saved.pickled(index) if isinstance(saved, Persisted) else None
    return None if data is None else [data]


def _partition(node: Node, index: int, task: Task) -> Any:
    """The parts of a partition, pickled."""
    if isinstance(node, Shuffled):
        return node.packed(index)
    return [dumps(list(node.elements(index, task)))]


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """A stage: nodes whose elements are here are left here."""

    def __init__(self, file: io.BytesIO, held: Held, broadcasts: dict[int, Broadcast[Any]]) -> None:
        super().__init__(file)
        self._held, self._broadcasts = held, broadcasts

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Node):
            return self._node(obj)
        if isinstance(obj, Broadcast):
            self._broadcasts[obj._id] = obj
            return remote_worker.broadcast, (obj._id,)
        if isinstance(obj, Accumulator):
            return remote_worker.accumulator, (obj.aid, obj.accum_param.zero(obj._value), obj.accum_param)
        if isinstance(obj, RDD):
            raise only_on_driver()
        return super().reducer_override(obj)

    def _node(self, node: Node) -> Any:
        shape = (node.id, node.partitions, node.partitioner)
        if isinstance(node.saved, Persisted):
            self._held["kept", node.id] = node
            inner = node.bare() if node.parents or not node.saved.complete(node.partitions) else None
            return remote_worker.Kept, (*shape, inner)
        if node.saved is not None:
            return remote_worker.stored, (node.partitions, node.partitioner, node.saved)
        if node.held_by_driver:
            self._held["partition", node.id] = node
            aggregator = node.aggregator if isinstance(node, Shuffled) else None
            return remote_worker.Held, (*shape, aggregator)
        return object.__reduce_ex__(node.bare(), 4)


def is_remote(node: Node) -> bool:
    """Whether a stage over this node runs in processes: not what the driver holds, unless values are still to be
    merged, nor tasks that wait for each other."""
    merged = isinstance(node, Shuffled) and node.aggregator is not None
    return not node.barrier and (isinstance(node.saved, Persisted) or merged or not node.held_by_driver)
