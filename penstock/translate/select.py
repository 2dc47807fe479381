"""A SELECT under construction: nodes of the plan are merged into one as long as that keeps their meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

#: Expressions nest no deeper than this by merging; DuckDB's limit is 1,000 levels and its binder is recursive.
MAX_DEPTH = 40
#: Computed columns with longer SQL than this are never written twice.
REPEATABLE_LENGTH = 160


@dataclass(frozen=True)
class Column:
    """What a column is in terms of the source.  `simple`: a name or a constant, which may be repeated at no cost;
    `stable`: evaluating it twice gives the same twice."""

    sql: str
    simple: bool = True
    depth: int = 0
    stable: bool = True

    @property
    def repeatable(self) -> bool:
        """Whether writing it twice is better than a SELECT around it (DuckDB computes equal expressions once)."""
        return self.simple or (self.stable and len(self.sql) <= REPEATABLE_LENGTH)


@dataclass(frozen=True)
class Select:
    """`source` is the text after FROM (None: no FROM clause), `columns` what it and the select list offer, by id.

    `aggregated`, `windowed` and `distinct` say that the select list holds aggregates or window functions, or that
    duplicates are removed over exactly these columns: what may still be merged depends on them.
    """

    source: str | None
    columns: dict[int, Column]
    where: tuple[str, ...] = ()
    group_by: str | None = None
    order_by: str | None = None
    limit: int | None = None
    offset: int | None = None
    distinct: str | None = None
    aggregated: bool = False
    windowed: bool = False
    lateral: bool = field(default=False, compare=False)

    @property
    def is_limited(self) -> bool:
        return self.limit is not None or self.offset is not None

    @property
    def is_plain(self) -> bool:
        """Whether nothing but a source stands here, its columns under their own names."""
        return (
            self.source is not None
            and not (self.where or self.is_limited or self.aggregated or self.windowed)
            and self.group_by is self.order_by is self.distinct is None
            and all(column.sql == f"c{id_}" for id_, column in self.columns.items())
        )

    @property
    def takes_expressions(self) -> bool:
        """Whether expressions over the columns may be written where the columns stand."""
        return not (self.is_limited or self.aggregated or self.windowed or self.distinct is not None)

    def where_and(self, condition: str) -> Select:
        """With one more condition."""
        return replace(self, where=(*self.where, condition))


def render(select: Select, ids: Iterable[int]) -> str:
    """The SELECT statement that yields the columns `ids`, each as `c<id>`, in that order."""
    items = [_item(id_, select.columns[id_]) for id_ in ids] or ["1 AS c0"]
    parts = [f"SELECT {select.distinct + ' ' if select.distinct is not None else ''}{', '.join(items)}"]
    if select.source is not None:
        parts.append(f"FROM {select.source}")
    if select.where:
        parts.append("WHERE " + " AND ".join(f"({condition})" for condition in select.where))
    if select.group_by is not None:
        parts.append(f"GROUP BY {select.group_by}")
    if select.order_by is not None:
        parts.append(f"ORDER BY {select.order_by}")
    if select.limit is not None:
        parts.append(f"LIMIT {select.limit}")
    if select.offset is not None:
        parts.append(f"OFFSET {select.offset}")
    return " ".join(parts)


def _item(id_: int, column: Column) -> str:
    return f"c{id_}" if column.sql == f"c{id_}" else f"{column.sql} AS c{id_}"


def plain_columns(ids: Iterable[int]) -> dict[int, Column]:
    """Columns that a source offers under their own names."""
    return {id_: Column(f"c{id_}") for id_ in ids}
