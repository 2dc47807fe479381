"""ROLLUP, CUBE and GROUPING SETS: which keys each set keeps; the others are NULL in its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from penstock.analysis.kinds import is_aggregate
from penstock.plan.expressions import Alias, Attribute, Cast, Expression, FunctionCall, GetField, fresh_id

Sets = tuple[tuple[int, ...], ...]


def expand_sets(kind: str, count: int, sets: Sets) -> Sets:
    """The sets of key positions that `kind` stands for over `count` keys."""
    if kind == "rollup":
        return tuple(tuple(range(n)) for n in range(count, -1, -1))
    if kind == "cube":
        return tuple(c for n in range(count, -1, -1) for c in combinations(range(count), n))
    return sets


def with_nullable_keys(
    keys: Sequence[Expression], columns: Sequence[Expression], sets: Sets
) -> tuple[tuple[Expression, ...], list[Expression]]:
    """Keys that some set leaves out, made nullable in keys and columns alike; a key that is a column of its own gets a
    new id, because its values are no longer the input's."""
    changed = {i: _as_nullable(key) if any(i not in s for s in sets) else key for i, key in enumerate(keys)}

    def rewrite(e: Expression) -> Expression:
        if is_aggregate(e):
            return e
        for i, key in enumerate(keys):
            if e == key:
                return changed[i]
        if isinstance(e, FunctionCall) and e.name == "grouping_id" and not e.args:
            return replace(e, args=tuple(changed.values()))
        return e.map_children(rewrite)

    rewritten = [rewrite(column) for column in columns]
    named = [Alias(c, (c.name,), fresh_id(), generated=True) if isinstance(c, Attribute) else c for c in rewritten]
    return tuple(changed.values()), named


def _as_nullable(key: Expression) -> Expression:
    if isinstance(key, (Attribute, FunctionCall, GetField)):
        return replace(key, is_nullable=True)
    if isinstance(key, Cast):
        return replace(key, child=_as_nullable(key.child))
    return key
