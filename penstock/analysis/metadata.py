"""Column metadata: what an expression hands on to the column it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, GetField
from penstock.plan.types import StructType

WATERMARK_DELAY = "spark.watermarkDelayMs"
TIME_WINDOW = "spark.timeWindow"


def metadata_of(e: Expression) -> Mapping[str, Any]:
    """A column's metadata, a struct field's, or that of the window whose `window_time` this is; else nothing."""
    if isinstance(e, Attribute):
        return e.metadata
    if isinstance(e, Alias):
        return e.metadata if e.metadata is not None else metadata_of(e.child)
    if isinstance(e, GetField) and isinstance(e.child.type, StructType):
        return e.child.type[e.field_name].metadata or {}
    if isinstance(e, FunctionCall) and e.name == "window_time":
        return {key: value for key, value in metadata_of(e.args[0]).items() if key != TIME_WINDOW}
    return {}
