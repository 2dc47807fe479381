"""WITH RECURSIVE: a query that goes on over the rows of its last step until a step gives none."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Node


@dataclass(frozen=True, eq=False)
class LastStep(Node):
    """Inside of a recursive query's step: the rows of the step before (resolved only).  `loop` is the query's number;
    `columns` are named as the query's."""

    loop: int
    columns: tuple[Attribute, ...]

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class RecursiveUnion(Node):
    """The rows of `first`, those of `step` over them, those of `step` over these, and so on (resolved only).

    Both inputs have the types of `columns`.  `max_levels` steps and `max_rows` rows are allowed, -1: any number."""

    loop: int
    first: Node
    step: Node
    max_levels: int
    max_rows: int
    columns: tuple[Attribute, ...]

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns
