"""Sources of rows: local data, ranges, reads, views, VALUES, table functions."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id
from penstock.analysis.reinstance import with_fresh_ids
from penstock.core.errors import analysis_error
from penstock.plan.expressions import Attribute, fresh_id
from penstock.plan.nodes import CachedRelation, LocalData, Node, Range, Read, SubqueryAlias, UnresolvedTable
from penstock.plan.types import LONG, StructType
from penstock.sources.registry import FILE_FORMATS, canonical, is_source

_CATALOG = "spark_catalog"


def attributes_of(schema: StructType) -> tuple[Attribute, ...]:
    """Columns with new ids for the fields of a schema."""
    return tuple(Attribute(f.name, f.dataType, f.nullable, fresh_id(), (), f.metadata or {}) for f in schema.fields)


def resolve_local_data(node: LocalData, context: AnalysisContext) -> Node:
    """createDataFrame's rows."""
    return replace(node, columns=attributes_of(node.data_schema))


def resolve_range(node: Range, context: AnalysisContext) -> Node:
    """spark.range."""
    return replace(node, columns=(Attribute("id", LONG, False, fresh_id()),))


def resolve_read(node: Read, context: AnalysisContext) -> Node:
    """A data source, opened through the session's registry."""
    format_name = node.format or context.conf["spark.sql.sources.default"]
    node = replace(node, format=format_name)
    relation = context.resolve_source(node)
    return replace(node, relation=relation, columns=attributes_of(relation.schema))


def resolve_table(node: UnresolvedTable, context: AnalysisContext) -> Node:
    """A temp view; its name qualifies the columns."""
    found = context.catalog.lookup(node.parts, streaming=node.streaming)
    if found is None and (files := _files_by_path(node, context)) is not None:
        return files
    if found is None and len(node.parts) > 3 - (node.parts[0].lower() != _CATALOG):
        raise fail("REQUIRES_SINGLE_PART_NAMESPACE", sessionCatalog=_CATALOG, identifier=sql_id(node.parts))
    if found is None:
        raise fail(
            "TABLE_OR_VIEW_NOT_FOUND",
            relationName=sql_id(node.parts),
            searchPath="[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]",
        )
    if node.streaming and isinstance(found, Read) and not found.streaming:
        options = {**found.options, **node.options}
        lacking = getattr(found.relation, "lacking", None)
        found = resolve_read(replace(found, options=options, streaming=True, relation=None, columns=()), context)
        if lacking and isinstance(found, Read):  # older files do not have all the columns of the table
            found = replace(found, relation=replace(found.relation, lacking=lacking))
    if node.streaming and not found.is_streaming:
        quoted = sql_id(node.parts)
        message = f"{quoted} is not a temp view of a stream: read it without STREAM, as with spark.read.table."
        raise analysis_error("_LEGACY_ERROR_TEMP_1008", message, "XXKD0", quoted=quoted)
    return qualified(with_fresh_ids(found), node.parts[-1])


def _files_by_path(node: UnresolvedTable, context: AnalysisContext) -> Node | None:
    """`` parquet.`/data/events` ``: files without a table; None if the first part names no source.

    Raises UNSUPPORTED_DATASOURCE_FOR_DIRECT_QUERY for a source that does not read files, INVALID_EMPTY_LOCATION,
    PATH_NOT_FOUND."""
    if len(node.parts) != 2 or node.streaming or not context.conf.flag("spark.sql.runSQLOnFiles"):
        return None
    name, path = node.parts
    if not is_source(name):
        return None
    if canonical(name) not in FILE_FORMATS:
        message = f"The data source {name} does not read files: a path cannot be queried with it."
        raise analysis_error("UNSUPPORTED_DATASOURCE_FOR_DIRECT_QUERY", message, "0A000", dataSourceType=name)
    if not path:
        raise analysis_error("INVALID_EMPTY_LOCATION", "The path of the files is empty.", "42K05", location=path)
    return resolve_read(Read(format=name, options=node.options, paths=(path,)), context)


def resolve_cached(node: CachedRelation, context: AnalysisContext) -> Node:
    """A DataFrame that the server keeps."""
    found = context.catalog.cached(node.relation_id)
    if found is None:
        raise fail("CONNECT_INVALID_PLAN.DATAFRAME_NOT_FOUND", dfId=node.relation_id)
    return with_fresh_ids(found)


def qualified(child: Node, alias: str, names: tuple[str, ...] = ()) -> SubqueryAlias:
    """`child AS alias(names)`."""
    output = child.output
    if names and len(names) != len(output):
        raise fail("ASSIGNMENT_ARITY_MISMATCH", numTarget=len(output), numExpr=len(names))
    columns = tuple(
        replace(a, name=name, qualifier=(alias,))
        for a, name in zip(output, names or [a.name for a in output], strict=True)
    )
    return SubqueryAlias(alias, child, names, columns)


def resolve_alias(node: SubqueryAlias, context: AnalysisContext) -> Node:
    """`AS alias` and DataFrame.alias."""
    return qualified(node.child, node.alias, node.column_names)
