"""Parquet: schemas from footers, columns by name, types as Spark reads them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from penstock.core.errors import SPARK, SparkError, unsupported
from penstock.plan.types import (
    BinaryType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.sources import options as opt
from penstock.sources.duckdb_types import duckdb_type, file_list, identifier
from penstock.sources.files import raw
from penstock.sources.files.arrow_schema import merge_schemas, spark_type
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment

_log = logging.getLogger(__name__)

#: Spark writes the exact schema of a DataFrame under this key of a file's metadata.
SPARK_SCHEMA_KEY = b"org.apache.spark.sql.parquet.row.metadata"

_WIDENINGS: dict[type[DataType], tuple[type[DataType], ...]] = {
    ByteType: (ShortType, IntegerType, LongType, DoubleType, FloatType),
    ShortType: (ByteType, IntegerType, LongType, DoubleType, FloatType),
    IntegerType: (ByteType, ShortType, LongType, DoubleType),
    FloatType: (DoubleType,),
    DateType: (TimestampNTZType,),
    StringType: (BinaryType,),
    BinaryType: (StringType,),
    TimestampNTZType: (TimestampType,),
}


@dataclass(frozen=True)
class Footer:
    """What the end of a Parquet file says."""

    schema: StructType
    rows: int
    int96: frozenset[str]


class ParquetFormat:
    """Options: mergeSchema, ignoreCorruptFiles, ignoreMissingFiles, int96RebaseMode and datetimeRebaseMode (only
    CORRECTED, which is what DuckDB does)."""

    name = "parquet"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        merge = (conf.get("spark.sql.parquet.mergeSchema") or "false").lower() == "true"
        self.merge_schema = opt.boolean(options, "mergeSchema", merge)
        self.case_sensitive = (conf.get("spark.sql.caseSensitive") or "false").lower() == "true"
        self._tolerance = raw.Tolerance.of(options, conf)
        for name in ("int96RebaseMode", "datetimeRebaseMode"):
            mode = opt.one_of(options, name, ("exception", "corrected", "legacy"), "exception")
            if mode == "legacy":
                raise unsupported(f"the option {name}=LEGACY of the parquet data source", "Only CORRECTED is there.")

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        files = self._readable(files)
        sample = files if self.merge_schema else files[:1]
        schemas = [footer(file).schema for file in sample]
        return merge_schemas(schemas) if schemas else None

    def check(self, schema: StructType) -> None:
        for field in schema.fields:
            duckdb_type(field.dataType)

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        groups: dict[tuple[str, ...], list[str]] = {}
        files = self._readable(files)
        if not files:
            nulls = [f"CAST(NULL AS {duckdb_type(f.dataType)}) AS {identifier(name)}" for f, name in columns]
            return Fragment(f"SELECT {', '.join(nulls) or 'NULL AS none'} WHERE false")
        for file in files:
            items = tuple(self._item(file, field, sql_name) for field, sql_name in columns)
            groups.setdefault(items, []).append(file.path)
        selects = (
            f"SELECT {', '.join(items) or 'NULL AS none'} "
            f"FROM read_parquet({file_list(paths)}, hive_partitioning=false)"
            for items, paths in groups.items()
        )
        return Fragment(" UNION ALL ".join(selects))

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return sum(footer(file).rows for file in self._readable(files))

    def _readable(self, files: Sequence[DataFile]) -> Sequence[DataFile]:
        """The files without those that are gone or have no footer, if the user wants to go on without them."""
        if self._tolerance.missing:
            files = [file for file in files if Path(file.path).exists()]
        return [file for file in files if _has_footer(file)] if self._tolerance.corrupt else files

    def _item(self, file: DataFile, field: StructField, sql_name: str) -> str:
        """One column of one file: found by name, NULL if it is not there, converted if its type is another one."""
        found = self._find(footer(file).schema, field.name)
        if found is None:
            return f"CAST(NULL AS {duckdb_type(field.dataType)}) AS {identifier(sql_name)}"
        column = identifier(found.name)
        if found.name in footer(file).int96:
            column = f"make_timestamptz(epoch_us({column}))"
        return f"{_converted(column, found.dataType, field, file.path)} AS {identifier(sql_name)}"

    def _find(self, schema: StructType, name: str) -> StructField | None:
        exact = [f for f in schema.fields if f.name == name]
        if exact or self.case_sensitive:
            return exact[0] if exact else None
        alike = [f for f in schema.fields if f.name.lower() == name.lower()]
        if len(alike) > 1:
            names = ", ".join(f.name for f in alike)
            message = f"The Parquet files have several fields that match {name!r} without regard to case: {names}."
            params = {"requiredFieldName": name, "matchedOrcFields": names}
            raise SparkError("_LEGACY_ERROR_TEMP_2093", message, params, classes=SPARK)
        return alike[0] if alike else None


def _has_footer(file: DataFile) -> bool:
    try:
        footer(file)
    except SparkError as error:
        if error.condition != "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER":
            raise
        _log.warning("A corrupt file is left out: %s", error.message)
        return False
    return True


def footer(file: DataFile) -> Footer:
    """A file's footer, remembered as long as the file does not change."""
    return _footer(file.path, file.size, file.modified_ms)


@lru_cache(maxsize=4096)
def _footer(path: str, size: int, modified_ms: int) -> Footer:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as parquet:
            metadata = parquet.metadata
            arrow = parquet.schema_arrow
            columns = [parquet.schema.column(i) for i in range(len(parquet.schema))]
    except FileNotFoundError:
        raise raw.missing(path) from None
    except (pa.ArrowInvalid, OSError) as error:
        message = f"The file {path} cannot be read as Parquet: {error}. Remove it, or read it with its own format."
        raise SparkError(
            "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER", message, {"path": path}, sqlstate="KD001", classes=SPARK
        ) from None
    int96 = frozenset(column.path for column in columns if column.physical_type == "INT96")
    return Footer(_schema(arrow, metadata.metadata or {}, int96, path), metadata.num_rows, int96)


def _schema(arrow: pa.Schema, metadata: Mapping[bytes, bytes], int96: frozenset[str], path: str) -> StructType:
    """Spark's own schema where the file has one, else what the Parquet types mean to Spark."""
    if (text := metadata.get(SPARK_SCHEMA_KEY)) is not None:
        schema: StructType = StructType.fromJson(json.loads(text))
        if [f.name for f in schema.fields] == arrow.names:
            return schema
    fields = []
    for f in arrow:
        is_int96 = f.name in int96
        fields.append(StructField(f.name, TimestampType() if is_int96 else spark_type(f.type, f.name, path), True))
    return StructType(fields)


def _converted(column: str, found: DataType, field: StructField, path: str) -> str:
    wanted = field.dataType
    if _alike(found, wanted):
        return column
    if isinstance(found, TimestampNTZType) and isinstance(wanted, TimestampType):
        return f"make_timestamptz(epoch_us({column}))"
    if isinstance(found, StringType) and isinstance(wanted, BinaryType):
        return f"encode({column})"
    if isinstance(found, BinaryType) and isinstance(wanted, StringType):
        return f"decode({column})"
    if not _can_widen(found, wanted):
        raise _mismatch(found, field, path)
    return f"CAST({column} AS {duckdb_type(wanted)})"


def _alike(found: DataType, wanted: DataType) -> bool:
    return duckdb_type(found) == duckdb_type(wanted)


def _can_widen(found: DataType, wanted: DataType) -> bool:
    if isinstance(wanted, DecimalType):
        return _fits_decimal(found, wanted)
    if not isinstance(found, type(wanted)) and type(wanted) in _WIDENINGS.get(type(found), ()):
        return True
    return type(found) is type(wanted)  # nested types: DuckDB casts them by name


def _fits_decimal(found: DataType, wanted: DecimalType) -> bool:
    if isinstance(found, DecimalType):
        more_scale = wanted.scale - found.scale
        return bool(more_scale >= 0 and wanted.precision - found.precision >= more_scale)
    digits = {ByteType: 10, ShortType: 10, IntegerType: 10, LongType: 20}.get(type(found))
    return digits is not None and wanted.precision - wanted.scale >= digits


def _mismatch(found: DataType, field: StructField, path: str) -> SparkError:
    message = (
        f"The column {field.name!r} of {path} is {found.simpleString()} in the file, which cannot be read as "
        f"{field.dataType.simpleString()}. Give it the file's type in the schema and cast it afterwards."
    )
    params = {
        "path": path,
        "column": f"[{field.name}]",
        "expectedType": field.dataType.simpleString(),
        "actualType": found.simpleString(),
    }
    condition = "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH"
    return SparkError(condition, message, params, sqlstate="KD001", classes=SPARK)
