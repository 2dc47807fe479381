"""Column.withField and Column.dropFields: a new struct in place of the old one, NULL where that is NULL."""

from __future__ import annotations

import json

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr
from penstock.analysis.extract import extract_field, find_field
from penstock.functions.errors import wrong_input
from penstock.functions.names import display_name
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import STRING, StructField, StructType

_NAME = "$update_fields"
_LONGEST = 2_000  # letters of a name that is repeated inside another one
_Fields = list[tuple[StructField, Expression]]
_Steps = list[list[str]]  # [key of the field, text]: how each step shows


def update_fields(struct: Expression, name: str, value: Expression | None, context: AnalysisContext) -> Expression:
    """`struct` with field `name` set to `value`, appended if new, or dropped if `value` is None.
    A dotted name reaches into nested structs.  An update of an update is one: its size grows with the fields alone."""
    return _updated(struct, name, value, context)


def _updated(
    struct: Expression, name: str, value: Expression | None, context: AnalysisContext, shown: str = ""
) -> FunctionCall:
    """`shown`: the name of a struct that is a part of another one: what was done to it before does not show."""
    if not isinstance(struct.type, StructType):
        raise wrong_input("update_fields", (struct,), 0, "STRUCT")
    first, _, rest = name.partition(".")
    base, fields, steps = _taken_apart(struct, struct.type, context)
    if rest:
        wanted = find_field(struct.type, first, context)
        inner = next(e for field, e in fields if field is wanted)
        whole = shown or display_name(struct)
        whole = whole if len(whole) < _LONGEST else display_name(base)
        value = _updated(inner, rest, value, context, f"{whole}.{wanted.name}")
    fields = _changed(fields, first, value, context)
    if not fields:
        raise fail("DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS", sqlExpr=sql_expr(struct))
    step = [context.key(first), f"WithField({display_name(value)})"] if value is not None else ["", "dropfield()"]
    steps = _settled([*([] if shown else steps), step])
    args = (Literal(json.dumps([shown or display_name(base), *steps]), STRING), base, *(e for _, e in fields))
    return FunctionCall(_NAME, args, StructType([field for field, _ in fields]), struct.nullable, _NAME)


def _settled(steps: _Steps) -> _Steps:
    """Of fields that are set twice only the last value shows, in the place of the first, unless one is dropped."""
    values = {step[0]: step[1] for step in steps}
    return steps if "" in values else [[name, text] for name, text in values.items()]


def _taken_apart(struct: Expression, kind: StructType, context: AnalysisContext) -> tuple[Expression, _Fields, _Steps]:
    """The struct whose NULL is the result's, what each field is, and what has been done to it."""
    if isinstance(struct, FunctionCall) and struct.name == _NAME:
        shown, base, *values = struct.args
        assert isinstance(shown, Literal)
        return base, list(zip(kind.fields, values, strict=True)), json.loads(shown.value)[1:]
    return struct, [(field, extract_field(struct, field.name, context)) for field in kind.fields], []


def _changed(fields: _Fields, name: str, value: Expression | None, context: AnalysisContext) -> _Fields:
    matches = [context.key(field.name) == context.key(name) for field, _ in fields]
    if value is None:
        return [one for one, matched in zip(fields, matches, strict=True) if not matched]
    new = (StructField(name, value.type, value.nullable), value)
    changed = [new if matched else one for one, matched in zip(fields, matches, strict=True)]
    return changed if any(matches) else [*changed, new]
