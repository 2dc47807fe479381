"""The schema of JSON records by Spark's rules, from the structure that DuckDB finds in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock.core.beside_main import beside_main
from penstock.plan.types import (
    BOOLEAN,
    DOUBLE,
    LONG,
    NULL,
    STRING,
    ArrayType,
    DataType,
    StructField,
    StructType,
)
from penstock.sources.duckdb_types import quoted
from penstock.sources.files.lines import lines_sql

_SCALARS: dict[str, DataType] = {
    "BOOLEAN": BOOLEAN,
    "BIGINT": LONG,
    "DOUBLE": DOUBLE,
    "VARCHAR": STRING,
    "JSON": STRING,
    "NULL": NULL,
}


#: What DuckDB and Spark make different types of, or DuckDB takes and Spark does not.
_SUSPICIOUS = r"""[0-9]{19}|""|,\s*[]}]|NaN|Infinity|[:\[,]\s*\{\s*\}"""


def fast_schema(paths: list[str], ratio: float) -> StructType | None:
    """The schema of files in which DuckDB finds nothing but plain objects; None if the records must be read one by one.
    Fields are in the order of their names; a field that is always NULL is a string."""
    import duckdb

    if not paths:
        return None
    sample = f" WHERE hash(line) % 1000000 < {int(ratio * 1_000_000)}" if ratio < 1 else ""
    lines = f"SELECT line FROM ({lines_sql(paths)}) WHERE regexp_matches(line, '\\S')"
    odd = f"regexp_matches(line, {quoted(_SUSPICIOUS)})"
    clean = f"json_valid(line) AND starts_with(ltrim(line, ' \t\r\n'), '{{') AND NOT {odd}"
    query = (
        f"SELECT json_group_structure(CAST(CASE WHEN {clean} THEN line END AS JSON)), bool_and({clean}) "
        f"FROM (SELECT * FROM ({lines}){sample})"
    )
    try:
        with duckdb.connect() as connection:
            connection.execute("SET threads = 2")
            row = beside_main(lambda: connection.execute(query).fetchone(), connection.interrupt)
    except duckdb.Error:
        return None
    structure, is_clean = row or (None, None)
    if not structure or not is_clean or '"JSON"' in structure:
        return None
    return StructType(_fields(json.loads(structure)))


def sampled(texts: Iterator[str], ratio: float) -> Iterator[str]:
    """A part of the texts, the same ones each time."""
    return (text for text, _ in sampled_pairs(((text, None) for text in texts), ratio))


def sampled_pairs(pairs: Iterator[tuple[str, Any]], ratio: float) -> Iterator[tuple[str, Any]]:
    """As `sampled`, for texts with something beside them."""
    import zlib

    if ratio >= 1:
        return pairs
    return (pair for pair in pairs if zlib.crc32(pair[0].encode()) % 1_000_000 < ratio * 1_000_000)


def _fields(structure: object) -> list[StructField]:
    found = _type(structure)
    return list(found.fields) if isinstance(found, StructType) else []


def _type(structure: object) -> DataType:
    if isinstance(structure, dict):
        fields = [StructField(name, _type(one)) for name, one in structure.items()]
        return StructType(sorted(fields, key=lambda f: f.name))
    if isinstance(structure, list):
        return ArrayType(_type(structure[0]), True)
    data_type = _SCALARS.get(str(structure), LONG if "INT" in str(structure) else STRING)
    return STRING if data_type == NULL else data_type
