"""Taking values apart: `struct.field`, `array[i]`, `map[key]` (Spark's ExtractValue)."""

from __future__ import annotations

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr, sql_id, sql_type
from penstock.functions import resolve as resolve_function
from penstock.plan.expressions import Expression, FunctionCall, GetField, Literal
from penstock.plan.types import NULL, STRING, ArrayType, MapType, NullType, StringType, StructField, StructType


def extract_field(child: Expression, name: str, context: AnalysisContext) -> Expression:
    """`child.name`."""
    return extract(child, Literal(name, STRING), context)


def extract(child: Expression, extraction: Expression, context: AnalysisContext) -> Expression:
    """`child[extraction]`: a struct's field, that of every struct of an array, an array's element, a map's value."""
    kind = child.type
    if isinstance(kind, StructType):
        return _field(child, kind, extraction, context)
    if isinstance(kind, ArrayType):
        if isinstance(kind.elementType, StructType) and _is_name(extraction):
            return _field_of_elements(child, kind, kind.elementType, extraction, context)
        return resolve_function("getarrayitem", (child, extraction), conf=context.conf)
    if isinstance(kind, MapType):
        return resolve_function("getmapvalue", (child, extraction), conf=context.conf)
    if isinstance(kind, NullType):
        return FunctionCall("$part_of_null", (child, extraction), NULL, True)
    raise fail("INVALID_EXTRACT_BASE_FIELD_TYPE", base=sql_expr(child), other=sql_type(kind))


def find_field(struct: StructType, name: str, context: AnalysisContext) -> StructField:
    """The field called `name`; FIELD_NOT_FOUND or AMBIGUOUS_REFERENCE_TO_FIELDS otherwise."""
    found = [f for f in struct.fields if context.key(f.name) == context.key(name)]
    if len(found) > 1:
        raise fail("AMBIGUOUS_REFERENCE_TO_FIELDS", field=sql_id([name]), count=len(found))
    if not found:
        shown = ", ".join(sql_id([f.name]) for f in struct.fields)
        raise fail("FIELD_NOT_FOUND", fieldName=sql_id([name]), fields=shown)
    return found[0]


def _is_name(extraction: Expression) -> bool:
    return isinstance(extraction, Literal) and isinstance(extraction.type, StringType) and extraction.value is not None


def _name(extraction: Expression) -> str:
    if not _is_name(extraction):
        raise fail("INVALID_EXTRACT_FIELD_TYPE", extraction=sql_expr(extraction))
    assert isinstance(extraction, Literal)
    return str(extraction.value)


def _field(child: Expression, struct: StructType, extraction: Expression, context: AnalysisContext) -> Expression:
    field = find_field(struct, _name(extraction), context)
    return GetField(child, field.name, field.dataType, child.nullable or field.nullable)


def _field_of_elements(
    child: Expression, array: ArrayType, struct: StructType, extraction: Expression, context: AnalysisContext
) -> Expression:
    field = find_field(struct, _name(extraction), context)
    return GetField(child, field.name, ArrayType(field.dataType, array.containsNull or field.nullable), child.nullable)
