"""LIKE and its kin: one pattern, or ANY, SOME and ALL of several."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from sqlglot import exp

from penstock.plan.expressions import Expression, Literal, UnresolvedFunction
from penstock.plan.types import STRING
from penstock.sql.tree import Tree


def quantifier(node: Tree) -> tuple[str, list[Tree]]:
    """`any` or `all` and the patterns; ("", [pattern]) when there is one alone."""
    if isinstance(node, exp.Anonymous) and str(node.this).lower() in ("any", "some", "all"):
        return ("all" if str(node.this).lower() == "all" else "any"), node.expressions
    if isinstance(node, (exp.Any, exp.All)):
        inner = node.this
        items = inner.expressions if isinstance(inner, exp.Tuple) else [inner.unnest()]
        return ("any" if isinstance(node, exp.Any) else "all"), items
    return "", [node]


def likes(name: str, value: Expression, patterns: Sequence[Expression], which: str, negated: bool) -> Expression:
    """`value [NOT] name patterns`.  Several constants are one call, as in Spark, others one test each; NOT LIKE ANY is
    "some pattern does not match"."""
    if which and all(isinstance(p, Literal) and p.data_type == STRING for p in patterns):
        lowers = name == "ilike"
        texts = [p.value.lower() if lowers else p.value for p in patterns if isinstance(p, Literal)]
        value = UnresolvedFunction("lower", (value,)) if lowers else value
        called = f"${'not' if negated else ''}like{which}"
        return UnresolvedFunction(called, (value, *(Literal(text, STRING) for text in texts)))
    found: list[Expression] = [UnresolvedFunction(name, (value, pattern)) for pattern in patterns]
    if negated:
        found = [UnresolvedFunction("not", (item,)) for item in found]
    connector = "and" if which == "all" else "or"
    return functools.reduce(lambda left, right: UnresolvedFunction(connector, (left, right)), found)
