"""What a SQL text may be: a query, or one of the commands that Penstock knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.plan.expressions import Expression
from penstock.plan.nodes import Node
from penstock.plan.sql_functions import UserFunction
from penstock.plan.types import DataType, StructType
from penstock.sql.scripts import Compound


@dataclass(frozen=True)
class Statement:
    """The base of all."""


@dataclass(frozen=True)
class Query(Statement):
    """Anything that yields rows by a plan."""

    plan: Node


@dataclass(frozen=True)
class SetConf(Statement):
    """`SET key=value`; without value it shows the key, without key (None) all settings."""

    key: str | None
    value: str | None = None


@dataclass(frozen=True)
class ResetConf(Statement):
    """`RESET [key]`: back to the defaults."""

    key: str | None = None


@dataclass(frozen=True)
class CreateView(Statement):
    """`CREATE [OR REPLACE] [GLOBAL] TEMP VIEW [IF NOT EXISTS] name [(columns)] [clauses] AS query`.  `kind` is "temp",
    "global" or "persistent"; `columns` renames the query's, `comments` are theirs."""

    name: tuple[str, ...]
    plan: Node
    replace: bool = False
    kind: str = "temp"
    columns: tuple[str, ...] = ()
    if_not_exists: bool = False
    comments: tuple[str | None, ...] = ()
    comment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DropView(Statement):
    """`DROP VIEW [IF EXISTS] name`; `is_table`: DROP TABLE."""

    name: tuple[str, ...]
    if_exists: bool = False
    is_table: bool = False


@dataclass(frozen=True)
class ShowTables(Statement):
    """`SHOW TABLES [IN database] [LIKE pattern]`."""

    database: tuple[str, ...] = ()
    pattern: str | None = None


@dataclass(frozen=True)
class ShowViews(Statement):
    """`SHOW VIEWS [IN database] [LIKE pattern]`."""

    database: tuple[str, ...] = ()
    pattern: str | None = None


@dataclass(frozen=True)
class ShowDatabases(Statement):
    """`SHOW DATABASES [LIKE pattern]`."""

    pattern: str | None = None


@dataclass(frozen=True)
class ShowCatalogs(Statement):
    """`SHOW CATALOGS [LIKE pattern]`."""

    pattern: str | None = None


@dataclass(frozen=True)
class ShowCurrent(Statement):
    """`SHOW CURRENT NAMESPACE`."""


@dataclass(frozen=True)
class DescribeDatabase(Statement):
    """`DESCRIBE DATABASE [EXTENDED] name`."""

    name: tuple[str, ...]
    extended: bool = False


@dataclass(frozen=True)
class ShowColumns(Statement):
    """`SHOW COLUMNS IN table`."""

    table: tuple[str, ...]


@dataclass(frozen=True)
class ShowFunctions(Statement):
    """`SHOW FUNCTIONS [LIKE pattern]`."""

    pattern: str | None = None


@dataclass(frozen=True)
class Describe(Statement):
    """`DESCRIBE [TABLE] [EXTENDED] table` or `DESCRIBE QUERY query`."""

    table: tuple[str, ...] | None = None
    plan: Node | None = None
    extended: bool = False


@dataclass(frozen=True)
class Use(Statement):
    """`USE [DATABASE | CATALOG] name`."""

    name: tuple[str, ...]
    is_catalog: bool = False


@dataclass(frozen=True)
class Explain(Statement):
    """`EXPLAIN [EXTENDED | FORMATTED | CODEGEN | COST] statement`; `mode` is lower-case, "simple" by default."""

    mode: str
    statement: Statement


@dataclass(frozen=True)
class CacheTable(Statement):
    """`CACHE [LAZY] TABLE name [AS query]`."""

    name: tuple[str, ...]
    plan: Node | None = None
    lazy: bool = False


@dataclass(frozen=True)
class UncacheTable(Statement):
    """`UNCACHE TABLE [IF EXISTS] name`."""

    name: tuple[str, ...]
    if_exists: bool = False


@dataclass(frozen=True)
class ClearCache(Statement):
    """`CLEAR CACHE`."""


@dataclass(frozen=True)
class CreateTable(Statement):
    """`CREATE TABLE [IF NOT EXISTS] name [(columns)] [USING format] [clauses] [AS query]`.  Partition columns that are
    given with their types (`PARTITIONED BY (p INT)`) stand at the end of `schema`.  `buckets`: how many, by which
    columns, sorted by which."""

    name: tuple[str, ...]
    schema: StructType | None = None
    provider: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    location: str | None = None
    comment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    plan: Node | None = None
    if_not_exists: bool = False
    replace: bool = False
    buckets: tuple[int, tuple[str, ...], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Insert(Statement):
    """`INSERT INTO | OVERWRITE [TABLE] name [PARTITION (p = v, ...)] [(columns) | BY NAME] query`; `partition` holds
    the values as SQL text.  A column called `default` at the top of the query is the table's default."""

    name: tuple[str, ...]
    plan: Node
    overwrite: bool = False
    partition: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    by_name: bool = False


@dataclass(frozen=True)
class CreateDatabase(Statement):
    """`CREATE DATABASE [IF NOT EXISTS] name [COMMENT ..] [LOCATION ..] [WITH DBPROPERTIES (..)]`."""

    name: tuple[str, ...]
    if_not_exists: bool = False
    comment: str | None = None
    location: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DropDatabase(Statement):
    """`DROP DATABASE [IF EXISTS] name [RESTRICT | CASCADE]`."""

    name: tuple[str, ...]
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True)
class AboutTable(Statement):
    """A command about one table; `action` is "truncate", "analyze", "refresh", "repair", "partitions", "properties" or
    "create"."""

    name: tuple[str, ...]
    action: str


@dataclass(frozen=True)
class ChangeRows(Statement):
    """UPDATE, DELETE FROM and MERGE INTO, which tables of files do not take.  `operation` is Spark's name of it."""

    name: tuple[str, ...]
    operation: str


@dataclass(frozen=True)
class CreateFunction(Statement):
    """`CREATE [OR REPLACE] [TEMPORARY] FUNCTION [IF NOT EXISTS] name (...) RETURN ...`, or `... AS 'class'`."""

    name: tuple[str, ...]
    function: UserFunction
    replace: bool = False
    temporary: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropFunction(Statement):
    """`DROP [TEMPORARY] FUNCTION [IF EXISTS] name`."""

    name: tuple[str, ...]
    temporary: bool = False
    if_exists: bool = False


@dataclass(frozen=True)
class DescribeFunction(Statement):
    """`DESCRIBE FUNCTION [EXTENDED] name`."""

    name: tuple[str, ...]
    extended: bool = False


@dataclass(frozen=True)
class DeclareVariables(Statement):
    """`DECLARE [OR REPLACE] [VARIABLE] name, ... [type] [= | DEFAULT value]`."""

    names: tuple[tuple[str, ...], ...]
    type: DataType | None
    value: Expression
    replace: bool = False


@dataclass(frozen=True)
class SetVariables(Statement):
    """`SET VARIABLE name = value, ...`, or with `plan` `(name, ...) = (query)`."""

    names: tuple[tuple[str, ...], ...]
    values: tuple[Expression, ...] = ()
    plan: Node | None = None


@dataclass(frozen=True)
class DropVariable(Statement):
    """`DROP TEMPORARY VARIABLE [IF EXISTS] name`."""

    name: tuple[str, ...]
    if_exists: bool = False


@dataclass(frozen=True)
class Script(Statement):
    """`BEGIN ... END`; `args` are the values of its named parameters."""

    body: Compound
    args: Mapping[str, Expression] | None = None


@dataclass(frozen=True)
class ExecuteImmediate(Statement):
    """`EXECUTE IMMEDIATE text [INTO name, ...] [USING value [AS name], ...]`."""

    text: Expression
    args: tuple[Expression, ...] = ()
    into: tuple[tuple[str, ...], ...] = ()
