"""Python aggregates over frames of rows: one value a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from penstock.core.config import Conf
from penstock.plan.expressions import Attribute
from penstock.pyfn.calls import Call, argument_columns, no_results, result_columns
from penstock.pyfn.groups import Groups, Numbers, group_numbers
from penstock.pyfn.parallel import Function, load
from penstock.pyfn.tasks import Query


class FoldFrames:
    """The columns that are handed on, and one more for each function; rows come in the order of their partitions.

    `bounds` are the columns of the first and the last number in each row's frame, or none for whole partitions."""

    def __init__(
        self,
        kept: tuple[Attribute, ...],
        keys: tuple[Attribute, ...],
        place: Attribute,
        bounds: tuple[Attribute, ...],
        calls: tuple[Call, ...],
        conf: Conf,
    ) -> None:
        self.names = tuple(call.name for call in calls)
        self._kept = [attribute.sql_name for attribute in kept]
        self._keys = [key.sql_name for key in keys]
        self._place = place.sql_name
        self._bounds = [bound.sql_name for bound in bounds]
        self._calls = calls
        self._conf = conf

    @cached_property
    def _loaded(self) -> list[Function]:
        frames = "bounded" if self._bounds else "unbounded"
        return [load(self._shifted(call), self._conf, frames=frames) for call in self._calls]

    def _shifted(self, call: Call) -> Call:
        """Spark's code wants the frame's bounds as the first two arguments."""
        if not self._bounds:
            return call
        bound = replace(call.arguments[0], keyword=None) if call.arguments else None
        assert bound is not None, "an aggregate has arguments"
        return replace(call, arguments=(bound, bound, *call.arguments))

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        (rows,) = tables
        rows = rows.take(pa.array(np.argsort(_numbers(rows, self._place), kind="stable")))
        (numbers,) = group_numbers([rows.select(self._keys)], query)
        rows = rows.take(pa.array(np.argsort(numbers, kind="stable")))
        numbers = np.sort(numbers, kind="stable")
        made = rows.select(self._kept)
        for call, loaded in zip(self._calls, self._loaded, strict=True):
            values = self._values(call, loaded, rows, numbers)
            made = made.append_column(values.schema.field(0), values.column(0)) if made.num_columns else values
        return made

    def _values(self, call: Call, loaded: Function, rows: pa.Table, numbers: Numbers) -> pa.Table:
        if not rows.num_rows:
            return no_results(call)
        columns = argument_columns(call, rows, self._conf)
        if self._bounds:
            columns = _with_bounds(columns, *(_numbers(rows, name) for name in self._bounds))
        batches = loaded.over_groups(([frame],) for frame in Groups(columns, numbers))
        return result_columns(call, pa.Table.from_batches(batches))


def _numbers(rows: pa.Table, name: str) -> Numbers:
    found: Numbers = rows.column(name).cast(pa.int64()).fill_null(0).to_numpy()
    return found


def _with_bounds(columns: pa.Table, first: Numbers, last: Numbers) -> pa.Table:
    """[begin, end) from 0 in front; a frame without rows is [0, 0)."""
    begin = pa.array(np.maximum(first - 1, 0), pa.int32())
    end = pa.array(last, pa.int32())
    return pa.Table.from_arrays([begin, end, *columns.columns], names=["_begin", "_end", *columns.column_names])
