"""The physical plan that `explain` shows: Spark's names of the operators that run, one line each.

A join with an equality is a hash join in memory, which Spark calls BroadcastHashJoin; another one compares every pair.
Nodes that are nothing at run time do not show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from penstock.functions.table import lookup
from penstock.plan import nodes as n
from penstock.plan.expressions import Expression, FunctionCall, PythonFunction, WindowExpression
from penstock.plan.printing import describe, draw, show_expression
from penstock.translate.joins import conjuncts, is_equality
from penstock.translate.nodes import Input
from penstock.translate.pruning import references

_NOTHING = (n.SubqueryAlias, n.Hint)
_KINDS = {"inner": "Inner", "cross": "Cross", "left": "LeftOuter", "right": "RightOuter", "full": "FullOuter",
          "semi": "LeftSemi", "anti": "LeftAnti"}  # fmt: skip


def physical_tree(plan: n.Node) -> str:
    """One line an operator, inputs indented below."""
    return draw(_shown(plan), physical_line, lambda node: tuple(_shown(child) for child in node.children))


def formatted_plan(plan: n.Node) -> str:
    """The tree with a number an operator, then what each one does."""
    operators = list(_operators(_shown(plan)))
    numbers = {id(node): i for i, node in enumerate(reversed(operators), start=1)}
    tree = draw(
        _shown(plan),
        lambda node: f"{_name(node)} ({numbers[id(node)]})",
        lambda node: tuple(_shown(child) for child in node.children),
    )
    details = [
        f"({numbers[id(node)]}) {_name(node)}\nOutput [{len(node.output)}]: {_list(node.output)}\n"
        f"Arguments: {physical_line(node).removeprefix(_name(node)).strip()}\n"
        for node in reversed(operators)
    ]
    return tree + "\n\n" + "\n".join(details)


def _operators(node: n.Node) -> list[n.Node]:
    found = [node]
    for child in node.children:
        found += _operators(_shown(child))
    return found


def _name(node: n.Node) -> str:
    return re.split(r"[ (]", physical_line(node), maxsplit=1)[0]


def _shown(node: n.Node) -> n.Node:
    while isinstance(node, _NOTHING):
        node = node.child
    return node


def physical_line(node: n.Node) -> str:
    """One operator without its inputs."""
    show = _LINES.get(type(node))
    return describe(node) if show is None else show(node)


def _list(expressions: Sequence[Expression]) -> str:
    return f"[{', '.join(show_expression(e) for e in expressions)}]"


def _project(node: n.Project) -> str:
    parts = [part for e in node.expressions for part in e.walk()]
    name = "Project"
    if any(isinstance(part, WindowExpression) for part in parts):
        name = "Window"
    elif any(isinstance(part, PythonFunction) for part in parts):
        name = "ArrowEvalPython"
    return f"{name} {_list(node.expressions)}"


def _join(node: n.Join) -> str:
    keys = [part for part in conjuncts(node.condition) if is_equality(node, part)] if node.condition else []
    kind = _KINDS[node.kind]
    rest = [part for part in (conjuncts(node.condition) if node.condition else ()) if part not in keys]
    others = f", {' AND '.join(show_expression(part) for part in rest)}" if rest else ""
    if not keys:
        return f"BroadcastNestedLoopJoin BuildRight, {kind}{others}"
    left_ids = {a.id for a in node.left.output}
    left, right = [], []
    for key in keys:
        assert isinstance(key, FunctionCall)
        swap = not set(references(key.args[0])) <= left_ids
        left.append(key.args[1 if swap else 0])
        right.append(key.args[0 if swap else 1])
    side = "BuildLeft" if _is_broadcast(node.left) or node.kind == "right" else "BuildRight"
    return f"BroadcastHashJoin {_list(left)}, {_list(right)}, {kind}, {side}{others}, false"


def _is_broadcast(side: n.Node) -> bool:
    while isinstance(side, _NOTHING):
        if isinstance(side, n.Hint) and side.name.lower() in ("broadcast", "broadcastjoin", "mapjoin"):
            return True
        side = side.child
    return False


def _aggregate(node: n.Aggregate) -> str:
    calls = [part for e in node.aggregates for part in e.walk() if _is_aggregate(part)]
    return f"HashAggregate(keys={_list(node.grouping)}, functions={_list(calls)})"


def _is_aggregate(e: Expression) -> bool:
    return isinstance(e, FunctionCall) and lookup(e.name).kind == "aggregate"


def _input(node: Input) -> str:
    return f"{node.name} [{', '.join(f'{a.name}#{a.id}' for a in node.output)}]"


_LINES: dict[type[n.Node], Callable[[Any], str]] = {
    Input: _input,
    n.Aggregate: _aggregate,
    n.Deduplicate: lambda node: f"HashAggregate(keys={_list(node.keys)}, functions=[])",
    n.Join: _join,
    n.Limit: lambda node: f"CollectLimit {node.count}",
    n.LocalData: lambda node: f"LocalTableScan {_list(node.columns)}",
    n.OneRow: lambda node: "Scan OneRowRelation[]",
    n.Project: _project,
    n.Range: lambda node: f"Range ({node.start}, {node.end}, step={node.step}, splits={node.partitions or 1})",
    n.Read: lambda node: f"FileScan {node.format} {_list(node.columns)}",
    n.Sort: lambda node: f"Sort {_list(node.order)}, {str(node.is_global).lower()}, 0",
}
