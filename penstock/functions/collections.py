"""Arrays: making, looking into, combining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock.core.config import Conf
from penstock.core.errors import illegal_argument
from penstock.functions.array_inputs import array_input, arrays, no_maps, or_empty, same_arrays, with_element
from penstock.functions.coercion import cast_if_needed, is_integral, is_string, merge_nullability, wider
from penstock.functions.errors import mismatch, wrong_input
from penstock.functions.literals import constant, constant_value
from penstock.functions.markers import raise_sql, raise_with_values
from penstock.functions.nested_order import extreme_of_list, sorted_list
from penstock.functions.resolve import call_of, coerce_inputs
from penstock.functions.rows import element_type, need, row, same_types
from penstock.functions.sequences import sequence_input, sequence_sql
from penstock.functions.table import Args, Request, register
from penstock.functions.type_names import duck_type, quoted_type
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BOOLEAN,
    INTEGER,
    LONG,
    NULL,
    STRING,
    ArrayType,
    DataType,
    DoubleType,
    FloatType,
    MapType,
    NullType,
    StructField,
    StructType,
)  # fmt: skip

# ---------------------------------------------------------------- making


def _array_type(args: Args) -> DataType:
    if not args:
        return ArrayType(NULL, False)
    return ArrayType(merge_nullability((arg.type for arg in args), _ANY_CONF), any(arg.nullable for arg in args))


_ANY_CONF = Conf()  # types that differ in nullability alone merge the same under every setting


def _array(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"list_value({', '.join(args)})" if args else f"CAST([] AS {duck_type(call.type)})"


def _array_repeat(args: list[str], call: FunctionCall, context: Any) -> str:
    rows = f"list_transform(range(CAST({args[1]} AS BIGINT)), lambda r: {args[0]})"
    return f"CASE WHEN {args[1]} IS NOT NULL THEN CAST({rows} AS {duck_type(call.type)}) END"


# ---------------------------------------------------------------- elements


def _index_error(condition: str, array: str, index: str) -> str:
    hint = "`try_element_at`" if condition.endswith("ELEMENT_AT") else "`get`"
    return raise_with_values(
        condition, f"The index {{indexValue}} is out of bounds: there are {{arraySize}} elements. Use {hint} for NULL.",
        {"indexValue": index, "arraySize": f"len({array})"}, sqlstate="22003", kind="array_index",
    )  # fmt: skip


def _item_input(args: Args, request: Request) -> Args:
    if not is_integral(args[1].type):
        raise wrong_input(request.name, args, 1, "INTEGRAL")
    return args


def _item(strict: bool) -> Any:
    """Zero-based."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        array, index = args
        value = f"({array})[CAST({index} AS BIGINT) + 1]"
        if strict and context.conf.ansi:
            outside = f"{index} < 0 OR {index} >= len({array})"
            return f"CASE WHEN {outside} THEN {_index_error('INVALID_ARRAY_INDEX', array, index)} ELSE {value} END"
        return f"CASE WHEN {index} >= 0 THEN {value} END"

    return sql


def _element_null(args: Args, zero_based: bool = False) -> bool:
    t = args[0].type
    if isinstance(t, MapType):
        return True
    if any(arg.nullable for arg in args):
        return True
    index, made = constant_value(args[1]), args[0]
    if not (isinstance(made, FunctionCall) and made.name == "array" and isinstance(index, int)):
        return True
    at = index if zero_based else index - 1 if index > 0 else len(made.args) + index
    return made.args[at].nullable if 0 <= at < len(made.args) else True


def _element_at_input(args: Args, request: Request) -> Args:
    container, key = args
    if isinstance(container.type, MapType):
        kind = wider(container.type.keyType, key.type, request.conf)
        if kind is None or kind != container.type.keyType:
            raise mismatch(
                "MAP_FUNCTION_DIFF_TYPES", request.name, args, "the key has another type than the keys of the map.",
                functionName=f"`{request.name}`", dataType='"MAP"', leftType=quoted_type(container.type),
                rightType=quoted_type(key.type),
            )  # fmt: skip
        return container, cast_if_needed(key, container.type.keyType, request.conf)
    array_input(container, args, request)
    if not is_integral(key.type):
        raise wrong_input(request.name, args, 1, "INTEGRAL")
    return container, cast_if_needed(key, INTEGER, request.conf)


def _element_type(args: Args) -> DataType:
    t = args[0].type
    return t.valueType if isinstance(t, MapType) else element_type(args)


_ZERO_INDEX = raise_sql(
    "INVALID_INDEX_OF_ZERO", "The index 0 is invalid: an index is at least 1, or at most -1 to count from the end.",
    sqlstate="22003", kind="runtime",
)  # fmt: skip


def _element_at(strict: bool) -> Any:
    """One-based; negative indexes count from the end; a missing map key is NULL."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        box, index = args
        if isinstance(call.args[0].type, MapType):
            return f"map_extract_value({box}, {index})"
        outside = (
            f"WHEN abs({index}) > len({box}) THEN {_index_error('INVALID_ARRAY_INDEX_IN_ELEMENT_AT', box, index)} "
        )
        check = outside if strict and context.conf.ansi else ""
        null = f"{box} IS NULL OR {index} IS NULL"
        return f"CASE WHEN {null} THEN NULL WHEN {index} = 0 THEN {_ZERO_INDEX} {check}ELSE ({box})[{index}] END"

    return sql


def _map_value_input(args: Args, request: Request) -> Args:
    t = args[0].type
    assert isinstance(t, MapType)
    return args[0], cast_if_needed(args[1], t.keyType, request.conf)


# ---------------------------------------------------------------- an array and a value


def _contains_null(args: Args) -> bool:
    t = args[0].type
    return any(arg.nullable for arg in args) or (isinstance(t, ArrayType) and t.containsNull)


def _array_contains(args: list[str], call: FunctionCall, context: Any) -> str:
    array, value = args
    t = call.args[0].type
    has_null = (
        f"WHEN list_position({array}, NULL) IS NOT NULL THEN NULL "
        if isinstance(t, ArrayType) and t.containsNull
        else ""
    )
    found = f"WHEN list_contains({array}, {value}) THEN TRUE {has_null}ELSE FALSE"
    return f"CASE WHEN {array} IS NULL OR {value} IS NULL THEN NULL {found} END"


def _nullable_elements(args: Args) -> DataType:
    return ArrayType(element_type(args), True)


def _insert_input(args: Args, request: Request) -> Args:
    array, value = with_element((args[0], args[2]), request)
    return array, cast_if_needed(args[1], INTEGER, request.conf), value


def _array_insert(args: list[str], call: FunctionCall, context: Any) -> str:
    array, at, value = args
    size = f"len({array})"
    gap = "list_transform(range({}), lambda g: NULL)"
    # in front of position p, or after position p counted from the end; NULLs fill what lies beyond the ends
    missing = gap.format(f"greatest({at} - 1 - {size}, 0)")
    front = f"list_concat(list_concat({array}[:{at} - 1], {missing}), list_concat([{value}], {array}[{at}:]))"
    cut = f"({size} + {at} + 1)"
    back = (
        f"CASE WHEN {cut} >= 0 THEN list_concat(list_concat({array}[:{cut}], [{value}]), {array}[{cut} + 1:]) "
        f"ELSE list_concat(list_concat([{value}], {gap.format(f'- {cut}')}), {array}) END"
    )
    null = f"{array} IS NULL OR {at} IS NULL"
    return f"CASE WHEN {null} THEN NULL WHEN {at} = 0 THEN {_ZERO_INDEX} WHEN {at} > 0 THEN {front} ELSE {back} END"


# ---------------------------------------------------------------- two arrays


def _either_contains_null(args: Args) -> DataType:
    return ArrayType(element_type(args), any(isinstance(a.type, ArrayType) and a.type.containsNull for a in args))


def _both_contain_null(args: Args) -> DataType:
    return ArrayType(element_type(args), all(isinstance(a.type, ArrayType) and a.type.containsNull for a in args))


def _position(array: str, value: str) -> str:
    return f"CASE WHEN {value} IS NULL THEN list_position({array}, NULL) ELSE list_position({array}, {value}) END"


def _set_operation(test: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        kept = f"list_filter({args[0]}, lambda s: ({_position(args[1], 's')}) IS {test})"
        return f"CASE WHEN {args[1]} IS NOT NULL THEN spark_list_distinct({kept}) END"

    return sql


def _arrays_overlap(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = args
    shared = f"list_has_any(list_filter({a}, lambda x: x IS NOT NULL), list_filter({b}, lambda x: x IS NOT NULL))"
    nulls = f"list_position({a}, NULL) IS NOT NULL OR list_position({b}, NULL) IS NOT NULL"
    return (
        f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN {shared} THEN TRUE "
        f"WHEN len({a}) > 0 AND len({b}) > 0 AND ({nulls}) THEN NULL ELSE FALSE END"
    )


def _overlap_null(args: Args) -> bool:
    return any(arg.nullable or (isinstance(arg.type, ArrayType) and arg.type.containsNull) for arg in args)


def _zip_names(args: Args) -> list[str]:
    from penstock.plan.expressions import Attribute, GetField

    return [
        a.name if isinstance(a, Attribute) else a.field_name if isinstance(a, GetField) else str(i)
        for i, a in enumerate(args)
    ]


def _zip_type(args: Args) -> DataType:
    fields = [StructField(n, element_type((a,)), True) for n, a in zip(_zip_names(args), args, strict=True)]
    return ArrayType(StructType(fields), False)


def _arrays_zip(args: list[str], call: FunctionCall, context: Any) -> str:
    assert isinstance(call.type, ArrayType) and isinstance(call.type.elementType, StructType)
    from penstock.functions.markers import quote

    names = [f.name for f in call.type.elementType.fields]
    fields = ", ".join(f"{quote(n)}: ({sql})[z]" for n, sql in zip(names, args, strict=True))
    size = f"greatest({', '.join(f'len({sql})' for sql in args)})"
    null = " OR ".join(f"{sql} IS NULL" for sql in args)
    return f"CASE WHEN {null} THEN NULL ELSE list_transform(range(1, {size} + 1), lambda z: {{{fields}}}) END"


# ---------------------------------------------------------------- the whole array


def _sort_array(args: list[str], call: FunctionCall, context: Any) -> str:
    element = element_type(call.args)
    up = sorted_list(args[0], element, "ASC", nulls_first=True)
    down = sorted_list(args[0], element, "DESC", nulls_first=False)
    return f"CASE WHEN {args[1]} THEN {up} ELSE {down} END"


def _extreme_element(name: str) -> Any:
    return lambda args, call, context: extreme_of_list(name, args[0], element_type(call.args))


def _array_join_input(args: Args, request: Request) -> Args:
    array = cast_if_needed(args[0], ArrayType(STRING, True), request.conf)
    return (array, *(cast_if_needed(arg, STRING, request.conf) for arg in args[1:]))


def _array_join(args: list[str], call: FunctionCall, context: Any) -> str:
    array = args[0]
    if len(args) > 2:
        array = f"list_transform({array}, lambda j: coalesce(j, {args[2]}))"
    return f"array_to_string({array}, {args[1]})"


def _flatten_input(args: Args, request: Request) -> Args:
    t = array_input(args[0], args, request)
    need(isinstance(t.elementType, ArrayType), args, request, 0, "ARRAY of ARRAY")
    return args


def _flatten_type(args: Args) -> DataType:
    inner = element_type(args)
    assert isinstance(inner, ArrayType)
    return inner


def _flatten_null(args: Args) -> bool:
    t = args[0].type
    return args[0].nullable or (isinstance(t, ArrayType) and t.containsNull)


def _flatten(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CASE WHEN list_position({args[0]}, NULL) IS NULL THEN flatten({args[0]}) END"


_BAD_START = raise_sql(
    "INVALID_PARAMETER_VALUE.START", "The start of slice must not be 0.", sqlstate="22023", kind="runtime",
    parameter="`start`", functionName="`slice`",
)  # fmt: skip
_BAD_LENGTH = raise_sql(
    "INVALID_PARAMETER_VALUE.LENGTH", "The length of slice must not be negative.", sqlstate="22023", kind="runtime",
    parameter="`length`", functionName="`slice`",
)  # fmt: skip


def _slice(args: list[str], call: FunctionCall, context: Any) -> str:
    array, start, length = args
    first = f"(CASE WHEN {start} > 0 THEN {start} ELSE len({array}) + {start} + 1 END)"
    value = f"CASE WHEN {first} < 1 THEN {array}[1:0] ELSE {array}[{first}:{first} + {length} - 1] END"
    null = f"{array} IS NULL OR {start} IS NULL OR {length} IS NULL"
    wrong = f"WHEN {start} = 0 THEN {_BAD_START} WHEN {length} < 0 THEN {_BAD_LENGTH}"
    return f"CASE WHEN {null} THEN NULL {wrong} ELSE {value} END"


def _size(args: list[str], call: FunctionCall, context: Any) -> str:
    function = "cardinality" if isinstance(call.args[0].type, MapType) else "len"
    value = f"CAST({function}({args[0]}) AS INTEGER)"
    return value if context.conf.ansi else f"coalesce({value}, -1)"


def _size_input(args: Args, request: Request) -> Args:
    if isinstance(args[0].type, NullType):
        return (or_empty(args[0], request),)
    if not isinstance(args[0].type, (ArrayType, MapType)):
        raise wrong_input(request.name, args, 0, '("ARRAY" or "MAP")')
    return args


def _size_build(args: Args, request: Request) -> Expression:
    """Of NULL it is -1 without ANSI."""
    call = call_of(request.function, args, request)
    return call if request.conf.ansi else replace(call, is_nullable=False)


def _compact_type(args: Args) -> DataType:
    return ArrayType(element_type(args), False)


_SHUFFLED = "list_transform(list_sort(list_transform({0}, lambda x: {{'r': random(), 'v': x}})), lambda p: p.v)"


def _distinct(args: list[str], call: FunctionCall, context: Any) -> str:
    """-0.0 is 0.0."""
    floating = isinstance(call.type, ArrayType) and isinstance(call.type.elementType, (FloatType, DoubleType))
    return f"spark_list_distinct({f'list_transform({args[0]}, lambda x: x + 0)' if floating else args[0]})"


def _shuffle(args: Args, request: Request) -> Expression:
    """shuffle(array) and shuffle(array, seed)."""
    if len(args) > 1 and (constant(args[1]) is None or not is_integral(args[1].type)):
        raise illegal_argument("INVALID_PARAMETER_VALUE.LONG", "The seed of shuffle must be a constant BIGINT.",
                               parameter="`seed`", functionName="`shuffle`", invalidValue="")  # fmt: skip
    if isinstance(args[0].type, NullType):
        args = (or_empty(args[0], request), *args[1:])
    return FunctionCall("shuffle", args, args[0].type, args[0].nullable, "shuffle")


def _show_shuffle(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"shuffle({texts[0]})"


def _shuffle_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    """With a seed: Spark's positions, which follow from how many elements the rows before have."""
    if len(args) == 1:
        return _SHUFFLED.format(args[0])
    before = f"sum(coalesce(len({args[0]}), 0)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    seed = constant_value(call.args[1])
    positions = f"kernel_shuffled_positions(len({args[0]}), CAST(coalesce({before}, 0) AS BIGINT), {int(seed or 0)})"
    return f"list_transform({positions}, lambda i: ({args[0]})[i])"


def _get_input(args: Args, request: Request) -> Args:
    """The index may be a string."""
    if is_string(args[1].type):
        args = (args[0], cast_if_needed(args[1], INTEGER, request.conf))
    return coerce_inputs(args, request)


def _bracket(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"{texts[0]}[{texts[1]}]"


_TRUE = Literal(True, BOOLEAN)
_POSITION = (
    "CAST(coalesce(list_position({0}, {1}), CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN 0 END) AS BIGINT)"
)

register(
    row("array", "any*", _array_type, _array, coerce=lambda args, request: same_types(args, request) if args else args,
        nullable=False),
    row("array_repeat", "any int", lambda args: ArrayType(args[0].type, args[0].nullable), _array_repeat,
        nullable=lambda args: args[1].nullable),
    row("sequence", "any any any?", lambda args: ArrayType(args[0].type, False), sequence_sql, coerce=sequence_input),
    row("getarrayitem", "any any", element_type, _item(True), coerce=_item_input,
        nullable=lambda args: _element_null(args, zero_based=True),
        display=_bracket),
    row("get", "array integral", element_type, _item(False), coerce=_get_input, nullable=True),
    row("$part_of_null", "any any", NULL, "NULL", nullable=True, display=_bracket),
    row("getmapvalue", "any any", _element_type, "map_extract_value({0}, {1})", coerce=_map_value_input, nullable=True,
        display=_bracket),
    row("element_at", "any any", _element_type, _element_at(True), coerce=_element_at_input, nullable=_element_null),
    row("try_element_at", "any any", _element_type, _element_at(False), coerce=_element_at_input,
        nullable=True),
    row("array_contains", "any any", BOOLEAN, _array_contains, coerce=with_element, nullable=_contains_null),
    row("array_position", "any any", LONG, _POSITION,
        coerce=with_element),
    row("array_remove", "any any", 0, "spark_list_remove({0}, {1})", coerce=with_element),
    row("array_append", "any any", _nullable_elements, "CASE WHEN {0} IS NOT NULL THEN list_append({0}, {1}) END",
        coerce=with_element, nullable=lambda args: args[0].nullable),
    row("array_prepend", "any any", _nullable_elements, "CASE WHEN {0} IS NOT NULL THEN list_prepend({1}, {0}) END",
        coerce=with_element, nullable=lambda args: args[0].nullable),
    row("array_insert", "any any any", _nullable_elements, _array_insert, coerce=_insert_input,
        nullable=lambda args: args[0].nullable or args[1].nullable),
    row("array_compact", "array", _compact_type, "list_filter({0}, lambda c: c IS NOT NULL)"),
    row("array_distinct", "array", 0, _distinct, coerce=no_maps),
    row("array_union", "any any", _either_contains_null,
        "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN spark_list_distinct(list_concat({0}, {1})) END",
        coerce=same_arrays),
    row("array_intersect", "any any", _both_contain_null, _set_operation("NOT NULL"), coerce=same_arrays),
    row("array_except", "any any", 0, _set_operation("NULL"), coerce=same_arrays),
    row("arrays_overlap", "any any", BOOLEAN, _arrays_overlap, coerce=same_arrays, nullable=_overlap_null),
    row("arrays_zip", "any*", _zip_type, _arrays_zip, coerce=arrays),
    row("array_join", "any string string?", STRING, _array_join, coerce=_array_join_input),
    row("array_max", "array", element_type, _extreme_element("max"), coerce=no_maps, nullable=True),
    row("array_min", "array", element_type, _extreme_element("min"), coerce=no_maps, nullable=True),
    row("array_size", "array", INTEGER, "CAST(len({0}) AS INTEGER)"),
    row("size cardinality", "any", INTEGER, _size, coerce=_size_input, build=_size_build),
    row("sort_array", "array boolean?", 0, _sort_array, defaults={1: _TRUE}),
    row("flatten", "array", _flatten_type, _flatten, coerce=_flatten_input, nullable=_flatten_null),
    row("slice", "array int int", 0, _slice),
    row("shuffle", "array any?", 0, _shuffle_sql, build=_shuffle, display=_show_shuffle, deterministic=False),
)  # fmt: skip
