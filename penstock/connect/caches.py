"""df.cache and df.persist, CACHE TABLE: rows that are computed once, when a query first needs them.

A query uses them wherever a part of its plan means the same as the plan that was persisted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from penstock.core.files import local_path
from penstock.plan.nodes import LocalData, Node, Read
from penstock.plan.semantics import semantic_key

if TYPE_CHECKING:
    from penstock.translate import Input


@dataclass
class CachedPlan:
    """A plan to keep the rows of; `table` is None until a query has needed it."""

    plan: Node
    level: bytes
    table: pa.Table | None = None


class Caches:
    """What one session has persisted.  Thread-safe."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, CachedPlan] = {}
        self._lock = threading.RLock()

    def persist(self, plan: Node, level: bytes) -> None:
        """Keep its rows from their first use on; a plan that is persisted already stays as it is."""
        with self._lock:
            self._entries.setdefault(semantic_key(plan), CachedPlan(plan, level))

    def unpersist(self, plan: Node) -> None:
        """Forget it."""
        with self._lock:
            if self._entries:
                self._entries.pop(semantic_key(plan), None)

    def level(self, plan: Node) -> bytes | None:
        """The storage level of a plan that is persisted, else None."""
        found = self._entries.get(semantic_key(plan)) if self._entries else None
        return None if found is None else found.level

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def forget_path(self, path: str) -> None:
        """Rows that were read below a path are computed anew when they are next needed."""
        changed = Path(local_path(path))
        with self._lock:
            for entry in self._entries.values():
                if any(_reads(node, changed) for node in entry.plan.walk()):
                    entry.table = None

    def substituted(self, plan: Node, compute: Callable[[Node], pa.Table]) -> Node:
        """The plan with kept rows in place of what they are the rows of; `compute` runs a plan as it stands."""

        def kept(node: Node, entry: CachedPlan) -> Node:
            with self._lock:
                if entry.table is None:  # as the query sees it: files may have changed since it was persisted
                    entry.plan, entry.table = node, compute(node)
                return LocalData(entry.table, entry.plan.schema, node.output, plan_id=node.plan_id)

        return self._replaced(plan, kept)

    def shown(self, plan: Node) -> Node:
        """The plan with a named input in place of what is persisted: what explain() shows."""

        def scan(node: Node, entry: CachedPlan) -> Input:
            from penstock.translate import Input

            return Input("InMemoryTableScan", node.output)

        return self._replaced(plan, scan)

    def _replaced(self, plan: Node, replacement: Callable[[Node, CachedPlan], Node]) -> Node:
        if not self._entries:
            return plan
        entry = self._entries.get(semantic_key(plan))
        if entry is not None:
            return replacement(plan, entry)
        return plan.map_children(lambda child: self._replaced(child, replacement))


def _reads(node: Node, changed: Path) -> bool:
    if not isinstance(node, Read):
        return False
    places = [Path(local_path(p)) for p in node.paths]
    return any(place == changed or changed in place.parents or place in changed.parents for place in places)
