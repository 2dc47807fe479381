"""Whether a checkpoint's state is that of a query's stateful operators: before any of their stores is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from penstock.checkpoint import query_metadata
from penstock.checkpoint.errors import other_operators
from penstock.checkpoint.paths import CheckpointPaths
from penstock.operators.aggregate import AggregateOperator
from penstock.operators.apply_with_state import ApplyWithStateOperator
from penstock.operators.join import JoinOperator
from penstock.operators.limit import LimitOperator
from penstock.operators.session import SessionOperator
from penstock.operators.transform_with_state import TransformWithStateOperator
from penstock.plan.nodes import Aggregate, Deduplicate, Join, Limit, Node
from penstock.plan.python_nodes import ApplyInPandasWithState, TransformWithState
from penstock.runtime.plan_session import groups_sessions
from penstock.runtime.pushdown_joins import joins_streams


def check_operators(plan: Node, keeps_limit: Callable[[Node], bool], state_directory: Path) -> None:
    """Raise STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA if the state is that of other operators.

    keeps_limit: whether a limit needs state."""
    logged = query_metadata.read_operators(CheckpointPaths(state_directory.parent))
    ours = tuple(_names(plan, keeps_limit))
    if logged and ours and logged != ours:
        raise other_operators(logged, ours)


def _names(node: Node, keeps_limit: Callable[[Node], bool]) -> Iterator[str]:
    """The operators' names in the order in which the planner makes them: whoever is below comes first."""
    if not node.is_streaming:
        return
    for child in node.children:
        yield from _names(child, keeps_limit)
    name = _name(node, keeps_limit)
    if name is not None:
        yield name


def _name(node: Node, keeps_limit: Callable[[Node], bool]) -> str | None:
    if isinstance(node, ApplyInPandasWithState):
        return ApplyWithStateOperator.name
    if isinstance(node, TransformWithState):
        return TransformWithStateOperator.name
    if isinstance(node, Aggregate):
        return SessionOperator.name if groups_sessions(node) else AggregateOperator.name
    if isinstance(node, Deduplicate):
        return "dedupeWithinWatermark" if node.within_watermark else "dedupe"
    if isinstance(node, Join) and joins_streams(node):
        return JoinOperator.name
    return LimitOperator.name if isinstance(node, Limit) and keeps_limit(node) else None
