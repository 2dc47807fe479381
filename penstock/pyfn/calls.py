"""A Python function with the columns that are its arguments, and those columns in the Arrow types that Spark hands to
Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from penstock.core.config import Conf
from penstock.core.errors import unsupported
from penstock.engine.engine import engine_zone
from penstock.engine.types import arrow_schema, from_spark_arrow, to_spark_arrow
from penstock.plan.expressions import Attribute
from penstock.plan.types import (
    ArrayType,
    CalendarIntervalType,
    DataType,
    MapType,
    StructField,
    StructType,
    YearMonthIntervalType,
)

_WITHOUT_ARROW = (CalendarIntervalType, YearMonthIntervalType)


_PROFILER = "spark.sql.pyspark.udf.profiler"


def refuse_profiler(conf: Conf) -> None:
    """Functions are not profiled: a session that asks for it is told so."""
    if chosen := (conf.get(_PROFILER) or "").strip():
        raise unsupported(f"the profiler of Python functions ({_PROFILER}={chosen})", "Unset it, and use cProfile.")


@dataclass(frozen=True)
class Argument:
    """`column` is the argument's name in the step's input, `name` what the user calls it; `keyword` is set for
    `f(keyword=value)`."""

    column: str
    name: str
    type: DataType
    nullable: bool
    keyword: str | None = None


@dataclass(frozen=True)
class Call:
    """One function.  `results` are the columns that it makes."""

    name: str
    command: bytes
    eval_type: int
    arguments: tuple[Argument, ...]
    result_type: DataType
    results: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        for argument in self.arguments:
            if _contains(argument.type, _WITHOUT_ARROW):
                raise unsupported(f"the type {argument.type.simpleString()} in an argument of a Python function")
        if _contains(self.result_type, _WITHOUT_ARROW):
            raise unsupported(f"the type {self.result_type.simpleString()} as result of a Python function")

    @property
    def input_schema(self) -> StructType:
        """The arguments as a row."""
        return StructType([StructField(a.name, a.type, a.nullable) for a in self.arguments])


def argument_columns(call: Call, rows: pa.Table, conf: Conf) -> pa.Table:
    """The arguments' columns under the user's names (which may repeat); timestamps are in the session's zone."""
    return arguments_as_arrow(call.arguments, rows, conf)


def arguments_as_arrow(arguments: Sequence[Argument], rows: pa.Table, conf: Conf) -> pa.Table:
    """These columns under the users' names, in the types that Python gets."""
    selected = rows.select([argument.column for argument in arguments])
    schema = StructType([StructField(a.name, a.type, a.nullable) for a in arguments])
    return to_spark_arrow(selected, schema, engine_zone(conf.time_zone))


def result_columns(call: Call, made: pa.Table) -> pa.Table:
    """What the function made, in the engine's types, under the columns' SQL names."""
    schema = StructType([attribute.to_field() for attribute in call.results])
    return from_spark_arrow(made, schema, [attribute.sql_name for attribute in call.results])


def no_results(call: Call) -> pa.Table:
    """The columns without rows."""
    schema = StructType([attribute.to_field() for attribute in call.results])
    return result_columns(call, arrow_schema(schema).empty_table())


def _contains(data_type: DataType, kinds: tuple[type[DataType], ...]) -> bool:
    if isinstance(data_type, ArrayType):
        return _contains(data_type.elementType, kinds)
    if isinstance(data_type, MapType):
        return _contains(data_type.keyType, kinds) or _contains(data_type.valueType, kinds)
    if isinstance(data_type, StructType):
        return any(_contains(field.dataType, kinds) for field in data_type)
    return isinstance(data_type, kinds)
