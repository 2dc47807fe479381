"""Rows as lines of text, made by DuckDB: the common part of the JSON, CSV and text encoders."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.types as pat

from penstock.core.beside_main import beside_main
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, unsupported
from penstock.core.files import Buffer
from penstock.core.java_patterns import duckdb_format
from penstock.core.sql_text import quoted
from penstock.plan.types import DataType, DoubleType, FloatType, StructType

_CODECS = {"none": None, "uncompressed": None, "gzip": ".gz", "bzip2": ".bz2", "deflate": ".deflate", "zstd": ".zst"}
#: Codecs that Spark has.
_ELSEWHERE = ("lz4", "snappy")


class LineBuilder:
    """A private DuckDB connection that evaluates one expression over a table, whose columns it calls c0, c1, ..."""

    def __init__(self, expression: str, schema: StructType) -> None:
        self._expression = expression
        self._schema = schema

    def build(self, table: pa.Table) -> bytes:
        """The texts of all rows, one after the other (each brings its own line end)."""
        import duckdb

        columns = [_prepared(column, f.dataType) for column, f in zip(table.columns, self._schema.fields, strict=True)]
        data = pa.Table.from_arrays(columns, names=[f"c{i}" for i in range(len(columns))])
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("rows", data)
            query = f"SELECT CAST({self._expression} AS VARCHAR) AS line FROM rows"
            lines = beside_main(lambda: connection.sql(query).to_arrow_table(), connection.interrupt)
        return b"".join(_bytes_of(chunk) for chunk in lines.column(0).chunks)


class Compression:
    """The option compression of text formats: none, gzip, bzip2, deflate or zstd."""

    def __init__(self, options: Mapping[str, str]) -> None:
        name = options.get("compression", options.get("codec", "none")).lower()
        if name not in _CODECS:
            raise _no_codec(name)
        self._codec = _CODECS[name]

    @property
    def extension(self) -> str:
        """What is added to a file's name."""
        return self._codec or ""

    def compress(self, data: bytes) -> Buffer:
        """The bytes that go into the file."""
        if self._codec == ".gz":
            return gzip.compress(data, compresslevel=6)
        if self._codec == ".bz2":
            return bz2.compress(data)
        if self._codec == ".deflate":
            return zlib.compress(data)
        if self._codec == ".zst":
            import zstandard

            return bytes(zstandard.ZstdCompressor().compress(data))
        return data


def _no_codec(name: str) -> SparkError:
    if name in _ELSEWHERE:
        return unsupported(f"the option compression={name!r} for text files", f"Use {', '.join(_CODECS)}.")
    message = f"The option compression is {name!r}, which is no codec that is known. Use {', '.join(_CODECS)}."
    params = {"codecName": name, "availableCodecs": ", ".join(_CODECS)}
    condition = "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION"
    return SparkError(condition, message, params, sqlstate="56038", classes=ILLEGAL_ARGUMENT)


def in_charset(data: bytes, charset: str) -> bytes:
    """UTF-8 text in another encoding."""
    return data if charset.lower() in ("utf-8", "utf8") else data.decode().encode(charset)


def ascii_only(data: bytes) -> bytes:
    """JSON text with `\\uXXXX` for all characters beyond ASCII."""
    escaped = (c if c < "\x80" else "".join(f"\\u{unit:04X}" for unit in _units(c)) for c in data.decode())
    return "".join(escaped).encode()


def _units(character: str) -> tuple[int, ...]:
    """The UTF-16 units of a character."""
    raw = character.encode("utf-16-be")
    return tuple(int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2))


def timestamp_text(value: str, time_zone: str, pattern: str | None, *, zoned: bool) -> str:
    """SQL for a timestamp as text: by the pattern, else ISO 8601 with milliseconds and (if zoned) the offset."""
    local = f"timezone({quoted(time_zone)}, {value})" if zoned else value
    if pattern is not None:
        shown = pattern.replace("[", "").replace("]", "")
        marker = "\x02"
        text = f"strftime({local}, {quoted(duckdb_format(_zone_as_literal(shown, marker)))})"
        return f"replace({text}, '{marker}', {_offset(value, local, zoned)})"
    text = f"strftime({local}, '%Y-%m-%dT%H:%M:%S.%g')"
    return f"{text} || {_offset(value, local, zoned)}" if zoned else text


def date_text(value: str, pattern: str | None) -> str:
    """SQL for a date as text."""
    return f"strftime({value}, {quoted(duckdb_format(pattern) if pattern else '%Y-%m-%d')})"


def _zone_as_literal(pattern: str, marker: str) -> str:
    for letters in ("XXX", "xxx", "XX", "xx", "X", "x", "Z"):
        if letters in pattern:
            return pattern.replace(letters, f"'{marker}'")
    return pattern


def _offset(value: str, local: str, zoned: bool) -> str:
    """`Z` or `+05:30`."""
    if not zoned:
        return "''"
    minutes = f"((epoch_us({local}) - epoch_us({value})) // 60000000)"
    sign = f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
    parts = f"format('{{}}{{:02d}}:{{:02d}}', {sign}, abs({minutes}) // 60, abs({minutes}) % 60)"
    return f"CASE WHEN {minutes} = 0 THEN 'Z' ELSE {parts} END"


def _prepared(column: pa.ChunkedArray, data_type: DataType) -> pa.ChunkedArray:
    """Doubles as Java spells them (1.0E20), where DuckDB would not; intervals as numbers."""
    if isinstance(data_type, (DoubleType, FloatType)) and _has_exponents(column):
        from penstock.core.text import double_text, float_text

        spell = double_text if isinstance(data_type, DoubleType) else float_text
        return pa.chunked_array([pa.array([None if v is None else spell(v) for v in column.to_pylist()], pa.string())])
    return column.cast(pa.int64()) if pat.is_duration(column.type) else column


def _has_exponents(column: pa.ChunkedArray) -> bool:
    """Whether a number is so large, so small or so odd that DuckDB and Java disagree on its spelling."""
    import numpy as np

    values = np.abs(column.drop_null().to_numpy())
    return bool(len(values)) and not bool(np.all(((values >= 1e-3) & (values < 1e7)) | (values == 0)))


def _bytes_of(chunk: pa.Array) -> bytes:
    """The characters of a string array, which lie one after the other in its buffer."""
    chunk = chunk.cast(pa.large_string())
    if len(chunk) == 0:
        return b""
    _, offsets, data = chunk.buffers()
    bounds = memoryview(offsets).cast("q")
    return (
        bytes(memoryview(data)[bounds[chunk.offset] : bounds[chunk.offset + len(chunk)]]) if data is not None else b""
    )
