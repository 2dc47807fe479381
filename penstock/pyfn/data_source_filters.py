"""Filters over a Python data source, told to its reader (`DataSourceReader.pushFilters`) where the session allows it.

The engine applies every filter again, so that a reader that promises too much changes no answer."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pyspark.sql.types import IntegralType, NumericType

from penstock.plan.expressions import Attribute, Cast, Expression, FunctionCall, Literal
from penstock.plan.nodes import Filter, Node, Project, Read, SubqueryAlias
from penstock.plan.types import DateType, DecimalType, StringType
from penstock.pyfn.data_sources import PythonRelation, pushdown_enabled
from penstock.pyfn.rewriting import conjuncts

_FLIPPED = {"==": "==", "<=>": "<=>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COMPARISONS = {
    "==": "EqualTo", "<=>": "EqualNullSafe", ">": "GreaterThan", ">=": "GreaterThanOrEqual", "<": "LessThan",
    "<=": "LessThanOrEqual",
}  # fmt: skip
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "div", "negative"})
_TEXT = {"startswith": "StringStartsWith", "endswith": "StringEndsWith", "contains": "StringContains"}


def push_filters(plan: Node, conf: Mapping[str, str]) -> Node:
    """The plan whose Python data sources know the conditions of the filters above them."""
    return plan.transform(_pushed) if pushdown_enabled(conf) else plan


def _pushed(node: Node) -> Node:
    if not isinstance(node, Filter):
        return node
    read = _read_below(node.child)
    if read is None:
        return node
    names = {attribute.id: attribute for attribute in read.columns}
    found: list[Any] = []
    for part in conjuncts(node.condition):
        made = _filter(part, names)
        said = [*_not_null(part, names), *([] if made is None else [made])]
        found.extend(f for f in said if not any(f == known for known in found))
    if not found:
        return node
    told = replace(read, relation=read.relation.with_filters(found))
    return replace(node, child=_with_read(node.child, told))


def _read_below(node: Node) -> Read | None:
    while isinstance(node, (SubqueryAlias, Project, Filter)):
        node = node.child
    return node if isinstance(node, Read) and isinstance(node.relation, PythonRelation) else None


def _with_read(node: Node, read: Read) -> Node:
    return read if isinstance(node, Read) else node.map_children(lambda child: _with_read(child, read))


def _filter(part: Expression, names: Mapping[int, Attribute]) -> Any | None:
    """pyspark's Filter for a condition, or None where it has none."""
    from pyspark.sql import datasource as ds

    if not isinstance(part, FunctionCall):
        return None
    if part.name == "not":
        inner = _filter(part.args[0], names)
        return None if inner is None else ds.Not(inner)
    if part.name in ("isnull", "isnotnull"):
        path = _path(part.args[0], names)
        return None if path is None else (ds.IsNull if part.name == "isnull" else ds.IsNotNull)(path)
    if part.name == "in":
        path, values = _path(part.args[0], names), [_value(arg) for arg in part.args[1:]]
        return None if path is None or None in values else ds.In(path, values)
    return _binary(part, names)


def _binary(part: FunctionCall, names: Mapping[int, Attribute]) -> Any | None:
    from pyspark.sql import datasource as ds

    if len(part.args) != 2:
        return None
    name, (left, right) = part.name, part.args
    if name in _FLIPPED and _path(left, names) is None:
        name, left, right = _FLIPPED[name], right, left
    kind = _COMPARISONS.get(name) or _TEXT.get(name)
    path, value = _path(left, names), _value(right)
    return None if kind is None or path is None or value is None else getattr(ds, kind)(path, value)


def _not_null(part: Expression, names: Mapping[int, Attribute]) -> Iterator[Any]:
    """What a condition says beside itself: a comparison is true of no NULL."""
    from pyspark.sql.datasource import IsNotNull

    if isinstance(part, FunctionCall) and part.name == "not":
        part = part.args[0]
    if isinstance(part, FunctionCall) and (part.name in _TEXT or part.name in set(_FLIPPED) - {"<=>"}):
        for arg in part.args:
            for attribute in _passing_null(arg):
                if attribute.nullable and (path := _path(attribute, names)) is not None:
                    yield IsNotNull(path)


def _passing_null(expression: Expression) -> Iterator[Attribute]:
    """Columns that make the expression NULL where they are."""
    if isinstance(expression, Attribute):
        yield expression
    elif isinstance(expression, Cast) or (isinstance(expression, FunctionCall) and expression.name in _ARITHMETIC):
        for child in expression.children:
            yield from _passing_null(child)


def _path(expression: Expression, names: Mapping[int, Attribute]) -> tuple[str, ...] | None:
    found = names.get(expression.id) if isinstance(expression, Attribute) else None
    return None if found is None else (found.name,)


def _value(expression: Expression) -> Any | None:
    """A constant as Python has it; None where it is no constant of a simple type."""
    target = expression.type if isinstance(expression, (Cast, Literal)) else None
    inner = expression.child if isinstance(expression, Cast) else expression
    if not isinstance(inner, Literal) or inner.value is None or target is None:
        return None
    if isinstance(target, DateType) and inner is expression:
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=inner.value)
    if isinstance(target, StringType) or isinstance(inner.value, bool):
        return inner.value if inner is expression else None
    if not isinstance(target, NumericType) or not isinstance(inner.value, (int, float, decimal.Decimal)):
        return None
    if isinstance(target, IntegralType):
        return inner.value if isinstance(inner.value, int) else None
    return decimal.Decimal(str(inner.value)) if isinstance(target, DecimalType) else float(inner.value)
