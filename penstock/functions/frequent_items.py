"""approx_top_k and its parts: the most frequent values, by frequent-items sketches of Apache DataSketches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from penstock.core.errors import NUMBER_FORMAT, SparkError, analysis_error
from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import cast_if_needed, is_string
from penstock.functions.errors import mismatch
from penstock.functions.literals import constant, constant_value
from penstock.functions.markers import quote, raise_with_values
from penstock.functions.rows import row
from penstock.functions.table import DISTINCT, TAIL, Args, Buffer, Incremental, Request, register, tail_if
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BINARY,
    INTEGER,
    LONG,
    STRING,
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)  # fmt: skip

_LIMIT, _TRACKED, _K = 1_000_000, 10_000, 5
#: maxItemsTracked of approx_top_k_combine when it is not given: that of the sketches
_ANY_SIZE = -1
_KINDS: dict[type, str] = {
    BooleanType: "boolean", ByteType: "byte", ShortType: "short", IntegerType: "int", DateType: "int",
    LongType: "long", TimestampType: "long", TimestampNTZType: "long", FloatType: "float", DoubleType: "double",
    DecimalType: "decimal",
}  # fmt: skip
_STATE_FIELDS = "struct<sketch:binary,maxItemsTracked:int,itemDataType:any,itemDataTypeDDL:string>"


def _kind(t: DataType) -> str | None:
    """The kernels' word for items of this type; None when Spark's sketches do not take it."""
    return "text" if is_string(t) else _KINDS.get(type(t))


def _as_item(sql: str, t: DataType) -> str:
    """A value as the sketches hold it."""
    if isinstance(t, DateType):
        return f"CAST({sql} - DATE '1970-01-01' AS INTEGER)"
    if isinstance(t, (TimestampType, TimestampNTZType)):
        return f"epoch_us({sql})"
    return f"CAST({sql} AS VARCHAR)" if isinstance(t, DecimalType) else sql


def _from_item(sql: str, t: DataType) -> str:
    """A value from what the sketches hold."""
    if isinstance(t, DateType):
        return f"(DATE '1970-01-01' + {sql})"
    if isinstance(t, (TimestampType, TimestampNTZType)):
        return f"make_timestamp{'tz' if isinstance(t, TimestampType) else ''}({sql})"
    return f"CAST({sql} AS {duck_type(t)})"


def lg_size(tracked: int) -> int:
    """The logarithm of the size of a table that can track so many items."""
    return math.ceil(math.log(math.ceil(tracked / 0.75)) / math.log(2))


# ---------------------------------------------------------------- arguments


def _reason(request: Request, args: Args, text: str) -> SparkError:
    return mismatch("TYPE_CHECK_FAILURE_WITH_HINT", request.name, args, text, msg=text, hint="")


def _positive(args: Args, index: int, name: str) -> int:
    """The constant argument `name`, 1 or more."""
    value = constant_value(args[index])
    if value is None:
        raise analysis_error("APPROX_TOP_K_NULL_ARG", f"The {name} of approx_top_k must not be NULL.", "22004",
                             argName=f"`{name}`")  # fmt: skip
    if value < 1:
        raise analysis_error("APPROX_TOP_K_NON_POSITIVE_ARG", f"The {name} of approx_top_k must be positive.", "22023",
                             argName=f"`{name}`", argValue=value)  # fmt: skip
    return int(value)


def _tracked(args: Args, index: int, k: int = 0) -> int:
    """The constant maxItemsTracked: not more than a million, not less than k."""
    tracked = constant_value(args[index])
    if tracked is not None and tracked > _LIMIT:
        raise analysis_error(
            "APPROX_TOP_K_MAX_ITEMS_TRACKED_EXCEEDS_LIMIT", f"approx_top_k tracks at most {_LIMIT} items.", "22023",
            maxItemsTracked=tracked, limit=_LIMIT,
        )  # fmt: skip
    tracked = _positive(args, index, "maxItemsTracked")
    if tracked < k:
        raise analysis_error(
            "APPROX_TOP_K_MAX_ITEMS_TRACKED_LESS_THAN_K", "approx_top_k must track at least k items.", "22023",
            maxItemsTracked=tracked, k=k,
        )  # fmt: skip
    return tracked


def _integers(args: Args, request: Request, first: int, *names: str) -> Args:
    """Arguments from `first` on as INT constants."""
    for i, name in enumerate(names, first):
        found = constant(args[i])
        if found is None:
            raise _reason(request, args, f"{name} must be a constant.")
        if isinstance(found.value, str) and not found.value.strip().lstrip("+-").isdigit():
            raise bad_integer(found.value)
    return (*args[:first], *(_integer(arg, request) for arg in args[first:]))


def _integer(e: Expression, request: Request) -> Expression:
    found = constant(e)
    if found is not None and isinstance(found.value, str):
        return Literal(int(found.value), INTEGER)
    return cast_if_needed(e, INTEGER, request.conf)


def bad_integer(text: str) -> SparkError:
    """Spark's error of CAST(text AS INT)."""
    return SparkError(
        "CAST_INVALID_INPUT", f"The value {text!r} of the type STRING is no INT.",
        {"expression": f"'{text}'", "sourceType": '"STRING"', "targetType": '"INT"',
         "ansiConfig": '"spark.sql.ansi.enabled"'}, sqlstate="22018", classes=NUMBER_FORMAT,
    )  # fmt: skip


def _items(args: Args, request: Request) -> None:
    if _kind(args[0].type) is None:
        raise _reason(request, args, f"columns of the type {args[0].type.simpleString()} are not supported.")


def _top_input(args: Args, request: Request) -> Args:
    args = _integers(args, request, 1, "k", "maxItemsTracked")
    _items(args, request)
    _tracked(args, 2, _positive(args, 1, "k"))
    return args


def _accumulate_input(args: Args, request: Request) -> Args:
    args = _integers(args, request, 1, "maxItemsTracked")
    _items(args, request)
    _tracked(args, 1)
    return args


def _state(args: Args, request: Request) -> None:
    """The first argument must be what approx_top_k_accumulate gives."""
    t = args[0].type
    if not isinstance(t, StructType):
        from penstock.functions.errors import wrong_input

        raise wrong_input(request.name, args, 0, "STRUCT")
    kinds = [field.dataType for field in t.fields]
    good = len(kinds) == 4 and isinstance(kinds[0], BinaryType) and isinstance(kinds[1], IntegerType)
    if not (good and _kind(kinds[2]) is not None and is_string(kinds[3])):
        raise _reason(request, args, f"the state must be a {_STATE_FIELDS}, not {t.simpleString()}.")


def _combine_input(args: Args, request: Request) -> Args:
    _state(args, request)
    args = _integers(args, request, 1, "maxItemsTracked")
    if constant_value(args[1]) != _ANY_SIZE:
        _tracked(args, 1)
    return args


def _estimate_input(args: Args, request: Request) -> Args:
    _state(args, request)
    args = _integers(args, request, 1, "k")
    _positive(args, 1, "k")
    return args


# ---------------------------------------------------------------- types


def _item_type(call: FunctionCall) -> DataType:
    t = call.args[0].type
    return t.fields[2].dataType if isinstance(t, StructType) else t


def _list_type(item: DataType) -> DataType:
    return ArrayType(StructType([StructField("item", item), StructField("count", LONG, False)]), False)


def _state_type(item: DataType) -> StructType:
    return StructType([
        StructField("sketch", BINARY, False), StructField("maxItemsTracked", INTEGER, False),
        StructField("itemDataType", item), StructField("itemDataTypeDDL", STRING, False),
    ])  # fmt: skip


def _item_of(args: Args) -> DataType:
    t = args[0].type
    assert isinstance(t, StructType)
    return t.fields[2].dataType


# ---------------------------------------------------------------- SQL


def _word(t: DataType) -> str:
    """The kernels' word for the items, with the size of decimals."""
    return f"decimal_{t.precision}_{t.scale}" if isinstance(t, DecimalType) else str(_kind(t))


def _values(args: list[str], call: FunctionCall) -> str:
    return f"coalesce(list({DISTINCT}{_as_item(args[0], call.args[0].type)}){TAIL}, [])"


def _sketch(index: int) -> Any:
    """The state of a group's values; argument `index` is maxItemsTracked."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        t, lg = call.args[0].type, lg_size(constant_value(call.args[index]))
        return f"kernel_items_count_{_kind(t)}({_values(args, call)}, {lg}, '{_word(t)}')"

    return sql


def _merged(index: int) -> Any:
    def sql(call: FunctionCall) -> str:
        return f"kernel_items_combine([{{old}}, {{new}}], {_lg(call, index)}, '{_word(_item_type(call))}')"

    return sql


def _lg(call: FunctionCall, index: int) -> int:
    tracked = constant_value(call.args[index])
    return lg_size(_LIMIT if tracked == _ANY_SIZE else tracked)


def _listed(rows: str, item: DataType) -> str:
    return f"list_transform({rows}, lambda r: {{'item': {_from_item('r.item', item)}, 'count': r.count}})"


def _top(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    rows = f"kernel_items_top_of_{_kind(t)}({_values(args, call)}, {_lg(call, 2)}, {args[1]}, '{_word(t)}')"
    return _listed(rows, t)


def _top_final(buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    return _listed(f"kernel_items_top_{_kind(t)}({buffers['s']}, {constant_value(call.args[1])}, '{_word(t)}')", t)


def _ddl(item: DataType) -> str:
    name = "string" if is_string(item) else item.simpleString()
    return f"item {name if is_string(item) else name.upper()}{' not null' if is_string(item) else ' NOT NULL'}"


def _packed(sketch: str, tracked: str, item: DataType) -> str:
    nothing = f"CAST(NULL AS {duck_type(item)})"
    return (
        f"{{'sketch': {sketch}, 'maxItemsTracked': {tracked}, 'itemDataType': {nothing}, "
        f"'itemDataTypeDDL': '{_ddl(item)}'}}"
    )


def _accumulate(args: list[str], call: FunctionCall, context: Any) -> str:
    return _packed(_sketch(1)(args, call, context), args[1], call.args[0].type)


def _accumulate_final(buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
    return _packed(buffers["s"], str(constant_value(call.args[1])), call.args[0].type)


def _part(state: str, call: FunctionCall, index: int) -> str:
    """One field of the state, whatever its name."""
    t = call.args[0].type
    assert isinstance(t, StructType)
    return f"struct_extract({state}, {quote(t.fields[index].name)})"


def _combined(args: list[str], call: FunctionCall, context: Any) -> str:
    sketches = f"list({_part(args[0], call, 0)}){tail_if(f'{args[0]} IS NOT NULL')}"
    return f"kernel_items_combine(coalesce({sketches}, []), {_lg(call, 1)}, '{_word(_item_type(call))}')"


def _least(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"min({_part(args[0], call, 1)}){TAIL}"


def _most(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"max({_part(args[0], call, 1)}){TAIL}"


def _size(least: str, most: str, call: FunctionCall) -> str:
    """maxItemsTracked of a combined sketch: what was asked for, else what all sketches have."""
    if constant_value(call.args[1]) != _ANY_SIZE:
        return str(constant_value(call.args[1]))
    error = raise_with_values(
        "APPROX_TOP_K_SKETCH_SIZE_NOT_MATCH", "Sketches of the sizes {size1} and {size2} cannot be combined.",
        {"size1": least, "size2": most}, sqlstate="42846",
    )  # fmt: skip
    return f"CASE WHEN {least} <> {most} THEN {error} ELSE {most} END"


def _combine(args: list[str], call: FunctionCall, context: Any) -> str:
    size = _size(_least(args, call, context), _most(args, call, context), call)
    return _packed(_combined(args, call, context), size, _item_type(call))


def _combine_final(buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
    return _packed(buffers["s"], _size(buffers["least"], buffers["most"], call), _item_type(call))


def _estimate(args: list[str], call: FunctionCall, context: Any) -> str:
    t = _item_type(call)
    return _listed(f"kernel_items_top_{_kind(t)}({_part(args[0], call, 0)}, {args[1]}, '{_word(t)}')", t)


_TOP = Incremental((Buffer("s", BINARY, _sketch(2), _merged(2)),), _top_final)
_ACCUMULATE = Incremental((Buffer("s", BINARY, _sketch(1), _merged(1)),), _accumulate_final)
_COMBINE = Incremental(
    (Buffer("s", BINARY, _combined, _merged(1)), Buffer("least", INTEGER, _least, "min"),
     Buffer("most", INTEGER, _most, "max")),
    _combine_final,
)  # fmt: skip

register(
    aggregate("approx_top_k", "any any? any?", lambda args: _list_type(args[0].type), _top, _TOP, coerce=_top_input,
              nullable=False, defaults={1: Literal(_K, INTEGER), 2: Literal(_TRACKED, INTEGER)}),
    aggregate("approx_top_k_accumulate", "any any?", lambda args: _state_type(args[0].type), _accumulate, _ACCUMULATE,
              coerce=_accumulate_input, nullable=False, defaults={1: Literal(_TRACKED, INTEGER)}),
    aggregate("approx_top_k_combine", "any any?", lambda args: _state_type(_item_of(args)), _combine, _COMBINE,
              coerce=_combine_input, nullable=False, defaults={1: Literal(_ANY_SIZE, INTEGER)}),
    row("approx_top_k_estimate", "any any?", lambda args: _list_type(_item_of(args)), _estimate,
        coerce=_estimate_input, nullable=True, defaults={1: Literal(_K, INTEGER)}),
)  # fmt: skip
