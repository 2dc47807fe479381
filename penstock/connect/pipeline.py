"""The way of one batch query: protobuf -> plan -> resolved plan -> SQL -> Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyspark.sql.connect.proto as pb

from penstock.connect.decode import decode_relation
from penstock.connect.operations import Operation
from penstock.core.beside_main import beside_main
from penstock.core.errors import SparkError
from penstock.plan.nodes import Aggregate, Deduplicate, Node
from penstock.plan.statistic_nodes import CollectMetrics
from penstock.plan.types import StructType

if TYPE_CHECKING:
    from penstock.connect.session import Session


@dataclass(frozen=True)
class Observed:
    """What df.observe found: one row of metrics under a name."""

    name: str
    metrics: pa.Table
    schema: StructType


@dataclass(frozen=True)
class Result:
    """Rows in the Arrow types that the client expects, and the schema that it shows."""

    table: pa.Table
    schema: StructType
    observed: tuple[Observed, ...] = ()


def resolve(session: Session, node: Node) -> Node:
    """The plan with all names and types resolved."""
    from penstock.analysis import analyze
    from penstock.analysis.context import AnalysisContext
    from penstock.connect.data_sources import resolve_read

    conf = session.conf
    context = AnalysisContext(
        conf,
        session.catalog,
        lambda read: resolve_read(session, read),
        collect=lambda plan: run(session, plan).table,
        functions=session.catalog.functions,
        sql_function=session.catalog.sql_function,
        variable=session.catalog.variable,
        table_functions=session.catalog.table_functions,
    )
    resolved: Node = analyze(node, context)
    return resolved


def resolve_relation(session: Session, relation: pb.Relation) -> Node:
    """The resolved plan of a relation."""
    return resolve(session, decode_relation(relation, session))


def run(session: Session, plan: Node, operation: Operation | None = None) -> Result:
    """Execute a resolved batch plan, with kept rows where a part of it is persisted."""
    require_batch(plan)
    ready = session.caches.substituted(plan, lambda cached: _execute(session, cached, operation).table)
    result = _execute(session, ready, operation)
    observers = [node for node in plan.walk() if isinstance(node, CollectMetrics)]
    return (
        replace(result, observed=tuple(_observe(session, node, operation) for node in observers))
        if observers
        else result
    )


def _observe(session: Session, node: CollectMetrics, operation: Operation | None) -> Observed:
    """The metrics of df.observe, in a query of their own over the same rows."""
    metrics = run(session, Aggregate((), node.metrics, node.child), operation)
    return Observed(node.name, metrics.table, metrics.schema)


def _execute(session: Session, plan: Node, operation: Operation | None) -> Result:
    from penstock.engine.types import to_spark_arrow
    from penstock.pyfn import split
    from penstock.translate import TranslateContext, to_sql

    context = TranslateContext(session.conf)
    if session.catalog.data_sources:
        from penstock.pyfn.data_source_filters import push_filters

        plan = push_filters(plan, session.conf)
    rest, steps = split(plan, context)
    sql = to_sql(rest, context)
    with session.cursor() as cursor:

        def query(text: str, tables: Mapping[str, pa.Table]) -> pa.Table:
            visible = {**context.tables, **tables}
            return beside_main(lambda: cursor.query(text, visible, session.conf, context.fallbacks), cursor.interrupt)

        try:
            if operation is not None:
                operation.interruptible(cursor.interrupt)
            for step in steps:
                context.tables[step.name] = step.run(query)
            table = query(sql, {})
        finally:
            if operation is not None:
                operation.interruptible(None)
    return Result(to_spark_arrow(table, plan.output), plan.schema)


def require_batch(plan: Node) -> None:
    """A plan with a stream in it, or with what only streams have, runs by writeStream only."""
    if plan.is_streaming:
        message = "A query with a streaming source is executed with writeStream.start(), not as a batch."
        raise SparkError("_LEGACY_ERROR_TEMP_3102", message, {"msg": message})
    if any(isinstance(node, Deduplicate) and node.within_watermark for node in plan.walk()):
        message = "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets"
        raise SparkError("_LEGACY_ERROR_TEMP_3102", message, {"msg": message})
