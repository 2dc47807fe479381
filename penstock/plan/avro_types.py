"""Avro's types and values as Spark's, both ways.

Values of Spark are as in penstock.sources.records.arrow: structs are lists, maps lists of pairs, dates days and
timestamps microseconds since 1970.  Values of Avro are fastavro's, read without its logical types but for decimals.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

from penstock.core.errors import ANALYSIS, SparkError, analysis_error, unsupported
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    NULL,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
    YearMonthIntervalType,
)

_PLAIN = {"null": NULL, "boolean": BOOLEAN, "int": INTEGER, "long": LONG, "float": FLOAT, "double": DOUBLE,
          "string": STRING,
          "bytes": BINARY, "enum": STRING, "fixed": BINARY}  # fmt: skip
_LOGICAL = {"date": DATE, "timestamp-millis": TIMESTAMP, "timestamp-micros": TIMESTAMP,
            "local-timestamp-millis": TIMESTAMP_NTZ,
            "local-timestamp-micros": TIMESTAMP_NTZ}  # fmt: skip
_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
Convert = Callable[[Any], Any]


def spark_type(schema: Any, known: dict[str, Any] | None = None, inside: tuple[str, ...] = ()) -> tuple[DataType, bool]:
    """The type of an Avro schema (as parsed JSON), and whether it may be NULL."""
    known = {} if known is None else known
    if isinstance(schema, list):
        return _union(schema, known, inside)
    if isinstance(schema, str):
        if schema in _PLAIN:
            return _PLAIN[schema], schema == "null"
        if schema in inside:
            raise _incompatible(f"the type {schema} contains itself")
        return spark_type(known[schema], known, inside)
    kind = schema["type"]
    if "name" in schema:
        known[schema["name"]] = schema
        if schema.get("namespace"):
            known[f"{schema['namespace']}.{schema['name']}"] = schema
    return _complex(schema, kind, known, inside), False


def _complex(schema: dict[str, Any], kind: Any, known: dict[str, Any], inside: tuple[str, ...]) -> DataType:
    if kind in ("record", "error"):
        name = schema["name"]
        parts = [(f["name"], *spark_type(f["type"], known, (*inside, name))) for f in schema["fields"]]
        return StructType([StructField(field, t, nullable) for field, t, nullable in parts])
    if kind == "array":
        return ArrayType(*spark_type(schema["items"], known, inside))
    if kind == "map":
        return MapType(STRING, *spark_type(schema["values"], known, inside))
    logical = schema.get("logicalType")
    if logical == "decimal" and kind in ("bytes", "fixed"):
        return DecimalType(schema["precision"], schema.get("scale", 0))
    if logical in _LOGICAL:
        return _LOGICAL[logical]
    if "spark.sql.catalyst.type" in schema:
        return StructType.fromDDL(f"x {schema['spark.sql.catalyst.type']}").fields[0].dataType
    return spark_type(kind, known, inside)[0]


def _union(schema: list[Any], known: dict[str, Any], inside: tuple[str, ...]) -> tuple[DataType, bool]:
    rest = [one for one in schema if one != "null"]
    nullable = len(rest) < len(schema)
    if not rest:
        return NULL, True
    if len(rest) == 1:
        return spark_type(rest[0], known, inside)[0], nullable
    types = [spark_type(one, known, inside)[0] for one in rest]
    if set(map(type, types)) == {IntegerType, LongType}:
        return LONG, nullable
    if set(map(type, types)) == {FloatType, DoubleType}:
        return DOUBLE, nullable
    return StructType([StructField(f"member{i}", t, True) for i, t in enumerate(types)]), nullable


def _incompatible(reason: str) -> SparkError:
    message = f"The Avro schema has no type of Spark: {reason}."
    return SparkError("_LEGACY_ERROR_TEMP_3119", message, {"avroType": reason}, classes=ANALYSIS)


# ---------------------------------------------------------------- values to Spark


def from_avro(schema: Any, wanted: DataType, known: dict[str, Any]) -> Convert:
    """How a value that fastavro reads becomes one of penstock.sources.records.arrow."""
    if isinstance(schema, list):
        return _from_union(schema, wanted, known)
    if isinstance(schema, str) and schema not in _PLAIN:
        schema = known[schema]
    kind = schema if isinstance(schema, str) else schema["type"]
    if isinstance(schema, dict) and "name" in schema:
        known[schema["name"]] = schema
    if kind == "record" and isinstance(wanted, StructType):
        return _from_record(schema, wanted, known)
    if kind == "array" and isinstance(wanted, ArrayType):
        element = from_avro(schema["items"], wanted.elementType, known)
        return lambda value: None if value is None else [element(one) for one in value]
    if kind == "map" and isinstance(wanted, MapType):
        item = from_avro(schema["values"], wanted.valueType, known)
        return lambda value: None if value is None else [(key, item(one)) for key, one in value.items()]
    return _scalar(wanted)


def _from_union(schema: list[Any], wanted: DataType, known: dict[str, Any]) -> Convert:
    rest = [one for one in schema if one != "null"]
    if len(rest) == 1:
        inner = from_avro(rest[0], wanted, known)
        return lambda value: None if value is None else inner(value)
    if isinstance(wanted, StructType) and wanted.names == [f"member{i}" for i in range(len(rest))]:
        return _members(rest, wanted, known)
    return _scalar(wanted)


def _members(rest: list[Any], wanted: StructType, known: dict[str, Any]) -> Convert:
    import fastavro

    branches = [from_avro(one, f.dataType, known) for one, f in zip(rest, wanted.fields, strict=True)]

    def convert(value: Any) -> Any:
        if value is None:
            return None
        row: list[Any] = [None] * len(rest)
        at = next(i for i, one in enumerate(rest) if fastavro.validate(value, one, raise_errors=False))
        row[at] = branches[at](value)
        return row

    return convert


def _from_record(schema: dict[str, Any], wanted: StructType, known: dict[str, Any]) -> Convert:
    names = {f["name"]: f for f in schema["fields"]}
    lower = {name.lower(): name for name in names}
    parts: list[tuple[str, Convert] | None] = []
    for field in wanted.fields:
        name = field.name if field.name in names else lower.get(field.name.lower())
        parts.append(None if name is None else (name, from_avro(names[name]["type"], field.dataType, known)))
    return lambda value: (
        None if value is None else [None if part is None else part[1](value[part[0]]) for part in parts]
    )


def _scalar(wanted: DataType) -> Convert:
    if isinstance(wanted, DateType):
        return lambda value: (value - _EPOCH.date()).days if isinstance(value, datetime.date) else value
    if isinstance(wanted, (TimestampType, TimestampNTZType)):
        return _micros
    if isinstance(wanted, (StringType, CharType, VarcharType)):
        return lambda value: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if isinstance(wanted, DecimalType):
        return lambda value: value if value is None or isinstance(value, decimal.Decimal) else decimal.Decimal(value)
    if isinstance(wanted, (FloatType, DoubleType)):
        return lambda value: None if value is None else float(value)
    return lambda value: value.encode() if isinstance(wanted, BinaryType) and isinstance(value, str) else value


def _micros(value: Any) -> Any:
    if not isinstance(value, datetime.datetime):
        return value
    delta = value - (_EPOCH_UTC if value.tzinfo is not None else _EPOCH)
    return delta // datetime.timedelta(microseconds=1)


# ---------------------------------------------------------------- schemas from Spark


def avro_schema(t: DataType, nullable: bool, name: str = "topLevelRecord", namespace: str = "") -> Any:
    """The Avro schema (as JSON) that Spark writes for a type."""
    found = _bare(t, name, namespace)
    return [found, "null"] if nullable and not isinstance(t, NullType) else found


_TO_PLAIN: dict[type[DataType], Any] = {
    BooleanType: "boolean", ByteType: "int", ShortType: "int", IntegerType: "int", LongType: "long", FloatType: "float",
    DoubleType: "double", StringType: "string", CharType: "string", VarcharType: "string", BinaryType: "bytes",
    NullType: "null",
    DateType: {"type": "int", "logicalType": "date"},
    TimestampType: {"type": "long", "logicalType": "timestamp-micros"},
    TimestampNTZType: {"type": "long", "logicalType": "local-timestamp-micros"},
}  # fmt: skip


def _bare(t: DataType, name: str, namespace: str) -> Any:
    if type(t) in _TO_PLAIN:
        return _TO_PLAIN[type(t)]
    inner = f"{namespace}.{name}" if namespace else name
    if isinstance(t, DecimalType):
        size = next(n for n in range(1, 17) if 10**t.precision <= 1 << (8 * n - 1))
        return {
            "type": "fixed",
            "name": "fixed",
            "namespace": inner,
            "size": size,
            "logicalType": "decimal",
            "precision": t.precision,
            "scale": t.scale,
        }
    if isinstance(t, (YearMonthIntervalType, DayTimeIntervalType)):
        return {
            "type": "int" if isinstance(t, YearMonthIntervalType) else "long",
            "spark.sql.catalyst.type": t.simpleString(),
        }
    if isinstance(t, ArrayType):
        return {"type": "array", "items": avro_schema(t.elementType, t.containsNull, name, namespace)}
    if isinstance(t, MapType) and isinstance(t.keyType, StringType):
        return {"type": "map", "values": avro_schema(t.valueType, t.valueContainsNull, name, namespace)}
    if isinstance(t, StructType):
        fields = [{"name": f.name, "type": avro_schema(f.dataType, f.nullable, f.name, inner)} for f in t.fields]
        return {"type": "record", "name": name, **({"namespace": namespace} if namespace else {}), "fields": fields}
    shown = t.simpleString().upper()
    message = f"Avro cannot hold a value of type {shown}. Cast it, or leave it out."
    raise analysis_error(
        "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
        message,
        "0A000",
        format="Avro",
        columnName=f"`{name}`",
        columnType=f'"{shown}"',
    )


# ---------------------------------------------------------------- values from Spark


def to_avro(schema: Any, t: DataType, known: dict[str, Any]) -> Convert:
    """How a value of Spark becomes one that fastavro writes by `schema`."""
    if isinstance(schema, list):
        rest = [one for one in schema if one != "null"]
        inner = to_avro(rest[0], t, known) if rest else None
        return lambda value: None if value is None or inner is None else inner(value)
    if isinstance(schema, str) and schema not in _PLAIN:
        schema = known[schema]
    if isinstance(schema, dict) and "name" in schema:
        known[schema["name"]] = schema
    if isinstance(t, StructType) and isinstance(schema, dict) and schema["type"] == "record":
        return _to_record(schema, t, known)
    if isinstance(t, ArrayType) and isinstance(schema, dict) and schema["type"] == "array":
        element = to_avro(schema["items"], t.elementType, known)
        return lambda value: [element(one) for one in value]
    if isinstance(t, MapType) and isinstance(schema, dict) and schema["type"] == "map":
        item = to_avro(schema["values"], t.valueType, known)
        return lambda value: {key: item(one) for key, one in value}
    return _to_scalar(schema, t)


def _to_record(schema: dict[str, Any], t: StructType, known: dict[str, Any]) -> Convert:
    lower = {f.name.lower(): i for i, f in enumerate(t.fields)}
    parts = []
    for field in schema["fields"]:
        at = lower.get(field["name"].lower())
        if at is None:
            if "default" not in field and not (isinstance(field["type"], list) and "null" in field["type"]):
                raise _incompatible(f"the field {field['name']!r} of the Avro schema has no column")
            continue
        parts.append((field["name"], at, to_avro(field["type"], t.fields[at].dataType, known)))
    return lambda value: {name: convert(value[at]) for name, at, convert in parts}


def _to_scalar(schema: Any, t: DataType) -> Convert:
    logical = schema.get("logicalType") if isinstance(schema, dict) else None
    if isinstance(t, (TimestampType, TimestampNTZType)):
        utc = _EPOCH_UTC if isinstance(t, TimestampType) else _EPOCH
        if logical is None:
            return lambda value: value
        return lambda value: utc + datetime.timedelta(microseconds=value)
    if isinstance(t, DateType) and logical == "date":
        return lambda value: _EPOCH.date() + datetime.timedelta(days=value)
    if isinstance(t, (StringType, CharType, VarcharType)) and schema == "bytes":
        return lambda value: value.encode()
    return lambda value: value


def fastavro_module() -> Any:
    """fastavro, or an error that names the extra it comes with."""
    try:
        import fastavro
    except ImportError:
        raise unsupported(
            "the avro data source without fastavro", 'Install it: pip install "penstock[avro]".'
        ) from None
    return fastavro
