"""The static method `analyze` of a table function: what it is told of a call, and what it says of the result.

pyspark's own code reads the arguments, calls the method and checks its answer; here it is fed from memory."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock.core.errors import SparkError, analysis_error
from penstock.plan.table_functions import PythonTableFunction
from penstock.plan.types import DataType, StructType
from penstock.pyfn.errors import user_frames, user_traceback
from penstock.pyfn.worker import sized


@dataclass(frozen=True)
class Given:
    """One argument: `value` is set for constants, `name` for an argument by name."""

    type: DataType
    value: Any
    is_table: bool
    is_constant: bool
    name: str | None


@dataclass(frozen=True)
class Ordering:
    """One key of orderBy, an expression's text; `nulls_first` None is the default."""

    name: str
    ascending: bool
    nulls_first: bool | None


@dataclass(frozen=True)
class Selection:
    """One column of select, an expression's text; `alias` may be empty."""

    name: str
    alias: str


@dataclass(frozen=True)
class Analyzed:
    """What `analyze` has answered; `pickled` is the whole answer, for the function's constructor."""

    schema: StructType
    pickled: bytes
    single_partition: bool
    partition_by: tuple[str, ...]
    order_by: tuple[Ordering, ...]
    select: tuple[Selection, ...]


def analyze_call(function: PythonTableFunction, arguments: Sequence[Given]) -> Analyzed:
    """Raises TABLE_VALUED_FUNCTION_FAILED_TO_ANALYZE_IN_PYTHON with what the method raised."""
    from pyspark.sql.worker import analyze_udtf

    out = io.BytesIO()
    try:
        analyze_udtf._main(io.BytesIO(_message(function, arguments)), out)
    except SparkError:
        raise
    except Exception as error:
        raise _failed(error) from error
    return _answer(_Reader(out.getvalue()))


def _failed(error: Exception) -> SparkError:
    """With the user's lines of the traceback; an error of pyspark's own checks is its message alone."""
    text = str(error).strip() if user_frames(error.__traceback__) is None else user_traceback(error)
    message = f"The method analyze of a table function failed: {text}"
    return analysis_error("TABLE_VALUED_FUNCTION_FAILED_TO_ANALYZE_IN_PYTHON", message, "38000", msg=text)


def _message(function: PythonTableFunction, arguments: Sequence[Given]) -> bytes:
    parts = [sized(function.name.encode()), sized(function.command), struct.pack("!i", len(arguments))]
    for argument in arguments:
        parts.append(sized(argument.type.json().encode()))
        parts.append(struct.pack("!?", argument.is_constant))
        if argument.is_constant:
            parts.append(sized(_pickled(argument)))
        parts.append(struct.pack("!?", argument.is_table))
        parts.append(struct.pack("!?", argument.name is not None))
        if argument.name is not None:
            parts.append(sized(argument.name.encode()))
    return b"".join(parts)


def _pickled(argument: Given) -> bytes:
    from pyspark.worker_util import pickleSer

    value = argument.value
    if value is not None and argument.type.needConversion():
        value = argument.type.toInternal(value)  # what reads it makes dates and rows of it again
    dumped: bytes = pickleSer.dumps(value)
    return dumped


class _Reader:
    """Reads what `analyze_udtf` writes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def integer(self) -> int:
        (value,) = struct.unpack_from("!i", self._data, self._at)
        self._at += 4
        return int(value)

    def data(self) -> bytes:
        size = self.integer()
        self._at += size
        return self._data[self._at - size : self._at]

    def text(self) -> str:
        return self.data().decode()


def _answer(reader: _Reader) -> Analyzed:
    from pyspark.sql.types import _parse_datatype_json_string

    schema = _parse_datatype_json_string(reader.text())
    pickled = reader.data()
    single = reader.integer() == 1
    partition_by = tuple(reader.text() for _ in range(reader.integer()))
    order_by = tuple(_ordering(reader) for _ in range(reader.integer()))
    select = tuple(Selection(reader.text(), reader.text()) for _ in range(reader.integer()))
    return Analyzed(schema, pickled, single, partition_by, order_by, select)


def _ordering(reader: _Reader) -> Ordering:
    name, ascending = reader.text(), reader.integer() == 1
    return Ordering(name, ascending, {0: None, 1: True, 2: False}[reader.integer()])
