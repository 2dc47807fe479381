"""UNION, INTERSECT and EXCEPT: columns matched by position or name, types widened, nullability merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.deduplicate import refuse_maps
from penstock.analysis.errors import fail, ordinal, sql_id, sql_type
from penstock.functions.coercion import cast_if_needed, common_type
from penstock.plan.expressions import Alias, Attribute, Expression, Literal, fresh_id
from penstock.plan.nodes import Node, Project, SetOperation
from penstock.plan.types import NULL, DataType


def resolve_set_operation(node: SetOperation, context: AnalysisContext) -> Node:
    """Both sides with the same types; the output has the left side's names and ids of its own."""
    left, right = _by_name(node, context) if node.by_name else (node.left, node.right)
    operator = node.kind.upper()
    if len(left.output) != len(right.output):
        raise fail(
            "NUM_COLUMNS_MISMATCH",
            operator=operator,
            firstNumColumns=len(left.output),
            invalidOrdinalNum="second",
            invalidNumColumns=len(right.output),
        )
    if not (node.kind == "union" and node.is_all):
        refuse_maps(left, right)
    pairs = list(zip(left.output, right.output, strict=True))
    types = [_common(i, a, b, operator, context) for i, (a, b) in enumerate(pairs)]
    left, right = _cast(left, types, context), _cast(right, types, context)
    columns = tuple(
        Attribute(a.name, t, _nullable(node.kind, a, b), fresh_id(), a.qualifier, a.metadata)
        for a, b, t in zip(left.output, right.output, types, strict=True)
    )
    return replace(node, left=left, right=right, columns=columns, by_name=False, allow_missing=False)


def _common(index: int, a: Attribute, b: Attribute, operator: str, context: AnalysisContext) -> DataType:
    common = common_type((a.type, b.type), context.conf)
    if common is None:
        raise fail(
            "INCOMPATIBLE_COLUMN_TYPE",
            operator=operator,
            columnOrdinalNumber=ordinal(index),
            tableOrdinalNumber="second",
            dataType1=sql_type(b.type),
            dataType2=sql_type(a.type),
            hint="",
        )
    return common


def _nullable(kind: str, a: Attribute, b: Attribute) -> bool:
    if kind == "union":
        return a.nullable or b.nullable
    return a.nullable and b.nullable if kind == "intersect" else a.nullable


def _cast(plan: Node, types: Sequence[DataType], context: AnalysisContext) -> Node:
    casts = [cast_if_needed(a, t, context.conf) for a, t in zip(plan.output, types, strict=True)]
    if all(c is a for c, a in zip(casts, plan.output, strict=True)):
        return plan
    return Project(tuple(_named(c, a) for c, a in zip(casts, plan.output, strict=True)), plan)


def _named(e: Expression, a: Attribute) -> Expression:
    return e if e is a else Alias(e, (a.name,), fresh_id())


# ---------------------------------------------------------------- unionByName


def _by_name(node: SetOperation, context: AnalysisContext) -> tuple[Node, Node]:
    """The right side in the left side's order; with `allow_missing`, absent columns are NULL on both sides."""
    left, right = node.left, node.right
    for side in (left, right):
        check_unique([a.name for a in side.output], context)
    have = {context.key(a.name): a for a in right.output}
    known = {context.key(a.name) for a in left.output}
    ordered = tuple(_matching(a, have, node, context) for a in left.output)
    extra = tuple(a for a in right.output if context.key(a.name) not in known)
    if extra and node.allow_missing:
        left = Project((*left.output, *(_null(a) for a in extra)), left)
    return left, Project((*ordered, *extra), right)


def _matching(a: Attribute, have: dict[str, Attribute], node: SetOperation, context: AnalysisContext) -> Expression:
    found = have.get(context.key(a.name))
    if found is not None:
        return found
    if node.allow_missing:
        return _null(a)
    names = ", ".join(b.name for b in node.right.output)
    raise fail("UNRESOLVED_COLUMN_AMONG_FIELD_NAMES", colName=a.name, fieldNames=names)


def _null(a: Attribute) -> Expression:
    return Alias(Literal(None, NULL), (a.name,), fresh_id())


def check_unique(names: Sequence[str], context: AnalysisContext) -> None:
    """COLUMN_ALREADY_EXISTS when a name occurs twice."""
    seen: set[str] = set()
    for name in names:
        if context.key(name) in seen:
            raise fail("COLUMN_ALREADY_EXISTS", columnName=sql_id([context.key(name)]))
        seen.add(context.key(name))
