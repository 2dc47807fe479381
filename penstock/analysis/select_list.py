"""The SELECT list: stars expanded, expressions resolved left to right, each given a name and an id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from penstock.analysis.expressions import resolve_expression
from penstock.analysis.in_queries import never_null
from penstock.analysis.kinds import is_generator
from penstock.analysis.metadata import AUTO_GENERATED, metadata_of
from penstock.analysis.scope import Scope
from penstock.analysis.stars import expand_star, is_star
from penstock.functions.names import display_name
from penstock.functions.table import exists, lookup
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Cast,
    Expression,
    FunctionCall,
    GetField,
    Literal,
    UnresolvedFunction,
    fresh_id,
)


def resolve_select_list(expressions: Iterable[Expression], scope: Scope, *, laterals: bool = True) -> list[Expression]:
    """Named columns (Alias, Attribute), or bare generator calls.  An alias is visible to the expressions on its right
    when the input has no such column (lateral column aliases)."""
    expressions = list(expressions)
    resolved: list[Expression] = []
    generates = any(_generates(e) for e in expressions)
    for e in expressions:
        if is_star(e):
            resolved.extend(expand_star(e, scope))
            continue
        found = resolve_expression(e, scope)
        column = name_column(e, _without_aliases(found) if generates else found, scope)
        resolved.append(column)
        if laterals and isinstance(column, Alias) and isinstance(e, Alias):
            scope.laterals.setdefault(scope.context.key(column.name), []).append(column)
    return resolved


def _generates(e: Expression) -> bool:
    call = e.child if isinstance(e, Alias) else e
    return isinstance(call, UnresolvedFunction) and exists(call.name) and lookup(call.name).kind == "generator"


def _without_aliases(e: Expression) -> Expression:
    """Beside a generator to_json is named late, when the aliases in its struct() are gone."""

    def strip(x: Expression) -> Expression:
        if not isinstance(x, FunctionCall) or x.name != "to_json":
            return x
        return x.map_children(lambda child: child.transform(lambda y: y.child if isinstance(y, Alias) else y))

    return e.transform(strip)


def name_column(original: Expression, resolved: Expression, scope: Scope | None = None) -> Expression:
    """`resolved` as a column: itself if it has a name, else an Alias with the name that Spark would show, marked in its
    metadata where Spark marks it."""
    if isinstance(resolved, Attribute) or is_generator(resolved):
        return resolved
    if isinstance(resolved, Alias):
        return _complete(replace(resolved, child=never_null(resolved.child)))
    name = _shown_name(original, _with_marked_laterals(resolved, scope))
    metadata = metadata_of(resolved) or ({} if _has_own_name(resolved) else {AUTO_GENERATED: "true"})
    return Alias(never_null(resolved), (name,), fresh_id(), metadata or None, generated=True)


def _has_own_name(e: Expression) -> bool:
    """Literals, casts of a column and parts of values are shown as they are; other names count as made up."""
    return isinstance(e, (Literal, GetField)) or _is_named_cast(e) or _is_part(e)


def _is_named_cast(e: Expression) -> bool:
    return isinstance(e, Cast) and isinstance(e.child, Attribute)


def _is_part(e: Expression) -> bool:
    return isinstance(e, FunctionCall) and e.name in ("getarrayitem", "getmapvalue")


def _with_marked_laterals(e: Expression, scope: Scope | None) -> Expression:
    """A reference to an alias of the same list shows as such in a made-up name."""
    if scope is None or not scope.used_laterals:
        return e
    used = scope.used_laterals

    def mark(x: Expression) -> Expression:
        if isinstance(x, Attribute) and x.id in used:
            return replace(x, name=f"lateralAliasReference({x.name})")
        return x

    return e.transform(mark)


def _complete(alias: Alias) -> Alias:
    metadata = alias.metadata if alias.metadata is not None else metadata_of(alias.child)
    return replace(alias, id=alias.id or fresh_id(), metadata=metadata or None)


def _shown_name(original: Expression, resolved: Expression) -> str:
    if isinstance(resolved, Cast) and isinstance(resolved.child, Attribute):
        return resolved.child.name
    if isinstance(original, Cast) and isinstance(original.child, Alias):
        return original.child.name
    return display_name(resolved)


def without_repeats(expressions: Iterable[Expression]) -> tuple[Expression, ...]:
    """A column selected twice gets an id of its own the second time: ids are unique in an output."""
    seen: set[int] = set()
    result: list[Expression] = []
    for e in expressions:
        if isinstance(e, (Attribute, Alias)) and e.id in seen:
            inner = e if isinstance(e, Attribute) else e.child
            e = Alias(inner, (e.name,), fresh_id(), generated=True)
        if isinstance(e, (Attribute, Alias)):
            seen.add(e.id)
        result.append(e)
    return tuple(result)
