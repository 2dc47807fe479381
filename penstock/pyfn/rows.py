"""Functions called once a row with plain Python values (eval type 100: registered functions, `udf(useArrow=False)`).

Spark pickles rows to a worker and back; here the values come from Arrow and go back to Arrow directly.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.types as pat

from penstock.core.config import Conf
from penstock.engine.types import arrow_schema
from penstock.plan.types import DataType, StructType
from penstock.pyfn.calls import Call, argument_columns, no_results, result_columns
from penstock.pyfn.coercion import to_array
from penstock.pyfn.errors import user_code
from penstock.pyfn.parallel import Packed, packed_batches, unpacked, worker_count


class RowFunction:
    """One such function, unpickled once."""

    def __init__(self, call: Call, conf: Conf) -> None:
        self.call = call
        self._conf = conf

    def values(self, rows: pa.Table) -> pa.Table:
        """The one column that the function gives for these rows."""
        if not rows.num_rows:
            return no_results(self.call)
        if workers := worker_count(self._conf):
            return self._in_workers(rows, workers)
        return self.values_here(rows)

    def _in_workers(self, rows: pa.Table, workers: int) -> pa.Table:
        from penstock.pyfn.pool import pool  # processes, sockets: only for those who use them

        arguments = list(dict.fromkeys(a.column for a in self.call.arguments)) or rows.column_names[:1]
        table = rows.select(arguments)
        size = -(-rows.num_rows // workers)
        parts = [table.slice(start, size).to_batches() for start in range(0, rows.num_rows, size)]
        answers = pool.run(workers, pickle.dumps(_Recipe(self.call, self._conf)), [packed_batches(p) for p in parts])
        return pa.Table.from_batches([batch for answer in answers for batch in unpacked(answer)])

    def values_here(self, rows: pa.Table) -> pa.Table:
        """As `values`, in this process."""
        columns = argument_columns(self.call, rows, self._conf)
        arguments = [as_python(columns.column(i), a.type, self._conf) for i, a in enumerate(self.call.arguments)]
        with user_code():
            results = self._results(arguments, rows.num_rows)
        schema = arrow_schema(StructType([self.call.results[0].to_field()]))
        made = pa.Table.from_arrays([to_array(results, self.call.result_type, schema.field(0).type)], schema=schema)
        return result_columns(self.call, made)

    def _results(self, arguments: list[list[Any]], rows: int) -> list[Any]:
        function, to_internal = self._function
        if not arguments:
            results = [function() for _ in range(rows)]
        else:
            results = list(map(function, *arguments))
            if len(results) < rows:  # map() takes the function's StopIteration for the end of its input
                raise _stop_iteration()
        return results if to_internal is None else [to_internal(result) for result in results]

    @cached_property
    def _function(self) -> tuple[Callable[..., Any], Callable[[Any], Any] | None]:
        """The function by position, and what makes a result internal (dates as days, rows as tuples)."""
        from pyspark.serializers import CPickleSerializer

        with user_code():
            function, result_type = CPickleSerializer().loads(self.call.command)
        by_position = _by_position(function, [argument.keyword for argument in self.call.arguments])
        return by_position, result_type.toInternal if result_type.needConversion() else None


@dataclass(frozen=True)
class _Recipe:
    """What a worker process needs to load a function."""

    call: Call
    conf: Conf

    def open(self) -> Callable[[Packed], Packed]:
        """The function, over the rows of a part."""
        function = RowFunction(self.call, self.conf)
        return lambda rows: packed_batches(function.values_here(pa.Table.from_batches(unpacked(rows))).to_batches())


def as_python(column: pa.ChunkedArray, data_type: DataType, conf: Conf) -> list[Any]:
    """Values as Spark gives them to a function; timestamps in the process's own zone."""
    if not column.null_count and (pat.is_integer(column.type) or pat.is_floating(column.type)):
        numbers: list[Any] = column.to_numpy().tolist()
        return numbers
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    as_bytes = conf.get("spark.sql.execution.pyspark.binaryAsBytes", "true") == "true"
    convert = ArrowTableToRowsConversion._create_converter(data_type, none_on_identity=True, binary_as_bytes=as_bytes)
    values: list[Any] = ArrowTableToRowsConversion._to_pylist(column)
    return values if convert is None else [convert(value) for value in values]


def _by_position(function: Callable[..., Any], keywords: Sequence[str | None]) -> Callable[..., Any]:
    named = [keyword for keyword in keywords if keyword is not None]
    if not named:
        return function
    count = len(keywords) - len(named)

    def call(*values: Any) -> Any:
        return function(*values[:count], **dict(zip(named, values[count:], strict=True)))

    return call


def _stop_iteration() -> Exception:
    from pyspark.errors import PySparkRuntimeError

    error: Exception = PySparkRuntimeError(errorClass="STOP_ITERATION_OCCURRED", messageParameters={"exc": ""})
    return error
