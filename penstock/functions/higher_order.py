"""Higher-order functions: transform, filter, exists, aggregate and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.functions.array_inputs import array_input
from penstock.functions.coercion import cast_if_needed, is_integral, same_type
from penstock.functions.errors import mismatch, wrong_input
from penstock.functions.nested_order import sorted_list
from penstock.functions.rows import element_type, row
from penstock.functions.table import Args, Function, Request, register
from penstock.functions.type_names import duck_type, quoted_type
from penstock.plan.expressions import Expression, FunctionCall, Lambda
from penstock.plan.types import (
    BOOLEAN,
    INTEGER,
    NULL,
    ArrayType,
    DataType,
    MapType,
    NullType,
)  # fmt: skip

Params = tuple[tuple[DataType, bool], ...]


def bind(e: Expression, params: Params, args: Args, request: Request, index: int, optional: int = 0) -> Lambda:
    """The lambda argument with its parameters typed; the last `optional` parameters may be left out."""
    if not isinstance(e, Lambda):
        raise wrong_input(request.name, args, index, "LAMBDA")
    count = len(e.params)
    if not len(params) - optional <= count <= len(params):
        raise _wrong_lambda(count, len(params), request)
    assert request.resolve_lambda is not None
    return request.resolve_lambda(e, params[:count])


def _wrong_lambda(count: int, expected: int, request: Request) -> Exception:
    from penstock.core.errors import analysis_error

    return analysis_error(
        "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
        f"The lambda of `{request.name}` must have {expected} parameters, not {count}.", "42K0D",
        expectedNumArgs=expected, actualNumArgs=count,
    )  # fmt: skip


def _call(args: Args, kind: DataType, nullable: bool, request: Request) -> FunctionCall:
    return FunctionCall(request.function.name, args, kind, nullable, request.name)


def body_of(sql: str) -> str:
    """The body of a rendered lambda."""
    return sql.split(":", 1)[1].strip()


def variables(e: Expression) -> list[str]:
    """SQL names of a lambda's parameters."""
    assert isinstance(e, Lambda)
    return [f"l{p.id}" for p in e.params]


def with_index(sql: str, e: Expression) -> str:
    """A lambda over (element, index): DuckDB counts from 1, Spark from 0."""
    names = variables(e)
    if len(names) < 2:
        return sql
    element, index = names
    return (
        f"lambda {element}, {index}_: "
        f"list_transform([CAST({index}_ - 1 AS INTEGER)], lambda {index}: {body_of(sql)})[1]"
    )


def _element(array: ArrayType) -> tuple[DataType, bool]:
    return array.elementType, array.containsNull


def _boolean(e: Lambda, args: Args, request: Request) -> Lambda:
    if isinstance(e.body.type, NullType):
        return Lambda(e.params, cast_if_needed(e.body, BOOLEAN, request.conf))
    if e.body.type != BOOLEAN:
        raise wrong_input(request.name, (*args[:1], e.body), 1, "BOOLEAN")
    return e


# ---------------------------------------------------------------- arrays


def _transform(args: Args, request: Request) -> Expression:
    array = array_input(args[0], args, request)
    function = bind(args[1], (_element(array), (INTEGER, False)), args, request, 1, optional=1)
    return _call((args[0], function), ArrayType(function.type, function.nullable), args[0].nullable, request)


def _filter(args: Args, request: Request) -> Expression:
    array = array_input(args[0], args, request)
    function = bind(args[1], (_element(array), (INTEGER, False)), args, request, 1, optional=1)
    return _call((args[0], _boolean(function, args, request)), array, args[0].nullable, request)


def _exists(args: Args, request: Request) -> Expression:
    array = array_input(args[0], args, request)
    function = _boolean(bind(args[1], (_element(array),), args, request, 1), args, request)
    return _call((args[0], function), BOOLEAN, args[0].nullable or function.nullable, request)


def _aggregate(args: Args, request: Request) -> Expression:
    array = array_input(args[0], args, request)
    zero = args[1]
    merge = bind(args[2], ((zero.type, True), _element(array)), args, request, 2)
    if not same_type(merge.type, zero.type):
        raise mismatch(
            "UNEXPECTED_INPUT_TYPE", request.name, args[:2], "the merged value must have the type of the start value.",
            paramIndex="third", requiredType=quoted_type(zero.type), inputSql="", inputType=quoted_type(merge.type),
        )  # fmt: skip
    full: Args = (args[0], zero, merge)
    kind = zero.type
    if len(args) > 3:
        finish = bind(args[3], ((zero.type, True),), args, request, 3)
        full, kind = (*full, finish), finish.type
    return _call(full, kind, True, request)


def _aggregate_name(call: FunctionCall, texts: Sequence[str]) -> str:
    """Without a last function Spark shows the identity."""
    identity = [] if len(texts) > 3 else ["lambdafunction(namedlambdavariable(), namedlambdavariable())"]
    return f"{call.display or call.name}({', '.join([*texts, *identity])})"


def _aggregate_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    kind = duck_type(call.args[1].type)
    start = f"CAST({args[1]} AS {kind})"
    merge = f"{args[2].split(':', 1)[0]}: CAST({body_of(args[2])} AS {kind})"
    value = f"list_reduce({args[0]}, {merge}, {start})"
    if len(args) > 3:
        value = f"list_transform([{value}], {args[3]})[1]"
    return f"CASE WHEN {args[0]} IS NOT NULL THEN {value} END"


def _zip_with(args: Args, request: Request) -> Expression:
    left, right = array_input(args[0], args, request), array_input(args[1], args, request, 1)
    function = bind(args[2], ((left.elementType, True), (right.elementType, True)), args, request, 2)
    nullable = args[0].nullable or args[1].nullable
    return _call((args[0], args[1], function), ArrayType(function.type, function.nullable), nullable, request)


def _zip_with_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    x, y = variables(call.args[2])
    a, b = args[:2]
    inner = f"list_transform([({b})[z_]], lambda {y}: {body_of(args[2])})[1]"
    value = f"list_transform([({a})[z_]], lambda {x}: {inner})[1]"
    null = f"{a} IS NULL OR {b} IS NULL"
    places = f"range(1, greatest(len({a}), len({b})) + 1)"
    return f"CASE WHEN {null} THEN NULL ELSE list_transform({places}, lambda z_: {value}) END"


def _array_sort(args: Args, request: Request) -> Expression:
    array = array_input(args[0], args, request)
    if len(args) == 1:
        return _call(args, array, args[0].nullable, request)
    element = _element(array)
    function = bind(args[1], (element, element), args, request, 1)
    if not is_integral(function.type):
        raise wrong_input(request.name, (args[0], function.body), 1, "INT")
    return _call((args[0], function), array, args[0].nullable, request)


def _array_sort_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    """NULLs last; with a comparator an insertion sort, which is stable as Java's sort is."""
    if len(args) == 1:
        return sorted_list(args[0], element_type(call.args), "ASC", nulls_first=False)
    left, right = variables(call.args[1])
    body = body_of(args[1])
    before = f"list_filter(s_, lambda {left}: ({body}) <= 0)"
    after = f"list_filter(s_, lambda {left}: ({body}) > 0)"
    step = f"lambda s_, {right}: list_concat(list_concat({before}, [{right}]), {after})"
    return (
        f"CASE WHEN {args[0]} IS NOT NULL THEN list_reduce({args[0]}, {step}, CAST([] AS {duck_type(call.type)})) END"
    )


_N = "namedlambdavariable()"
_DEFAULT_ORDER = (
    f"lambdafunction((IF((({_N} IS NULL) AND ({_N} IS NULL)), 0, (IF(({_N} IS NULL), 1, (IF(({_N} IS NULL), -1, "
    f"(IF(({_N} < {_N}), -1, (IF(({_N} > {_N}), 1, 0)))))))))), {_N}, {_N})"
)


def _show_sort(call: FunctionCall, texts: Any) -> str:
    return f"array_sort({texts[0]}, {texts[1] if len(texts) > 1 else _DEFAULT_ORDER})"


# ---------------------------------------------------------------- maps


def _map_input(e: Expression, args: Args, request: Request, index: int = 0) -> MapType:
    if not isinstance(e.type, MapType):
        raise wrong_input(request.name, args, index, "MAP")
    return e.type


def _pair(t: MapType) -> Params:
    return (t.keyType, False), (t.valueType, t.valueContainsNull)


def _over_map(build: Any) -> Any:
    def resolve(args: Args, request: Request) -> Expression:
        t = _map_input(args[0], args, request)
        function = bind(args[1], _pair(t), args, request, 1)
        if request.function.name == "map_filter":
            function = _boolean(function, args, request)
        return _call((args[0], function), build(t, function), args[0].nullable, request)

    return resolve


def _applied(sql: str, e: Expression, key: str, value: str) -> str:
    k, v = variables(e)
    return f"list_transform([{key}], lambda {k}: list_transform([{value}], lambda {v}: {body_of(sql)})[1])[1]"


def _map_filter(args: list[str], call: FunctionCall, context: Any) -> str:
    test = _applied(args[1], call.args[1], "m_.key", "m_.value")
    return f"map_from_entries(list_filter(map_entries({args[0]}), lambda m_: {test}))"


def _transform_values(args: list[str], call: FunctionCall, context: Any) -> str:
    value = _applied(args[1], call.args[1], "m_.key", "m_.value")
    return f"map_from_entries(list_transform(map_entries({args[0]}), lambda m_: {{'key': m_.key, 'value': {value}}}))"


def _transform_keys(args: list[str], call: FunctionCall, context: Any) -> str:
    key = _applied(args[1], call.args[1], "m_.key", "m_.value")
    return f"map_from_entries(list_transform(map_entries({args[0]}), lambda m_: {{'key': {key}, 'value': m_.value}}))"


def _map_zip_with(args: Args, request: Request) -> Expression:
    left, right = _map_input(args[0], args, request), _map_input(args[1], args, request, 1)
    if not same_type(left.keyType, right.keyType):
        raise mismatch(
            "MAP_ZIP_WITH_DIFF_TYPES", request.name, args[:2], "the keys of the maps have different types.",
            functionName="`map_zip_with`", leftType=quoted_type(left.keyType), rightType=quoted_type(right.keyType),
        )  # fmt: skip
    params = ((left.keyType, False), (left.valueType, True), (right.valueType, True))
    function = bind(args[2], params, args, request, 2)
    kind = MapType(left.keyType, function.type, function.nullable)
    return _call((args[0], args[1], function), kind, args[0].nullable or args[1].nullable, request)


def _map_zip_with_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    k, v1, v2 = variables(call.args[2])
    a, b = args[:2]
    inner = f"list_transform([map_extract_value({b}, {k})], lambda {v2}: {body_of(args[2])})[1]"
    value = f"list_transform([map_extract_value({a}, {k})], lambda {v1}: {inner})[1]"
    keys = f"spark_list_distinct(list_concat(map_keys({a}), map_keys({b})))"
    entries = f"list_transform({keys}, lambda {k}: {{'key': {k}, 'value': {value}}})"
    return f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL ELSE map_from_entries({entries}) END"


def _row(names: str, count: int, build: Any, sql: Any, most: int = 0, **extra: Any) -> Function:
    return row(names, "any*", NULL, sql, build=build, arity=(count, most or count), **extra)


def _indexed(function: str) -> Any:
    return lambda args, call, context: f"{function}({args[0]}, {with_index(args[1], call.args[1])})"


register(
    _row("transform", 2, _transform, _indexed("list_transform")),
    _row("filter", 2, _filter, _indexed("list_filter")),
    _row("exists", 2, _exists, "spark_any(list_transform({0}, {1}))"),
    _row("forall", 2, _exists, "spark_all(list_transform({0}, {1}))"),
    _row("aggregate reduce", 3, _aggregate, _aggregate_sql, most=4, display=_aggregate_name),
    _row("zip_with", 3, _zip_with, _zip_with_sql),
    _row("array_sort", 1, _array_sort, _array_sort_sql, most=2, display=_show_sort),
    _row("map_filter", 2, _over_map(lambda t, f: t), _map_filter),
    _row("transform_values", 2, _over_map(lambda t, f: MapType(t.keyType, f.type, f.nullable)), _transform_values),
    _row(
        "transform_keys", 2, _over_map(lambda t, f: MapType(f.type, t.valueType, t.valueContainsNull)), _transform_keys
    ),
    _row("map_zip_with", 3, _map_zip_with, _map_zip_with_sql),
)
