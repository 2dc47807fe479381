"""What tasks share with the driver: broadcast values and accumulators."""

# The names and parameters are Spark's.

from __future__ import annotations

import itertools
import pickle
import threading
import weakref
from pathlib import Path
from types import GenericAlias
from typing import Any, BinaryIO, Generic, TypeVar

from pyspark.accumulators import (
    COMPLEX_ACCUMULATOR_PARAM,
    FLOAT_ACCUMULATOR_PARAM,
    INT_ACCUMULATOR_PARAM,
    AccumulatorParam,
)
from pyspark.accumulators import Accumulator as ClientAccumulator
from pyspark.errors import PySparkRuntimeError

from penstock.rdd.base import Lineage
from penstock.rdd.errors import only_on_driver
from penstock.rdd.storage import dumps
from penstock.rdd.tasks import Task, current

T = TypeVar("T")

_ids = itertools.count()
_lock = threading.Lock()
_accumulators: dict[int, Accumulator] = {}
#: The ids of broadcast values that processes need not keep any longer, in the order in which they were let go.
forgotten: list[int] = []


class Accumulator(ClientAccumulator[Any]):  # type: ignore[misc]
    """A sum that tasks add to and the driver reads.  What a task adds counts once, when it succeeds."""

    __class_getitem__: Any = classmethod(GenericAlias)  # programs write Accumulator[int] in their annotations

    def __init__(self, value: Any, param: AccumulatorParam[Any] | None = None) -> None:
        self._value: Any
        super().__init__(next(_ids), value, param if param is not None else _param_for(value))
        _accumulators[self.aid] = self

    def add(self, term: Any) -> None:
        """Add to the sum."""
        task, param = current(), self.accum_param
        if task is None:
            self._value = param.addInPlace(self._value, term)
            return
        if self.aid not in task.added:
            task.added[self.aid] = param.zero(self._value)
        task.added[self.aid] = param.addInPlace(task.added[self.aid], term)

    def __iadd__(self, term: Any) -> Accumulator:
        self.add(term)
        return self

    @property
    def value(self) -> Any:
        """The sum so far; only the driver may ask."""
        if current() is not None:
            raise PySparkRuntimeError(
                errorClass="VALUE_NOT_ACCESSIBLE",
                messageParameters={"value": "Accumulator.value"},
            )
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        if current() is not None:
            raise PySparkRuntimeError(
                errorClass="VALUE_NOT_ACCESSIBLE",
                messageParameters={"value": "Accumulator.value"},
            )
        self._value = value


def _param_for(value: Any) -> AccumulatorParam[Any]:
    if isinstance(value, int):
        return INT_ACCUMULATOR_PARAM
    if isinstance(value, float):
        return FLOAT_ACCUMULATOR_PARAM
    if isinstance(value, complex):
        return COMPLEX_ACCUMULATOR_PARAM
    raise TypeError(f"No default accumulator param for type {type(value).__name__}: give accum_param")


def merge_updates(task: Task) -> None:
    """Count in what a task that succeeded has added."""
    with _lock:
        for aid, term in task.added.items():
            accumulator = _accumulators[aid]
            accumulator._value = accumulator.accum_param.addInPlace(accumulator._value, term)


class Broadcast(Generic[T]):
    """A value that all tasks may read.  In one process it is the object itself."""

    def __init__(self, value: T) -> None:
        self._id = next(_ids)
        if isinstance(value, Lineage) or hasattr(value, "_scheduler"):
            raise pickle.PicklingError(f"Could not serialize broadcast: {only_on_driver()}")
        self._value: T | None = value
        self._destroyed = False
        weakref.finalize(self, forgotten.append, self._id).atexit = False

    @property
    def value(self) -> T:
        """The value.  After destroy: an error."""
        if self._destroyed:
            raise PySparkRuntimeError(
                errorClass="INVALID_BROADCAST_OPERATION", messageParameters={"operation": "accessed"}
            )
        return self._value  # type: ignore[return-value]

    def dump(self, value: T, f: BinaryIO) -> None:
        """Pickle a value to a file, and close it."""
        f.write(dumps(value))
        f.close()

    def load(self, file: BinaryIO) -> T:
        """The value that `dump` wrote.  Unpickling runs code: load only what you trust."""
        return pickle.load(file)  # type: ignore[no-any-return]

    def load_from_path(self, path: str) -> T:
        """The same from a path."""
        with Path(path).open("rb") as file:
            return self.load(file)

    def unpersist(self, blocking: bool = False) -> None:
        """Processes that have it let it go, and fetch it anew when a task asks for it."""
        self._driver_only("unpersisted")
        forgotten.append(self._id)

    def destroy(self, blocking: bool = False) -> None:
        """Let the value go; using it afterwards is an error."""
        self._driver_only("destroyed")
        forgotten.append(self._id)
        self._destroyed, self._value = True, None

    @staticmethod
    def _driver_only(operation: str) -> None:
        if current() is not None:
            raise PySparkRuntimeError(
                errorClass="INVALID_BROADCAST_OPERATION", messageParameters={"operation": operation}
            )
