"""The way of one batch query: protobuf -> plan -> resolved plan -> SQL -> Arrow."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyspark.sql.connect.proto as pb

from penstock.connect.decode import decode_relation
from penstock.connect.operations import Operation
from penstock.core.errors import SparkError
from penstock.plan.nodes import Node
from penstock.plan.types import StructType

if TYPE_CHECKING:
    from penstock.connect.session import Session
    from penstock.core.config import Conf
    from penstock.engine import EngineCursor


@dataclass(frozen=True)
class Result:
    """Rows in the Arrow types that the client expects, and the schema that it shows."""

    table: pa.Table
    schema: StructType


def resolve(session: Session, node: Node) -> Node:
    """The plan with all names and types resolved."""
    from penstock.analysis import analyze
    from penstock.analysis.context import AnalysisContext
    from penstock.sources import registry

    conf = session.conf
    context = AnalysisContext(conf, session.catalog, lambda read: registry.resolve(read, conf))
    resolved: Node = analyze(node, context)
    return resolved


def resolve_relation(session: Session, relation: pb.Relation) -> Node:
    """The resolved plan of a relation."""
    return resolve(session, decode_relation(relation, session))


def run(session: Session, plan: Node, operation: Operation | None = None) -> Result:
    """Execute a resolved batch plan."""
    from penstock.engine.types import to_spark_arrow
    from penstock.translate import TranslateContext, to_sql

    require_batch(plan)
    context = TranslateContext(session.conf)
    sql = to_sql(plan, context)
    with session.cursor() as cursor:
        if operation is not None:
            operation.interruptible(cursor.interrupt)
        try:
            table = cursor.query(sql, context.tables, session.conf, context.fallbacks)
        finally:
            if operation is not None:
                operation.interruptible(None)
    return Result(to_spark_arrow(table, plan.output), plan.schema)


def _query(cursor: EngineCursor, sql: str, tables: Mapping[str, pa.Table], conf: Conf) -> pa.Table:
    """Run it so that Ctrl-C gets through: signals reach the main thread only between Python instructions, and the engine
    does not come back before it is done."""
    if threading.current_thread() is not threading.main_thread():
        return cursor.query(sql, tables, conf)
    running = _beside_main().submit(cursor.query, sql, tables, conf)
    try:
        return running.result()
    except Exception:
        raise
    except BaseException:
        cursor.interrupt()
        running.exception()
        raise


@functools.cache
def _beside_main() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="penstock query")


def require_batch(plan: Node) -> None:
    """A plan with a stream in it runs by writeStream only."""
    if plan.is_streaming:
        message = "A query with a streaming source is executed with writeStream.start(), not as a batch."
        raise SparkError("_LEGACY_ERROR_TEMP_3102", message, {"msg": message})
