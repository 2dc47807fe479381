"""What a query may do under the continuous trigger (a part of Spark's UnsupportedOperationChecker): projections and
filters over one source that can be read row by row."""

from __future__ import annotations

from penstock.analysis.errors import fail
from penstock.core.errors import UNSUPPORTED, SparkError
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.nodes import (
    Filter,
    Hint,
    Limit,
    LocalData,
    Node,
    Project,
    Read,
    SetOperation,
    SubqueryAlias,
    Watermark,
)
from penstock.sources.base import ContinuousRelation

_ALLOWED = (Project, Filter, SubqueryAlias, Hint)
_NAMES: dict[type[Node], str] = {
    Limit: "LocalLimit",
    LocalData: "LocalRelation",
    Watermark: "EventTimeWatermark",
}
_SET_OPERATIONS = {"union": "Union", "intersect": "Intersect", "except": "Except"}
_CURRENT_TIME = frozenset(
    ("current_timestamp", "current_date", "localtimestamp", "current_time", "now", "curdate", "unix_timestamp")
)
#: Sources whose streams Spark has always read by files: for them it names the kind of the leaf.
_FILE_FORMATS = frozenset(("parquet", "json", "csv", "text", "orc", "xml", "avro", "binaryfile"))


def check_continuous(plan: Node) -> None:
    """Raise Spark's error if `plan`, a stream that is allowed otherwise, cannot run continuously."""
    for child in plan.children:
        check_continuous(child)
    if isinstance(plan, Read) and plan.is_streaming:
        _check_source(plan)
    elif not isinstance(plan, _ALLOWED):
        raise _refused(f"{_name(plan)} operations")
    if any(_is_current_time(e) for e in _expressions(plan)):
        raise _refused("current time operations")


def check_continuous_sources(plan: Node) -> None:
    """Raise if a source cannot be read row by row."""
    for node in plan.walk():
        if isinstance(node, Read) and node.is_streaming:
            _check_source(node)


def _check_source(read: Read) -> None:
    if isinstance(read.relation, ContinuousRelation):
        return
    name = (read.format or "parquet").lower()
    if name in _FILE_FORMATS:
        raise _refused("StreamingRelation operations")
    message = f"The data source {name} cannot be read row by row, as the continuous trigger needs it."
    params = {"sourceName": name}
    raise SparkError("_LEGACY_ERROR_TEMP_2253", message, params, classes=UNSUPPORTED)


def _name(node: Node) -> str:
    if isinstance(node, SetOperation):
        return _SET_OPERATIONS.get(node.kind, node.kind)
    return _NAMES.get(type(node), type(node).__name__)


def _expressions(node: Node) -> list[Expression]:
    if isinstance(node, Project):
        return list(node.expressions)
    return [node.condition] if isinstance(node, Filter) else []


def _is_current_time(top: Expression) -> bool:
    return any(
        isinstance(e, FunctionCall) and e.name in _CURRENT_TIME and (e.name != "unix_timestamp" or not e.args)
        for e in top.walk()
    )


def _refused(what: str) -> Exception:
    return fail("_LEGACY_ERROR_TEMP_3102", msg=f"Continuous processing does not support {what}.")
