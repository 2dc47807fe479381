"""The other end of remote.py: a process that runs tasks until there is nobody to run them for."""

from __future__ import annotations

import pickle
import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from penstock.rdd import errors, files, partitioning
from penstock.rdd.nodes import Elements, Node
from penstock.rdd.partitioning import Partitioner
from penstock.rdd.shared import Accumulator, Broadcast
from penstock.rdd.shuffle import Aggregator, merge_pairs
from penstock.rdd.storage import Packed, Saved, dumps
from penstock.rdd.tasks import Task, running
from penstock.rdd.work import Work

#: Stages that are kept ready.
_KEPT_STAGES = 16


class _Driver:
    """The driver as tasks of this process ask it."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.broadcasts: dict[int, Any] = {}

    def ask(self, *question: Any) -> Any:
        """Its answer; raises what went wrong there."""
        assert self.connection is not None
        self.connection.send_bytes(pickle.dumps(question, protocol=5))
        worked, answer = pickle.loads(self.connection.recv_bytes())
        if not worked:
            raise unpacked_error(answer)
        return answer


_driver = _Driver()


# ---------------------------------------------------------------- what stands for objects of the driver


class Held(Node):
    """A node whose elements the driver holds: a shuffle, a collection, the state of a stream."""

    kind = "HeldRDD"

    def __init__(
        self, number: int, partitions: int, partitioner: Partitioner | None, aggregator: Aggregator | None
    ) -> None:
        super().__init__((), partitions, partitioner)
        self._at_driver = number
        self._aggregator = aggregator

    def compute(self, index: int, task: Task) -> Elements:
        parts = map(Packed, _driver.ask("partition", self._at_driver, index))
        if self._aggregator is None:
            return (x for part in parts for x in part)
        merged: dict[Any, Any] = {}
        for part in parts:
            merge_pairs(merged, part, self._aggregator.merge_combiners)
        return iter(merged.items())


class Kept(Node):
    """A node whose elements are kept by the driver once they have been computed."""

    kind = "KeptRDD"

    def __init__(self, number: int, partitions: int, partitioner: Partitioner | None, inner: Node | None) -> None:
        super().__init__((), partitions, partitioner)
        self._at_driver = number
        self._inner = inner
        self.depth = self.level + (inner.depth if inner is not None else 0)

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        return () if self._inner is None else [(self._inner, index)]

    def is_ready(self, index: int, task: Task) -> bool:
        if super().is_ready(index, task) or (self._at_driver, index) in task.kept:
            return True
        parts = _driver.ask("kept", self._at_driver, index)
        if parts is not None:
            task.found[self.id, index] = Packed(parts[0])
        return parts is not None

    def compute(self, index: int, task: Task) -> Elements:
        known = task.kept.get((self._at_driver, index))
        parts = [known] if known is not None else _driver.ask("kept", self._at_driver, index)
        if parts is not None:
            return iter(pickle.loads(parts[0]))
        assert self._inner is not None
        elements = list(self._inner.elements(index, task))
        task.kept[self._at_driver, index] = dumps(elements)
        return iter(elements)


def stored(partitions: int, partitioner: Partitioner | None, saved: Saved) -> Node:
    """A node whose elements are in files."""
    made = Node((), partitions, partitioner)
    made.saved = saved
    return made


class _Shared(Broadcast[Any]):
    """A broadcast value, fetched when it is first asked for."""

    def __init__(self, number: int) -> None:
        self._id = number
        self._destroyed = False

    @property
    def value(self) -> Any:
        """The value, once per process."""
        known = _driver.broadcasts
        if self._id not in known:
            known[self._id] = pickle.loads(_driver.ask("broadcast", self._id))
        return known[self._id]


def broadcast(number: int) -> Broadcast[Any]:
    """What stands for a broadcast value of the driver."""
    return _Shared(number)


def accumulator(number: int, zero: Any, param: Any) -> Accumulator:
    """What stands for an accumulator: it takes what tasks add."""
    made: Accumulator = object.__new__(Accumulator)
    made.aid, made.accum_param, made._value = number, param, zero
    return made


# ---------------------------------------------------------------- errors


def packed_error(error: BaseException) -> bytes:
    """An error and its traceback; one that cannot be pickled by its text."""
    text = errors.user_traceback(error)
    try:
        data = dumps(error)
        pickle.loads(data)
    except Exception:
        data = dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return pickle.dumps((data, text))


def unpacked_error(data: bytes) -> BaseException:
    """The error again; it remembers where it came from."""
    packed, text = pickle.loads(data)
    error: BaseException = pickle.loads(packed)
    error.__dict__["penstock_traceback"] = text
    return error


# ---------------------------------------------------------------- the process


def serve(descriptor: int) -> None:
    """Run tasks until the connection closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's business; it ends this process
    connection = _driver.connection = Connection(descriptor)
    ready: OrderedDict[int, Work] = OrderedDict()
    while True:
        try:
            _, work, given, forgotten, memory, root, places, seeded = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        for broadcast_id in forgotten:
            _driver.broadcasts.pop(broadcast_id, None)
        files.SparkFiles._root = root
        partitioning.SEEDED = seeded
        sys.path.extend(place for place in places if place not in sys.path)
        connection.send_bytes(pickle.dumps(("done", *_run(ready, work, given)), protocol=5))


def _run(ready: OrderedDict[int, Work], work: int, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """One task of a stage's work, which is asked for once in each process."""
    index, stage, number, attempt, properties = given
    task = Task(index, stage, number, attempt, properties)
    try:
        if work not in ready:
            _, ready[work] = pickle.loads(_driver.ask("work"))
            while len(ready) > _KEPT_STAGES:
                ready.popitem(last=False)
        with running(task):
            result = ready[work].remote(index, task)
        return True, result, dumps(task.added), task.kept
    except BaseException as error:
        return False, packed_error(errors.of_user(error)), b"", {}
