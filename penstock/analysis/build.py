"""Short ways to write resolved expressions, for rules that rewrite one node into others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id
from penstock.analysis.scope import Scope
from penstock.core.errors import illegal_argument
from penstock.functions import resolve
from penstock.plan.expressions import Alias, Attribute, Cast, Expression, Literal, UnresolvedAttribute, fresh_id
from penstock.plan.nodes import Node
from penstock.plan.types import BOOLEAN, DOUBLE, INTEGER, LONG, STRING, DataType
from penstock.sql.identifiers import split_identifier

_LITERALS: dict[type[Any], DataType] = {bool: BOOLEAN, float: DOUBLE, str: STRING, int: INTEGER}


class Build:
    """Calls, literals and casts under one session's settings."""

    def __init__(self, context: AnalysisContext) -> None:
        self.context = context

    def call(self, name: str, *args: Expression, distinct: bool = False) -> Expression:
        """A function call, coerced as usual."""
        return resolve(name, args, conf=self.context.conf, distinct=distinct)

    def cast(self, e: Expression, data_type: DataType, mode: str | None = None) -> Expression:
        """CAST, by the session's ANSI mode unless `mode` says otherwise."""
        return Cast(e, data_type, mode or ("ansi" if self.context.conf.ansi else "legacy"))

    def every(self, conditions: Sequence[Expression]) -> Expression:
        """All of them."""
        condition = conditions[0]
        for other in conditions[1:]:
            condition = self.call("and", condition, other)
        return condition

    def columns(self, names: Sequence[str], child: Node) -> list[Attribute]:
        """Columns of `child` by the names that a DataFrame method was given."""
        scope = Scope(self.context, child)
        return [self._column(name, scope) for name in names]

    def _column(self, name: str, scope: Scope) -> Attribute:
        unresolved = UnresolvedAttribute(split_identifier(name))
        found = scope.resolve_here(unresolved)
        if found is None:
            raise scope.unresolved(unresolved)
        if not isinstance(found, Attribute):
            raise fail("INVALID_COLUMN_OR_FIELD_DATA_TYPE", name=sql_id([name]), type="nested", expectedType="a column")
        return found


def literal(value: bool | float | int | str) -> Literal:
    """A constant of the type that its Python value suggests."""
    data_type = _LITERALS[type(value)]
    return Literal(value, LONG if data_type is INTEGER and not -(2**31) <= value < 2**31 else data_type)  # type: ignore[operator]


def named(e: Expression, name: str) -> Alias:
    """`e AS name`."""
    return Alias(e, (name,), fresh_id())


def requirement_failed(message: str) -> Exception:
    """The error for an argument that a method does not take."""
    return illegal_argument("_LEGACY_ERROR_TEMP_3102", f"requirement failed: {message}", "XXKD0", msg=message)
