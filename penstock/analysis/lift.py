"""Expressions over an Aggregate that still hold aggregate calls and keys of it (HAVING, ORDER BY, OVER): those parts
become columns of the Aggregate, and the expressions refer to them."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.kinds import is_aggregate
from penstock.analysis.select_list import name_column
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, SortOrder, WindowExpression
from penstock.plan.nodes import Aggregate


class Lift:
    """Collects the columns that an Aggregate must have; `node()` is the Aggregate with them."""

    def __init__(self, aggregate: Aggregate) -> None:
        self._aggregate = aggregate
        self._columns: list[Expression] = list(aggregate.aggregates)
        self._output = {a.id for a in aggregate.output}

    def node(self) -> Aggregate:
        """The Aggregate with every column asked for."""
        return replace(self._aggregate, aggregates=tuple(self._columns))

    def add(self, column: Alias | Attribute) -> Attribute:
        """`column` as a column of the Aggregate."""
        for known in self._columns:
            if known == column:
                break
        else:
            self._columns.append(column)
        return column if isinstance(column, Attribute) else column.to_attribute()

    def lift(self, e: Expression) -> Expression:
        """`e` with aggregate calls and keys replaced by the Aggregate's columns."""
        if isinstance(e, Attribute) and e.id in self._output:
            return e
        if self._belongs_below(e):
            return self._column(e)
        if isinstance(e, WindowExpression):
            return replace(
                e,
                function=e.function.map_children(self.lift),
                partition_by=tuple(self.lift(p) for p in e.partition_by),
                order_by=tuple(replace(o, child=self.lift(o.child)) for o in e.order_by),
            )
        if isinstance(e, SortOrder):
            return replace(e, child=self.lift(e.child))
        return e.map_children(self.lift)

    def _belongs_below(self, e: Expression) -> bool:
        if is_aggregate(e) or any(e == key for key in self._aggregate.grouping):
            return True
        return isinstance(e, FunctionCall) and e.name in ("grouping", "grouping_id")

    def _column(self, e: Expression) -> Attribute:
        for column in self._columns:
            if isinstance(column, Alias) and column.child == e:
                return column.to_attribute()
        named = name_column(e, e)
        assert isinstance(named, (Alias, Attribute))
        return self.add(named)
