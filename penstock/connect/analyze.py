"""The AnalyzePlan RPC: questions about a plan that do not run it."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyspark.sql.connect.proto as pb
from pyspark.sql.connect.types import pyspark_types_to_proto_types

from penstock.connect.decode import decode_relation
from penstock.connect.errors import invalid_plan
from penstock.connect.pipeline import resolve, resolve_relation
from penstock.connect.plans import plan_relation
from penstock.core.errors import parse_error
from penstock.plan.nodes import LocalData, Node, Read
from penstock.plan.semantics import semantic_key
from penstock.plan.types import StructField, StructType

if TYPE_CHECKING:
    from penstock.connect.session import Session

SPARK_VERSION = "4.2.0"
#: MEMORY_AND_DISK: what df.cache() and CACHE TABLE ask for.
DEFAULT_LEVEL = pb.StorageLevel(use_disk=True, use_memory=True, deserialized=True, replication=1)
_MODES = ("extended", "simple", "extended", "codegen", "cost", "formatted")

Handler = Callable[["Session", Any, pb.AnalyzePlanResponse], None]


def analyze_plan(session: Session, request: pb.AnalyzePlanRequest, response: pb.AnalyzePlanResponse) -> None:
    """Answer one question into the response."""
    kind = request.WhichOneof("analyze")
    handler = _HANDLERS.get(kind or "")
    if handler is None:
        raise invalid_plan("UNKNOWN_ANALYZE_METHOD", f"There is no analysis {kind}.", other=kind)
    handler(session, getattr(request, kind), response)


def _schema(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    schema = schema_of(session, plan_relation(request.plan))
    response.schema.schema.CopyFrom(pyspark_types_to_proto_types(schema))


def schema_of(session: Session, relation: pb.Relation) -> StructType:
    """The schema of a relation, those that the service answers itself included."""
    from penstock.connect.relations import own_schema

    return own_schema(relation) or resolve_relation(session, relation).schema


def _explain(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    parsed = decode_relation(plan_relation(request.plan), session)
    response.explain.explain_string = explain_text(session, parsed, _MODES[request.explain_mode])


def explain_text(session: Session, parsed: Node, mode: str) -> str:
    """`df.explain(mode)` in Spark's five modes.  The code that "codegen" shows is SQL: that is what runs."""
    from penstock.plan import printing
    from penstock.translate.physical import formatted_plan, physical_tree

    plan = resolve(session, parsed)
    shown = plan if plan.is_streaming else session.caches.shown(plan)
    executed = printing.tree(plan) if plan.is_streaming else physical_tree(shown)
    if mode == "codegen" and not plan.is_streaming:
        code = _generated(session, shown)
        return f"Found 1 WholeStageCodegen subtrees.\n== Subtree 1 / 1 ==\n{executed}\nGenerated code:\n{code}\n"
    if mode == "formatted" and not plan.is_streaming:
        executed = formatted_plan(shown)
    if mode == "cost":
        return printing.explain_cost(plan, executed)
    if mode == "extended":
        return printing.explain(parsed, plan, executed)
    return f"== Physical Plan ==\n{executed}\n"


def _generated(session: Session, plan: Node) -> str:
    from penstock.pyfn import split
    from penstock.translate import TranslateContext, to_sql

    context = TranslateContext(session.conf)
    rest, steps = split(plan, context)
    return "\n".join([*map(str, steps), to_sql(rest, context)])


def _tree_string(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    schema = schema_of(session, plan_relation(request.plan))
    level = request.level if request.HasField("level") else None
    response.tree_string.tree_string = schema.treeString(level)


def _is_local(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    plan = resolve_relation(session, plan_relation(request.plan))
    response.is_local.is_local = isinstance(plan, LocalData)


def _is_streaming(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    plan = resolve_relation(session, plan_relation(request.plan))
    response.is_streaming.is_streaming = plan.is_streaming


def _input_files(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    from penstock.sources.files.relation import FileRelation

    plan = resolve_relation(session, plan_relation(request.plan))
    reads = [node.relation for node in plan.walk() if isinstance(node, Read)]
    files = {name for relation in reads if isinstance(relation, FileRelation) for name in relation.input_files()}
    response.input_files.files.extend(sorted(files))


def _spark_version(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    response.spark_version.version = SPARK_VERSION


def _ddl_parse(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    response.ddl_parse.parsed.CopyFrom(pyspark_types_to_proto_types(parse_ddl(request.ddl_string)))


def parse_ddl(text: str) -> Any:
    """A type (`int`, `array<int>`) or, where that is none, the fields of a struct (`a int, b string`)."""
    from penstock.core.errors import SparkError
    from penstock.sql import parse_schema, parse_type

    try:
        return parse_schema(text)
    except SparkError as error:
        try:
            return parse_type(text)
        except SparkError:
            raise error from None


def _same_semantics(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    plans = (plan_relation(request.target_plan), plan_relation(request.other_plan))
    left, right = (semantic_key(resolve_relation(session, relation)) for relation in plans)
    response.same_semantics.result = left == right


def _semantic_hash(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    key = semantic_key(resolve_relation(session, plan_relation(request.plan)))
    value = zlib.crc32(repr(key).encode())
    response.semantic_hash.result = value - (1 << 32) if value >= 1 << 31 else value


def _persist(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    level = DEFAULT_LEVEL
    if request.HasField("storage_level"):
        level = request.storage_level
    session.caches.persist(resolve_relation(session, request.relation), level.SerializeToString())
    response.persist.SetInParent()


def _unpersist(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    session.caches.unpersist(resolve_relation(session, request.relation))
    response.unpersist.SetInParent()


def _get_storage_level(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    level = session.caches.level(resolve_relation(session, request.relation))
    response.get_storage_level.storage_level.replication = 1
    if level is not None:
        response.get_storage_level.storage_level.ParseFromString(level)


def _json_to_ddl(session: Session, request: Any, response: pb.AnalyzePlanResponse) -> None:
    try:
        schema = StructType.fromJson(json.loads(request.json_string))
    except (ValueError, KeyError, TypeError) as error:
        raise parse_error("INVALID_SCHEMA.PARSE_ERROR", f"The JSON is no schema: {error}.", "42K07") from error
    response.json_to_ddl.ddl_string = ",".join(_ddl(field) for field in schema.fields)


def _ddl(field: StructField) -> str:
    from penstock.functions.type_names import type_sql
    from penstock.sql import quote_identifier

    name = field.name if re.fullmatch(r"\w+", field.name) else quote_identifier((field.name,))
    comment = (field.metadata or {}).get("comment")
    quoted = "" if comment is None else " COMMENT '{}'".format(comment.replace("\\", "\\\\").replace("'", "\\'"))
    return f"{name} {type_sql(field.dataType)}{'' if field.nullable else ' NOT NULL'}{quoted}"


_HANDLERS: dict[str, Handler] = {
    "schema": _schema,
    "explain": _explain,
    "tree_string": _tree_string,
    "is_local": _is_local,
    "is_streaming": _is_streaming,
    "input_files": _input_files,
    "spark_version": _spark_version,
    "ddl_parse": _ddl_parse,
    "same_semantics": _same_semantics,
    "semantic_hash": _semantic_hash,
    "persist": _persist,
    "unpersist": _unpersist,
    "get_storage_level": _get_storage_level,
    "json_to_ddl": _json_to_ddl,
}
