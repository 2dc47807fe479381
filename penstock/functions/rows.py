"""Short-hands for writing rows of the function table, and type rules that many rows share."""

from __future__ import annotations

from typing import Any

from penstock.functions.accept import Accept, accepts, arity_of
from penstock.functions.coercion import cast_if_needed, common_type, is_string
from penstock.functions.errors import data_diff_types, wrong_count, wrong_input
from penstock.functions.literals import constant
from penstock.functions.table import Args, Function, Request, Template, TypeRule
from penstock.plan.expressions import Expression
from penstock.plan.types import STRING, ArrayType, DataType, MapType, NullType

ALWAYS, NEVER = True, False
_TEXT = accepts("string")


def row(names: str, takes: str, result: TypeRule, sql: Template, *, kind: str = "scalar", **extra: Any) -> Function:
    """A row: `names` is the key, then the aliases; `takes` the argument specs, each a word (see `accept.accepts`)."""
    key, *aliases = names.split()
    specs: tuple[Accept, ...] = tuple(accepts(word) for word in takes.split())
    arity = extra.pop("arity", None) or arity_of(specs)
    params = tuple(extra.pop("params", "").split())
    return Function(key, kind, specs, arity, result=result, sql=sql, aliases=tuple(aliases), params=params, **extra)


def upper_named(*names: str) -> dict[str, str]:
    """`shows` for functions that Spark writes in capitals."""
    return {name: name.upper() for name in names}


def same_types(args: Args, request: Request, start: int = 0) -> Args:
    """Arguments from `start` on cast to their common type; DATATYPE_MISMATCH.DATA_DIFF_TYPES when there is none."""
    kind = common_type((arg.type for arg in args[start:]), request.conf)
    if kind is None:
        raise data_diff_types(request.name, args[start:])
    return (*args[:start], *(cast_if_needed(arg, kind, request.conf) for arg in args[start:]))


def as_text(args: Args, index: int, request: Request) -> Expression:
    """The argument as a STRING; DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE for arrays, maps and structs."""
    target = _TEXT.convert(args[index], request.conf)
    if target is None:
        raise wrong_input(request.name, args, index, _TEXT.name)
    return cast_if_needed(args[index], target, request.conf)


def only_text(args: Args, request: Request) -> Args:
    """For functions whose first argument must be a STRING already."""
    need(isinstance(args[0].type, NullType) or is_string(args[0].type), args, request, 0, _TEXT.name)
    return (as_text(args, 0, request), *args[1:])


def at_least(count: int, args: Args, request: Request) -> None:
    """WRONG_NUM_ARGS unless there are `count` arguments."""
    if len(args) < count:
        raise wrong_count(request.name, count, None, len(args))


def need(test: bool, args: Args, request: Request, index: int, required: str) -> None:
    """DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE unless `test` holds."""
    if not test:
        raise wrong_input(request.name, args, index, required)


def element_type(args: Args) -> DataType:
    """The element type of the first argument, an array."""
    t = args[0].type
    return t.elementType if isinstance(t, ArrayType) else STRING


def array_of_first(args: Args) -> DataType:
    """An array of the first argument's type."""
    return ArrayType(args[0].type, args[0].nullable)


def map_type(args: Args) -> MapType:
    """The first argument's type, a map."""
    t = args[0].type
    assert isinstance(t, MapType)
    return t


def is_constant(e: Expression) -> bool:
    """Whether the argument is a literal (implicit casts aside)."""
    return constant(e) is not None


def escaped(sql: str) -> str:
    """SQL text as part of a str template."""
    return sql.replace("{", "{{").replace("}", "}}")
