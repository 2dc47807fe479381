"""The values that a column has, found by running the plan: what makes the columns of a pivot and of a crosstab."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from penstock.analysis.build import Build, named
from penstock.analysis.context import AnalysisContext
from penstock.core.errors import analysis_error, unsupported
from penstock.plan.expressions import Alias, Expression, Literal, SortOrder
from penstock.plan.nodes import Aggregate, Limit, Node, Project, Sort
from penstock.plan.types import (
    STRING,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)

_AS_THEY_ARE = (
    BinaryType, BooleanType, ByteType, CharType, DecimalType, DoubleType, FloatType, IntegerType, LongType, ShortType,
    StringType, VarcharType,
)  # fmt: skip


def distinct_values(column: Expression, child: Node, context: AnalysisContext) -> list[Alias]:
    """Literals in ascending order, NULL first, each named as CAST(value AS STRING) shows it (`null` for NULL)."""
    value = named(column, "value")
    limit = int(context.conf.get("spark.sql.pivotMaxValues", "10000") or 10000)
    groups = Aggregate((column,), (value,), child)
    a = value.to_attribute()
    ordered = Limit(limit + 1, Sort((SortOrder(a),), groups))
    text = named(Build(context).cast(a, STRING), "text")
    found = context.collected(Project((a, text), ordered))
    if found.num_rows > limit:
        message = f"The pivot column has more than {limit} values (spark.sql.pivotMaxValues)."
        raise analysis_error("_LEGACY_ERROR_TEMP_1324", message, "XXKD0", pivotColumn=a.name, maxValues=limit)
    names = ["null" if name is None else name for name in found.column(1).to_pylist()]
    return [
        named(Literal(v, a.type), name) for v, name in zip(_python_values(found.column(0), a.type), names, strict=True)
    ]


def _python_values(column: pa.ChunkedArray, data_type: DataType) -> list[Any]:
    """In the form in which literals hold them."""
    if isinstance(data_type, DateType):
        return column.cast(pa.int32()).to_pylist()  # type: ignore[no-any-return]
    if isinstance(data_type, (TimestampType, TimestampNTZType)):
        return column.cast(pa.int64()).to_pylist()  # type: ignore[no-any-return]
    if not isinstance(data_type, _AS_THEY_ARE):
        raise unsupported(f"a pivot over values of the type {data_type.simpleString()}", "List the values.")
    return column.to_pylist()  # type: ignore[no-any-return]
