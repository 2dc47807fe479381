"""From a name and resolved arguments to a resolved call: lookup, arity, named arguments, coercion, result."""

from __future__ import annotations

from dataclasses import replace

from penstock.core.config import Conf
from penstock.core.errors import analysis_error
from penstock.functions.coercion import cast_if_needed
from penstock.functions.errors import wrong_count, wrong_input
from penstock.functions.table import Args, Function, LambdaResolver, Request, lookup
from penstock.plan.expressions import Expression, FunctionCall, NamedArgument, SortOrder


def resolve(
    name: str,
    args: tuple[Expression, ...],
    *,
    conf: Conf,
    distinct: bool = False,
    filter: Expression | None = None,
    order_by: tuple[SortOrder, ...] = (),
    ignore_nulls: bool = False,
    resolve_lambda: LambdaResolver | None = None,
) -> Expression:
    """The resolved call of function `name` (an operator's symbol is a name too).

    args: resolved, except lambdas, whose bodies are resolved by `resolve_lambda(lambda, ((type, nullable), ...))` once
    the parameter types are known.  Mostly a FunctionCall comes back; some functions are rewrites (`int(x)`).
    Raises UNRESOLVED_ROUTINE, WRONG_NUM_ARGS.WITHOUT_SUGGESTION, DATATYPE_MISMATCH.* and other errors of Spark's.
    """
    row = lookup(name)
    shown = name if name in (row.name, *row.aliases) else name.lower()
    request = Request(row, shown, conf, resolve_lambda, order_by)
    args = _with_defaults(row, _positional(row, shown, args))
    if row.build is not None:
        built = row.build(args, request)
        return _with_clauses(built, distinct, filter, order_by, ignore_nulls)
    call = call_of(row, args, request)
    return _with_clauses(call, distinct, filter, order_by, ignore_nulls)


def call_of(row: Function, args: Args, request: Request) -> FunctionCall:
    """The call of one row with arguments coerced, typed and named."""
    args = row.coerce(args, request) if row.coerce is not None else coerce_inputs(args, request)
    display = row.shows.get(request.name, request.name)
    return FunctionCall(row.name, args, row.result_type(args), row.result_nullable(args), display)


def null_on_failure(args: Args, request: Request) -> FunctionCall:
    """A `build` of functions that raise in ANSI mode and else give NULL: without ANSI the result is nullable."""
    call = call_of(request.function, args, request)
    return call if request.conf.ansi else replace(call, is_nullable=True)


def coerce_inputs(args: Args, request: Request) -> Args:
    """Each argument cast to what the row takes there; DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE when it cannot be."""
    takes = request.function.takes
    result: list[Expression] = []
    for i, arg in enumerate(args):
        accept = takes[min(i, len(takes) - 1)]
        if accept.name in ("ANY", "LAMBDA"):
            result.append(arg)
            continue
        target = accept.convert(arg, request.conf)
        if target is None:
            raise wrong_input(request.name, args, i, accept.name)
        result.append(cast_if_needed(arg, target, request.conf))
    return tuple(result)


def _with_clauses(
    e: Expression, distinct: bool, filter: Expression | None, order_by: tuple[SortOrder, ...], ignore_nulls: bool
) -> Expression:
    if not (distinct or filter is not None or order_by or ignore_nulls):
        return e
    if not isinstance(e, FunctionCall) or lookup(e.name).kind not in ("aggregate", "window"):
        return _refuse_clauses(e, distinct, filter, order_by)
    return replace(
        e, distinct=e.distinct or distinct, filter=filter, order_by=order_by or e.order_by,
        ignore_nulls=e.ignore_nulls or ignore_nulls,
    )  # fmt: skip


def _refuse_clauses(
    e: Expression, distinct: bool, filter: Expression | None, order_by: tuple[SortOrder, ...]
) -> Expression:
    name = e.display if isinstance(e, FunctionCall) else type(e).__name__
    syntax = "DISTINCT" if distinct else "FILTER clause" if filter is not None else "WITHIN GROUP"
    raise analysis_error(
        "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
        f"The function `{name}` does not support {syntax}.", "42000", prettyName=f"`{name}`", syntax=f'"{syntax}"',
    )  # fmt: skip


def _positional(row: Function, shown: str, args: Args) -> Args:
    """Named arguments put in their places, and the number of arguments checked."""
    if any(isinstance(arg, NamedArgument) for arg in args):
        args = _by_name(row, shown, args)
    least, most = row.arity
    if len(args) < least or (most is not None and len(args) > most):
        raise wrong_count(shown, least, most, len(args))
    return args


def _by_name(row: Function, shown: str, args: Args) -> Args:
    if not row.params:
        raise analysis_error(
            "NAMED_PARAMETERS_NOT_SUPPORTED", f"The function `{shown}` takes no named arguments.", "4274K",
            functionName=f"`{shown}`",
        )  # fmt: skip
    placed: dict[int, Expression] = {}
    named = ""
    for i, arg in enumerate(args):
        if not isinstance(arg, NamedArgument):
            if named:
                raise analysis_error(
                    "UNEXPECTED_POSITIONAL_ARGUMENT", f"In `{shown}` an argument without a name follows `{named}`.",
                    "4274K", routineName=f"`{shown}`", parameterName=f"`{named}`",
                )  # fmt: skip
            placed[i] = arg
            continue
        named = arg.name
        if arg.name.lower() not in row.params:
            raise analysis_error(
                "UNRECOGNIZED_PARAMETER_NAME", f"The function `{shown}` has no parameter `{arg.name}`.", "4274K",
                routineName=f"`{shown}`", argumentName=f"`{arg.name}`",
                proposal=" ".join(f"`{p}`" for p in row.params),
            )  # fmt: skip
        placed[row.params.index(arg.name.lower())] = arg.value
    for i in range(max(placed, default=-1) + 1):
        if i not in placed and i in row.defaults:
            placed[i] = row.defaults[i]
        if i not in placed:
            raise analysis_error(
                "REQUIRED_PARAMETER_NOT_FOUND", f"The function `{shown}` needs the parameter `{row.params[i]}`.",
                "4274K", routineName=f"`{shown}`", parameterName=f"`{row.params[i]}`", index=i,
            )  # fmt: skip
    return tuple(placed[i] for i in sorted(placed))


def _with_defaults(row: Function, args: Args) -> Args:
    while len(args) in row.defaults:
        args = (*args, row.defaults[len(args)])
    return args
