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
class EvalPython(Node):
    """Python functions of a row, taken out of the expressions of the node above: the child's columns, then `results`,
    one a function.  Their arguments hold no Python functions."""

    functions: tuple[PythonFunction, ...]
    results: tuple[Attribute, ...]
    child: Node

    @property
    def output(self) -> tuple[Attribute, ...]:
        return (*self.child.output, *self.results)


@dataclass(frozen=True, eq=False)
class AggregatePython(Node):
    """Python functions of a group (pandas and Arrow aggregates): the keys, which are columns of the child, then
    `results`, one a function."""

    keys: tuple[Attribute, ...]
    functions: tuple[PythonFunction, ...]
    results: tuple[Attribute, ...]
    child: Node

    @property
    def output(self) -> tuple[Attribute, ...]:
        return (*self.keys, *self.results)


@dataclass(frozen=True, eq=False)
class WindowPython(Node):
    """Python aggregates over one window: the child's columns, then `results`, one a function.

    Rows of equal `keys` are a partition; `place` numbers a partition's rows from 1; a row's frame is its partition's
    rows from `first` to `last` (NULL: no rows), or all of them where there are no such columns."""

    keys: tuple[Attribute, ...]
    place: Attribute
    first: Attribute | None
    last: Attribute | None
    functions: tuple[PythonFunction, ...]
    results: tuple[Attribute, ...]
    child: Node

    @property
    def output(self) -> tuple[Attribute, ...]:
        return (*self.child.output, *self.results)


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


def python_inputs(node: Node) -> tuple[Expression, ...]:
    """What a node of this module reads of its inputs: keys, sort keys and arguments; () for any other node."""
    match node:
        case MapPartitions():
            return node.function.args
        case GroupMap():
            return (*node.grouping, *node.function.args, *node.order)
        case CoGroupMap():
            return (*node.left_grouping, *node.right_grouping, *node.function.args)
        case EvalPython():
            return node.functions
        case AggregatePython():
            return (*node.keys, *node.functions)
        case WindowPython():
            bounds = (a for a in (node.first, node.last) if a is not None)
            return (*node.keys, node.place, *bounds, *node.functions)
        case ApplyInPandasWithState() | TransformWithState():
            initial = node.initial_grouping if isinstance(node, TransformWithState) else ()
            return (*node.grouping, *initial, *node.function.args)
    return ()
