"""GROUP BY clauses -> Aggregate nodes: plain keys, ALL, ROLLUP, CUBE, GROUPING SETS and mixtures of them."""

from __future__ import annotations

import itertools

from sqlglot import exp

from penstock.plan.expressions import Expression, UnresolvedAttribute
from penstock.plan.nodes import Aggregate, Node
from penstock.sql.expressions import Scope, expressions
from penstock.sql.syntax import syntax_error
from penstock.sql.tree import Tree, only, part

Keys = tuple[Expression, ...]


def aggregate(group: Tree, items: Keys, child: Node, scope: Scope) -> Aggregate:
    """`SELECT items FROM child GROUP BY group`; without a clause (HAVING alone) there is one group."""
    if group is None:
        return Aggregate((), items, child)
    only(group, "expressions", "all", "cube", "rollup", "grouping_sets")
    if part(group, "all") and not group.expressions:
        return Aggregate((UnresolvedAttribute(("ALL",)),), items, child)  # as Spark's parser: analysis finds the keys
    elements = [*group.expressions]
    if any(isinstance(e, exp.Tuple) and not e.expressions for e in elements):
        raise syntax_error(")")  # GROUP BY ()
    for name in ("cube", "rollup", "grouping_sets"):
        for suffix in part(group, name) or ():
            if not suffix.expressions:  # GROUP BY a, b WITH ROLLUP
                return Aggregate(expressions(elements, scope), items, child, name)
            if name == "grouping_sets":  # GROUP BY a, b GROUPING SETS (...)
                return _of_sets(
                    [[set_ for s in suffix.expressions for set_ in _sets(s, scope)]],
                    items,
                    child,
                    expressions(elements, scope),
                )
            elements.append(suffix)
    if not any(isinstance(e, (exp.Cube, exp.Rollup, exp.GroupingSets)) for e in elements):
        return Aggregate(expressions(elements, scope), items, child)
    if len(elements) == 1 and isinstance(elements[0], (exp.Cube, exp.Rollup)) and not _has_tuples(elements[0]):
        return Aggregate(expressions(elements[0].expressions, scope), items, child, elements[0].key)
    return _of_sets([_sets(element, scope) for element in elements], items, child)


def _has_tuples(node: Tree) -> bool:
    return any(isinstance(e, exp.Tuple) for e in node.expressions)


def _sets(node: Tree, scope: Scope) -> list[Keys]:
    """The grouping sets that one element of the clause stands for."""
    if isinstance(node, exp.GroupingSets):
        return [keys for element in node.expressions for keys in _sets(element, scope)]
    if isinstance(node, exp.Rollup):
        columns = [_keys(e, scope) for e in node.expressions]
        return [_joined(columns[:n]) for n in range(len(columns), -1, -1)]
    if isinstance(node, exp.Cube):
        columns = [_keys(e, scope) for e in node.expressions]
        return [_joined(list(c)) for n in range(len(columns), -1, -1) for c in itertools.combinations(columns, n)]
    return [_keys(node, scope)]


def _keys(node: Tree, scope: Scope) -> Keys:
    if isinstance(node, exp.Tuple):
        return expressions(node.expressions, scope)
    return expressions([node], scope)


def _joined(keys: list[Keys]) -> Keys:
    return tuple(itertools.chain.from_iterable(keys))


def _of_sets(choices: list[list[Keys]], items: Keys, child: Node, first: Keys = ()) -> Aggregate:
    """One set for each way to choose a set of every element."""
    found = [_joined(list(choice)) for choice in itertools.product(*choices)]
    grouping = list(dict.fromkeys((*first, *_joined(found))))
    sets = tuple(tuple(dict.fromkeys(grouping.index(key) for key in keys)) for keys in found)
    return Aggregate(tuple(grouping), items, child, "grouping_sets", sets)
