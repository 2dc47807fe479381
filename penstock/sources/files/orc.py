"""ORC: schemas from footers, columns by name, types as Spark reads them.

A TIMESTAMP in ORC is a time on the clock of its writer; it is read as that time in the session's zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from penstock.core.errors import SPARK, SparkError
from penstock.plan.types import (
    DataType,
    DayTimeIntervalType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    YearMonthIntervalType,
)
from penstock.sources import options as opt
from penstock.sources.duckdb_types import duckdb_type
from penstock.sources.files import by_path, raw
from penstock.sources.files.arrow_schema import merge_schemas, spark_type
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment
from penstock.sources.records import arrow

#: What Spark writes beside an ORC type that stands for another one of Spark's.
TYPE_KEY = "spark.sql.catalyst.type"


class OrcFormat:
    """Options: mergeSchema, ignoreCorruptFiles, ignoreMissingFiles."""

    name = "orc"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        merge = (conf.get("spark.sql.orc.mergeSchema") or "false").lower() == "true"
        self._merge = opt.boolean(options, "mergeSchema", merge)
        self._case_sensitive = (conf.get("spark.sql.caseSensitive") or "false").lower() == "true"
        self._tolerance = raw.Tolerance.of(options, conf)
        self._skip_corrupt = self._tolerance.corrupt

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        schemas = []
        for file in files:
            if file.size and (opened := self._open(file.path)) is not None:
                schemas.append(_schema(opened.schema, file.path))
                if not self._merge:
                    break
        return merge_schemas(schemas) if schemas else None

    def check(self, schema: StructType) -> None:
        for field in schema.fields:
            duckdb_type(field.dataType)

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        settings = {
            "zone": time_zone,
            "case": str(self._case_sensitive),
            "skip": str(self._skip_corrupt),
            "all": schema.json(),
            **self._tolerance.as_settings(),
        }
        return by_path.fragment(
            "orc", files, columns, settings, lambda wanted: lambda path: self._read(path, columns, schema, time_zone)
        )

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        opened = [self._open(file.path) for file in files if file.size]
        return sum(int(one.nrows) for one in opened if one is not None)

    def _open(self, path: str) -> Any:
        from pyarrow import orc

        try:
            return orc.ORCFile(path)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError) as error:
            if self._skip_corrupt:
                return None
            message = f"The file {path} cannot be read as ORC: {error}. Remove it, or read it with its own format."
            condition = "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER"
            raise SparkError(condition, message, {"path": path}, sqlstate="KD001", classes=SPARK) from None

    def _read(self, path: str, columns: Columns, schema: StructType, zone: str) -> tuple[Sequence[Any], int]:
        opened = self._open(path)
        if opened is None:
            return [pa.nulls(0, arrow.arrow_type(f.dataType)) for f, _ in columns], 0
        found = [self._find(opened.schema, schema, field) for field, _ in columns]
        names = [name for name in found if name is not None]
        table = opened.read(columns=names) if names else None
        arrays = [
            pa.nulls(opened.nrows, arrow.arrow_type(f.dataType)) if name is None or table is None
            else _converted(table.column(name), f, zone, path)
            for name, (f, _) in zip(found, columns, strict=True)
        ]  # fmt: skip
        return arrays, opened.nrows

    def _find(self, file: pa.Schema, schema: StructType, field: StructField) -> str | None:
        """The file's column of that name; by position in files that Hive wrote without names."""
        if file.names and all(name.startswith("_col") for name in file.names):
            at = schema.names.index(field.name)
            return file.names[at] if at < len(file.names) else None
        if field.name in file.names or self._case_sensitive:
            return field.name if field.name in file.names else None
        alike = [name for name in file.names if name.lower() == field.name.lower()]
        if len(alike) > 1:
            names = ", ".join(alike)
            message = f"The ORC files have several fields that match {field.name!r} without regard to case: {names}."
            params = {"requiredFieldName": field.name, "matchedOrcFields": names}
            raise SparkError("_LEGACY_ERROR_TEMP_2093", message, params, classes=SPARK)
        return alike[0] if alike else None


def _schema(file: pa.Schema, path: str) -> StructType:
    return StructType([StructField(f.name, _type(f, path), True) for f in file])


def _type(field: pa.Field, path: str) -> DataType:
    noted = (field.metadata or {}).get(TYPE_KEY.encode())
    if noted is not None:
        from penstock.plan.types import StructType as Struct

        return Struct.fromDDL(f"x {noted.decode()}").fields[0].dataType
    if pa.types.is_timestamp(field.type):
        return TimestampType()
    if pa.types.is_struct(field.type):
        return StructType([StructField(f.name, _type(f, path), True) for f in field.type])
    return spark_type(field.type, field.name, path)


def _converted(column: pa.ChunkedArray, field: StructField, zone: str, path: str) -> pa.Array:
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    try:
        return converted(array, field.dataType, zone)
    except (pa.ArrowException, ValueError) as error:
        message = (
            f"The column {field.name!r} of {path} is {array.type} in the file, which cannot be read as "
            f"{field.dataType.simpleString()} ({error}). Give it the file's type in the schema and cast it afterwards."
        )
        raise ValueError(message) from None


def converted(array: pa.Array, t: DataType, zone: str) -> pa.Array:
    """An ORC column as Arrow's for a type of Spark; local times become instants of `zone` for TIMESTAMP."""
    import pyarrow.compute as pc

    if isinstance(t, (DayTimeIntervalType, YearMonthIntervalType)):
        return array.cast(pa.int64() if isinstance(t, DayTimeIntervalType) else pa.int32())
    if isinstance(t, TimestampNTZType) and array.type.tz is not None:
        return array.cast(pa.timestamp("us", tz=array.type.tz)).cast(pa.timestamp("us"))
    if isinstance(t, TimestampType) and array.type.tz is None:
        micros = array.cast(pa.timestamp("us"), safe=False)
        return pc.assume_timezone(micros, zone, ambiguous="earliest", nonexistent="earliest").cast(arrow.arrow_type(t))
    wanted = arrow.arrow_type(t)
    if isinstance(t, StructType):
        names = {array.type.field(i).name.lower(): i for i in range(array.type.num_fields)}
        children = [
            converted(array.field(names[f.name.lower()]), f.dataType, zone) if f.name.lower() in names
            else pa.nulls(len(array), arrow.arrow_type(f.dataType)) for f in t.fields
        ]  # fmt: skip
        fields = [pa.field(f.name, arrow.arrow_type(f.dataType)) for f in t.fields]
        return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null())
    return array if array.type == wanted else array.cast(wanted, safe=not pa.types.is_timestamp(wanted))
