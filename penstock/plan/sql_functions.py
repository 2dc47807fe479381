"""Functions that SQL defines: their parameters and the text's meaning, still unresolved."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Expression
from penstock.plan.nodes import Node
from penstock.plan.types import DataType, StructType


@dataclass(frozen=True)
class Parameter:
    """`name TYPE [DEFAULT expression]`."""

    name: str
    type: DataType
    default: Expression | None = None


@dataclass(frozen=True)
class SqlFunction:
    """`CREATE FUNCTION ... RETURN`: `value` for a function of one value, `query` for a table function, whose columns
    are `columns` (None: as the query names them).  `returns` None: the type of the value."""

    name: str
    parameters: tuple[Parameter, ...]
    value: Expression | None = None
    query: Node | None = None
    returns: DataType | None = None
    columns: StructType | None = None
    comment: str | None = None
    full_name: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The name that messages show: with its database, unless the function is temporary."""
        return self.full_name or (self.name,)


@dataclass(frozen=True)
class JavaFunction:
    """`CREATE FUNCTION ... AS 'class'`: known by its name and class; it cannot be called, there is no JVM."""

    name: str
    class_name: str
    full_name: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """As for a SqlFunction."""
        return self.full_name or (self.name,)


UserFunction = SqlFunction | JavaFunction
