"""from_json by DuckDB for plain records: a struct of scalars and structs, PERMISSIVE, without options that change
what is JSON.  A text that is not clean (malformed, a name twice, a value that does not fit) goes to the exact reader.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from penstock.functions.markers import quote
from penstock.functions.type_names import duck_type
from penstock.plan.types import (
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
    TimestampType,
)

_SETTINGS = {"mode", "$corrupt", "$zone", "$case"}
_WHOLE = (ShortType, IntegerType, LongType)
#: Timestamps that DuckDB and Spark surely read alike.
_MOMENT = r'"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?"'


def serves(t: DataType, settings: Mapping[str, str]) -> bool:
    """Whether DuckDB may read such records."""
    return (
        isinstance(t, StructType)
        and bool(t.fields)
        and settings["$corrupt"] not in t.names
        and set(settings) <= _SETTINGS
        and settings.get("mode", "permissive").lower() == "permissive"
        and len({f.name.lower() for f in t.fields}) == len(t.fields)
        and all(isinstance(f.dataType, (*_WHOLE, StringType, BooleanType, DoubleType, TimestampType)) for f in t.fields)
    )


def sql(text: str, t: StructType, exact: str) -> str:
    """SQL of the struct; `exact` is the SQL function that reads what is not clean."""
    shape = quote(json.dumps({f.name: "JSON" for f in t.fields}))
    members = [f"struct_extract(j_, {quote(f.name)})" for f in t.fields]
    values = ", ".join(f"{quote(f.name)}: {_value(raw, f.dataType)}" for raw, f in zip(members, t.fields, strict=True))
    fits = " AND ".join(_fits(raw, f.name, f.dataType) for raw, f in zip(members, t.fields, strict=True))
    row = f"list_transform([{{{values}}}], lambda v_: CASE WHEN {fits} THEN v_ ELSE {exact}(t_) END)[1]"
    read = f"list_transform([json_transform(t_, {shape})], lambda j_: {row})[1]"
    whole = f"CASE WHEN t_ IS NULL THEN NULL WHEN {_clean(t)} THEN {read} ELSE {exact}(t_) END"
    return f"list_transform([{text}], lambda t_: {whole})[1]"


def _clean(t: StructType) -> str:
    """Whether a text surely is one object without trailing commas, and has none of the names twice."""
    twice = (f"regexp_matches(t_, {quote(_twice(f.name))})" for f in t.fields)
    odd = " OR ".join(["regexp_matches(t_, ',\\s*[]}]')", "contains(t_, '\\u')", *twice])
    return f"json_valid(t_) AND starts_with(ltrim(t_, ' \t\n\r'), '{{') AND NOT ({odd})"


def _twice(name: str) -> str:
    key = re.escape(json.dumps(name, ensure_ascii=False))
    return f"(?s){key}.*{key}"


def _text(raw: str) -> str:
    return f"CAST({raw} AS VARCHAR)"


def _value(raw: str, t: DataType) -> str:
    text = _text(raw)
    if isinstance(t, _WHOLE):
        return f"CASE WHEN regexp_full_match({text}, '-?[0-9]+') THEN TRY_CAST({text} AS {duck_type(t)}) END"
    if isinstance(t, DoubleType):
        return f"TRY_CAST({text} AS DOUBLE)"
    if isinstance(t, BooleanType):
        return f"CASE {text} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
    if isinstance(t, TimestampType):
        return f"CASE WHEN regexp_full_match({text}, {quote(_MOMENT)}) THEN TRY_CAST({raw} ->> '$' AS TIMESTAMPTZ) END"
    return f"({raw} ->> '$')"


def _fits(raw: str, name: str, t: DataType) -> str:
    text = _text(raw)
    if isinstance(t, StringType):
        return f"({raw} IS NULL OR starts_with({text}, '\"') OR {text} = 'null')"
    return f"(struct_extract(v_, {quote(name)}) IS NOT NULL OR {raw} IS NULL OR {text} = 'null')"
