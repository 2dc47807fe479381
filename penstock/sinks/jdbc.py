"""DataFrameWriter.jdbc: rows into a table of PostgreSQL or SQLite, by ADBC, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.types as pat

from penstock.core import jdbc as connections
from penstock.core.errors import analysis_error, illegal_argument, unsupported
from penstock.plan.types import (
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
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)
from penstock.sinks.errors import unsupported_column

_COMMON: dict[type[DataType], str] = {
    IntegerType: "INTEGER", LongType: "BIGINT", DoubleType: "DOUBLE PRECISION", FloatType: "REAL", ShortType: "INTEGER",
    ByteType: "TINYINT", BooleanType: "BOOLEAN", StringType: "TEXT", CharType: "TEXT", VarcharType: "TEXT",
    BinaryType: "BLOB",
    TimestampType: "TIMESTAMP", TimestampNTZType: "TIMESTAMP", DateType: "DATE",
}  # fmt: skip
_POSTGRES = {**_COMMON, DoubleType: "FLOAT8", FloatType: "FLOAT4", ShortType: "SMALLINT", ByteType: "SMALLINT",
             BinaryType: "BYTEA", TimestampType: "TIMESTAMP WITH TIME ZONE"}  # fmt: skip


def write(table: pa.Table, schema: StructType, mode: str, options: Mapping[str, str], zone: str) -> None:
    """Write a table (columns by position in the order of the schema).  `mode`: append, overwrite, error, ignore.

    Options: url, dbtable, user, password, driver, truncate, cascadeTruncate (PostgreSQL), createTableOptions,
    createTableColumnTypes, batchsize."""
    base = connections.database(options)
    name = options.get("dbtable")
    if not name:
        raise illegal_argument("_LEGACY_ERROR_TEMP_3250", "A write by jdbc needs the option dbtable.", "XXKD0")
    if "isolationlevel" in options:
        raise unsupported(
            "the option isolationLevel of the jdbc data sink", "Leave it out: one transaction writes all rows."
        )
    declared = _declared(schema, base.kind, options)
    with connections.connected(base, options) as connection, connection.cursor() as cursor:
        exists = _exists(connection, base, name)
        if exists and mode == "ignore":
            return
        if exists and mode == "error":
            message = (
                f'The table {name} exists already. Choose another one, or use .mode("append") or .mode("overwrite").'
            )
            raise analysis_error("TABLE_OR_VIEW_ALREADY_EXISTS", message, "42P07", relationName=name)
        if exists and mode == "overwrite":
            exists = _emptied(cursor, base, name, options)
        if not exists:
            columns = ", ".join(f"{base.quoted(f.name)} {declared[i]}" for i, f in enumerate(schema.fields))
            cursor.execute(f"CREATE TABLE {name} ({columns}) {options.get('createtableoptions', '')}")
        marks = [_mark(base.kind, i, f.dataType) for i, f in enumerate(schema.fields)]
        _insert(cursor, base, name, _storable(table, schema, base.kind, zone), marks, options)
        connection.commit()


def _exists(connection: Any, base: connections.Database, name: str) -> bool:
    with connection.cursor() as cursor:
        if base.kind == "sqlite":
            cursor.execute(
                "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(?)",
                (name.strip('"').rpartition(".")[2],),
            )
        else:
            literal = name.replace("'", "''")
            cursor.execute(f"SELECT count(to_regclass('{literal}'))")
        return bool(cursor.fetchone()[0])


def _emptied(cursor: Any, base: connections.Database, name: str, options: Mapping[str, str]) -> bool:
    """Whether the table is still there, without rows: the option truncate."""
    if options.get("truncate", "false").lower() == "true":
        cascade = " CASCADE" if options.get("cascadetruncate", "false").lower() == "true" else ""
        cursor.execute(f"DELETE FROM {name}" if base.kind == "sqlite" else f"TRUNCATE TABLE ONLY {name}{cascade}")
        return True
    cursor.execute(f"DROP TABLE {name}")
    return False


def _declared(schema: StructType, kind: str, options: Mapping[str, str]) -> list[str]:
    """The database's types of the columns."""
    own: dict[str, str] = {}
    for part in _parts(options.get("createtablecolumntypes", "")):
        column, _, text = part.strip().partition(" ")
        own[column.strip('`"').lower()] = text.strip()
    for column in own:
        if column not in {f.name.lower() for f in schema.fields}:
            message = f"createTableColumnTypes names the column {column!r}, which is not written."
            raise analysis_error("_LEGACY_ERROR_TEMP_1240", message, "XXKD0", col=column, schema=schema.simpleString())
    return [own.get(f.name.lower()) or _type(f.name, f.dataType, kind) for f in schema.fields]


def _parts(text: str) -> list[str]:
    """Parts between commas outside of parentheses."""
    out, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            out.append("")
        else:
            out[-1] += character
    return [part for part in out if part.strip()]


def _type(name: str, t: DataType, kind: str) -> str:
    if isinstance(t, DecimalType):
        return f"{'NUMERIC' if kind == 'postgresql' else 'DECIMAL'}({t.precision},{t.scale})"
    found = (_POSTGRES if kind == "postgresql" else _COMMON).get(type(t))
    if found is None:
        raise unsupported_column("JDBC", name, t)
    return found


def _storable(table: pa.Table, schema: StructType, kind: str, zone: str) -> pa.Table:
    """Columns of types that the driver binds: decimals as text; in SQLite dates and times as text, too."""
    arrays = []
    for column in table.columns:
        t = column.type
        if pat.is_decimal(t):
            column = pa.chunked_array(
                [[None if v is None else format(v, "f") for v in column.to_pylist()]], pa.string()
            )
        elif kind == "sqlite" and pat.is_timestamp(t):
            column = _texts(column, zone)
        elif kind == "sqlite" and pat.is_date(t):
            column = column.cast(pa.string())
        elif pat.is_boolean(t) and kind == "sqlite":
            column = column.cast(pa.int8())
        elif pat.is_int8(t):
            column = column.cast(pa.int16())
        arrays.append(column)
    return pa.Table.from_arrays(arrays, names=schema.names)


def _texts(column: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    local = column if column.type.tz is None else pc.local_timestamp(column.cast(pa.timestamp("us", tz=zone)))
    return local.cast(pa.timestamp("us")).cast(pa.string())


def _insert(
    cursor: Any, base: connections.Database, name: str, table: pa.Table, marks: list[str], options: Mapping[str, str]
) -> None:
    """By column names, `batchsize` rows at a time."""
    size = int(options.get("batchsize", "1000"))
    if size < 1:
        raise illegal_argument(
            "_LEGACY_ERROR_TEMP_3250", f"The option batchsize is {size}, but must be positive.", "XXKD0"
        )
    if not table.num_rows:
        return
    columns = ", ".join(base.quoted(column) for column in table.column_names)
    statement = f"INSERT INTO {name} ({columns}) VALUES ({', '.join(marks)})"
    for start in range(0, table.num_rows, size):
        cursor.executemany(statement, table.slice(start, size))


def _mark(kind: str, index: int, t: DataType) -> str:
    """The place of a value; decimals come as text."""
    if kind == "sqlite":
        return "?"
    return f"CAST(${index + 1} AS NUMERIC)" if isinstance(t, DecimalType) else f"${index + 1}"
