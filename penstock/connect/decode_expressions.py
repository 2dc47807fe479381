"""Protobuf expressions -> unresolved expressions: one small function a kind, found by the message's oneof name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pyspark.sql.connect.proto as pb

from penstock.connect.decode_context import DecodeContext
from penstock.connect.decode_types import decode_literal, decode_type
from penstock.core.errors import SparkError, analysis_error, unsupported
from penstock.plan import expressions as ex
from penstock.plan.nodes import Node
from penstock.plan.table_functions import TableArgument
from penstock.plan.types import INTEGER
from penstock.sql import parse_expression, parse_type, split_identifier
from penstock.sql.lambdas import bind_lambda

_SUBQUERY_KINDS = {
    pb.SubqueryExpression.SUBQUERY_TYPE_SCALAR: "scalar",
    pb.SubqueryExpression.SUBQUERY_TYPE_EXISTS: "exists",
    pb.SubqueryExpression.SUBQUERY_TYPE_IN: "in",
}
_CAST_MODES = {
    pb.Expression.Cast.EVAL_MODE_UNSPECIFIED: "",
    pb.Expression.Cast.EVAL_MODE_LEGACY: "legacy",
    pb.Expression.Cast.EVAL_MODE_ANSI: "ansi",
    pb.Expression.Cast.EVAL_MODE_TRY: "try",
}
_FRAME_TYPES = {
    pb.Expression.Window.WindowFrame.FRAME_TYPE_UNDEFINED: "",
    pb.Expression.Window.WindowFrame.FRAME_TYPE_ROW: "rows",
    pb.Expression.Window.WindowFrame.FRAME_TYPE_RANGE: "range",
}


def expression(message: pb.Expression, context: DecodeContext) -> ex.Expression:
    """Any expression; a kind that is not decoded is refused by its name."""
    kind = message.WhichOneof("expr_type")
    if kind is None:
        raise SparkError("CONNECT_INVALID_PLAN.FIELD_NOT_SET", "An expression came without content.", sqlstate="56K00")
    decode = EXPRESSIONS.get(kind)
    if decode is None:
        raise unsupported(REFUSED_EXPRESSIONS.get(kind, f"the expression {kind}"))
    return decode(getattr(message, kind), context)


def expressions(messages: Iterable[pb.Expression], context: DecodeContext) -> tuple[ex.Expression, ...]:
    """Several, in order."""
    return tuple(expression(message, context) for message in messages)


def sort_order(message: pb.Expression.SortOrder, context: DecodeContext) -> ex.SortOrder:
    """One key of an ORDER BY."""
    nulls = {pb.Expression.SortOrder.SORT_NULLS_FIRST: True, pb.Expression.SortOrder.SORT_NULLS_LAST: False}
    ascending = message.direction != pb.Expression.SortOrder.SORT_DIRECTION_DESCENDING
    return ex.SortOrder(expression(message.child, context), ascending, nulls.get(message.null_ordering))


def sort_keys(messages: Iterable[pb.Expression], context: DecodeContext) -> tuple[ex.SortOrder, ...]:
    """Expressions of which each is a sort order, or ascending by default."""
    found = expressions(messages, context)
    return tuple(e if isinstance(e, ex.SortOrder) else ex.SortOrder(e) for e in found)


def alias(message: pb.Expression.Alias, context: DecodeContext) -> ex.Alias:
    """`expr AS name`, with the metadata that the user gave."""
    metadata = json.loads(message.metadata) if message.HasField("metadata") else None
    return ex.Alias(expression(message.expr, context), tuple(message.name), metadata=metadata)


def python_function(message: pb.CommonInlineUserDefinedFunction, context: DecodeContext) -> ex.PythonFunction:
    """A Python UDF with its pickled command; JVM functions are refused."""
    kind = message.WhichOneof("function")
    if kind != "python_udf":
        raise unsupported(f"user-defined functions of kind {kind}", "Only Python functions run without a JVM.")
    if message.is_distinct:
        raise unsupported("DISTINCT in a call of a Python function")
    udf = message.python_udf
    return ex.PythonFunction(
        message.function_name,
        expressions(message.arguments, context),
        udf.command,
        udf.eval_type,
        decode_type(udf.output_type),
        message.deterministic,
    )


def _literal(message: pb.Expression.Literal, context: DecodeContext) -> ex.Expression:
    return decode_literal(message)


def _attribute(message: pb.Expression.UnresolvedAttribute, context: DecodeContext) -> ex.Expression:
    plan_id = message.plan_id if message.HasField("plan_id") else None
    return ex.UnresolvedAttribute(split_identifier(message.unparsed_identifier), plan_id, message.is_metadata_column)


def call(name: str, args: tuple[ex.Expression, ...], distinct: bool = False) -> ex.Expression:
    """A call under the function table's name: `!=` is the negation of `==`."""
    lower = name.lower()
    if lower in ("!=", "<>"):
        return ex.UnresolvedFunction("not", (ex.UnresolvedFunction("==", args),))
    if (
        lower == "count"
        and not distinct
        and len(args) == 1
        and isinstance(args[0], ex.UnresolvedStar)
        and not args[0].target
    ):
        args = (ex.Literal(1, INTEGER),)
    return ex.UnresolvedFunction(_SYNONYMS.get(lower, lower), args, distinct)


def _function(message: pb.Expression.UnresolvedFunction, context: DecodeContext) -> ex.Expression:
    return call(message.function_name, expressions(message.arguments, context), message.is_distinct)


def _call_function(message: pb.CallFunction, context: DecodeContext) -> ex.Expression:
    return call(".".join(split_identifier(message.function_name)), expressions(message.arguments, context))


def _text(message: pb.Expression.ExpressionString, context: DecodeContext) -> ex.Expression:
    hooks = context.hooks
    return parse_expression(message.expression, time_zone=hooks.time_zone, variable=hooks.variable)


def _star(message: pb.Expression.UnresolvedStar, context: DecodeContext) -> ex.Expression:
    plan_id = message.plan_id if message.HasField("plan_id") else None
    if not message.HasField("unparsed_target"):
        return ex.UnresolvedStar((), plan_id)
    target = message.unparsed_target
    if not target.endswith(".*"):
        text = f"The star's target {target!r} must end in '.*'."
        raise analysis_error("CONNECT_INVALID_PLAN.UNRESOLVED_STAR_TARGET_INVALID", text, "56K00", target=target)
    return ex.UnresolvedStar(split_identifier(target[:-2]), plan_id)


def _regex(message: pb.Expression.UnresolvedRegex, context: DecodeContext) -> ex.Expression:
    """A back-quoted text is a pattern over the column names; another is a plain name (Spark's colRegex)."""
    plan_id = message.plan_id if message.HasField("plan_id") else None
    text = message.col_name
    if len(text) > 1 and text[0] == text[-1] == "`":
        return ex.UnresolvedRegex(text[1:-1], plan_id)
    return ex.UnresolvedAttribute(split_identifier(text), plan_id)


def _cast(message: pb.Expression.Cast, context: DecodeContext) -> ex.Expression:
    parsed = message.WhichOneof("cast_to_type") == "type"
    target = decode_type(message.type) if parsed else parse_type(message.type_str)
    return ex.Cast(expression(message.expr, context), target, _CAST_MODES[message.eval_mode])


def _lambda(message: pb.Expression.LambdaFunction, context: DecodeContext) -> ex.Expression:
    names = tuple(argument.name_parts[0] for argument in message.arguments)
    return bind_lambda(names, expression(message.function, context))


def _variable(message: pb.Expression.UnresolvedNamedLambdaVariable, context: DecodeContext) -> ex.Expression:
    return ex.UnresolvedAttribute(tuple(message.name_parts))


def _window(message: pb.Expression.Window, context: DecodeContext) -> ex.Expression:
    order = tuple(sort_order(key, context) for key in message.order_spec)
    function = expression(message.window_function, context)
    partition_by = expressions(message.partition_spec, context)
    if not message.HasField("frame_spec"):
        return ex.WindowExpression(function, partition_by, order)
    frame = message.frame_spec
    lower = _bound(frame.lower, "preceding", context)
    upper = _bound(frame.upper, "following", context)
    return ex.WindowExpression(function, partition_by, order, _FRAME_TYPES[frame.frame_type], lower, upper)


def _bound(message: Any, side: str, context: DecodeContext) -> ex.FrameBound:
    """The client writes offsets signed: -3 is `-3 FOLLOWING`, 0 the current row."""
    kind = message.WhichOneof("boundary")
    if kind == "unbounded":
        return ex.FrameBound(f"unbounded_{side}")
    if kind == "current_row":
        return ex.FrameBound("current_row")
    value = expression(message.value, context)
    if isinstance(value, ex.Literal) and isinstance(value.value, (int, float)) and value.value == 0:
        return ex.FrameBound("current_row")
    return ex.FrameBound("following", value)


def _extract(message: pb.Expression.UnresolvedExtractValue, context: DecodeContext) -> ex.Expression:
    return ex.UnresolvedExtract(expression(message.child, context), expression(message.extraction, context))


def _update(message: pb.Expression.UpdateFields, context: DecodeContext) -> ex.Expression:
    value = expression(message.value_expression, context) if message.HasField("value_expression") else None
    return ex.UpdateFields(expression(message.struct_expression, context), message.field_name, value)


def _named(message: pb.NamedArgumentExpression, context: DecodeContext) -> ex.Expression:
    return ex.NamedArgument(message.key, expression(message.value, context))


def _subquery(message: pb.SubqueryExpression, context: DecodeContext) -> ex.Expression:
    kind = _SUBQUERY_KINDS.get(message.subquery_type)
    plan = context.references.get(message.plan_id)
    if plan is None:
        text = f"The subquery's plan {message.plan_id} did not come with the query."
        raise SparkError("CONNECT_INVALID_PLAN.SUBQUERY", text, sqlstate="56K00")
    if kind is None:
        return _table_argument(message.table_arg_options, plan, context)
    return ex.SubqueryExpression(kind, plan, expressions(message.in_subquery_values, context))


def _table_argument(
    options: pb.SubqueryExpression.TableArgOptions, plan: Node, context: DecodeContext
) -> ex.Expression:
    """`df.asTable()` with partitionBy, orderBy and withSinglePartition."""
    return TableArgument(
        plan,
        expressions(options.partition_spec, context),
        tuple(sort_order(key, context) for key in options.order_spec),
        options.with_single_partition,
    )


_SYNONYMS = {"=": "==", "!": "not"}

EXPRESSIONS: dict[str, Callable[[Any, DecodeContext], ex.Expression]] = {
    "literal": _literal,
    "unresolved_attribute": _attribute,
    "unresolved_function": _function,
    "expression_string": _text,
    "unresolved_star": _star,
    "alias": alias,
    "cast": _cast,
    "unresolved_regex": _regex,
    "sort_order": sort_order,
    "lambda_function": _lambda,
    "unresolved_named_lambda_variable": _variable,
    "window": _window,
    "unresolved_extract_value": _extract,
    "update_fields": _update,
    "common_inline_user_defined_function": python_function,
    "call_function": _call_function,
    "named_argument_expression": _named,
    "subquery_expression": _subquery,
}

REFUSED_EXPRESSIONS: dict[str, str] = {
    "merge_action": "MERGE INTO",
    "typed_aggregate_expression": "typed aggregates of Scala",
    "direct_shuffle_partition_id": "repartitionById in this place",
    "extension": "expression plug-ins",
}
