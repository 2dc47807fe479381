"""Values of state variables between Python and Arrow, with Spark's conversions: what is of another type than declared
becomes NULL, a value comes back as the schema says (timestamps as naive datetimes, structs as Row).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from penstock.engine.types import engine_type, to_spark_arrow
from penstock.plan.types import (
    BooleanType,
    ByteType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
)
from penstock.pyfn.coercion import to_array
from penstock.state.grouped import one_batch

State = tuple[Any, ...]

_NAN = object()

#: Types whose values pass as they are if they are of this Python type (and within the width in bits).
_PLAIN: dict[type[DataType], tuple[type, int]] = {
    BooleanType: (bool, 0),
    ByteType: (int, 8),
    ShortType: (int, 16),
    IntegerType: (int, 32),
    LongType: (int, 64),
    DoubleType: (float, 0),
    StringType: (str, 0),
}


class Codec:
    """The values of one schema; as columns they are called `<prefix><field>`."""

    def __init__(self, schema: StructType, prefix: str) -> None:
        self.schema = schema
        self.arrow = pa.schema([(f"{prefix}{f.name}", engine_type(f.dataType)) for f in schema])
        self._width = len(schema)
        self._plain = [_PLAIN.get(type(f.dataType)) for f in schema]
        self._checks: list[tuple[type | None, int]] = [
            (plain[0], 1 << (plain[1] - 1) if plain[1] else 0) if plain else (None, 0) for plain in self._plain
        ]
        self._from_arrow = [_reader(f.dataType) for f in schema]

    def clean(self, given: object) -> State:
        """A value as it will be read: a tuple; raises what Spark raises for one of another length."""
        value: Any = given
        if type(value) is tuple and len(value) == self._width:
            for item, (kind, limit) in zip(value, self._checks, strict=True):
                if item is None:
                    continue
                if type(item) is not kind:
                    break
                if limit and not -limit <= item < limit:  # type: ignore[operator]
                    break
            else:
                return value
        return self.tuples(self.batch([self._internal(value)], internal=True))[0]

    def batch(self, values: Sequence[State], *, internal: bool = False) -> pa.RecordBatch:
        """Clean values as columns."""
        columns = list(zip(*values, strict=True)) if values else [()] * self._width
        arrays = [
            to_array(list(items) if internal or plain else _internals(items, f.dataType), f.dataType, kind.type)
            for items, plain, f, kind in zip(columns, self._plain, self.schema, self.arrow, strict=True)
        ]
        return one_batch(arrays, self.arrow, len(values))

    def tuples(self, rows: pa.RecordBatch) -> list[State]:
        """Columns as values; the inverse of `batch`."""
        if not self._width:
            return [()] * rows.num_rows
        table = to_spark_arrow(pa.Table.from_batches([rows]), self.schema)
        columns = []
        for column, read in zip(table.columns, self._from_arrow, strict=True):
            items = column.to_pylist()
            columns.append(items if read is None else [None if item is None else read(item) for item in items])
        return list(zip(*columns, strict=True))

    def _internal(self, value: Any) -> State:
        """As the client writes it: numpy's and pandas' values made Python's, then Spark's inner form."""
        made = self.schema.toInternal(tuple(_normal(item) for item in value))
        if len(made) != self._width:
            message = (
                f"[STRUCT_ARRAY_LENGTH_MISMATCH] The state has {self._width} fields, but {len(made)} values came. "
                "SQLSTATE: 2201E"
            )
            raise ValueError(message)
        return tuple(made)


def _internals(items: Sequence[Any], data_type: DataType) -> list[Any]:
    if not data_type.needConversion():
        return list(items)
    return [None if item is None else data_type.toInternal(item) for item in items]


def _reader(data_type: DataType) -> Callable[[Any], Any] | None:
    """From what Arrow gives for a value to what Spark hands to Python; None if they are the same."""
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    found: Callable[[Any], Any] | None = ArrowTableToRowsConversion._create_converter(data_type, none_on_identity=True)
    return found


def _normal(value: Any) -> Any:
    """numpy's scalars and pandas' times as Python's, at every depth."""
    import numpy as np
    from pyspark.sql import Row

    if isinstance(value, np.generic):
        return value.tolist()
    if isinstance(value, Row) or (isinstance(value, tuple) and hasattr(value, "_fields")):
        return type(value)(*[_normal(item) for item in value])
    if isinstance(value, (list, tuple)):
        return type(value)(_normal(item) for item in value)
    if isinstance(value, dict):
        return {_normal(key): _normal(item) for key, item in value.items()}
    for method in ("to_pytimedelta", "to_pydatetime"):
        if hasattr(value, method):
            return getattr(value, method)()
    return value


def frozen(value: Any) -> Any:
    """A hashable form of a value: equal values have equal forms, and NaN is equal to itself."""
    if isinstance(value, (tuple, list)):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return frozenset((frozen(k), frozen(v)) for k, v in value.items())
    if isinstance(value, float) and value != value:
        return _NAN
    return bytes(value) if isinstance(value, bytearray) else value
