"""Arrow types (as pyarrow reads them from a Parquet footer) as Spark's types, and the merging of schemas."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.types as pat

from penstock.core.errors import ANALYSIS, SPARK, SparkError
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    BYTE,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    NULL,
    SHORT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    ArrayType,
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StructField,
    StructType,
)

_SCALARS: tuple[tuple[Callable[[pa.DataType], bool], DataType], ...] = (
    (pat.is_boolean, BOOLEAN),
    (pat.is_int8, BYTE),
    (pat.is_int16, SHORT),
    (pat.is_int32, INTEGER),
    (pat.is_int64, LONG),
    (pat.is_uint8, SHORT),
    (pat.is_uint16, INTEGER),
    (pat.is_uint32, LONG),
    (pat.is_uint64, DecimalType(20, 0)),
    (pat.is_float16, FLOAT),
    (pat.is_float32, FLOAT),
    (pat.is_float64, DOUBLE),
    (pat.is_string, STRING),
    (pat.is_large_string, STRING),
    (pat.is_string_view, STRING),
    (pat.is_binary, BINARY),
    (pat.is_large_binary, BINARY),
    (pat.is_fixed_size_binary, BINARY),
    (pat.is_date32, DATE),
    (pat.is_null, NULL),
)


def spark_type(arrow: pa.DataType, name: str, path: str) -> DataType:
    """What Spark makes of a Parquet column of this type."""
    for matches, data_type in _SCALARS:
        if matches(arrow):
            return data_type
    if pat.is_dictionary(arrow):
        return spark_type(arrow.value_type, name, path)
    if pat.is_timestamp(arrow) and arrow.unit != "ns":
        return TIMESTAMP if arrow.tz else TIMESTAMP_NTZ
    if pat.is_decimal(arrow):
        return DecimalType(arrow.precision, arrow.scale)
    if pat.is_struct(arrow):
        return StructType([StructField(f.name, spark_type(f.type, f.name, path), True) for f in arrow])
    if pat.is_list(arrow) or pat.is_large_list(arrow):
        return ArrayType(spark_type(arrow.value_type, name, path), True)
    if pat.is_map(arrow):
        return MapType(spark_type(arrow.key_type, name, path), spark_type(arrow.item_type, name, path), True)
    message = (
        f"The column {name!r} of {path} has the Parquet type of Arrow's {arrow}, which Spark has no type for. "
        "Write the file anew with another type (timestamps in microseconds), or leave the column out of the schema."
    )
    raise SparkError("PARQUET_TYPE_ILLEGAL", message, {"parquetType": str(arrow)}, sqlstate="42846", classes=ANALYSIS)


def merge_schemas(schemas: Sequence[StructType]) -> StructType:
    """All fields of all schemas, in the order in which they first occur (option mergeSchema)."""
    fields: dict[str, StructField] = {}
    for schema in schemas:
        for f in schema.fields:
            known = fields.get(f.name)
            merged = f.dataType if known is None else _merged(known.dataType, f.dataType, f.name)
            fields[f.name] = StructField(f.name, merged, True, f.metadata)
    return StructType(list(fields.values()))


_RANKS: tuple[tuple[type[DataType], ...], ...] = (
    (ByteType, ShortType, IntegerType, LongType),
    (FloatType, DoubleType),
)


def _merged(left: DataType, right: DataType, name: str) -> DataType:
    if left == right:
        return left
    if isinstance(left, StructType) and isinstance(right, StructType):
        return merge_schemas([left, right])
    if isinstance(left, ArrayType) and isinstance(right, ArrayType):
        return ArrayType(_merged(left.elementType, right.elementType, name), True)
    for ranks in _RANKS:
        if type(left) in ranks and type(right) in ranks:
            return left if ranks.index(type(left)) > ranks.index(type(right)) else right
    shown = left.simpleString(), right.simpleString()
    message = (
        f"The files disagree on the type of {name!r}: {shown[0]} and {shown[1]}. Read them apart, or give a schema."
    )
    raise SparkError(
        "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE",
        message,
        {"left": shown[0], "right": shown[1]},
        sqlstate="42825",
        classes=SPARK,
    )
