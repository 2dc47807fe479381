"""What is done with the rows of a Python step: Arrow tables in the engine's types in, one out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import pyarrow as pa

from penstock.core.config import Conf
from penstock.core.errors import RUNTIME, SparkError
from penstock.engine.types import arrow_schema
from penstock.plan.expressions import Attribute
from penstock.plan.types import StructType
from penstock.pyfn.calls import Argument, Call, argument_columns, no_results, result_columns
from penstock.pyfn.eval_types import (
    GROUPED_MAP_ARROW,
    GROUPED_MAP_ARROW_ITER,
    MAP_ARROW_ITER,
    ROW,
)
from penstock.pyfn.groups import Groups, group_numbers
from penstock.pyfn.parallel import Function, load
from penstock.pyfn.rows import RowFunction
from penstock.pyfn.worker import batch_rows

#: Runs a SELECT in which these tables are visible beside everything that came before.
Query = Callable[[str, Mapping[str, pa.Table]], pa.Table]

_STRUCT = "_0"
_WRAPPED = frozenset({GROUPED_MAP_ARROW, GROUPED_MAP_ARROW_ITER})


class Task(Protocol):
    """The Python side of a step; it may be run again for the next batch of a stream, with the functions loaded."""

    @property
    def names(self) -> tuple[str, ...]:
        """The functions' names, for EXPLAIN."""

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        """The rows that the step leaves behind, given those of its inputs."""


class RowFunctions:
    """Functions of a row: the columns that are handed on, and one more for each function."""

    def __init__(self, kept: tuple[Attribute, ...], calls: tuple[Call, ...], conf: Conf) -> None:
        self.names = tuple(call.name for call in calls)
        self._kept = [attribute.sql_name for attribute in kept]
        self._functions = [
            RowFunction(call, conf) if call.eval_type == ROW else ColumnFunction(call, conf) for call in calls
        ]

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        (rows,) = tables
        made = rows.select(self._kept)
        for function in self._functions:
            (name,) = function.call.results
            made = made.append_column(name.sql_name, function.values(rows).column(0)) if made.num_columns else (
                function.values(rows)
            )  # fmt: skip
        return made


class ColumnFunction:
    """A function that takes columns of many rows: arrow-optimised udf, pandas_udf, arrow_udf, and their iterators."""

    def __init__(self, call: Call, conf: Conf) -> None:
        self.call = call
        self._conf = conf

    @cached_property
    def _loaded(self) -> Function:
        return load(self.call, self._conf, input_type=self.call.input_schema)

    def values(self, rows: pa.Table) -> pa.Table:
        """The one column that the function gives for these rows."""
        if not rows.num_rows:
            return no_results(self.call)
        columns = argument_columns(self.call, rows, self._conf)
        if not self.call.arguments:  # a batch without columns would not know its rows
            columns = rows.select([0])
        columns = columns.rename_columns([f"_{i}" for i in range(columns.num_columns)])
        made = self._loaded.over_batches(columns.to_batches(batch_rows(self._conf)), columns.schema)
        return result_columns(self.call, pa.Table.from_batches(made))


class MapRows:
    """mapInPandas and mapInArrow: all rows as an iterator of batches (also when there are none)."""

    def __init__(self, call: Call, conf: Conf) -> None:
        self.names = (call.name,)
        self._call = call
        self._conf = conf

    @cached_property
    def _loaded(self) -> Function:
        return load(self._call, self._conf, [0])

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        (rows,) = tables
        columns = argument_columns(self._call, rows, self._conf)
        batches = [wrapped(batch) for batch in columns.to_batches(batch_rows(self._conf))]
        schema = wrapped(pa.RecordBatch.from_pylist([], schema=columns.schema)).schema
        return unwrapped(self._call, self._loaded.over_batches(batches, schema))


class MapGroups:
    """applyInPandas and applyInArrow."""

    def __init__(self, keys: tuple[Attribute, ...], call: Call, conf: Conf) -> None:
        self.names = (call.name,)
        self._keys = [key.sql_name for key in keys]
        self._call = keyed(call, keys)
        self._offsets = offsets(len(keys), len(call.arguments))
        self._conf = conf

    @cached_property
    def _loaded(self) -> Function:
        return load(self._call, self._conf, self._offsets)

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        (rows,) = tables
        (numbers,) = group_numbers([rows.select(self._keys)], query)
        groups = Groups(argument_columns(self._call, rows, self._conf), numbers)
        made = self._loaded.over_groups((self._batches(frame),) for frame in groups)
        return unwrapped(self._call, made)

    def _batches(self, frame: pa.RecordBatch) -> list[pa.RecordBatch]:
        parts = list(_parts(frame, batch_rows(self._conf)))
        return [wrapped(part) for part in parts] if self._call.eval_type in _WRAPPED else parts


class CoGroupTask:
    """cogroup(...).applyInPandas and applyInArrow: every key of either side, with an empty frame where one has none."""

    def __init__(
        self, left_keys: tuple[Attribute, ...], right_keys: tuple[Attribute, ...], left: Call, right: Call, conf: Conf
    ) -> None:
        self.names = (left.name,)
        self._keys = [[key.sql_name for key in keys] for keys in (left_keys, right_keys)]
        self._calls = [keyed(left, left_keys), keyed(right, right_keys)]
        self._offsets = [
            *offsets(len(left_keys), len(left.arguments)),
            *offsets(len(right_keys), len(right.arguments)),
        ]
        self._conf = conf

    @cached_property
    def _loaded(self) -> Function:
        return load(self._calls[0], self._conf, self._offsets)

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        selected = [table.select(keys) for table, keys in zip(tables, self._keys, strict=True)]
        numbers = group_numbers(selected, query)
        left, right = (
            Groups(argument_columns(call, table, self._conf), own)
            for call, table, own in zip(self._calls, tables, numbers, strict=True)
        )
        count = max(left.last, right.last) + 1
        return unwrapped(self._calls[0], self._loaded.over_groups(([left[i]], [right[i]]) for i in range(count)))


class FoldGroups:
    """Python aggregates: a row a group, its keys and what each function gives.  Without rows there is no row."""

    def __init__(self, keys: tuple[Attribute, ...], calls: tuple[Call, ...], conf: Conf) -> None:
        self.names = tuple(call.name for call in calls)
        self._keys = [key.sql_name for key in keys]
        self._calls = calls
        self._conf = conf

    @cached_property
    def _loaded(self) -> list[Function]:
        return [load(call, self._conf) for call in self._calls]

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        (rows,) = tables
        (numbers,) = group_numbers([rows.select(self._keys)], query)
        made = rows.select(self._keys).take(Groups(rows, numbers).first_rows) if self._keys else None
        for call, loaded in zip(self._calls, self._loaded, strict=True):
            values = self._values(call, loaded, Groups(argument_columns(call, rows, self._conf), numbers))
            made = values if made is None else made.append_column(values.schema.field(0), values.column(0))
        assert made is not None, "there are keys or functions"
        return made

    def _values(self, call: Call, loaded: Function, groups: Groups) -> pa.Table:
        batches = loaded.over_groups((list(_parts(frame, batch_rows(self._conf))),) for frame in groups)
        return result_columns(call, pa.Table.from_batches(batches)) if batches else no_results(call)


# ---------------------------------------------------------------- frames


def _parts(frame: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """A frame in batches of so many rows; at least one."""
    for start in range(0, max(frame.num_rows, 1), rows):
        yield frame.slice(start, rows)


def wrapped(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch as one struct column, as Spark hands over whole rows."""
    return pa.RecordBatch.from_arrays([batch.to_struct_array()], [_STRUCT])


def unwrapped(call: Call, batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """The rows of batches of one struct column, by position; their types must be the declared ones."""
    if not batches:
        return no_results(call)
    frames = [pa.Table.from_struct_array(batch.column(0)) for batch in batches]
    expected = arrow_schema(StructType([attribute.to_field() for attribute in call.results]))
    frames = [_checked(call, frame, expected) for frame in frames]
    return result_columns(call, pa.concat_tables(frames))


def _checked(call: Call, frame: pa.Table, expected: pa.Schema) -> pa.Table:
    if call.eval_type == MAP_ARROW_ITER and _types(frame.schema) != _types(expected):
        raise _type_mismatch(frame.schema, expected)
    if not frame.num_columns:
        return expected.empty_table()
    return pa.Table.from_arrays(frame.columns, schema=_renamed(frame.schema, expected))


def _renamed(schema: pa.Schema, expected: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(e.name, own.type) for own, e in zip(schema, expected, strict=True)])


def _types(schema: pa.Schema) -> list[str]:
    from pyspark.sql.pandas.types import from_arrow_type

    return [from_arrow_type(field.type).simpleString() for field in schema]


def _type_mismatch(found: pa.Schema, expected: pa.Schema) -> SparkError:
    wanted, actual = ", ".join(_types(expected)), ", ".join(_types(found))
    message = f"The function given to mapInArrow has to yield columns of the types {wanted}, not {actual}."
    params = {"operation": "mapInArrow()", "outputTypes": wanted, "actualDataTypes": actual}
    return SparkError("ARROW_TYPE_MISMATCH", message, params, sqlstate="42K0G", classes=RUNTIME)


def keyed(call: Call, keys: tuple[Attribute, ...]) -> Call:
    """The call with the keys' columns behind its arguments."""
    extra = tuple(Argument(key.sql_name, key.name, key.type, key.nullable) for key in keys)
    return replace(call, arguments=(*call.arguments, *extra))


def offsets(keys: int, values: int) -> list[int]:
    """Where a group's keys and values are, in Spark's notation: lengths first, then the columns of `keyed`."""
    return [1 + keys + values, keys, *range(values, values + keys), *range(values)]
