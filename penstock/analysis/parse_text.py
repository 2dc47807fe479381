"""spark.read.json(df) and its kin: the texts are collected, and their records become rows held in memory."""

from __future__ import annotations

from penstock.analysis.context import AnalysisContext
from penstock.analysis.leaves import resolve_local_data
from penstock.core.errors import analysis_error, unsupported
from penstock.functions.coercion import is_string
from penstock.plan.nodes import LocalData, Node
from penstock.plan.parse_nodes import ParseText


def resolve_parse_text(node: ParseText, context: AnalysisContext) -> Node:
    """The rows as they are now."""
    from penstock.sources.records.functions import corrupt_column  # costs time, and few programs need it
    from penstock.sources.records.texts import read

    if node.child.is_streaming:
        raise unsupported(f"spark.read.{node.format} of a streaming DataFrame", f"Use from_{node.format}.")
    columns = node.child.output
    if len(columns) != 1 or not is_string(columns[0].type):
        shown = ", ".join(a.type.simpleString() for a in columns)
        message = f"spark.read.{node.format} reads a DataFrame of one string column; this one has {shown}."
        raise analysis_error("PARSE_INPUT_NOT_STRING_TYPE", message, "42K09", format=node.format, dataTypes=shown)
    options = {key.lower(): str(value) for key, value in node.options.items()}
    settings = {
        **options, "$corrupt": corrupt_column(options, context.conf),
        "$zone": options.get("timezone") or context.conf.time_zone,
        "$case": str(context.conf.get("spark.sql.caseSensitive") or "false").lower(),
    }  # fmt: skip
    texts = context.collected(node.child).column(0).to_pylist()
    table, schema = read(node.format, texts, node.user_schema, settings)
    return resolve_local_data(LocalData(table, schema), context)
