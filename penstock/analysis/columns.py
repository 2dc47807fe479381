"""DataFrame methods that rewrite the column list: withColumn(s), withColumn(s)Renamed, drop, toDF, to(schema)."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id, sql_type
from penstock.analysis.expressions import resolve_expression
from penstock.analysis.project import resolve_project
from penstock.analysis.scope import Scope
from penstock.analysis.set_operations import check_unique
from penstock.core.errors import SparkError
from penstock.functions.cast_checks import check_cast
from penstock.functions.coercion import same_type
from penstock.plan.expressions import Alias, Attribute, Cast, Expression, UnresolvedAttribute, fresh_id
from penstock.plan.nodes import Drop, Node, Project, ToDF, ToSchema, WithColumns, WithColumnsRenamed
from penstock.plan.types import StructField


def resolve_with_columns(node: WithColumns, context: AnalysisContext) -> Node:
    """withColumns: a column of the same name is replaced in place, the others are appended."""
    key = context.key
    check_unique([a.name for a in node.aliases], context)
    new = {key(a.name): a for a in node.aliases}
    replaced = {key(a.name) for a in node.child.output if key(a.name) in new}
    columns: list[Expression] = [_renamed_to(a, new.get(key(a.name))) for a in node.child.output]
    columns += [a for a in node.aliases if key(a.name) not in replaced]
    return resolve_project(Project(tuple(columns), node.child), context)


def _renamed_to(a: Attribute, alias: Alias | None) -> Expression:
    return a if alias is None else replace(alias, id=0)


def resolve_renames(node: WithColumnsRenamed, context: AnalysisContext) -> Node:
    """withColumnsRenamed, one after the other; a name that is not there is ignored."""
    names = [a.name for a in node.child.output]
    for old, new in node.renames:
        names = [new if context.key(name) == context.key(old) else name for name in names]
    return Project(_named(node.child.output, names), node.child)


def resolve_to_df(node: ToDF, context: AnalysisContext) -> Node:
    """toDF: as many new names as there are columns."""
    output = node.child.output
    if len(node.column_names) != len(output):
        raise fail("ASSIGNMENT_ARITY_MISMATCH", numTarget=len(output), numExpr=len(node.column_names))
    return Project(_named(output, node.column_names), node.child)


def _named(output: tuple[Attribute, ...], names: list[str] | tuple[str, ...]) -> tuple[Expression, ...]:
    return tuple(a if a.name == name else Alias(a, (name,), fresh_id()) for a, name in zip(output, names, strict=True))


def resolve_drop(node: Drop, context: AnalysisContext) -> Node:
    """drop: columns by expression (unknown ones are ignored, unless they are of another DataFrame) and by name."""
    scope = Scope(context, node.child)
    names = {context.key(name) for name in node.column_names}
    dropped = {e.id for column in node.columns for e in (_column(column, scope),) if isinstance(e, Attribute)}
    kept = tuple(a for a in node.child.output if a.id not in dropped and context.key(a.name) not in names)
    return Project(kept, node.child)


def _column(column: Expression, scope: Scope) -> Expression | None:
    try:
        return resolve_expression(column, scope)
    except SparkError as error:
        if isinstance(column, UnresolvedAttribute) and error.condition.startswith("UNRESOLVED_COLUMN"):
            return None
        raise


# ---------------------------------------------------------------- to(schema)


def resolve_to_schema(node: ToSchema, context: AnalysisContext) -> Node:
    """DataFrame.to: the schema's columns in its order, cast where Spark would assign them so."""
    by_name: dict[str, list[Attribute]] = {}
    for a in node.child.output:
        by_name.setdefault(context.key(a.name), []).append(a)
    columns = tuple(_conformed(f, by_name.get(context.key(f.name), []), node, context) for f in node.target.fields)
    return Project(columns, node.child)


def _conformed(field: StructField, found: list[Attribute], node: ToSchema, context: AnalysisContext) -> Expression:
    if len(found) > 1:
        shown = ", ".join(sql_id([a.name]) for a in found)
        raise fail("AMBIGUOUS_REFERENCE", name=sql_id([field.name]), referenceNames=f"[{shown}]")
    if not found:
        raise Scope(context, node.child).unresolved(UnresolvedAttribute((field.name,)))
    (a,) = found
    if a.nullable and not field.nullable:
        raise fail("NULLABLE_COLUMN_OR_FIELD", name=sql_id([field.name]))
    metadata = field.metadata or None
    if same_type(a.type, field.dataType):
        same = a.name == field.name and not metadata
        return a if same else Alias(a, (field.name,), fresh_id(), metadata)
    cast = Cast(a, field.dataType, "ansi" if context.conf.ansi else "legacy", implicit=True)
    try:
        check_cast(cast)
    except SparkError as error:
        raise fail(
            "INVALID_COLUMN_OR_FIELD_DATA_TYPE",
            name=sql_id([field.name]),
            type=sql_type(a.type),
            expectedType=sql_type(field.dataType),
        ) from error
    return Alias(cast, (field.name,), fresh_id(), metadata)
