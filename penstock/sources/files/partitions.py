"""Partition columns: their types from the texts in directory names, and their values as SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from penstock.core.active_conf import timestamps_are_local
from penstock.core.errors import SparkError, analysis_error
from penstock.plan.types import (
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    NULL,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    DataType,
    DecimalType,
    StringType,
    StructField,
    StructType,
)
from penstock.sources.duckdb_types import duckdb_type, quoted
from penstock.sources.files.listing import DataFile

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d+)?")


def partition_schema(files: Sequence[DataFile], user_schema: StructType | None, *, infer: bool) -> StructType:
    """The partition columns of these files; a type given by the user wins over the inferred one."""
    names = _names(files)
    given = {f.name.lower(): f.dataType for f in user_schema.fields} if user_schema is not None else {}
    fields = []
    for position, name in enumerate(names):
        texts = {file.partitions[position][1] for file in files}
        inferred = _common([_type_of(text) for text in texts]) if infer else STRING
        fields.append(StructField(name, given.get(name.lower(), inferred), True))
    return StructType(fields)


def partition_sql(text: str | None, data_type: DataType, name: str) -> str:
    """A partition value as an SQL expression of its type."""
    if text is None:
        return f"CAST(NULL AS {duckdb_type(data_type)})"
    if not isinstance(data_type, StringType):
        _check(text, data_type, name)
    return f"CAST({quoted(text)} AS {duckdb_type(data_type)})"


def _names(files: Sequence[DataFile]) -> tuple[str, ...]:
    lists = {tuple(name for name, _ in file.partitions) for file in files}
    if len({tuple(name.lower() for name in names) for names in lists}) > 1:
        shown = "; ".join(", ".join(names) or "none" for names in sorted(lists))
        message = (
            f"Files under one location have different partition columns: {shown}. Data files must lie in the leaf "
            "directories, and directories of one level must have the same column name."
        )
        raise SparkError(
            "CONFLICTING_PARTITION_COLUMN_NAMES", message, {"distinctPartColLists": shown}, sqlstate="KD009"
        )
    return min(lists, default=())


def _type_of(text: str | None) -> DataType:
    if text is None:
        return NULL
    if re.fullmatch(r"[+-]?\d+", text):
        number = int(text)
        if -(2**31) <= number < 2**31:
            return INTEGER
        return LONG if -(2**63) <= number < 2**63 else _decimal(text)
    if _is_number(text):
        return DOUBLE
    if _TIMESTAMP.fullmatch(text):
        return TIMESTAMP_NTZ if timestamps_are_local() else TIMESTAMP
    return DATE if _DATE.fullmatch(text) else STRING


def _decimal(text: str) -> DataType:
    digits = len(text.lstrip("+-0"))
    return DecimalType(digits, 0) if digits <= 38 else DOUBLE


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return "_" not in text and text.strip() == text and text.lstrip("+-")[:1].lower() not in ("n", "i", "s")


def _common(types: list[DataType]) -> DataType:
    kinds = {t.typeName() for t in types} - {"void"}
    if not kinds:
        return STRING
    if len(kinds) == 1:
        return next(t for t in types if t.typeName() in kinds)
    if kinds <= set(_names_of_numbers()):
        return max((t for t in types if t.typeName() in kinds), key=lambda t: _names_of_numbers().index(t.typeName()))
    if len(kinds) == 2 and "date" in kinds and kinds & {"timestamp", "timestamp_ntz"}:
        return next(t for t in types if t.typeName() in kinds - {"date"})
    return STRING


def _names_of_numbers() -> tuple[str, ...]:
    return ("integer", "long", "decimal", "double")


def _check(text: str, data_type: DataType, name: str) -> None:
    allowed: Mapping[str, set[str]] = {
        "integer": {"integer"},
        "long": {"integer", "long"},
        "short": {"integer"},
        "byte": {"integer"},
        "date": {"date", "timestamp", "timestamp_ntz"},
        "timestamp": {"date", "timestamp", "timestamp_ntz"},
        "timestamp_ntz": {"date", "timestamp", "timestamp_ntz"},
    }
    accepted = allowed.get(data_type.typeName())
    if accepted is not None and _type_of(text).typeName() not in accepted:
        message = (
            f"The partition value {text!r} of the column {name!r} is not a {data_type.simpleString()}. "
            "Give the column another type in the schema, or rename the directory."
        )
        raise analysis_error(
            "INVALID_PARTITION_VALUE", message, "42846", value=text, dataType=data_type.simpleString(), columnName=name
        )
