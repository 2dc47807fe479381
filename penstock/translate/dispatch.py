"""The way from a node to its SELECT: every kind of node has a translation registered here.

A translation is a function `(node, needed, context) -> Select`; `needed` are the ids of the columns that the nodes
above use, and only those are carried (down to the scans).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from penstock.core.errors import unsupported
from penstock.core.recursion import allow_deep_plans
from penstock.plan.nodes import Node
from penstock.translate.context import TranslateContext
from penstock.translate.pruning import Ids
from penstock.translate.select import Select, plain_columns, render

Translation: TypeAlias = Callable[[Any, Ids, TranslateContext], Select]

_T = TypeVar("_T", bound=Translation)

_translations: dict[type[Node], Translation] = {}


def translates(*kinds: type[Node]) -> Callable[[_T], _T]:
    """Register a function as the translation of some kinds of nodes."""

    def register(function: _T) -> _T:
        _translations.update(dict.fromkeys(kinds, function))
        return function

    return register


def to_sql(plan: Node, context: TranslateContext) -> str:
    """The SELECT whose columns are `c<id>` in the order of the plan's output.

    A plan without columns yields one column that means nothing, so that its rows can be counted.
    """
    allow_deep_plans()
    ids = [attribute.id for attribute in plan.output]
    return render(translate(plan, frozenset(ids), context), ids)


def translate(node: Node, needed: Ids, context: TranslateContext) -> Select:
    """A SELECT that offers at least the columns `needed` of `node`'s output."""
    translation = _translations.get(type(node))
    if translation is None:
        raise unsupported(f"{type(node).__name__} in a query")
    return translation(node, needed, context)


def seal(select: Select, needed: Ids, context: TranslateContext) -> Select:
    """`select` as a source: whatever comes next is written around it."""
    if select.is_plain:
        return select
    ids = sorted(needed & select.columns.keys())
    return Select(f"({render(select, ids)})", plain_columns(ids))
