"""Avro files, by fastavro: the extra "avro"."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import pyarrow as pa

from penstock.core.errors import SPARK, SparkError, illegal_argument, unsupported
from penstock.core.files import Buffer
from penstock.plan.avro_types import avro_schema, fastavro_module, to_avro
from penstock.plan.types import StructType
from penstock.sinks.formats.python_values import rows

_CODECS = {
    "uncompressed": "null",
    "snappy": "snappy",
    "deflate": "deflate",
    "bzip2": "bzip2",
    "xz": "xz",
    "zstandard": "zstandard",
}


class AvroEncoder:
    """Options: avroSchema, recordName (topLevelRecord), recordNamespace, compression (snappy)."""

    def __init__(self, schema: StructType, options: Mapping[str, str]) -> None:
        self._fastavro = fastavro_module()
        if options.get("positionalfieldmatching", "false").strip().lower() == "true":
            raise unsupported("the option positionalFieldMatching of the avro data sink", "Name the fields as columns.")
        name, namespace = options.get("recordname", "topLevelRecord"), options.get("recordnamespace", "")
        given = options.get("avroschema")
        self._avro = json.loads(given) if given else avro_schema(schema, False, name, namespace)
        codec = options.get("compression", "snappy").lower()
        if codec not in _CODECS:
            message = f"The codec {codec!r} is not available for Avro; the codecs are {', '.join(sorted(_CODECS))}."
            raise illegal_argument("CODEC_SHORT_NAME_NOT_FOUND", message, "42704", codecName=codec)
        self._codec = _CODECS[codec]
        self._check_codec(codec)
        self._parsed = self._fastavro.parse_schema(self._avro)
        self._convert = to_avro(self._avro, schema, {})

    @property
    def extension(self) -> str:
        return ".avro"

    def _check_codec(self, codec: str) -> None:
        """The packages that compress come with the extra, too."""
        try:
            self._fastavro.writer(io.BytesIO(), "null", [None], codec=self._codec)
        except ValueError:
            remedy = 'Install what it needs: pip install "penstock[avro]".'
            raise unsupported(f"the codec {codec} of Avro in this installation", remedy) from None

    def encode(self, table: pa.Table) -> Buffer:
        out = io.BytesIO()
        try:
            records = [self._convert(row) for row in rows(table)]
            self._fastavro.writer(out, self._parsed, records, codec=self._codec)
        except (ValueError, TypeError) as error:
            message = f"A row does not fit the Avro schema: {error}. Change the option avroSchema, or leave it out."
            raise SparkError("TASK_WRITE_FAILED", message, {"path": ""}, sqlstate="58030", classes=SPARK) from None
        return out.getvalue()
