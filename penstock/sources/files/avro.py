"""Avro files, read by fastavro: the extra "avro"."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.core.errors import SPARK, SparkError, unsupported
from penstock.plan.avro_types import fastavro_module, from_avro, spark_type
from penstock.plan.types import StructField, StructType
from penstock.sources import options as opt
from penstock.sources.duckdb_types import duckdb_type
from penstock.sources.files import by_path, raw
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment, provider

#: Options that Spark has, and the values that mean what is done here.
_USUAL = {"enableStableIdentifiersForUnionType": "false", "positionalFieldMatching": "false"}


class AvroFormat:
    """Options: avroSchema, avroSchemaUrl, ignoreExtension (true), ignoreCorruptFiles, ignoreMissingFiles."""

    name = "avro"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        opt.refuse(
            options,
            "avro",
            ("recursiveFieldMaxDepth", *_USUAL),
            _USUAL,
        )
        if opt.one_of(options, "datetimeRebaseMode", ("exception", "corrected", "legacy"), "exception") == "legacy":
            raise unsupported(
                "the option datetimeRebaseMode=LEGACY of the avro data source", "Only CORRECTED is there."
            )
        fastavro_module()
        text = options.get("avroschema")
        if text is None and options.get("avroschemaurl"):
            text = Path(options["avroschemaurl"].removeprefix("file://").removeprefix("file:")).read_text("utf-8")
        self._given = json.loads(text) if text else None
        self._all_names = opt.boolean(options, "ignoreExtension", True)
        self._tolerance = raw.Tolerance.of(options, conf)
        self._skip_corrupt = self._tolerance.corrupt

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        if self._given is not None:
            return _struct(self._given)
        for file in files:
            if (opened := self._open(file.path)) is not None:
                return _struct(opened.writer_schema)
        return None

    def check(self, schema: StructType) -> None:
        for field in schema.fields:
            duckdb_type(field.dataType)

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        settings = {"schema": json.dumps(self._given), "names": str(self._all_names), **self._tolerance.as_settings()}
        return by_path.fragment("avro", files, columns, settings, lambda wanted: lambda path: self._read(path, wanted))

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return None

    def _open(self, path: str) -> Any:
        if not self._all_names and not path.endswith(".avro"):
            return None
        try:
            return fastavro_module().reader(io.BytesIO(Path(path).read_bytes()), reader_schema=self._given)
        except _errors() as error:
            if self._skip_corrupt:
                return None
            message = f"The file {path} cannot be read as Avro: {error}. Remove it, or read it with its own format."
            raise SparkError(
                "FAILED_READ_FILE.NO_HINT", message, {"path": path}, sqlstate="KD001", classes=SPARK
            ) from None

    def _read(self, path: str, wanted: StructType) -> tuple[Sequence[Any], int]:
        opened = self._open(path)
        if opened is None:
            return by_path.arrays_of([], wanted)
        convert = from_avro(self._given or json.loads(opened.metadata["avro.schema"]), wanted, {})
        try:
            return by_path.arrays_of([convert(record) for record in opened], wanted)
        except _errors() as error:
            message = f"The file {path} cannot be read to its end as Avro: {error}. Remove it, or restore it."
            raise SparkError(
                "FAILED_READ_FILE.NO_HINT", message, {"path": path}, sqlstate="KD001", classes=SPARK
            ) from None


def _errors() -> tuple[type[Exception], ...]:
    return ValueError, EOFError, TypeError, fastavro_module().read.SchemaResolutionError


def _struct(schema: Any) -> StructType:
    found = spark_type(schema)[0]
    return found if isinstance(found, StructType) else StructType([StructField("value", found, True)])


avro = provider(AvroFormat)
