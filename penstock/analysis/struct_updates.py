"""Column.withField and Column.dropFields: a new struct in place of the old one, NULL where that is NULL."""

from __future__ import annotations

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr
from penstock.analysis.extract import extract_field
from penstock.functions import resolve
from penstock.functions.errors import wrong_input
from penstock.plan.expressions import Expression, Literal
from penstock.plan.types import STRING, StructType


def update_fields(struct: Expression, name: str, value: Expression | None, context: AnalysisContext) -> Expression:
    """`struct` with field `name` set to `value`, appended if new, or dropped if `value` is None.
    A dotted name reaches into nested structs."""
    if not isinstance(struct.type, StructType):
        raise wrong_input("update_fields", (struct,), 0, "STRUCT")
    first, _, rest = name.partition(".")
    if rest:
        value = update_fields(extract_field(struct, first, context), rest, value, context)
    pairs = _pairs(struct, struct.type, first, value, context)
    if not pairs:
        raise fail("DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS", sqlExpr=sql_expr(struct))
    args = tuple(e for field, v in pairs for e in (Literal(field, STRING), v))
    built = resolve("named_struct", args, conf=context.conf)
    if not struct.nullable:
        return built
    is_null = resolve("isnull", (struct,), conf=context.conf)
    return resolve("when", (is_null, Literal(None, built.type), built), conf=context.conf)


def _pairs(
    struct: Expression, kind: StructType, name: str, value: Expression | None, context: AnalysisContext
) -> list[tuple[str, Expression]]:
    pairs: list[tuple[str, Expression]] = []
    replaced = False
    for field in kind.fields:
        if context.key(field.name) != context.key(name):
            pairs.append((field.name, extract_field(struct, field.name, context)))
        elif value is not None:
            pairs.append((name, value))
            replaced = True
    if value is not None and not replaced:
        pairs.append((name, value))
    return pairs
