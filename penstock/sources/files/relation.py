"""A file data source with its options checked: what batch queries scan, and what file streams scan batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, analysis_error
from penstock.core.files import local_path
from penstock.plan.types import ArrayType, DataType, MapType, StructField, StructType
from penstock.sources.base import Provider, Relation, Scan, StreamContext, StreamSource
from penstock.sources.duckdb_types import duckdb_type, identifier
from penstock.sources.files.file_columns import FILE_COLUMNS
from penstock.sources.files.listing import (
    DataFile,
    ListingOptions,
    expand,
    has_partitions,
    has_sink_log,
    list_files,
    path_not_found,
)
from penstock.sources.files.partitions import partition_schema, partition_sql

#: Names of (field, SQL name) pairs, as a reader asks for them.
Columns = Sequence[tuple[StructField, str]]


@dataclass(frozen=True)
class Fragment:
    """SQL over some files that yields the columns asked for; `fallback_sql` as in Scan."""

    sql: str
    fallback_sql: str | None = None


class FileFormat(Protocol):
    """One format: what differs between Parquet, JSON, CSV and text.  Built with its options, which it has checked."""

    name: str

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        """The schema of the data in these files, None if they do not tell."""

    def check(self, schema: StructType) -> None:
        """Raise Spark's error for a schema that the format cannot hold."""

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        """SQL for some columns (perhaps none, then one of any name) of some files (at least one); `schema` is all the
        data columns that the user knows of."""

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        """Rows in these files where that is cheap to know."""


class FormatFactory(Protocol):
    """Builds a format from options (keys in lower case)."""

    def __call__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> FileFormat: ...


@dataclass(frozen=True)
class FileRelation:
    """Files in one format.  `schema` holds the data columns, then the partition columns; `listed` are the files as they
    were when the schema was resolved (batch reads list them once more when they run).  is_table: a table's files, which
    a running stream lists anew for each batch.  lacking: columns that files of these names do not have (in lower case),
    with the texts of the values that stand for them."""

    format: FileFormat
    paths: tuple[str, ...]
    listing: ListingOptions
    schema: StructType
    options: Mapping[str, str]
    conf: Mapping[str, str]
    is_table: bool = False
    lacking: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        files = sorted(
            list_files(self.paths, self.listing), key=lambda file: -file.size
        )  # Spark's order: large ones first
        return self.scan_files(files, columns, time_zone)

    def input_files(self) -> list[str]:
        """The files as URIs, as they are now."""
        return [f"file://{quote(str(file.path))}" for file in list_files(self.paths, self.listing)]

    def open_stream(self, context: StreamContext) -> StreamSource:
        from penstock.sources.file_stream import FileStreamSource

        return FileStreamSource(self, context)

    def scan_files(self, files: Sequence[DataFile], columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        """The rows of exactly these files."""
        fields = {f.name: f for f in self.schema.fields}
        about = [(name, sql_name) for name, sql_name in columns if name in FILE_COLUMNS and name not in fields]
        if about:
            return self._scan_each(files, columns, about, time_zone)
        wanted = [(fields[name], sql_name) for name, sql_name in columns]
        if not files:
            return Scan(sql=_no_rows(wanted))
        fragments = [self._group(group, wanted, time_zone) for group in self._alike(files)]
        sql = " UNION ALL ".join(fragment.sql for fragment in fragments)
        if all(fragment.fallback_sql is None for fragment in fragments):
            return Scan(sql=sql)
        return Scan(sql=sql, fallback_sql=" UNION ALL ".join(f.fallback_sql or f.sql for f in fragments))

    def _scan_each(
        self, files: Sequence[DataFile], columns: Sequence[tuple[str, str]], about: list[tuple[str, str]],
        time_zone: str,
    ) -> Scan:  # fmt: skip
        """One file after the other, with what is asked about each."""
        rest = [column for column in columns if column not in about]
        texts, slower = [], []
        for file in files:
            scan = self.scan_files([file], rest, time_zone)
            facts = ", ".join(f"{FILE_COLUMNS[name](file)} AS {identifier(sql_name)}" for name, sql_name in about)
            texts.append(f"SELECT *, {facts} FROM ({scan.sql})")
            slower.append(f"SELECT *, {facts} FROM ({scan.fallback_sql or scan.sql})")
        if not files:
            types = ", ".join(f"CAST(NULL AS VARCHAR) AS {identifier(sql_name)}" for _, sql_name in about)
            return Scan(sql=f"SELECT *, {types} FROM ({self.scan_files([], rest, time_zone).sql})")
        sql, fallback = " UNION ALL ".join(texts), " UNION ALL ".join(slower)
        return Scan(sql=sql, fallback_sql=None if fallback == sql else fallback)

    def _constants(self, file: DataFile) -> tuple[tuple[str, str | None], ...]:
        """Columns that have one value in a whole file: those of its partition, and those that are younger than it."""
        return (*file.partitions, *self.lacking.get(Path(file.path).name, ())) if self.lacking else file.partitions

    def _alike(self, files: Sequence[DataFile]) -> list[list[DataFile]]:
        """The files in groups with the same constants."""
        groups: dict[tuple[tuple[str, str | None], ...], list[DataFile]] = {}
        for file in files:
            groups.setdefault(self._constants(file), []).append(file)
        return list(groups.values())

    def _group(self, files: Sequence[DataFile], wanted: Columns, time_zone: str) -> Fragment:
        """The files of one partition: data columns from the format, partition columns as constants."""
        values = {name.lower(): text for name, text in self._constants(files[0])}
        data = [(f, sql_name) for f, sql_name in wanted if f.name.lower() not in values]
        known = StructType([f for f in self.schema.fields if f.name.lower() not in values])
        fragment = self.format.fragment(files, data, known, time_zone)
        if len(data) == len(wanted):
            return fragment
        items = ", ".join(
            f"{partition_sql(values[f.name.lower()], f.dataType, f.name)} AS {identifier(sql_name)}"
            if f.name.lower() in values
            else identifier(sql_name)
            for f, sql_name in wanted
        )
        fallback = fragment.fallback_sql
        return Fragment(
            f"SELECT {items} FROM ({fragment.sql})", None if fallback is None else f"SELECT {items} FROM ({fallback})"
        )


def provider(factory: FormatFactory) -> Provider:
    """The provider of a file format."""

    def provide(
        *,
        options: Mapping[str, str],
        paths: Sequence[str],
        schema: StructType | None,
        streaming: bool,
        conf: Mapping[str, str],
    ) -> Relation:
        file_format = factory(options, conf)
        listing = ListingOptions.of(options, conf)
        locations = _locations(options, paths, file_format.name, streaming)
        if schema is not None:
            file_format.check(schema)
        resolve = _streaming_schema if streaming else _batch_schema
        resolved = resolve(file_format, locations, listing, schema, conf)
        return FileRelation(file_format, locations, listing, resolved, options, conf)

    return provide


def _locations(options: Mapping[str, str], paths: Sequence[str], name: str, streaming: bool) -> tuple[str, ...]:
    found = tuple(paths) or ((options["path"],) if options.get("path") else ())
    if not found:
        message = f"The {name} data source needs a path: give one to load(), or set the option 'path'."
        condition = "_LEGACY_ERROR_TEMP_2047" if streaming else "_LEGACY_ERROR_TEMP_1154"
        raise SparkError(condition, message, {"field": "path"}, sqlstate="XXKD0", classes=ILLEGAL_ARGUMENT)
    for path in found:
        local_path(path)
    return found


def _batch_schema(
    file_format: FileFormat,
    paths: tuple[str, ...],
    listing: ListingOptions,
    user_schema: StructType | None,
    conf: Mapping[str, str],
) -> StructType:
    files = list_files(paths, listing)
    partitions = partition_schema(files, user_schema, infer=_infers_partitions(conf))
    data = user_schema if user_schema is not None else _inferred(file_format, files)
    names = {f.name.lower() for f in partitions.fields}
    if user_schema is not None and all(has_sink_log(path, listing) for path in paths):
        return _nullable(_in_place(user_schema, partitions))  # what a stream wrote keeps the order that is asked for
    own = [f for f in data.fields if f.name.lower() not in names]
    return _nullable(StructType([*own, *partitions.fields]))


def _in_place(schema: StructType, partitions: StructType) -> StructType:
    """Partition columns where the schema has them, others behind."""
    found = {f.name.lower(): f for f in partitions.fields}
    columns = [found.pop(f.name.lower(), f) for f in schema.fields]
    return StructType([*columns, *found.values()])


def _inferred(file_format: FileFormat, files: Sequence[DataFile]) -> StructType:
    schema = file_format.infer(files)
    if schema is None:
        shown = file_format.name.upper() if file_format.name in ("csv", "json") else file_format.name.capitalize()
        message = (
            f"The schema of {shown} data cannot be inferred: there are no files that tell it. "
            "Give the schema with .schema(...), or check the path."
        )
        raise analysis_error("UNABLE_TO_INFER_SCHEMA", message, "42KD9", format=shown)
    return schema


def _streaming_schema(
    file_format: FileFormat,
    paths: tuple[str, ...],
    listing: ListingOptions,
    user_schema: StructType | None,
    conf: Mapping[str, str],
) -> StructType:
    if len(paths) > 1:
        raise analysis_error("_LEGACY_ERROR_TEMP_1154", "A file stream reads one path.", "XXKD0", field="path")
    if expand(paths[0]) and not any(Path(root).exists() for root in expand(paths[0])):
        raise path_not_found(paths[0])
    if user_schema is None and file_format.name == "text":
        user_schema = StructType([StructField("value", _string())])
    if user_schema is not None:
        user_schema = _partitions_last(user_schema, paths, listing, conf)
        forced = (conf.get("spark.sql.streaming.fileSource.schema.forceNullable") or "true").lower() == "true"
        return _nullable(user_schema) if forced else user_schema
    if (conf.get("spark.sql.streaming.schemaInference") or "false").lower() != "true":
        message = (
            "A file stream needs a schema: give it with .schema(...). To infer it from the files that exist now, set "
            "spark.sql.streaming.schemaInference to true; files that come later must then have that schema."
        )
        raise SparkError("_LEGACY_ERROR_TEMP_2048", message, {}, classes=ILLEGAL_ARGUMENT)
    return _batch_schema(file_format, paths, listing, None, conf)


def _partitions_last(
    schema: StructType, paths: tuple[str, ...], listing: ListingOptions, conf: Mapping[str, str]
) -> StructType:
    """A declared schema with the partition columns of the files that exist now, as in Spark: behind the others, those
    that are not declared too.  Output of a streaming sink keeps the order that is asked for."""
    if listing.recursive or not has_partitions(paths[0]):
        return schema
    partitions = partition_schema(list_files(paths, listing), schema, infer=_infers_partitions(conf))
    if all(has_sink_log(root, listing) for root in expand(paths[0])):
        return _in_place(schema, partitions)
    names = {f.name.lower() for f in partitions.fields}
    return StructType([*(f for f in schema.fields if f.name.lower() not in names), *partitions.fields])


def _infers_partitions(conf: Mapping[str, str]) -> bool:
    return (conf.get("spark.sql.sources.partitionColumnTypeInference.enabled") or "true").lower() == "true"


def _string() -> DataType:
    from penstock.plan.types import STRING

    return STRING


def _nullable(schema: StructType) -> StructType:
    """Files promise nothing: every field, at every depth, may be NULL."""
    return StructType([StructField(f.name, _nullable_type(f.dataType), True, f.metadata) for f in schema.fields])


def _nullable_type(data_type: DataType) -> DataType:
    if isinstance(data_type, StructType):
        return _nullable(data_type)
    if isinstance(data_type, ArrayType):
        return ArrayType(_nullable_type(data_type.elementType), True)
    if isinstance(data_type, MapType):
        return MapType(_nullable_type(data_type.keyType), _nullable_type(data_type.valueType), True)
    return data_type


def _no_rows(wanted: Columns) -> str:
    items = ", ".join(f"CAST(NULL AS {duckdb_type(f.dataType)}) AS {identifier(name)}" for f, name in wanted)
    return f"SELECT {items or 'NULL AS none'} WHERE false"
