"""Relations that the service answers itself: `show`, notebook tables, the catalog; all others go to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyspark.sql.connect.proto as pb

from penstock.connect import catalog_relations
from penstock.connect.decode import decode_relation
from penstock.connect.operations import Operation
from penstock.connect.pipeline import Result, resolve, resolve_relation, run
from penstock.core.show import html_string, show_string
from penstock.plan.nodes import Limit
from penstock.plan.types import STRING, StructField, StructType

if TYPE_CHECKING:
    from penstock.connect.session import Session


def run_relation(session: Session, relation: pb.Relation, operation: Operation | None = None) -> Result:
    """Execute any relation."""
    kind = relation.WhichOneof("rel_type")
    if kind == "show_string":
        return _show(session, relation.show_string, operation)
    if kind == "html_string":
        return _html(session, relation.html_string, operation)
    if kind == "catalog" and not catalog_relations.has_made_table(session, relation):
        return catalog_relations.run(session, relation)
    return run(session, resolve_relation(session, relation), operation)


def own_schema(relation: pb.Relation) -> StructType | None:
    """The schema of a relation that the service answers itself, else None."""
    kind = relation.WhichOneof("rel_type")
    if kind in ("show_string", "html_string"):
        return _text_schema(kind)
    makes_table = kind == "catalog" and relation.catalog.WhichOneof("cat_type") in catalog_relations.MAKES_TABLE
    return catalog_relations.schema(relation.catalog) if kind == "catalog" and not makes_table else None


def _show(session: Session, message: pb.ShowString, operation: Operation | None) -> Result:
    first = _first_rows(session, message.input, message.num_rows, operation)
    text = show_string(
        first.table, first.schema, rows=message.num_rows, truncate=message.truncate, vertical=message.vertical,
        time_zone=session.time_zone,
    )  # fmt: skip
    return _text_result("show_string", text)


def _html(session: Session, message: pb.HtmlString, operation: Operation | None) -> Result:
    first = _first_rows(session, message.input, message.num_rows, operation)
    text = html_string(
        first.table, first.schema, rows=message.num_rows, truncate=message.truncate, time_zone=session.time_zone
    )
    return _text_result("html_string", text)


def _first_rows(session: Session, relation: pb.Relation, rows: int, operation: Operation | None) -> Result:
    """One row more than is shown, to tell whether there are more."""
    if own_schema(relation) is not None:
        return run_relation(session, relation, operation)
    plan = resolve(session, Limit(max(rows, 0) + 1, decode_relation(relation, session)))
    return run(session, plan, operation)


def _text_schema(name: str) -> StructType:
    return StructType([StructField(name, STRING, False)])


def _text_result(name: str, text: str) -> Result:
    schema = pa.schema([pa.field(name, pa.string(), nullable=False)])
    return Result(pa.Table.from_arrays([pa.array([text])], schema=schema), _text_schema(name))
