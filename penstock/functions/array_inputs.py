"""What functions of arrays take: arrays, an array and a value like its elements, two arrays of one type."""

from __future__ import annotations

from penstock.functions.coercion import cast_if_needed, common_type, is_string, wider
from penstock.functions.errors import data_diff_types, mismatch, wrong_input
from penstock.functions.table import Args, Request
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Expression
from penstock.plan.types import NULL, ArrayType, MapType, NullType


def array_input(e: Expression, args: Args, request: Request, index: int = 0) -> ArrayType:
    """The type of an array argument; DATATYPE_MISMATCH otherwise."""
    if not isinstance(e.type, ArrayType):
        raise wrong_input(request.name, args, index, "ARRAY")
    return e.type


def or_empty(e: Expression, request: Request) -> Expression:
    """An untyped NULL as an array."""
    return cast_if_needed(e, ArrayType(NULL), request.conf) if isinstance(e.type, NullType) else e


def arrays(args: Args, request: Request) -> Args:
    """Arrays, or untyped NULLs."""
    args = tuple(or_empty(arg, request) for arg in args)
    for i, arg in enumerate(args):
        array_input(arg, args, request, i)
    return args


def no_maps(args: Args, request: Request) -> Args:
    """First an array whose elements are no maps."""
    args = (or_empty(args[0], request), *args[1:])
    if isinstance(array_input(args[0], args, request).elementType, MapType):
        raise data_diff_types(request.name, args)
    return args


def same_arrays(args: Args, request: Request) -> Args:
    """Two arrays of one type; here an untyped NULL is none."""
    for i, arg in enumerate(args):
        if not isinstance(arg.type, NullType):
            array_input(arg, args, request, i)
    kind = common_type((arg.type for arg in args), request.conf)
    if kind is None or any(isinstance(arg.type, NullType) for arg in args):
        raise mismatch(
            "BINARY_ARRAY_DIFF_TYPES", request.name, args, "the arrays have different element types.",
            functionName=f"`{request.name}`", arrayType='"ARRAY"', leftType=quoted_type(args[0].type),
            rightType=quoted_type(args[1].type),
        )  # fmt: skip
    return tuple(cast_if_needed(arg, kind, request.conf) for arg in args)


def with_element(args: Args, request: Request) -> Args:
    """An array and a value: its element type and the value's type made one."""
    array, value = args
    if isinstance(array.type, NullType):
        raise _no_array(args, request)
    t = array_input(array, args, request)
    kind = wider(t.elementType, value.type, request.conf)
    if isinstance(value.type, NullType) and request.name == "array_contains":
        raise _null_type(args, request)
    mixed = is_string(t.elementType) != is_string(value.type)
    if kind is None or (mixed and not any(isinstance(k, NullType) for k in (value.type, t.elementType))):
        raise _different(args, request)
    return cast_if_needed(array, ArrayType(kind, t.containsNull), request.conf), cast_if_needed(
        value, kind, request.conf
    )


def _no_array(args: Args, request: Request) -> Exception:
    """Each function has an error of its own for an untyped NULL."""
    if request.name in ("array_contains", "array_position"):
        return _null_type(args, request)
    if request.name in ("array_append", "array_prepend"):
        return wrong_input(request.name, args, 0, "ARRAY")
    return _different(args, request)


def _null_type(args: Args, request: Request) -> Exception:
    return mismatch(
        "NULL_TYPE", request.name, args, "an untyped NULL says nothing here.", functionName=f"`{request.name}`"
    )


def _different(args: Args, request: Request) -> Exception:
    return mismatch(
        "ARRAY_FUNCTION_DIFF_TYPES", request.name, args, "the value has another type than the elements of the array.",
        functionName=f"`{request.name}`", dataType='"ARRAY"', leftType=quoted_type(args[0].type),
        rightType=quoted_type(args[1].type),
    )  # fmt: skip
