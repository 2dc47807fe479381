"""A StatefulProcessor of the user's in this process: handles with the public behaviour of Spark's, over cells.

Spark's own handles talk over a socket to the JVM; these read and write `state_cells`.  What goes wrong is raised as
Spark raises it on the Python side: PySparkRuntimeError, with the condition of the JVM's error in its text.
"""

# ruff: noqa: N802, N803 (Spark's names)
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from pyspark.errors import PySparkRuntimeError
from pyspark.sql.streaming.stateful_processor import ListState, MapState, StatefulProcessorHandle, ValueState
from pyspark.sql.types import Row, _create_row

from penstock.plan.types import StructType
from penstock.pyfn.calls import Call
from penstock.pyfn.state_cells import TimerCells, ValueCells
from penstock.pyfn.state_collections import ListCells, MapCells

ParseSchema = Callable[[str], StructType]


@dataclass(frozen=True)
class Variable:
    """A state variable as `init` declares it.  `kind` is "ValueState", "ListState" or "MapState"; `key` is the schema
    of a map's keys."""

    name: str
    kind: str
    schema: StructType
    key: StructType | None = None
    ttl_ms: int | None = None


class Cells(Protocol):
    """State of one variable for the keys of a chunk."""

    def begin(self, chunk: Any, now_ms: int) -> None:
        """Take up a chunk of keys."""

    def flush(self) -> tuple[int, int]:
        """Write the changes; how many rows were put and how many removed."""

    def expire(self, now_ms: int) -> int:
        """Remove what has ended."""


def load_command(call: Call) -> Any:
    """The function that the client has sent."""
    from pyspark.worker_util import pickleSer

    return pickleSer.loads(call.command)[0]


def load_processor(call: Call) -> Any:
    """The user's StatefulProcessor, new as the client pickled it."""
    return load_command(call).__self__._stateful_processor


class Phase:
    """Where the processing of a batch is, as the handle's state is called in errors."""

    PRE_INIT = "PRE_INIT"
    CREATED = "CREATED"
    INITIALIZED = "INITIALIZED"
    DATA_PROCESSED = "DATA_PROCESSED"
    TIMER_PROCESSED = "TIMER_PROCESSED"
    CLOSED = "CLOSED"


class Handle(StatefulProcessorHandle):  # type: ignore[misc]
    """What `init` gets.  `position` is the key at hand; `cells` gives the state of a declared variable (None while the
    variables are only being collected)."""

    def __init__(
        self,
        time_mode: str,
        parse: ParseSchema,
        cells: dict[str, Any] | None = None,
        timers: TimerCells | None = None,
    ) -> None:
        self.variables: dict[str, Variable] = {}
        self.position = -1
        self.phase = Phase.PRE_INIT if cells is None else Phase.CREATED
        self._time_mode, self._parse, self._cells, self._timers = time_mode, parse, cells, timers

    # ------------------------------------------------------------ variables

    def getValueState(self, stateName: str, schema: Any, ttlDurationMs: int | None = None) -> ValueState:
        self._declare("value", Variable(stateName, "ValueState", self._schema(schema), None, ttlDurationMs or None))
        return _Value(self, None if self._cells is None else self._cells[stateName])

    def getListState(self, stateName: str, schema: Any, ttlDurationMs: int | None = None) -> ListState:
        self._declare("list", Variable(stateName, "ListState", self._schema(schema), None, ttlDurationMs or None))
        return _List(self, None if self._cells is None else self._cells[stateName], stateName)

    def getMapState(
        self, stateName: str, userKeySchema: Any, valueSchema: Any, ttlDurationMs: int | None = None
    ) -> MapState:
        key, value = self._schema(userKeySchema), self._schema(valueSchema)
        self._declare("map", Variable(stateName, "MapState", value, key, ttlDurationMs or None))
        return _Map(self, None if self._cells is None else self._cells[stateName], value.names)

    def deleteIfExists(self, stateName: str) -> None:
        if self.phase not in (Phase.PRE_INIT, Phase.CREATED):
            raise PySparkRuntimeError(f"Error deleting state: {self._wrong_phase('delete_if_exists')}")
        self.variables.pop(stateName, None)

    def _schema(self, schema: Any) -> StructType:
        return self._parse(schema) if isinstance(schema, str) else schema

    def _declare(self, kind: str, variable: Variable) -> None:
        problem = self._declaration_problem(kind, variable)
        if problem is not None:
            raise PySparkRuntimeError(f"Error initializing {kind} state: {problem}")
        self.variables[variable.name] = variable

    def _declaration_problem(self, kind: str, variable: Variable) -> str | None:
        if self.phase not in (Phase.PRE_INIT, Phase.CREATED):
            return self._wrong_phase(f"get_{kind}_state")
        if variable.name in self.variables:
            if self.variables[variable.name].kind == variable.kind:
                return f"{kind.capitalize()} state {variable.name} already exists"
            return (
                "[STATEFUL_PROCESSOR_DUPLICATE_STATE_VARIABLE_DEFINED] The StatefulProcessor defines the state "
                f"variable {variable.name} twice. SQLSTATE: 42802"
            )
        if not variable.ttl_ms:
            return None
        if self._time_mode.lower() != "processingtime":
            return (
                f"[STATEFUL_PROCESSOR_INCORRECT_TIME_MODE_TO_ASSIGN_TTL] The state {variable.name} has a time to live, "
                f"which timeMode={self._mode_name} does not allow: use ProcessingTime. SQLSTATE: 42802"
            )
        if variable.ttl_ms < 0:
            return (
                "[STATEFUL_PROCESSOR_TTL_DURATION_MUST_BE_POSITIVE] The time to live must be greater than zero, for "
                f"operation=update on state={variable.name}. SQLSTATE: 42802"
            )
        return None

    @property
    def _mode_name(self) -> str:
        """The time mode as Spark's errors call it."""
        return "NoTime" if self._time_mode.lower() == "none" else self._time_mode

    def _wrong_phase(self, operation: str) -> str:
        return (
            "[STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_HANDLE_STATE] Failed to perform stateful "
            f"processor operation={operation} with invalid handle state={self.phase}. SQLSTATE: 42802"
        )

    # ------------------------------------------------------------ timers

    def registerTimer(self, expiryTimestampMs: int) -> None:
        self._timer_cells("register_timer", "Error register timer").register(self.position, int(expiryTimestampMs))

    def deleteTimer(self, expiryTimestampMs: int) -> None:
        self._timer_cells("delete_timer", "Error deleting timer").delete(self.position, int(expiryTimestampMs))

    def listTimers(self) -> Iterator[int]:
        return iter(self._timer_cells("list_timers", "Error listing timers").of(self.position))

    def _timer_cells(self, operation: str, label: str) -> TimerCells:
        if self._time_mode.lower() == "none":
            problem = (
                "[STATEFUL_PROCESSOR_CANNOT_PERFORM_OPERATION_WITH_INVALID_TIME_MODE] Failed to perform stateful "
                f"processor operation={operation} with invalid timeMode={self._mode_name}: timers need ProcessingTime "
                "or EventTime. SQLSTATE: 42802"
            )
            raise PySparkRuntimeError(f"{label}: {problem}")
        if self.phase not in (Phase.INITIALIZED, Phase.DATA_PROCESSED) or self._timers is None:
            raise PySparkRuntimeError(f"{label}: {self._wrong_phase(operation)}")
        return self._timers


class _Value(ValueState):  # type: ignore[misc]
    def __init__(self, handle: Handle, cells: ValueCells | None) -> None:
        self._handle, self._cells = handle, cells

    def exists(self) -> bool:
        return _usable(self._cells, self._handle).get(self._handle.position) is not None

    def get(self) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = _usable(self._cells, self._handle).get(self._handle.position)
        return found

    def update(self, newValue: tuple[Any, ...]) -> None:
        try:
            _usable(self._cells, self._handle).set(self._handle.position, newValue)
        except ValueError as error:
            raise PySparkRuntimeError(f"Error updating value state: {error}") from None

    def clear(self) -> None:
        _usable(self._cells, self._handle).clear(self._handle.position)


class _List(ListState):  # type: ignore[misc]
    def __init__(self, handle: Handle, cells: ListCells | None, name: str) -> None:
        self._handle, self._cells, self._name = handle, cells, name

    def exists(self) -> bool:
        return bool(_usable(self._cells, self._handle).exists(self._handle.position))

    def get(self) -> Iterator[tuple[Any, ...]]:
        return iter(_usable(self._cells, self._handle).get(self._handle.position))

    def put(self, newState: list[tuple[Any, ...]]) -> None:
        with _Failing("Error updating value state"):
            _usable(self._cells, self._handle).put(self._handle.position, self._some(newState))

    def appendValue(self, newState: tuple[Any, ...]) -> None:
        with _Failing("Error updating value state"):
            _usable(self._cells, self._handle).append(self._handle.position, [newState])

    def appendList(self, newState: list[tuple[Any, ...]]) -> None:
        with _Failing("Error updating value state"):
            _usable(self._cells, self._handle).append(self._handle.position, self._some(newState))

    def clear(self) -> None:
        _usable(self._cells, self._handle).put(self._handle.position, [])

    def _some(self, values: Any) -> list[Any]:
        found = list(values)
        if not found:
            raise ValueError(
                "[ILLEGAL_STATE_STORE_VALUE.EMPTY_LIST_VALUE] Illegal value provided to the State Store: an empty list "
                f"for the state {self._name}; use clear(). SQLSTATE: 42601"
            )
        return found


class _Map(MapState):  # type: ignore[misc]
    def __init__(self, handle: Handle, cells: MapCells | None, names: list[str]) -> None:
        self._handle, self._cells = handle, cells
        self._row = Row(*names)

    def exists(self) -> bool:
        return next(_usable(self._cells, self._handle).entries(self._handle.position), None) is not None

    def getValue(self, key: tuple[Any, ...]) -> Any:
        with _Failing("Error getting value"):
            found = _usable(self._cells, self._handle).get(self._handle.position, key)
        return None if found is None else _create_row(self._row, found)

    def containsKey(self, key: tuple[Any, ...]) -> bool:
        with _Failing("Error checking if map state contains key"):
            return _usable(self._cells, self._handle).get(self._handle.position, key) is not None

    def updateValue(self, key: tuple[Any, ...], value: tuple[Any, ...]) -> None:
        with _Failing("Error updating map state value"):
            _usable(self._cells, self._handle).set(self._handle.position, key, value)

    def iterator(self) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        return iter(_usable(self._cells, self._handle).entries(self._handle.position))

    def keys(self) -> Iterator[tuple[Any, ...]]:
        return (key for key, _ in self.iterator())

    def values(self) -> Iterator[tuple[Any, ...]]:
        return (value for _, value in self.iterator())

    def removeKey(self, key: tuple[Any, ...]) -> None:
        with _Failing("Error removing key from map state"):
            _usable(self._cells, self._handle).remove(self._handle.position, key)

    def clear(self) -> None:
        _usable(self._cells, self._handle).clear(self._handle.position)


def _usable(cells: Any, handle: Handle) -> Any:
    """The cells, if there is a key whose state they could tell."""
    if cells is None or handle.position < 0:
        raise PySparkRuntimeError(
            "Implicit key not found in state store for the state variable: state can be used in handleInputRows, "
            "handleInitialState and handleExpiredTimer only"
        )
    return cells


class _Failing:
    """Values that state cannot hold are errors of the state call, as in Spark."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError):
            raise PySparkRuntimeError(f"{self._label}: {error}") from None
