"""A streaming GROUP BY over session windows: its partial segment, state and operator, from the plan of an aggregate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from penstock.core.errors import analysis_error
from penstock.operators.join_state import ROW_NUMBER, HashKeys, SideLayout, SideState, hash_numbers
from penstock.operators.merging import RunSql
from penstock.operators.session import SessionColumns, SessionOperator
from penstock.plan.nodes import Aggregate
from penstock.plan.session_nodes import MergeSessions
from penstock.runtime.plan_aggregate import AggregatePlan, plan_aggregate
from penstock.state import open_store
from penstock.translate import TranslateContext


def groups_sessions(node: Aggregate) -> bool:
    """Whether an Aggregate's keys hold a session window."""
    return isinstance(node.child, MergeSessions)


def plan_session(node: Aggregate, context: TranslateContext) -> AggregatePlan:
    """As plan_aggregate; the partial rows are those of each row's own session, as sessions merge in the operator."""
    assert isinstance(node.child, MergeSessions), "see groups_sessions"
    plan = plan_aggregate(replace(node, child=node.child.child), context)
    if not keys_of(plan):
        message = "A stream's session_window needs another key beside it: group by something else as well."
        raise analysis_error("_LEGACY_ERROR_TEMP_3068", message, "XXKD0")
    return plan


def keys_of(plan: AggregatePlan) -> tuple[str, ...]:
    """The names of the key columns but the session's."""
    assert plan.session is not None, "the aggregate groups by a session window"
    return tuple(key.name for key in plan.keys if key.name not in plan.session)


def session_segment(plan: AggregatePlan, child_sql: str, extra: str) -> str:
    """The segment below the operator, sorted as it wants its rows."""
    assert plan.session is not None, "the aggregate groups by a session window"
    keys = keys_of(plan)
    return f"{plan.partial_sql(child_sql, extra, keys)} ORDER BY hash, {', '.join([*keys, *plan.session])}"


def session_operator(
    plan: AggregatePlan, directory: Path, number: int, hash_keys: HashKeys, output_mode: str, run_sql: RunSql
) -> SessionOperator:
    """The operator `number` of a query, with its state."""
    assert plan.session is not None, "the aggregate groups by a session window"
    keys, (start, end) = keys_of(plan), plan.session
    schema = plan.state_schema
    expiry = end if plan.event_time_key is not None and output_mode != "complete" else None
    layout = SideLayout(schema, keys, (True,) * len(keys), matched=False, expiry=expiry)
    store = open_store(
        directory,
        ROW_NUMBER,
        layout.value_schema,
        hash_numbers,
        operator=str(number),
        description=SessionOperator.name,
    )
    columns = SessionColumns(start, end, plan.event_time_key is not None)
    return SessionOperator(SideState(store, layout, hash_keys), plan.merges, columns, output_mode, run_sql)
