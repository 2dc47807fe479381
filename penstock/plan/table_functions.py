"""Calls of Python table functions (UDTF): what stands in FROM, and what is left of it after analysis."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Attribute, Expression, SortOrder
from penstock.plan.nodes import Node
from penstock.plan.types import DataType, StructField, StructType


@dataclass(frozen=True)
class PythonTableFunction:
    """What the client pickled: a class with `eval`.  Without `return_type` its static method `analyze` gives the
    columns of each call."""

    name: str
    command: bytes
    eval_type: int
    return_type: StructType | None
    deterministic: bool = False


@dataclass(frozen=True)
class TableArgument(Expression):
    """`TABLE(plan) PARTITION BY ... ORDER BY ...`, `df.asTable()`: the rows of a plan as an argument (*unresolved
    only*)."""

    plan: Node
    partition_by: tuple[Expression, ...] = ()
    order_by: tuple[SortOrder, ...] = ()
    single_partition: bool = False


@dataclass(frozen=True)
class TableRow(Expression):
    """A row of the table argument: its columns, then those that its rows are partitioned by."""

    columns: tuple[Attribute, ...]

    @property
    def type(self) -> DataType:
        return StructType([StructField(a.name, a.type, a.nullable) for a in self.columns])

    @property
    def nullable(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class CallTable(Node):
    """A table function in FROM (*unresolved only*)."""

    function: PythonTableFunction
    args: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class EvalTable(Node):
    """A table function called for each row of `child`: `kept` columns of the child, then `columns`.

    `args` may hold one TableRow; then the columns at `partition_columns` of it say where a partition ends, and the
    child is in order.  `analyzed` is the pickled result of `analyze`.  With `origin`, two columns more, rows for which
    nothing came are kept: the number of the child's row, and whether the row came from the function."""

    function: PythonTableFunction
    args: tuple[Expression, ...]
    child: Node
    columns: tuple[Attribute, ...]
    partition_columns: tuple[int, ...] = ()
    analyzed: bytes | None = None
    kept: tuple[Attribute, ...] = ()
    origin: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return (*self.kept, *self.columns, *self.origin)
