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
    """A SetOperation; a tree of UNION ALL becomes one flat list, however deep, and rows of constants VALUES."""
    positions = needed_positions(node, needed)
    names = [node.output[i].id for i in positions]
    if node.kind != "union" or not node.is_all:
        sides = [_branch(side, positions, names, context) for side in (node.left, node.right)]
        text = f" {node.kind.upper()}{' ALL' if node.is_all else ''} ".join(
            f"({render(side, names)})" for side in sides
        )
        return Select(f"({text})", plain_columns(names))
    branches = [_branch(branch, positions, names, context) for branch in _branches(node)]
    if all(branch.source is None and branch == Select(None, branch.columns) for branch in branches):
        rows = ", ".join(f"({', '.join(branch.columns[name].sql for name in names)})" for branch in branches)
        table = f"{context.unique('values')}({', '.join(f'c{name}' for name in names)})"
        return Select(f"(VALUES {rows}) AS {table}", plain_columns(names))
    return Select(f"({' UNION ALL '.join(f'({render(branch, names)})' for branch in branches)})", plain_columns(names))


def _branches(node: Node) -> list[Node]:
    """The inputs of a tree of UNION ALL, from left to right."""
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


def _branch(node: Node, positions: tuple[int, ...], names: list[int], context: TranslateContext) -> Select:
    """An input with its columns under the set operation's names."""
    ids = [node.output[i].id for i in positions]
    select = translate(node, frozenset(ids), context)
    return replace(select, columns={name: select.columns[id_] for name, id_ in zip(names, ids, strict=True)})
