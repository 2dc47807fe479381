"""`*`, `t.*`, `struct.*` and `df.colRegex(...)`: one expression becomes several."""

from __future__ import annotations

import re
from typing import TypeGuard

from penstock.analysis.errors import fail, sql_id
from penstock.analysis.extract import extract_field
from penstock.analysis.hidden import hidden_columns
from penstock.analysis.scope import Scope
from penstock.analysis.struct_updates import update_fields
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    GetField,
    UnresolvedAttribute,
    UnresolvedRegex,
    UnresolvedStar,
    UnresolvedStarExcept,
    fresh_id,
)
from penstock.plan.types import StructType


def expand_star(star: UnresolvedStar | UnresolvedStarExcept | UnresolvedRegex, scope: Scope) -> tuple[Expression, ...]:
    """The columns that a star or a regular expression stands for, in the input's order."""
    if isinstance(star, UnresolvedRegex):
        return _matching(star, scope)
    if isinstance(star, UnresolvedStarExcept):
        return _without(star, scope)
    if star.plan_id is not None:
        return _of_dataframe(star.plan_id, scope)
    return _qualified(star.target, scope) if star.target else scope.attributes


def names_table(star: Expression, scope: Scope) -> bool:
    """Whether it is the `t.*` of a table, not of a struct."""
    return isinstance(star, UnresolvedStar) and bool(star.target) and bool(_of_table(star.target, scope))


def is_star(e: Expression) -> TypeGuard[UnresolvedStar | UnresolvedStarExcept | UnresolvedRegex]:
    """Whether `e` stands for several columns."""
    return isinstance(e, (UnresolvedStar, UnresolvedStarExcept, UnresolvedRegex))


def _without(star: UnresolvedStarExcept, scope: Scope) -> tuple[Expression, ...]:
    """`* EXCEPT (a, s.field)`: columns left out, or structs without some of their fields."""
    columns: list[Expression] = list(_qualified(star.target, scope) if star.target else scope.attributes)
    for name in star.excluded:
        found = scope.resolve_here(UnresolvedAttribute(name))
        if found is None:
            raise scope.unresolved(UnresolvedAttribute(name))
        if isinstance(found, Attribute):
            columns = [c for c in columns if not (isinstance(c, Attribute) and c.id == found.id)]
        else:
            columns = [_without_field(c, found, scope) for c in columns]
    return tuple(columns)


def _without_field(column: Expression, field: Expression, scope: Scope) -> Expression:
    """`column` without the field, if the field is one of its own."""
    path: list[str] = []
    inner = field.child if isinstance(field, Alias) else field
    while isinstance(inner, GetField):
        path.insert(0, inner.field_name)
        inner = inner.child
    if not (isinstance(column, Attribute) and isinstance(inner, Attribute) and inner.id == column.id):
        return column
    return Alias(update_fields(column, ".".join(path), None, scope.context), (column.name,), fresh_id())


def _matching(star: UnresolvedRegex, scope: Scope) -> tuple[Expression, ...]:
    """Of all columns, not only those of the DataFrame whose colRegex it was: as in Spark."""
    pattern = star.pattern
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "`":
        pattern = pattern[1:-1]
    compiled = re.compile(pattern, 0 if scope.context.case_sensitive else re.IGNORECASE)
    return tuple(a for a in scope.attributes if compiled.fullmatch(a.name))


def _of_dataframe(plan_id: int, scope: Scope) -> tuple[Attribute, ...]:
    for plan in scope.plans:
        for node in plan.walk():
            if node.plan_id == plan_id:
                found = [scope.attribute(a.id) for a in node.output]
                return tuple(a for a in found if a is not None)
    raise fail("CANNOT_RESOLVE_DATAFRAME_COLUMN", name='"*"')


def _of_table(target: tuple[str, ...], scope: Scope) -> tuple[Attribute, ...]:
    key = scope.context.key
    wanted = tuple(key(part) for part in target)
    visible = (*(a for plan in scope.plans for a in hidden_columns(plan)), *scope.attributes)
    return tuple(a for a in visible if tuple(key(q) for q in a.qualifier[-len(wanted) :]) == wanted)


def _qualified(target: tuple[str, ...], scope: Scope) -> tuple[Expression, ...]:
    found = _of_table(target, scope)
    for a in found:
        if scope.attribute(a.id) is None:
            scope.missing[a.id] = a
    return found or _fields_of(target, scope)


def _fields_of(target: tuple[str, ...], scope: Scope) -> tuple[Expression, ...]:
    struct = scope.resolve(UnresolvedAttribute(target))
    if isinstance(struct, Alias):
        struct = struct.child
    if struct is None or not isinstance(struct.type, StructType):
        if struct is not None:
            raise fail("_LEGACY_ERROR_TEMP_1050", attributes=f"List({', '.join(target)})")
        columns = ", ".join(sql_id([a.name]) for a in scope.attributes)
        raise fail("CANNOT_RESOLVE_STAR_EXPAND", targetString=sql_id(target), columns=columns)
    return tuple(Alias(extract_field(struct, f.name, scope.context), (f.name,), fresh_id()) for f in struct.type.fields)
