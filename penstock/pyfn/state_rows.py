"""What functions with keyed state take and give: a group's rows as pandas frames or as Row, and their results as Arrow.

Whole batches are converted at a time where that cannot be told from Spark's conversion of each group's rows.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
from pyspark.sql.types import Row

from penstock.core.config import Conf
from penstock.engine.engine import engine_zone
from penstock.engine.types import arrow_schema
from penstock.plan.types import ArrayType, MapType, StructType
from penstock.pyfn.calls import Call, no_results, result_columns
from penstock.pyfn.worker import runner_settings

_CONCATENATE_AT_A_TIME = 4096


class PandasForm:
    """The settings of a session that say how Arrow and pandas are converted into each other."""

    def __init__(self, conf: Conf) -> None:
        self.runner = runner_settings(conf)
        self.zone = engine_zone(conf.time_zone)

    def series(self, batch: pa.RecordBatch) -> list[Any]:
        """The columns as pandas series."""
        from pyspark.sql.conversion import ArrowBatchTransformer

        found: list[Any] = ArrowBatchTransformer.to_pandas(
            batch,
            timezone=self.zone,
            schema=None,
            struct_in_pandas="dict",
            ndarray_as_list=False,
            prefer_int_ext_dtype=self.runner.prefer_int_ext_dtype,
            df_for_struct=False,
        )
        return found

    def frame(self, batch: pa.RecordBatch) -> Any:
        """The rows as one frame."""
        import pandas as pd

        return pd.concat(self.series(batch), axis=1)

    def arrow(self, frame: Any, schema: StructType) -> pa.RecordBatch:
        """A frame that a function gave as columns of the declared types."""
        from pyspark.errors import PySparkValueError
        from pyspark.sql.conversion import PandasToArrowConversion
        from pyspark.sql.types import StructField

        if not hasattr(frame, "columns"):
            raise PySparkValueError(
                "Invalid return type. Please make sure that the UDF returns a pandas.DataFrame when the specified "
                "return type is StructType."
            )
        made = PandasToArrowConversion.convert(
            [frame],
            StructType([StructField("_0", schema)]),
            timezone=self.zone,
            safecheck=self.runner.safecheck,
            arrow_cast=True,
            assign_cols_by_name=self.runner.assign_cols_by_name,
            int_to_decimal_coercion_enabled=self.runner.int_to_decimal_coercion_enabled,
        )
        return pa.RecordBatch.from_struct_array(made.column(0))

    @property
    def rows_at_a_time(self) -> int:
        """How many rows a frame has at most."""
        rows = int(self.runner.arrow_max_records_per_batch)
        return rows if rows > 0 else (1 << 31) - 1


class GroupedFrames:
    """The rows of groups as frames for applyInPandasWithState: each group's rows are converted by themselves where a
    NULL elsewhere could change the type of a column."""

    def __init__(self, rows: pa.RecordBatch, form: PandasForm) -> None:
        self._rows, self._form = rows, form

    @cached_property
    def _whole(self) -> Any:
        return self._form.frame(self._rows)

    @cached_property
    def _separately(self) -> bool:
        return any(column.null_count and not _keeps_type(column.type) for column in self._rows.columns)

    def parts(self, start: int, end: int) -> Iterator[Any]:
        """The frames of the rows start to end."""
        for first in range(start, end, self._form.rows_at_a_time):
            last = min(end, first + self._form.rows_at_a_time)
            if self._separately:
                yield self._form.frame(self._rows.slice(first, last - first))
            else:
                yield sliced(self._whole, first, last)

    def values(self, position: int) -> tuple[Any, ...]:
        """The values of one row, as pandas gives them for a column's element."""
        if self._separately:
            return tuple(series[0] for series in self._form.series(self._rows.slice(position, 1)))
        return tuple(column[position] for column in self._columns)

    @cached_property
    def _columns(self) -> list[Any]:
        return [series._values for series in self._form.series(self._rows)]


class RowLikeFrames:
    """The rows of groups as frames for transformWithStateInPandas: Spark makes them of a batch's rows as tuples, so
    that numbers are of 64 bits and odd names are replaced.  `columns`: the positions of those that frames have."""

    def __init__(self, rows: pa.RecordBatch, form: PandasForm, columns: list[int]) -> None:
        self._rows, self._form, self._columns = rows, form, columns

    @cached_property
    def _whole(self) -> Any:
        return self._form.frame(self._rows)

    @cached_property
    def _tuples(self) -> list[Any] | None:
        """The rows as tuples, if frames of some rows could differ in type from the frame of all."""
        extended = ("Int8", "Int16", "Int32", "Int64", "boolean")
        has_flags = any(pa.types.is_boolean(c.type) and c.null_count for c in self._rows.columns)
        if has_flags or any(str(kind) in extended for kind in self._whole.dtypes):
            return list(self._whole.itertuples(index=False))
        return None

    @cached_property
    def _wide(self) -> Any:
        whole = self._whole
        wide = {"int8": "int64", "int16": "int64", "int32": "int64", "float32": "float64"}
        kinds = [wide.get(str(kind)) for kind in whole.dtypes]
        make: Any = namedtuple
        names = make("Names", list(whole.columns), rename=True)
        frame = whole.set_axis(range(len(kinds)), axis=1)
        frame = frame.astype({i: kind for i, kind in enumerate(kinds) if kind is not None})
        return frame.set_axis(list(names._fields), axis=1).iloc[:, self._columns]

    def keys(self, width: int) -> list[tuple[Any, ...]]:
        """The first `width` columns of each row, as the user gets keys."""
        columns = [self._whole.iloc[:, i] for i in range(width)]
        return list(zip(*columns, strict=True)) if columns else [()] * self._rows.num_rows

    def parts(self, start: int, end: int) -> Iterator[Any]:
        """The frames of the rows start to end."""
        import pandas as pd

        for first in range(start, end, self._form.rows_at_a_time):
            last = min(end, first + self._form.rows_at_a_time)
            if self._tuples is not None:
                yield pd.DataFrame(self._tuples[first:last]).iloc[:, self._columns]
            else:
                yield sliced(self._wide, first, last)


def sliced(frame: Any, start: int, end: int) -> Any:
    """Some rows of a frame as a frame of its own, counted from 0, over the same memory: each row is handed out once.

    By way of pandas' block manager a frame takes a tenth of the time that `iloc` takes, which matters where every key
    has one."""
    import pandas as pd

    try:
        manager = frame._mgr.get_slice(slice(start, end), axis=1)
        manager.axes[1] = pd.RangeIndex(end - start)
        return pd.DataFrame._from_mgr(manager, manager.axes)
    except AttributeError:  # another pandas
        return frame.iloc[start:end].reset_index(drop=True)


def form(frame: Any) -> tuple[Any, ...] | None:
    """The names and types of a frame's columns; None of what is no frame."""
    if not hasattr(frame, "columns"):
        return None
    try:
        return (*frame.columns._values, *frame._mgr.get_dtypes())
    except AttributeError:  # another pandas
        return (*frame.columns, *frame.dtypes)


def _keeps_type(kind: pa.DataType) -> bool:
    """Whether pandas holds a column of this type in the same way with and without NULL."""
    return not (pa.types.is_integer(kind) or pa.types.is_boolean(kind))


class RowLists:
    """The rows of groups as Row."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self._rows = rows
        self._names = Row(*rows.schema.names)

    @cached_property
    def _values(self) -> list[tuple[Any, ...]]:
        columns = [column.to_pylist() for column in self._rows.columns]
        return list(zip(*columns, strict=True)) if columns else [()] * self._rows.num_rows

    def rows(self, start: int, end: int) -> Iterator[Row]:
        """The rows start to end."""
        make = tuple.__new__  # Row's own construction takes three times as long
        for values in self._values[start:end]:
            row = make(Row, values)
            row.__dict__["__fields__"] = self._names
            yield row


# ---------------------------------------------------------------- results


class FrameResults:
    """Frames that a function gave, as columns."""

    def __init__(self, call: Call, form: PandasForm, schema: StructType) -> None:
        self._call, self._form, self._schema = call, form, schema
        self._frames: list[Any] = []

    def add(self, frame: Any) -> None:
        """Take a frame."""
        self._frames.append(frame)

    def table(self) -> pa.Table:
        """All frames in the engine's types, under the columns' SQL names."""
        if not self._frames:
            return no_results(self._call)
        batches = [self._form.arrow(frame, self._schema) for frame in joined(self._frames)]
        expected = arrow_schema(self._schema)
        tables = [pa.Table.from_arrays(batch.columns, names=expected.names) for batch in batches]
        return result_columns(self._call, pa.concat_tables(tables, promote_options="permissive"))


def joined(frames: Sequence[Any]) -> Iterator[Any]:
    """The frames, those together that have equal names and types: what Arrow makes of them is the same."""
    pending: list[Any] = []
    known: Any = None
    for frame in frames:
        own = form(frame)
        if pending and (own is None or own != known or len(pending) >= _CONCATENATE_AT_A_TIME):
            yield _together(pending)
            pending = []
        known = own
        pending.append(frame)
    if pending:
        yield _together(pending)


def _together(frames: list[Any]) -> Any:
    """Frames of equal names and types as one; columns of numpy are joined by numpy, at a fifth of the time."""
    import numpy as np
    import pandas as pd

    first = frames[0]
    if len(frames) == 1:
        return first
    try:
        if not all(isinstance(kind, np.dtype) and kind.kind in "biufO" for kind in first._mgr.get_dtypes()):
            return pd.concat(frames, ignore_index=True)
        places = range(len(first.columns))
        columns = {i: np.concatenate([frame._mgr.iget_values(i) for frame in frames]) for i in places}
    except AttributeError:  # another pandas
        return pd.concat(frames, ignore_index=True)
    return pd.DataFrame(columns, copy=False).set_axis(first.columns, axis=1) if columns else pd.concat(frames)


class RowResults:
    """Rows that a function gave, as columns by name."""

    def __init__(self, call: Call, schema: StructType) -> None:
        self._call = call
        self._arrow = arrow_schema(schema)
        self._names = list(self._arrow.names)
        self._flat = not any(isinstance(f.dataType, (StructType, ArrayType, MapType)) for f in schema)
        self._rows: list[Any] = []

    def add(self, row: Any) -> None:
        """Take a row."""
        self._rows.append(row)

    def table(self) -> pa.Table:
        """All rows in the engine's types, under the columns' SQL names."""
        if not self._rows:
            return no_results(self._call)
        names = self._names
        if self._flat and all(type(row) is Row and getattr(row, "__fields__", None) == names for row in self._rows):
            columns = [
                pa.array(items, f.type) for items, f in zip(zip(*self._rows, strict=True), self._arrow, strict=True)
            ]
            made = pa.Table.from_arrays(columns, schema=self._arrow)
        else:
            made = pa.Table.from_pylist([row.asDict(True) for row in self._rows], schema=self._arrow)
        return result_columns(self._call, made)


Results = FrameResults | RowResults
