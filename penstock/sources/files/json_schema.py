"""The schema of JSON records by Spark's rules, from the structure that DuckDB finds in them."""

from __future__ import annotations

import json

from penstock.plan.types import (
    BOOLEAN,
    DOUBLE,
    LONG,
    NULL,
    STRING,
    ArrayType,
    DataType,
    DecimalType,
    StructField,
    StructType,
)

_SCALARS: dict[str, DataType] = {
    "BOOLEAN": BOOLEAN,
    "BIGINT": LONG,
    "DOUBLE": DOUBLE,
    "VARCHAR": STRING,
    "JSON": STRING,
    "NULL": NULL,
    "HUGEINT": DecimalType(38, 0),
}


def infer_schema(records: str, corrupt: str, mode: str, primitives_as_string: bool, ratio: float) -> StructType | None:
    """`records` is a SELECT of (line, item).  Fields are in the order of their names; a field that is always NULL is a
    string; records that are no objects add the column for corrupt records in PERMISSIVE mode."""
    import duckdb

    sample = f" WHERE hash(line) % 1000000 < {int(ratio * 1_000_000)}" if ratio < 1 else ""
    is_object = "coalesce(starts_with(ltrim(item), '{'), false)"
    query = (
        f"SELECT json_group_structure(CASE WHEN {is_object} THEN CAST(item AS JSON) END), bool_or(NOT {is_object}) "
        f"FROM (SELECT * FROM ({records}){sample})"
    )
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        structure, has_corrupt = connection.execute(query).fetchone() or (None, None)
    fields = _fields(json.loads(structure), primitives_as_string) if structure else []
    if has_corrupt and mode == "permissive" and corrupt not in {f.name for f in fields}:
        fields.append(StructField(corrupt, STRING))
    return StructType(sorted(fields, key=lambda f: f.name))


def _fields(structure: object, primitives_as_string: bool) -> list[StructField]:
    found = _type(structure, primitives_as_string)
    return list(found.fields) if isinstance(found, StructType) else []


def _type(structure: object, primitives_as_string: bool) -> DataType:
    if isinstance(structure, dict):
        fields = [StructField(name, _type(one, primitives_as_string)) for name, one in structure.items()]
        return StructType(sorted(fields, key=lambda f: f.name))
    if isinstance(structure, list):
        return ArrayType(_type(structure[0], primitives_as_string), True)
    data_type = _SCALARS.get(str(structure), LONG if "INT" in str(structure) else STRING)
    return STRING if primitives_as_string or data_type == NULL else data_type
