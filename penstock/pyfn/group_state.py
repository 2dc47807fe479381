"""applyInPandasWithState: the user's function with Spark's own GroupState, over the groups of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkRuntimeError, PySparkTypeError

from penstock.core.config import Conf
from penstock.plan.types import StructType
from penstock.pyfn.calls import Call
from penstock.pyfn.processor import load_command
from penstock.pyfn.state_rows import FrameResults, GroupedFrames, PandasForm

NO_TIMESTAMP = -1


class StateFunction:
    """The function of one query.  `key_width`: the call's first arguments are the key; `values`: the positions of the
    columns that the frames have."""

    def __init__(
        self, call: Call, key_width: int, values: list[int], state: StructType, result: StructType, conf: Conf
    ) -> None:
        self._call, self._key_width, self._values = call, key_width, values
        self._state, self._result = state, result
        self._form = PandasForm(conf)
        self._function = load_command(call)

    def over(self, rows: pa.RecordBatch) -> GroupRun:
        """Ready for the groups of a batch's rows, whose columns are the call's arguments."""
        return GroupRun(self._function, rows, self._key_width, self._values, self._form, self._state)

    def results(self) -> FrameResults:
        """Where the frames go."""
        return FrameResults(self._call, self._form, self._result)


class GroupRun:
    """The function over the groups of one batch."""

    def __init__(
        self, function: Any, rows: pa.RecordBatch, width: int, values: list[int], form: PandasForm, state: StructType
    ) -> None:
        self._function, self._state = function, state
        self._keys = GroupedFrames(rows.select(list(range(width))), form)
        self._frames = GroupedFrames(rows.select(values), form)
        self._names = [rows.schema.names[i] for i in values]

    def state(self, value: Any, now_ms: int, watermark_ms: int, timeout: str, **flags: bool) -> Any:
        """A GroupState as the function gets it; `flags`: timed_out, has_watermark."""
        from pyspark.sql.streaming.state import GroupState

        return GroupState(
            optionalValue=value,
            batchProcessingTimeMs=now_ms,
            eventTimeWatermarkMs=watermark_ms,
            timeoutConf=timeout,
            hasTimedOut=flags["timed_out"],
            watermarkPresent=flags["has_watermark"],
            defined=value is not None,
            updated=False,
            removed=False,
            timeoutTimestamp=NO_TIMESTAMP,
            keyAsUnsafe=b"",
            valueSchema=self._state,
        )

    def rows(self, start: int, end: int, state: Any) -> Iterator[Any]:
        """What the function gives for the rows of a key."""
        return _checked(self._function(self._key(start), self._frames.parts(start, end), state))

    def timed_out(self, position: int, state: Any) -> Iterator[Any]:
        """What the function gives for a key that has timed out; the key is that of a row of its own."""
        import pandas as pd

        return _checked(self._function(self._key(position), [pd.DataFrame(columns=self._names)], state))

    def _key(self, position: int) -> tuple[Any, ...]:
        return self._keys.values(position)


def _checked(frames: Any) -> Iterator[Any]:
    import pandas as pd

    if isinstance(frames, pd.DataFrame):
        raise _wrong_type("iterable of pandas.DataFrame", type(frames).__name__)
    try:
        return iter(frames)
    except TypeError:
        raise _wrong_type("iterable", type(frames).__name__) from None


def checked_frame(frame: Any, width: int) -> Any:
    """A frame that the function gave, of the declared number of columns (or empty, without any)."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise _wrong_type("iterator of pandas.DataFrame", f"iterator of {type(frame).__name__}")
    found = len(frame.columns)
    if found != width and not (found == 0 and frame.empty):
        raise PySparkRuntimeError(
            errorClass="RESULT_COLUMN_SCHEMA_MISMATCH",
            messageParameters={"expected": str(width), "actual": str(found)},
        )
    return frame


def _wrong_type(expected: str, actual: str) -> PySparkTypeError:
    return PySparkTypeError(errorClass="UDF_RETURN_TYPE", messageParameters={"expected": expected, "actual": actual})
