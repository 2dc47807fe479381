"""UNION, INTERSECT and EXCEPT."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.nodes import Node, SetOperation, SubqueryAlias
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import translate, translates
from penstock.translate.pruning import Ids, needed_positions
from penstock.translate.select import Select, plain_columns, render


@translates(SetOperation)
def set_operation(node: SetOperation, needed: Ids, context: TranslateContext) -> Select:
    """A SetOperation; a tree of UNION ALL becomes one flat list, however deep it is."""
    positions = needed_positions(node, needed)
    names = [node.output[i].id for i in positions]
    branches = _branches(node) if node.kind == "union" and node.is_all else [node.left, node.right]
    texts = [_branch(branch, positions, names, context) for branch in branches]
    operator = f" {node.kind.upper()}{' ALL' if node.is_all else ''} "
    return Select(f"({operator.join(texts)})", plain_columns(names))


def _branches(node: Node) -> list[Node]:
    found: list[Node] = []
    waiting: list[Node] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, SetOperation) and current.kind == "union" and current.is_all:
            waiting += [current.right, current.left]
        elif isinstance(current, SubqueryAlias) and isinstance(current.child, SetOperation):
            waiting.append(current.child)
        else:
            found.append(current)
    return found


def _branch(node: Node, positions: tuple[int, ...], names: list[int], context: TranslateContext) -> str:
    ids = [node.output[i].id for i in positions]
    select = translate(node, frozenset(ids), context)
    inner = render(select, ids) if ids == names or select.distinct else None
    if inner is None:
        renamed = {name: select.columns[id_] for name, id_ in zip(names, ids, strict=True)}
        inner = render(replace(select, columns=renamed), names)
    return f"({inner})"
