"""Leaves that only translation knows."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Node


@dataclass(frozen=True, eq=False)
class Input(Node):
    """A view that the caller registers under `name` before the SQL runs; its columns are called `c<id>`."""

    name: str
    columns: tuple[Attribute, ...]

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns
