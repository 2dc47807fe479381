"""withWatermark: the event time column bears the delay in its metadata."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id, sql_type
from penstock.analysis.metadata import WATERMARK_DELAY
from penstock.analysis.scope import Scope
from penstock.plan.expressions import Attribute, UnresolvedAttribute
from penstock.plan.nodes import Node, Watermark
from penstock.plan.types import DataType, StructType, TimestampType
from penstock.sql.identifiers import split_identifier


def resolve_watermark(node: Watermark, context: AnalysisContext) -> Node:
    """The column with `spark.watermarkDelayMs`; a delay that another column bore so far is taken off it."""
    name = UnresolvedAttribute(split_identifier(node.column_name))
    scope = Scope(context, node.child)
    found = scope.resolve(name)
    if found is None:
        raise scope.unresolved(name)
    if not isinstance(found, Attribute) or not _is_event_time(found.type):
        raise fail("EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE", eventName=sql_id(name.parts), eventType=sql_type(found.type))
    if not node.child.is_streaming:
        return node.child  # static data is complete: nothing can be late
    columns = tuple(_marked(a, found, node.delay_us // 1000) for a in node.child.output)
    column = next(a for a in columns if a.id == found.id)
    return replace(node, column=column, columns=columns)


def _is_event_time(kind: DataType) -> bool:
    if isinstance(kind, StructType):
        return any(f.name == "end" and isinstance(f.dataType, TimestampType) for f in kind.fields)
    return isinstance(kind, TimestampType)


def _marked(a: Attribute, event_time: Attribute, delay_ms: int) -> Attribute:
    if a.id == event_time.id:
        return replace(a, metadata={**a.metadata, WATERMARK_DELAY: delay_ms})
    if WATERMARK_DELAY in a.metadata:
        return replace(a, metadata={k: v for k, v in a.metadata.items() if k != WATERMARK_DELAY})
    return a
