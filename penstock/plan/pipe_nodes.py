"""The pipe syntax `query |> operator |> operator` (unresolved only)."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Alias, Expression
from penstock.plan.nodes import Node


@dataclass(frozen=True, eq=False)
class PipeInput(Node):
    """What stands on the left of `|>`: the operator sees its columns, and nothing below them.  `expressions` are those
    of the operator `clause`, where it says whether they may be aggregates."""

    child: Node
    clause: str = ""
    expressions: tuple[Expression, ...] = ()


@dataclass(frozen=True, eq=False)
class PipeSet(Node):
    """`|> SET name = value, ...`: columns that are there get new values."""

    aliases: tuple[Alias, ...]
    child: Node
