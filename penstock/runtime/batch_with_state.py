"""transformWithState in a batch query: all rows are one batch, and state lives as long.  applyInPandasWithState has no
batch meaning in Spark.

Importing this module lets batch queries run such nodes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.core.clock import SystemClock
from penstock.core.config import Conf
from penstock.core.errors import UNSUPPORTED, SparkError
from penstock.operators.groups import Times
from penstock.plan.nodes import Node
from penstock.plan.python_nodes import ApplyInPandasWithState, TransformWithState
from penstock.pyfn.steps import Prepared, prepare_by
from penstock.pyfn.tasks import Query
from penstock.runtime.plan_with_state import StateContext, initial_input, input_of, transform_operator

_NO_WATERMARK = -1


@dataclass(frozen=True)
class StateTask:
    """One node of a batch query; see penstock.pyfn.tasks.Task."""

    node: TransformWithState
    conf: Conf
    names: tuple[str, ...]

    def run(self, tables: Sequence[pa.Table], query: Query) -> pa.Table:
        """The rows that the function gives for all rows of its input."""
        times = Times(0, SystemClock().now_ms(), 0, _NO_WATERMARK)
        with tempfile.TemporaryDirectory(prefix="penstock-state-") as directory:
            context = StateContext(Path(directory), 0, _hash_keys(query), query, self.conf)
            transform = transform_operator(self.node, context)
            try:
                transform.store.load(0)
                return transform.process(tables[0], tables[1] if len(tables) > 1 else None, times)
            finally:
                transform.store.close()


def _prepare(node: Node, conf: Conf) -> Prepared:
    assert isinstance(node, TransformWithState), "registered for these"
    inputs: tuple[Node, ...] = (input_of(node, node.child),)
    if node.initial is not None:
        inputs = (*inputs, initial_input(node, node.initial))
    return Prepared(inputs, StateTask(node, conf, (node.function.name,)), node.columns)


def _hash_keys(query: Query) -> Callable[[pa.RecordBatch], NDArray[np.uint64]]:
    def hash_keys(keys: pa.RecordBatch) -> NDArray[np.uint64]:
        names = ", ".join(keys.schema.names)
        hashed = query(f"SELECT hash({names}) AS hash FROM keys_to_hash", {"keys_to_hash": pa.table(keys)})
        return np.asarray(hashed.column(0).to_numpy(), dtype=np.uint64)

    return hash_keys


def _refuse(node: Node, conf: Conf) -> Prepared:
    message = "applyInPandasWithState runs on streams only. In a batch query use applyInPandas."
    raise SparkError("_LEGACY_ERROR_TEMP_3176", message, {}, classes=UNSUPPORTED)


prepare_by(TransformWithState, _prepare)
prepare_by(ApplyInPandasWithState, _refuse)
