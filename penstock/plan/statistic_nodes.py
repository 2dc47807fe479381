"""DataFrame methods that look at columns as data: df.stat, df.na.replace, describe, unpivot, transpose, and the joins
by nearness.  All but SampleBy and
CollectMetrics are *unresolved only*: analysis rewrites each into ordinary nodes.

A method that takes column names keeps them as the user wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Expression
from penstock.plan.nodes import Node


@dataclass(frozen=True, eq=False)
class ReplaceNa(Node):
    """df.na.replace: pairs of literals; without names every column whose type fits."""

    child: Node
    column_names: tuple[str, ...]
    replacements: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, eq=False)
class Summary(Node):
    """df.summary and (with `column_names`) df.describe: a row for each statistic."""

    child: Node
    statistics: tuple[str, ...]
    column_names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class CrossTab(Node):
    """df.crosstab: how often each pair of values occurs."""

    child: Node
    first: str
    second: str


@dataclass(frozen=True, eq=False)
class Correlation(Node):
    """df.corr and df.cov: one number; `function` is "corr" or "cov"."""

    child: Node
    function: str
    first: str
    second: str


@dataclass(frozen=True, eq=False)
class Quantiles(Node):
    """df.approxQuantile: one row, one array of arrays."""

    child: Node
    column_names: tuple[str, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class FrequentItems(Node):
    """df.freqItems: one row, an array a column."""

    child: Node
    column_names: tuple[str, ...]
    support: float


@dataclass(frozen=True, eq=False)
class SampleBy(Node):
    """df.sampleBy: a fraction for each value of `column`; other values are left out.  Resolved, `column` is the
    fraction itself, as an expression."""

    child: Node
    column: Expression
    fractions: tuple[tuple[Expression, float], ...]
    seed: int


@dataclass(frozen=True, eq=False)
class Unpivot(Node):
    """df.unpivot: `values` None means all columns that are no ids."""

    child: Node
    ids: tuple[Expression, ...]
    values: tuple[Expression, ...] | None
    variable_name: str
    value_name: str


@dataclass(frozen=True, eq=False)
class Transpose(Node):
    """df.transpose: rows become columns, named by the index column (None: the first one)."""

    child: Node
    index: Expression | None = None


@dataclass(frozen=True, eq=False)
class CollectMetrics(Node):
    """df.observe: the rows pass through, and `metrics`, aggregates over them, go to the client under `name`."""

    child: Node
    name: str
    metrics: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class AsOfJoin(Node):
    """An as-of join: for each left row the nearest right row.  `direction`: backward, forward, nearest."""

    left: Node
    right: Node
    left_as_of: Expression
    right_as_of: Expression
    kind: str
    condition: Expression | None
    using: tuple[str, ...]
    tolerance: Expression | None
    allow_exact: bool
    direction: str


@dataclass(frozen=True, eq=False)
class NearestByJoin(Node):
    """For each left row the `count` right rows that rank best; `largest`: by descending `ranking`."""

    left: Node
    right: Node
    ranking: Expression
    count: int
    kind: str
    largest: bool


@dataclass(frozen=True, eq=False)
class SqlPivot(Node):
    """`PIVOT (aggregates FOR columns IN (values))`: the columns named neither there nor in an aggregate are the keys.
    values: a name ("" for none) and one constant a column."""

    child: Node
    aggregates: tuple[Expression, ...]
    columns: tuple[Expression, ...]
    values: tuple[tuple[str, tuple[Expression, ...]], ...]


@dataclass(frozen=True, eq=False)
class SqlUnpivot(Node):
    """`UNPIVOT (value_names FOR variable_name IN (groups))`: a row for each group of columns, unless all of its values
    are NULL.  groups: a name ("" for the columns' own) and one column a value name."""

    child: Node
    value_names: tuple[str, ...]
    variable_name: str
    groups: tuple[tuple[str, tuple[Expression, ...]], ...]
    keeps_nulls: bool = False
