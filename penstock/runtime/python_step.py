"""Python functions of a row in a stream: a step between two segments, its functions loaded once per query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from penstock.core.config import Conf
from penstock.core.errors import analysis_error
from penstock.plan.nodes import Node
from penstock.plan.python_nodes import AggregatePython
from penstock.pyfn.steps import prepare
from penstock.pyfn.tasks import Task
from penstock.runtime.steps import BatchState, Segment, Step
from penstock.translate.nodes import Input


@dataclass(frozen=True)
class RunPython:
    """Evaluate Python functions over a segment's rows and register what comes out under `name`."""

    name: str
    segments: tuple[Segment, ...]
    task: Task

    def __str__(self) -> str:
        return f"{self.name} := Python {', '.join(self.task.names)} over {'; '.join(s.sql for s in self.segments)}"

    def run(self, state: BatchState) -> None:
        def query(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
            return state.cursor.query(sql, tables, state.conf, state.fallbacks)

        rows = [state.query(segment) for segment in self.segments]
        state.register(self.name, self.task.run(rows, query))


def refuse_aggregates(node: Node) -> None:
    """A Python aggregate would need the rows of all batches; applyInPandas and its like are given those of one."""
    if isinstance(node, AggregatePython):
        message = "Python aggregate functions do not run on a stream. Use foreachBatch or applyInPandasWithState."
        raise analysis_error("_LEGACY_ERROR_TEMP_3067", message, "XXKD0")


def add_python_step(
    steps: list[Step], node: Node, name: str, required: set[int], conf: Conf, segment: Callable[[Node], Segment]
) -> Node:
    """Append the step that runs a Python node whose inputs are cut already; gives the leaf that reads its rows."""
    prepared = prepare(node, required, conf)
    if prepared is None:
        return node.children[0]
    steps.append(RunPython(name, tuple(segment(one) for one in prepared.inputs), prepared.task))
    return Input(name, prepared.output)
