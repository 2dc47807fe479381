"""spark.read.jdbc: tables and queries of PostgreSQL and SQLite, by ADBC."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa

from penstock.core import jdbc as connections
from penstock.core.active_conf import timestamps_are_local
from penstock.core.errors import SPARK, SparkError, analysis_error, illegal_argument, not_streamed
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    SHORT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    DataType,
    DateType,
    DecimalType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.sources import options as opt
from penstock.sources.base import Relation, Scan, StreamContext, StreamSource
from penstock.sources.files.arrow_schema import spark_type
from penstock.sources.records.arrow import arrow_type

_THREADS = 8
#: Types of PostgreSQL that Arrow has; all others are read as text.
_PLAIN_TYPES = frozenset(
    [
        "bool",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "text",
        "varchar",
        "bpchar",
        "name",
        "bytea",
        "date",
        "timestamp",
        "timestamptz",
        "oid",
    ]
)
#: What SQLite columns are declared as -> Spark's type, as its JDBC driver reports it.
_SQLITE: tuple[tuple[str, DataType], ...] = (
    ("BIGINT|INT8|UNSIGNED BIG INT|LONG", LONG), ("SMALLINT|INT2", SHORT), ("TINYINT", INTEGER),
    ("BOOL.*|BIT.*", BOOLEAN),
    (".*INT.*", INTEGER), ("DATETIME|TIMESTAMP.*", TIMESTAMP), ("DATE", DATE), (".*CHAR.*|.*TEXT.*|.*CLOB.*", STRING),
    (".*BLOB.*|BINARY.*", BINARY), ("REAL|FLOA.*|DOUB.*", DOUBLE),
)  # fmt: skip


@dataclass(frozen=True)
class JdbcRelation:
    """A table or a query of one database.  Rows are read when a query runs."""

    base: connections.Database
    source: str
    clauses: tuple[str, ...]
    schema: StructType
    as_text: frozenset[str]
    options: Mapping[str, str]

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        """The rows, column by column what is asked for."""
        fields = {f.name: f for f in self.schema.fields}
        items = ", ".join(self._item(name) for name, _ in columns)
        queries = [f"SELECT {items or '1'} FROM {self.source}{clause}" for clause in self.clauses]
        tables = self._tables(queries)
        arrays = [
            pa.chunked_array([_converted(chunk, fields[name], time_zone) for table in tables
                              for chunk in _chunks(table.column(i))],
                             type=arrow_type(fields[name].dataType))
            for i, (name, _) in enumerate(columns)
        ]  # fmt: skip
        return Scan(table=pa.Table.from_arrays(arrays, names=[sql_name for _, sql_name in columns]))

    def open_stream(self, context: StreamContext) -> StreamSource:
        raise not_streamed("jdbc", "reading")

    def _item(self, name: str) -> str:
        column = self.base.quoted(name)
        return f"CAST({column} AS TEXT) AS {column}" if name in self.as_text else column

    def _tables(self, queries: Sequence[str]) -> list[pa.Table]:
        if len(queries) == 1 or self.base.kind == "sqlite":
            return [self._rows(query) for query in queries]
        with ThreadPoolExecutor(min(_THREADS, len(queries))) as pool:
            return list(pool.map(self._rows, queries))

    def _rows(self, query: str) -> pa.Table:
        with connections.connected(self.base, self.options) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetch_arrow_table()


def jdbc(
    *,
    options: Mapping[str, str],
    paths: Sequence[str],
    schema: StructType | None,
    streaming: bool,
    conf: Mapping[str, str],
) -> Relation:
    """The provider.  Options: url, dbtable or query, user, password, driver, partitionColumn with lowerBound,
    upperBound
    and numPartitions, predicates, customSchema, sessionInitStatement, preferTimestampNTZ; fetchsize and the pushDown...
    options change nothing in the rows."""
    if streaming:
        raise not_streamed("jdbc", "reading")
    if schema is not None:
        raise analysis_error(
            "_LEGACY_ERROR_TEMP_1242",
            "The jdbc data source takes no schema: use the option customSchema.",
            "XXKD0",
            className="jdbc",
        )
    base = connections.database(options)
    source = _source(options)
    found, as_text = _schema(base, source, options)
    clauses = _clauses(options, found, base)
    return JdbcRelation(base, source, clauses, _custom(found, options), as_text, options)


def _source(options: Mapping[str, str]) -> str:
    """What stands after FROM."""
    table, query = options.get("dbtable"), options.get("query")
    if table and query:
        message = "The options dbtable and query exclude each other: give one of them."
        raise illegal_argument("_LEGACY_ERROR_TEMP_3250", message, "XXKD0")
    if not table and not query:
        message = "The jdbc data source needs the option dbtable or query."
        raise illegal_argument("_LEGACY_ERROR_TEMP_3250", message, "XXKD0")
    if query and options.get("partitioncolumn"):
        message = "With partitionColumn, give a subquery as dbtable instead of the option query."
        raise illegal_argument("_LEGACY_ERROR_TEMP_3250", message, "XXKD0")
    return str(table) if table else f"({str(query).rstrip().rstrip(';')}) SPARK_GEN_SUBQ"


# ---------------------------------------------------------------- schema


def _schema(base: connections.Database, source: str, options: Mapping[str, str]) -> tuple[StructType, frozenset[str]]:
    """The columns, and those that must be read as text."""
    with connections.connected(base, options) as connection, connection.cursor() as cursor:
        if base.kind == "sqlite":
            return _sqlite_schema(cursor, source), frozenset()
        cursor.execute(f"SELECT * FROM {source} WHERE 1=0")
        found = cursor.fetch_arrow_table().schema
    ntz = opt.boolean(options, "preferTimestampNTZ", timestamps_are_local())
    fields, as_text = [], set()
    for field in found:
        t, text = _postgres_type(field, ntz)
        fields.append(StructField(field.name, t, True))
        if text:
            as_text.add(field.name)
    return StructType(fields), frozenset(as_text)


def _postgres_type(field: pa.Field, ntz: bool) -> tuple[DataType, bool]:
    """The type of a column, and whether it must be read as text."""
    metadata = field.metadata or {}
    name = metadata.get(b"POSTGRESQL:type", b"").decode()
    if name == "numeric":
        return _numeric(int(metadata.get(b"POSTGRESQL:typmod", b"-1"))), True
    if name in _PLAIN_TYPES or name.startswith("_"):
        if pa.types.is_timestamp(field.type):
            return (TIMESTAMP_NTZ if field.type.tz is None and ntz else TIMESTAMP), False
        return spark_type(field.type, field.name, "the table"), False
    return STRING, True


def _numeric(modifier: int) -> DataType:
    """NUMERIC(p, s); without them as wide as Spark takes it."""
    precision, scale = ((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0xFFFF
    return DecimalType(precision, scale) if modifier > 0 and precision <= 38 else DecimalType(38, 18)


def _sqlite_schema(cursor: Any, source: str) -> StructType:
    cursor.execute("DROP VIEW IF EXISTS temp.penstock_columns")
    cursor.execute(f"CREATE TEMP VIEW penstock_columns AS SELECT * FROM {source}")
    cursor.execute("SELECT name, type FROM pragma_table_info('penstock_columns')")
    declared = cursor.fetchall()
    cursor.execute(f"SELECT * FROM {source}")
    found = cursor.fetch_arrow_table().schema
    cursor.execute("DROP VIEW temp.penstock_columns")
    return StructType([
        StructField(name, _declared(str(text or "")) or _found(found.field(i).type, name), True)
        for i, (name, text) in enumerate(declared)
    ])  # fmt: skip


def _found(t: pa.DataType, name: str) -> DataType:
    return STRING if pa.types.is_null(t) else spark_type(t, name, "the table")


def _declared(text: str) -> DataType | None:
    shown = text.upper().strip()
    match = re.fullmatch(r"(?:DECIMAL|NUMERIC)(?:\((\d+)(?:,\s*(\d+))?\))?", shown)
    if match:
        return DecimalType(min(int(match[1] or 38), 38), int(match[2] or (0 if match[1] else 18)))
    return next((t for pattern, t in _SQLITE if re.fullmatch(pattern, re.sub(r"\(.*", "", shown))), None)


def _custom(found: StructType, options: Mapping[str, str]) -> StructType:
    text = options.get("customschema")
    if not text:
        return found
    wanted = {f.name.lower(): f.dataType for f in StructType.fromDDL(text).fields}
    return StructType([StructField(f.name, wanted.get(f.name.lower(), f.dataType), True) for f in found.fields])


# ---------------------------------------------------------------- partitions


def _clauses(options: Mapping[str, str], schema: StructType, base: connections.Database) -> tuple[str, ...]:
    """A WHERE clause a partition."""
    if "$predicates" in options:
        return tuple(f" WHERE {text}" for text in json.loads(options["$predicates"]))
    name = options.get("partitioncolumn")
    bounds = [options.get(key) for key in ("lowerbound", "upperbound")]
    count = opt.positive(options, "numPartitions")
    if name is None:
        if any(bounds):
            message = "lowerBound and upperBound need partitionColumn and numPartitions."
            raise illegal_argument("_LEGACY_ERROR_TEMP_3250", message, "XXKD0")
        return ("",)
    if None in bounds or count is None:
        message = "partitionColumn needs lowerBound, upperBound and numPartitions."
        raise illegal_argument("_LEGACY_ERROR_TEMP_3250", message, "XXKD0")
    field = next((f for f in schema.fields if f.name.lower() == name.strip('"').lower()), None)
    if field is None:
        message = f"The partition column {name!r} is none of {', '.join(schema.names)}."
        raise analysis_error("_LEGACY_ERROR_TEMP_1237", message, "XXKD0", columnName=name)
    return _strides(base.quoted(field.name), field.dataType, str(bounds[0]), str(bounds[1]), count)


def _strides(column: str, t: DataType, lower: str, upper: str, count: int) -> tuple[str, ...]:
    import datetime

    show: Any = str
    if isinstance(t, (DateType, TimestampType, TimestampNTZType)):
        first, last = (datetime.datetime.fromisoformat(text) for text in (lower, upper))
        unit = datetime.timedelta(days=1) if isinstance(t, DateType) else datetime.timedelta(microseconds=1)
        low, high, origin = 0, (last - first) // unit, first

        def show(step: int) -> str:
            moment = origin + step * unit
            return f"'{moment.date() if isinstance(t, DateType) else moment}'"
    else:
        try:
            low, high = int(lower), int(upper)
        except ValueError:
            raise illegal_argument(
                "_LEGACY_ERROR_TEMP_3250", "lowerBound and upperBound must be whole numbers.", "XXKD0"
            ) from None
    if low > high:
        raise illegal_argument("_LEGACY_ERROR_TEMP_3250", "lowerBound is above upperBound.", "XXKD0")
    count = min(count, high - low)
    if count <= 1:
        return ("",)
    stride = (high - low) // count
    edges = [show(low + stride * i) for i in range(1, count)]
    middle = [f" WHERE {column} >= {a} AND {column} < {b}" for a, b in pairwise(edges)]
    return (f" WHERE {column} < {edges[0]} or {column} is null", *middle, f" WHERE {column} >= {edges[-1]}")


# ---------------------------------------------------------------- values


def _chunks(column: pa.ChunkedArray) -> list[pa.Array]:
    return list(column.chunks) or [pa.array([], column.type)]


def _converted(array: pa.Array, field: StructField, zone: str) -> pa.Array:
    import pyarrow.compute as pc

    t, wanted = field.dataType, arrow_type(field.dataType)
    try:
        if isinstance(t, DecimalType) and (pa.types.is_floating(array.type) or pa.types.is_integer(array.type)):
            array = array.cast(pa.string())
        if isinstance(t, DecimalType) and pa.types.is_string(array.type):
            return _decimals(array, t)
        if isinstance(t, TimestampType):
            local = (
                array.cast(pa.timestamp("us"))
                if not pa.types.is_timestamp(array.type)
                else array.cast(pa.timestamp("us", tz=array.type.tz), safe=False)
            )
            return (
                local
                if local.type.tz
                else pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="earliest")
            ).cast(wanted)
        return array if array.type == wanted else array.cast(wanted)
    except (pa.ArrowException, ValueError) as error:
        message = (
            f"The column {field.name!r} cannot be read as {t.simpleString()}: {error}. Use the option customSchema."
        )
        params = {"url": "", "message": str(error)}
        raise SparkError("FAILED_JDBC.UNCLASSIFIED", message, params, sqlstate="HV000", classes=SPARK) from None


def _decimals(array: pa.Array, t: DecimalType) -> pa.Array:
    from decimal import Decimal

    from penstock.sources.records import values
    from penstock.sources.records.errors import BadValue

    try:
        found = [None if v is None else values.decimal(Decimal(v), t.precision, t.scale) for v in array.to_pylist()]
    except (BadValue, ArithmeticError):
        raise ValueError(f"a number does not fit {t.simpleString()}") from None
    return pa.array(found, arrow_type(t))
