"""Nodes that run a Python function over batches, groups or keyed state.

`result_schema` is what the function yields; `columns` () until analysis gives it attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Attribute, Expression, PythonFunction, SortOrder
from penstock.plan.nodes import Node
from penstock.plan.types import StructType


@dataclass(frozen=True, eq=False)
class MapPartitions(Node):
    """mapInPandas, mapInArrow: an iterator of batches in, one out (eval types 205 and 207)."""

    function: PythonFunction
    child: Node
    result_schema: StructType
    columns: tuple[Attribute, ...] = ()
    barrier: bool = False

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class GroupMap(Node):
    """applyInPandas, applyInArrow: a group in, a frame out (eval types 201 and 209).  `order` sorts within groups."""

    grouping: tuple[Expression, ...]
    function: PythonFunction
    child: Node
    result_schema: StructType
    order: tuple[SortOrder, ...] = ()
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class CoGroupMap(Node):
    """cogroup(...).applyInPandas: two groups of one key in, a frame out (eval types 206 and 210)."""

    left_grouping: tuple[Expression, ...]
    right_grouping: tuple[Expression, ...]
    function: PythonFunction
    left: Node
    right: Node
    result_schema: StructType
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class ApplyInPandasWithState(Node):
    """applyInPandasWithState: `func(key, frames, GroupState)`.  `output_mode` is "append" or "update", as the client
    wrote it, `timeout` "NoTimeout", "ProcessingTimeTimeout" or "EventTimeTimeout"."""

    grouping: tuple[Expression, ...]
    function: PythonFunction
    child: Node
    result_schema: StructType
    state_schema: StructType
    output_mode: str
    timeout: str
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class TransformWithState(Node):
    """transformWithState(InPandas): a StatefulProcessor.  `time_mode` is "None", "ProcessingTime" or "EventTime";
    `initial` with `initial_grouping` is the initial state."""

    grouping: tuple[Expression, ...]
    function: PythonFunction
    child: Node
    result_schema: StructType
    output_mode: str
    time_mode: str
    event_time_column: str | None = None
    initial: Node | None = None
    initial_grouping: tuple[Expression, ...] = ()
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns
