"""Short hands for plans and expressions, and a context with a few views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from penstock.analysis.analyzer import analyze
from penstock.analysis.context import AnalysisContext
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan.expressions import Expression, Literal, SortOrder, UnresolvedAttribute, UnresolvedFunction
from penstock.plan.nodes import LocalData, Node, Read
from penstock.plan.types import INTEGER, STRING, StructType
from penstock.sql import parse_query, parse_schema

VIEWS = {
    "t": "a bigint, b string, c int not null, d double, ts timestamp, s struct<x:int,y:struct<z:string>>, "
    "arr array<int>, m map<string,int>, ast array<struct<p:int,q:string>>",
    "u": "a bigint, k string, e decimal(10,2), dt date",
    "n": "a int, b string",
}


class Views:
    """Temp views over empty tables."""

    def __init__(self) -> None:
        self._plans = {name: analyze(rows(ddl), context(None)) for name, ddl in VIEWS.items()}

    def lookup(self, parts: tuple[str, ...], *, streaming: bool = False) -> Node | None:
        return self._plans.get(parts[0].lower()) if len(parts) == 1 else None

    def cached(self, relation_id: str) -> Node | None:
        return self._plans.get(relation_id)


@dataclass
class FakeRelation:
    """A source that only has a schema."""

    schema: StructType


def context(catalog: Any, **conf: str) -> AnalysisContext:
    settings = Conf({key.replace("__", "."): value for key, value in conf.items()})
    return AnalysisContext(settings, catalog, lambda read: FakeRelation(read.user_schema))  # type: ignore[arg-type,return-value]


def rows(ddl: str, plan_id: int | None = None) -> LocalData:
    return LocalData(pa.table({}), parse_schema(ddl), plan_id=plan_id)


def stream(ddl: str, plan_id: int | None = None) -> Read:
    return Read("memory", {}, user_schema=parse_schema(ddl), streaming=True, plan_id=plan_id)


def col(name: str, plan_id: int | None = None) -> UnresolvedAttribute:
    return UnresolvedAttribute(tuple(name.split(".")), plan_id)


def lit(value: int | str) -> Literal:
    return Literal(value, INTEGER if isinstance(value, int) else STRING)


def call(name: str, *args: Expression | str | int) -> UnresolvedFunction:
    return UnresolvedFunction(name, tuple(lit(a) if isinstance(a, (int, str)) else a for a in args))


def by(*keys: Expression) -> tuple[SortOrder, ...]:
    return tuple(SortOrder(key) for key in keys)


def resolved(plan: Node | str, **conf: str) -> Node:
    return analyze(parse_query(plan) if isinstance(plan, str) else plan, context(Views(), **conf))


def shape(plan: Node | str, **conf: str) -> str:
    """The output as text: `a bigint, b string!` (`!`: never NULL), or the error's condition."""
    try:
        node = resolved(plan, **conf)
    except SparkError as error:
        return error.condition
    return ", ".join(f"{a.name} {a.type.simpleString()}{'' if a.nullable else '!'}" for a in node.output)
