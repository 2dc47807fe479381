"""Python table functions (UDTF): a class whose `eval` is called once a row and gives any number of rows."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.core.config import Conf
from penstock.engine.types import arrow_schema, from_spark_arrow
from penstock.plan.expressions import Attribute
from penstock.plan.table_functions import PythonTableFunction
from penstock.plan.types import StructField, StructType
from penstock.pyfn.calls import Argument, arguments_as_arrow
from penstock.pyfn.coercion import to_array
from penstock.pyfn.errors import user_code
from penstock.pyfn.eval_types import ARROW_TABLE, ROW_TABLE
from penstock.pyfn.groups import Numbers
from penstock.pyfn.rows import as_python
from penstock.pyfn.tasks import Query
from penstock.pyfn.worker import batch_rows, evaluation_conf, runner_settings, sized

_LEGACY = "spark.sql.legacy.execution.pythonUDTF.pandas.conversion.enabled"


@dataclass(frozen=True)
class TableCall:
    """One call.  `arguments` are the columns of the input that make the arguments: one each, or as many as the table
    argument has columns; `keyword` is set for `f(keyword => value)`."""

    function: PythonTableFunction
    arguments: tuple[tuple[Argument, ...], ...]
    keywords: tuple[str | None, ...]
    table: int | None
    partition_columns: tuple[int, ...]
    analyzed: bytes | None
    schema: StructType
    results: tuple[Attribute, ...]


class RunTable:
    """The columns that are handed on, and those that the function gives for each row.  One instance of the class gets
    all rows, or the rows of one partition of its table argument."""

    def __init__(self, kept: tuple[Attribute, ...], call: TableCall, origin: tuple[Attribute, ...], conf: Conf) -> None:
        self.names = (call.function.name,)
        self._kept = [attribute.sql_name for attribute in kept]
        self._call = call
        self._origin = [attribute.sql_name for attribute in origin]
        self._conf = conf

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        """A table argument without rows calls nothing but `terminate`, as in Spark where a partition has none."""
        (rows,) = tables
        made, owners = self._called(rows)
        if self._origin:
            made, owners = _with_missing(made, owners, rows.num_rows, self._origin)
        handed_on = rows.select(self._kept).take(pa.array(owners)) if self._kept else None
        return _beside(handed_on, made)

    def _called(self, rows: pa.Table) -> tuple[pa.Table, Numbers]:
        """The function's rows, and for each the row of the input that it came from."""
        schema = StructType([attribute.to_field() for attribute in self._call.results])
        names = [attribute.sql_name for attribute in self._call.results]
        if self._call.function.eval_type == ROW_TABLE:
            made, owners = self._from_rows(rows)
        else:
            made, owners = self._from_batches(rows)
        return from_spark_arrow(made, schema, names), np.minimum(owners, max(rows.num_rows - 1, 0))

    # ---- eval type 300: plain values

    def _from_rows(self, rows: pa.Table) -> tuple[pa.Table, Numbers]:
        columns = [self._values(rows, i) for i in range(len(self._call.arguments))]
        given = zip(*columns, strict=True) if columns else (() for _ in range(rows.num_rows))
        results: list[tuple[Any, ...]] = []
        owners: list[int] = []
        with user_code():
            for index, made in enumerate(self._loaded(given)):
                results.extend(made)
                owners.extend([index] * len(made))
        arrow = arrow_schema(self._call.schema)
        fields = self._call.schema.fields
        arrays = [
            to_array([None if row is None else row[i] for row in results], field.dataType, arrow.field(i).type)
            for i, field in enumerate(fields)
        ]
        return _table(arrays, arrow, len(results)), np.array(owners, dtype=np.int64)

    def _values(self, rows: pa.Table, index: int) -> list[Any]:
        column = self._argument(rows, index)
        return as_python(pa.chunked_array([column]), self._type(index), self._conf)

    # ---- eval types 301 and 302: Arrow batches

    def _from_batches(self, rows: pa.Table) -> tuple[pa.Table, Numbers]:
        arrow = arrow_schema(self._call.schema)
        batches: list[pa.RecordBatch] = []
        sizes: list[tuple[int, int]] = []
        feed = _Feed(self._input(rows), self._rows_at_once())
        with user_code():
            for index, batch in enumerate(self._evaluated(feed)):
                batches.append(batch)
                sizes.append((feed.row if self._call.function.eval_type == ARROW_TABLE else index, batch.num_rows))
        owners = np.repeat([row for row, _ in sizes], [count for _, count in sizes]).astype(np.int64)
        made = pa.Table.from_batches([_renamed(batch, arrow) for batch in batches], schema=arrow)
        return made, owners

    def _evaluated(self, feed: _Feed) -> Iterator[pa.RecordBatch]:
        """A batch for each row of the input and for `terminate` (301), or any number of batches (302)."""
        if self._call.function.eval_type == ARROW_TABLE or self._is_legacy:
            yield from self._through_stream(feed)
            return
        for batch, _ in self._loaded(feed):
            yield batch

    def _through_stream(self, feed: _Feed) -> Iterator[pa.RecordBatch]:
        """Through pyspark's serializers, which bring the results into the declared types; batch by batch."""
        reading = self._reading
        for item in self._loaded(value for batch in feed for value in reading.load_stream(_stream(batch))):
            out = io.BytesIO()
            reading.dump_stream(iter([item]), out)
            out.seek(4)  # past the mark that announces an Arrow stream
            for batch in pa.ipc.open_stream(out):
                yield pa.RecordBatch.from_struct_array(batch.column(0))

    def _rows_at_once(self) -> int:
        """One where results could not be told apart otherwise."""
        one = self._call.function.eval_type == ARROW_TABLE and self._call.table is None
        return 1 if one else batch_rows(self._conf)

    def _input(self, rows: pa.Table) -> pa.RecordBatch:
        columns = [self._argument(rows, index) for index in range(len(self._call.arguments))]
        if not columns:  # only the number of the rows
            return pa.RecordBatch.from_struct_array(pa.array([{}] * rows.num_rows, type=pa.struct([])))
        return pa.RecordBatch.from_arrays(columns, names=[f"_{i}" for i in range(len(columns))])

    # ---- arguments

    def _argument(self, rows: pa.Table, index: int) -> pa.Array:
        """One argument's column; for the table argument a column of structs."""
        columns = self._call.arguments[index]
        arrow = arguments_as_arrow(columns, rows, self._conf)
        arrays = [_combined(column) for column in arrow.columns]
        if index != self._call.table:
            return arrays[0]
        return pa.StructArray.from_arrays(arrays, fields=list(arrow.schema))

    def _type(self, index: int) -> Any:
        columns = self._call.arguments[index]
        if index != self._call.table:
            return columns[0].type
        return StructType([StructField(a.name, a.type, a.nullable) for a in columns])

    # ---- the function

    @property
    def _is_legacy(self) -> bool:
        return str(self._conf.get(_LEGACY, "false")).lower() == "true"

    @cached_property
    def _reading(self) -> Any:
        """pyspark's serializer for the function's eval type."""
        return self._read()[1]

    def _loaded(self, values: Any) -> Iterator[Any]:
        """A new instance's results."""
        results: Iterator[Any] = self._read()[0](0, iter(values))
        return results

    def _read(self) -> tuple[Callable[..., Iterator[Any]], Any]:
        from pyspark import worker
        from pyspark.worker_util import pickleSer

        settings = runner_settings(self._conf)
        settings._conf[_LEGACY] = str(self._conf.get(_LEGACY, "false"))
        table = self._call.table
        types = [StructField(f"_{i}", self._type(i)) for i in range(len(self._call.arguments))]
        evaluation = evaluation_conf(StructType(types))
        if table is not None:
            evaluation._conf["table_arg_offsets"] = str(table)
        with user_code():
            message = io.BytesIO(_message(self._call))
            made = worker.read_udtf(pickleSer, message, self._call.function.eval_type, settings, evaluation)
        return made[0], made[2]


class _Feed:
    """Batches of an input; `row` is the first of the batch that was taken last."""

    def __init__(self, batch: pa.RecordBatch, size: int) -> None:
        self._batch = batch
        self._size = size
        self.row = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, self._batch.num_rows, self._size):
            self.row = start
            yield self._batch.slice(start, self._size)


def _message(call: TableCall) -> bytes:
    """One function, as Spark writes it."""
    parts = [struct.pack("!i", len(call.arguments))]
    for place, keyword in enumerate(call.keywords):
        parts.append(struct.pack("!i?", place, keyword is not None))
        if keyword is not None:
            parts.append(sized(keyword.encode()))
    parts.append(struct.pack("!i", len(call.partition_columns)))
    parts += [struct.pack("!i", place) for place in call.partition_columns]
    parts.append(struct.pack("!?", call.analyzed is not None))
    if call.analyzed is not None:
        parts.append(sized(call.analyzed))
    parts += [sized(call.function.command), sized(call.schema.json().encode()), sized(call.function.name.encode())]
    return b"".join(parts)


def _stream(batch: pa.RecordBatch) -> io.BytesIO:
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(batch)
    stream.seek(0)
    return stream


def _combined(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def _renamed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if not schema.names:
        return batch
    return pa.RecordBatch.from_arrays([c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)],
                                      schema=schema)  # fmt: skip


def _table(arrays: list[pa.Array], schema: pa.Schema, rows: int) -> pa.Table:
    if not arrays:
        return pa.Table.from_struct_array(pa.array([{}] * rows, type=pa.struct([])))
    return pa.Table.from_arrays(arrays, schema=schema)


def _with_missing(made: pa.Table, owners: Numbers, rows: int, origin: list[str]) -> tuple[pa.Table, Numbers]:
    """Every row of the input that has no result, once, with NULL; and two columns: the number of the input's row, and
    whether there was a result."""
    missing = np.setdiff1d(np.arange(rows, dtype=np.int64), owners)
    places = np.concatenate([np.arange(len(owners), dtype=np.float64), np.full(len(missing), np.nan)])
    all_owners = np.concatenate([owners, missing])
    order = np.argsort(all_owners, kind="stable")
    indices = pa.array(places[order], from_pandas=True).cast(pa.int64())
    number, found = origin
    made = made.take(indices).append_column(number, pa.array(all_owners[order]))
    return made.append_column(found, indices.is_valid()), all_owners[order]


def _beside(left: pa.Table | None, right: pa.Table) -> pa.Table:
    if left is None:
        return right
    for name, column in zip(right.column_names, right.columns, strict=True):
        left = left.append_column(name, column)
    return left
