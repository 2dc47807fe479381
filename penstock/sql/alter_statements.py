"""What SQL may change about tables, views and databases that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.plan.nodes import Node
from penstock.plan.types import DataType, StructType
from penstock.sql.statements import Statement

#: A partition as SQL names it: columns and the texts of their values.
Spec = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rename(Statement):
    """`ALTER TABLE | VIEW name RENAME TO new`."""

    name: tuple[str, ...]
    new: tuple[str, ...]
    is_view: bool = False


@dataclass(frozen=True)
class SetProperties(Statement):
    """`ALTER TABLE | VIEW name SET TBLPROPERTIES (...)` and `UNSET TBLPROPERTIES`; `removed` are the keys to unset."""

    name: tuple[str, ...]
    properties: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    is_view: bool = False


@dataclass(frozen=True)
class AlterView(Statement):
    """`ALTER VIEW name [AS] query`."""

    name: tuple[str, ...]
    plan: Node


@dataclass(frozen=True)
class AddColumns(Statement):
    """`ALTER TABLE name ADD COLUMNS (...)`; defaults stand in the fields' metadata.  `nested`: one is a field of a
    struct."""

    name: tuple[str, ...]
    columns: StructType
    nested: bool = False


@dataclass(frozen=True)
class AlterColumn(Statement):
    """`ALTER TABLE name ALTER COLUMN column ...`.  `action` is "comment" (then `text` is it), "type", "default" (the
    expression's text, None drops it), "position", "nullability" or "bulk" (several columns at once)."""

    name: tuple[str, ...]
    column: tuple[str, ...]
    action: str
    text: str | None = None
    type: DataType | None = None


@dataclass(frozen=True)
class ColumnsUnchangeable(Statement):
    """What tables of files do not take: RENAME COLUMN, DROP COLUMNS, REPLACE COLUMNS, constraints.  `about` is how
    Spark calls the command for a view, `columns` are those that have to be there."""

    name: tuple[str, ...]
    operation: str
    about: str
    columns: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class ChangePartitions(Statement):
    """`ALTER TABLE name ADD | DROP PARTITION ...`, `PARTITION ... RENAME TO PARTITION ...`, `TRUNCATE TABLE name
    PARTITION ...`.  `action` is "add", "drop", "rename" (from the first spec to the second) or "truncate"; `lenient`
    is IF [NOT] EXISTS."""

    name: tuple[str, ...]
    action: str
    specs: tuple[Spec, ...]
    lenient: bool = False


@dataclass(frozen=True)
class RepairTable(Statement):
    """`MSCK REPAIR TABLE name [ADD | DROP | SYNC PARTITIONS]`; `msck` False: ALTER TABLE ... RECOVER PARTITIONS."""

    name: tuple[str, ...]
    add: bool = True
    drop: bool = False
    msck: bool = True


@dataclass(frozen=True)
class ShowPartitions(Statement):
    """`SHOW PARTITIONS name PARTITION (...)`."""

    name: tuple[str, ...]
    spec: Spec


@dataclass(frozen=True)
class ShowProperty(Statement):
    """`SHOW TBLPROPERTIES name (key)`."""

    name: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class SetTableLocation(Statement):
    """`ALTER TABLE name [PARTITION (...)] SET LOCATION '...'`."""

    name: tuple[str, ...]
    location: str
    of_partition: bool = False


@dataclass(frozen=True)
class ClusterBy(Statement):
    """`ALTER TABLE name CLUSTER BY (...) | NONE`."""

    name: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class SetSerde(Statement):
    """`ALTER TABLE name SET SERDE ...`: for tables of Hive."""

    name: tuple[str, ...]


@dataclass(frozen=True)
class CommentOn(Statement):
    """`COMMENT ON TABLE | DATABASE name IS '...' | NULL`."""

    name: tuple[str, ...]
    comment: str
    is_database: bool = False


@dataclass(frozen=True)
class AlterDatabase(Statement):
    """`ALTER DATABASE name SET | UNSET DBPROPERTIES (...)`, `... SET LOCATION '...'`."""

    name: tuple[str, ...]
    properties: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    location: str | None = None
