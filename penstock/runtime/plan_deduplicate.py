"""A streaming dropDuplicates cut in two: the rows with their keys (SQL), and the operator that lets new keys pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa

from penstock.core.errors import SparkError, analysis_error
from penstock.engine.types import engine_type, quote_name
from penstock.operators.aggregate import HASH
from penstock.operators.deduplicate import EXPIRES, SEEN
from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Deduplicate
from penstock.plan.types import LONG, DataType, StructType
from penstock.runtime.plan_aggregate import WATERMARK_DELAY

_EVENT_TIME = "event_time"


@dataclass(frozen=True)
class DeduplicatePlan:
    """columns: the rows' own; items: name -> SQL and type of every column of the segment but the hash.

    late: the column by which rows are late; evicts_by: the key or value column that the watermark evicts by."""

    columns: tuple[Attribute, ...]
    items: dict[str, tuple[str, DataType]]
    key_schema: pa.Schema
    value_schema: pa.Schema
    late: str | None
    evicts_by: str | None

    def segment_sql(self, child_sql: str) -> str:
        """The segment below the operator."""
        items = ", ".join(f"{sql} AS {name}" for name, (sql, _) in self.items.items())
        return f"SELECT *, hash({', '.join(self.key_schema.names)}) AS {HASH} FROM (SELECT {items} FROM ({child_sql}))"


def plan_deduplicate(node: Deduplicate, required: Collection[int]) -> DeduplicatePlan:
    """Cut a Deduplicate of whose columns `required` are used somewhere."""
    names = {key.id: f"k{i}" for i, key in enumerate(node.keys)}
    columns = tuple(a for a in node.output if a.id in required or a.id in names or WATERMARK_DELAY in a.metadata)
    items = {a.sql_name: (a.sql_name, a.type) for a in columns}
    items |= {names[key.id]: (key.sql_name, key.type) for key in node.keys}
    keys = [(names[key.id], engine_type(key.type)) for key in node.keys]
    time = event_time_of(columns)
    if time is None:
        return DeduplicatePlan(columns, items, pa.schema(keys), SEEN, None, None)
    late, sql, kind = _moment(time)
    items[late] = (sql, kind)
    expires = _expires(node, time, sql)
    if expires is None:
        return DeduplicatePlan(columns, items, pa.schema(keys), SEEN, late, names.get(time.id))
    items[EXPIRES.names[0]] = (expires, LONG)
    return DeduplicatePlan(columns, items, pa.schema(keys), EXPIRES, late, EXPIRES.names[0])


def _expires(node: Deduplicate, time: Attribute, moment: str) -> str | None:
    """The microsecond at which the watermark evicts a key, where no key column tells it; a NULL time is 1970's."""
    if node.within_watermark:
        return f"(coalesce(epoch_us({moment}), 0) + {int(time.metadata[WATERMARK_DELAY]) * 1000})"
    is_window_key = isinstance(time.type, StructType) and any(key.id == time.id for key in node.keys)
    return f"epoch_us({moment})" if is_window_key else None


def _moment(time: Attribute) -> tuple[str, str, DataType]:
    """The column that holds an event time: itself, or for a window a further one with its end."""
    if not isinstance(time.type, StructType):
        return time.sql_name, time.sql_name, time.type
    end = time.type.fields[-1]
    return _EVENT_TIME, f"({time.sql_name}).{quote_name(end.name)}", end.dataType


def event_time_of(columns: Sequence[Attribute]) -> Attribute | None:
    """The only column that bears a watermark."""
    found = {a.id: a for a in columns if WATERMARK_DELAY in a.metadata}
    if len(found) > 1:
        raise several_event_times(list(found.values()))
    return next(iter(found.values()), None)


def several_event_times(columns: Sequence[Attribute]) -> SparkError:
    """An operator whose rows have more than one event time cannot tell which are late."""
    shown = ",".join(a.name for a in columns)
    return analysis_error(
        "_LEGACY_ERROR_TEMP_3077",
        f"More than one event time column reaches a stateful operator: {shown}. Drop the others before it.",
        "XXKD0",
        eventTimeCols=shown,
    )
