"""Resolving one expression, bottom-up, by its type.

`resolve_expression` may return an Alias (for `a.b`, named `b`) or leave a generator call for the caller to place;
`resolve_value` drops the alias, for an expression inside another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from penstock.analysis import special_functions
from penstock.analysis.casts import resolve_cast
from penstock.analysis.errors import fail, sql_expr, sql_id
from penstock.analysis.extract import extract
from penstock.analysis.input_files import file_metadata
from penstock.analysis.kinds import contains_aggregate, contains_window, is_aggregate, is_generator
from penstock.analysis.scope import Scope
from penstock.analysis.sql_functions import given_values, inlined_value
from penstock.analysis.stars import expand_star, is_star, names_table
from penstock.analysis.struct_updates import update_fields
from penstock.analysis.windows import check_window
from penstock.core.errors import analysis_error, unsupported
from penstock.functions import lookup, resolve
from penstock.functions.errors import shown
from penstock.functions.table import exists, is_internal, unresolved_routine
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Cast,
    Expression,
    FrameBound,
    FunctionCall,
    GetField,
    Lambda,
    LambdaVariable,
    Literal,
    NamedArgument,
    PythonFunction,
    SortOrder,
    SubqueryExpression,
    UnresolvedAttribute,
    UnresolvedExtract,
    UnresolvedFunction,
    UnresolvedRegex,
    UnresolvedStar,
    UnresolvedStarExcept,
    UpdateFields,
    WindowExpression,
    fresh_id,
)
from penstock.plan.sql_functions import SqlFunction
from penstock.plan.types import STRING, BooleanType, DataType, StructType

_KEEP_ALIASES = frozenset({"struct", "named_struct", "create_struct"})
_WITHOUT_PARENTHESES = frozenset(
    {"current_date", "current_timestamp", "current_time", "current_user", "current_catalog", "current_database",
     "localtimestamp", "session_user", "user"}
)  # fmt: skip


def resolve_expression(expression: Expression, scope: Scope) -> Expression:
    """`expression` with names, functions and types resolved in `scope`.  Raises Spark's analysis errors."""
    handler = _HANDLERS.get(type(expression))
    if handler is None:
        raise unsupported(f"the expression {type(expression).__name__} here")
    return handler(expression, scope)


def resolve_value(expression: Expression, scope: Scope) -> Expression:
    """As `resolve_expression`, without a name on top: what an operand or an argument is."""
    resolved = resolve_expression(expression, scope)
    while isinstance(resolved, Alias):
        resolved = resolved.child
    return resolved


def _unchanged(e: Any, scope: Scope) -> Expression:
    return e  # type: ignore[no-any-return]


def _name(e: UnresolvedAttribute, scope: Scope) -> Expression:
    if e.is_metadata:
        return _metadata(e, scope) or _no_metadata(e)
    found = scope.resolve_here(e) or _literal_function(e, scope) or scope.resolve(e)
    if found is None and (value := scope.context.variable(e.parts)) is not None:
        call = FunctionCall("$variable", (value,), value.type, value.nullable, e.parts[-1].lower())
        return Alias(call, (e.parts[-1],))
    if found is None and e.parts[0].lower() == "_metadata":
        found = _metadata(e, scope)
    if found is None:
        raise scope.unresolved(e)
    return found


def _metadata(e: UnresolvedAttribute, scope: Scope) -> Expression | None:
    """The hidden column of files, or a field of it."""
    value = file_metadata(tuple(scope.plans)) if e.parts[0].lower() == "_metadata" else None
    if value is None:
        return None
    for name in e.parts[1:]:
        value = extract(value, Literal(name, STRING), scope.context)
    return Alias(value, (e.parts[-1],))


def _no_metadata(e: UnresolvedAttribute) -> Expression:
    raise unsupported(f"the metadata column {sql_id(e.parts)}", "Files have the column _metadata.")


def _literal_function(e: UnresolvedAttribute, scope: Scope) -> Expression | None:
    name = e.parts[0].lower()
    if len(e.parts) > 1 or name not in _WITHOUT_PARENTHESES or not exists(name):
        return None
    special = special_functions.HANDLERS.get(name)
    call = special((), scope) if special is not None else resolve(name, (), conf=scope.context.conf)
    return Alias(call, (e.parts[0] if not isinstance(call, FunctionCall) else name,))


def _alias(e: Alias, scope: Scope) -> Expression:
    child = resolve_value(e.child, scope)
    return replace(e, child=child, id=e.id or fresh_id())


def _cast(e: Cast, scope: Scope) -> Expression:
    return resolve_cast(e, resolve_value(e.child, scope), scope.context)


def _children(e: Expression, scope: Scope) -> Expression:
    return e.map_children(lambda child: resolve_value(child, scope))


def _extract(e: UnresolvedExtract, scope: Scope) -> Expression:
    return extract(resolve_value(e.child, scope), resolve_value(e.extraction, scope), scope.context)


def _update_fields(e: UpdateFields, scope: Scope) -> Expression:
    struct = resolve_value(e.struct, scope)
    value = None if e.value is None else resolve_value(e.value, scope)
    return update_fields(struct, e.field_name, value, scope.context)


def _python(e: PythonFunction, scope: Scope) -> Expression:
    return replace(e, args=_arguments(e.args, scope, e.name))


# ---------------------------------------------------------------- functions


def _function(e: UnresolvedFunction, scope: Scope) -> Expression:
    call = _call(e, scope)
    if is_aggregate(call) and any(contains_aggregate(child) for child in call.children):
        raise fail("NESTED_AGGREGATE_FUNCTION")
    if is_aggregate(call) and any(contains_window(child) for child in call.children):
        raise fail("_LEGACY_ERROR_TEMP_1031")
    return call


def _call(e: UnresolvedFunction, scope: Scope) -> Expression:
    name = _builtin(e.name.lower())
    inner = _argument_scope(name, scope)
    args = _arguments(e.args, inner, name, e.public)
    if any(is_generator(arg) for arg in args):
        if scope.operator:
            raise fail("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", plan=f"{scope.operator} {shown(name, args)}")
        raise fail("UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", expression=shown(name, args))
    special = special_functions.HANDLERS.get(name)
    if special is not None:
        return special(args, inner)
    known = exists(name) and not (e.public and is_internal(name))
    registered = scope.context.functions.get(name)
    if registered is not None and not known:
        return _registered(registered, e, args)
    if not known and (defined := scope.context.sql_function(name)) is not None:
        value = resolve_value(inlined_value(defined, args), scope)
        assert isinstance(defined, SqlFunction)  # others raise
        plain = tuple(given_values(defined, args).values())
        return FunctionCall("$sql_function", (value, *plain), value.type, value.nullable, ".".join(defined.parts))
    if not known:
        raise unresolved_routine(e.name.lower())
    return resolve(
        name,
        args,
        conf=scope.context.conf,
        distinct=e.distinct,
        filter=None if e.filter is None else _filter(e.filter, inner),
        order_by=tuple(_sort_order(o, inner) for o in e.order_by),
        ignore_nulls=e.ignore_nulls,
        resolve_lambda=lambda lam, types: _resolve_lambda(lam, types, inner),
    )


def _builtin(name: str) -> str:
    """`builtin.f` and `system.builtin.f` are Spark's own functions under their full names."""
    for place in ("builtin.", "system.builtin."):
        if name.startswith(place):
            return name.removeprefix(place)
    return name


def _registered(function: PythonFunction, e: UnresolvedFunction, args: tuple[Expression, ...]) -> Expression:
    """A call of a function that the user has registered; Spark's own functions of that name come first."""
    for given, syntax in ((e.distinct, "DISTINCT"), (e.filter, "FILTER CLAUSE"), (e.ignore_nulls, "IGNORE NULLS")):
        if given:
            condition = "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX"
            message = f"The Python function {function.name} cannot be called with {syntax}."
            raise analysis_error(condition, message, "42000", prettyName="`pythonudf`", syntax=syntax)
    return replace(function, args=args)


def _argument_scope(name: str, scope: Scope) -> Scope:
    """Arguments of an aggregate over an Aggregate (HAVING, ORDER BY) belong to that Aggregate's input first."""
    if scope.aggregate is None or not exists(name) or lookup(name).kind != "aggregate":
        return scope
    return _AggregateInput(scope)


class _AggregateInput(Scope):
    """The input of an Aggregate, with its output as the second choice."""

    def __init__(self, over: Scope) -> None:
        assert over.aggregate is not None
        super().__init__(over.context, over.aggregate.child)
        self._over = over

    def resolve_here(self, name: UnresolvedAttribute) -> Expression | None:
        return super().resolve_here(name) or self._over.resolve_here(name)


def _arguments(
    args: tuple[Expression, ...], scope: Scope, function: str, public: bool = False
) -> tuple[Expression, ...]:
    keep = function in _KEEP_ALIASES
    found: list[Expression] = []
    if function == "count" and len(args) == 1 and names_table(args[0], scope):
        _check_counted(args[0], scope)
    for arg in args:
        if is_star(arg):
            found.extend(expand_star(arg, scope))
        elif isinstance(arg, Lambda):
            found.append(arg)
        else:
            found.append(_field(arg, scope, public) if keep else resolve_value(arg, scope))
    return tuple(found)


def _check_counted(star: Expression, scope: Scope) -> None:
    """count(t.*) would count the rows without NULL: Spark refuses it unless told otherwise."""
    assert isinstance(star, UnresolvedStar)
    if not scope.context.conf.flag("spark.sql.legacy.allowStarWithSingleTableIdentifierInCount"):
        raise fail("INVALID_USAGE_OF_STAR_WITH_TABLE_IDENTIFIER_IN_COUNT", tableName=sql_id(star.target))


def _field(value: Expression, scope: Scope, public: bool) -> Expression:
    """A field of struct(): an alias names it and shows, what it is taken from names it, too, but does not show.
    SQL text names it after a map's key and after a field of an array's elements, too."""
    resolved = resolve_expression(value, scope)
    if isinstance(value, Alias):
        return resolved
    if not public and _is_looked_up(_bare(resolved)):
        return _bare(resolved)
    if isinstance(value, UnresolvedExtract) and isinstance(value.extraction, Literal):
        key = value.extraction.value
        return Alias(resolved, (key,), fresh_id(), generated=True) if isinstance(key, str) else resolved
    return replace(resolved, generated=True) if isinstance(resolved, Alias) else resolved


def _is_looked_up(e: Expression) -> bool:
    is_value = isinstance(e, FunctionCall) and e.name == "getmapvalue"
    return is_value or (isinstance(e, GetField) and not isinstance(e.child.type, StructType))


def _bare(e: Expression) -> Expression:
    return e.child if isinstance(e, Alias) else e


def _filter(condition: Expression, scope: Scope) -> Expression:
    resolved = resolve_value(condition, scope)
    if not isinstance(resolved.type, BooleanType):
        raise fail("INVALID_AGGREGATE_FILTER.NOT_BOOLEAN", filterExpr=sql_expr(resolved))
    if contains_aggregate(resolved):
        shown = sql_expr(resolved)
        raise fail("INVALID_AGGREGATE_FILTER.CONTAINS_AGGREGATE", filterExpr=shown, aggExpr=shown)
    return resolved


def _resolve_lambda(lam: Lambda, types: tuple[tuple[DataType, bool], ...], scope: Scope) -> Lambda:
    params = tuple(
        replace(p, id=p.id or fresh_id(), data_type=data_type, is_nullable=nullable)
        for p, (data_type, nullable) in zip(lam.params, types, strict=False)
    )
    return Lambda(params, resolve_value(lam.body, scope.with_variables(reversed(params))))


def _lambda_variable(e: LambdaVariable, scope: Scope) -> Expression:
    known = next((v for v in scope.variables if e.id and v.id == e.id), None)
    return known or scope.variable((e.name,)) or e


def _named_argument(e: NamedArgument, scope: Scope) -> Expression:
    return replace(e, value=resolve_value(e.value, scope))


def _star(e: UnresolvedStar, scope: Scope) -> Expression:
    raise fail("INVALID_USAGE_OF_STAR_OR_REGEX", elem="'*'", prettyName="this expression")


# ---------------------------------------------------------------- order, windows, subqueries


def _sort_order(e: SortOrder, scope: Scope) -> SortOrder:
    return replace(e, child=resolve_value(e.child, scope))


def _window(e: WindowExpression, scope: Scope) -> Expression:
    function = e.function  # its arguments may be aggregates: sum(sum(x)) OVER ()
    window = WindowExpression(
        _call(function, scope) if isinstance(function, UnresolvedFunction) else resolve_value(function, scope),
        tuple(resolve_value(p, scope) for p in e.partition_by),
        tuple(_sort_order(o, scope) for o in e.order_by),
        e.frame_type,
        _bound(e.lower, scope),
        _bound(e.upper, scope),
    )
    return check_window(window)


def _bound(bound: FrameBound | None, scope: Scope) -> FrameBound | None:
    if bound is None or bound.value is None:
        return bound
    return replace(bound, value=resolve_value(bound.value, scope))


def _subquery(e: SubqueryExpression, scope: Scope) -> Expression:
    from penstock.analysis.subqueries import resolve_subquery  # the analyzer of plans, which uses this module

    return resolve_subquery(e, tuple(resolve_value(v, scope) for v in e.values), scope)


_HANDLERS: dict[type[Expression], Callable[[Any, Scope], Expression]] = {
    Alias: _alias,
    Attribute: _unchanged,
    Cast: _cast,
    FunctionCall: _children,
    GetField: _children,
    LambdaVariable: _lambda_variable,
    Literal: _unchanged,
    NamedArgument: _named_argument,
    PythonFunction: _python,
    SortOrder: _sort_order,
    SubqueryExpression: _subquery,
    UnresolvedAttribute: _name,
    UnresolvedExtract: _extract,
    UnresolvedFunction: _function,
    UnresolvedRegex: _star,
    UnresolvedStar: _star,
    UnresolvedStarExcept: _star,
    UpdateFields: _update_fields,
    WindowExpression: _window,
}
