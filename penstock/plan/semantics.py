"""When two resolved plans mean the same rows: equal but for column ids, names and the client's numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pyarrow as pa

from penstock.plan.expressions import Alias, Attribute, Expression, field_names
from penstock.plan.nodes import LocalData, Node, Read, SubqueryAlias
from penstock.plan.types import DataType


def semantic_key(plan: Node) -> Hashable:
    """Equal for plans that mean the same.  It holds local rows as bytes: do not ask for it without need."""
    return _key(plan, {})


def _key(value: Any, ids: dict[int, int]) -> Hashable:
    if isinstance(value, Attribute):
        return ("column", ids.setdefault(value.id, len(ids)))
    if isinstance(value, Alias):
        return ("alias", ids.setdefault(value.id, len(ids)), _key(value.child, ids))
    if isinstance(value, SubqueryAlias):  # its columns are those of its input under another qualifier
        child = _key(value.child, ids)
        for outer, inner in zip(value.output, value.child.output, strict=True):
            ids[outer.id] = ids.setdefault(inner.id, len(ids))
        return child
    if isinstance(value, Read):
        columns = _key(value.columns, ids)
        return ("read", value.format, _key(value.options, ids), value.paths, _key(value.user_schema, ids), columns)
    if isinstance(value, LocalData):
        return ("local", _bytes(value.table), _key(value.data_schema, ids), _key(value.columns, ids))
    if isinstance(value, (Node, Expression)):
        names = [name for name in field_names(type(value)) if name not in ("plan_id", "display")]
        return (type(value).__name__, *(_key(getattr(value, name), ids) for name in names))
    return _plain(value, ids)


def _plain(value: Any, ids: dict[int, int]) -> Hashable:
    if isinstance(value, DataType):
        return str(value.json())
    if isinstance(value, Mapping):
        return tuple(sorted((str(k), str(v)) for k, v in value.items()))
    if isinstance(value, (tuple, list)):
        return tuple(_key(v, ids) for v in value)
    return (type(value).__name__, value) if isinstance(value, Hashable) else repr(value)


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]
