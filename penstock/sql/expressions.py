"""sqlglot's expression trees -> unresolved expressions, under the names of Spark's function registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from penstock.core.errors import analysis_error, parse_error
from penstock.plan import expressions as ex
from penstock.plan import table_functions
from penstock.plan.nodes import Node
from penstock.plan.types import BOOLEAN, INTEGER, NULL, STRING
from penstock.sql import Arguments, Variables, constants, literals
from penstock.sql.dialect import (
    IntervalLiteral,
    NamedCall,
    TableArgument,
    TypedCast,
    TypedLiteral,
    UnsignedShift,
    VariantPath,
)
from penstock.sql.identifiers import split_identifier
from penstock.sql.lambdas import bind_lambda
from penstock.sql.likes import likes, quantifier
from penstock.sql.syntax import syntax_error
from penstock.sql.tree import Tree, column_parts, first_word, identifier, only, part, table_alias

_DOCS = "https://spark.apache.org/docs/latest"
_UNIT_FIRST = {"timestampadd", "timestampdiff", "dateadd", "date_add", "datediff", "date_diff", "timediff", "time_diff"}
_WITHOUT_PARENTHESES = {
    exp.CurrentDate: "current_date",
    exp.CurrentTimestamp: "current_timestamp",
    exp.CurrentUser: "current_user",
}


@dataclass(frozen=True)
class Scope:
    """What an expression needs from around it.  `query` converts a subquery; `positions` numbers the `?` by their place
    in the text; `windows` are the WINDOW clause's definitions by lower-case name, `variable` looks up variables."""

    query: Callable[[Tree, Scope], Node]
    args: Arguments = None
    time_zone: str = "UTC"
    positions: dict[int, int] = field(default_factory=dict)
    windows: dict[str, Tree] = field(default_factory=dict)
    variable: Variables = lambda parts: None


def expression(node: Tree, scope: Scope) -> ex.Expression:
    """Any expression; what is not known is a syntax error that names it."""
    convert = _CONVERT.get(type(node))
    if convert is None:
        raise syntax_error(first_word(node))
    only(node, *_KNOWN.get(type(node), _USUAL))
    return convert(node, scope)


def expressions(nodes: Tree, scope: Scope) -> tuple[ex.Expression, ...]:
    """Several, in order."""
    return tuple(expression(node, scope) for node in nodes or ())


def constant_text(node: Tree, scope: Scope) -> str:
    """The argument of IDENTIFIER."""
    return constants.text(expression(node, scope), node.sql(), scope.variable)


def sort_orders(node: Tree, scope: Scope) -> tuple[ex.SortOrder, ...]:
    """The keys of ORDER BY, SORT BY and the like; () when there is no clause."""
    return tuple(_sort_order(key, scope) for key in node.expressions) if node is not None else ()


def _sort_order(node: Tree, scope: Scope) -> ex.SortOrder:
    if not isinstance(node, exp.Ordered):
        return ex.SortOrder(expression(node, scope))
    only(node, "this", "desc", "nulls_first")
    descending = bool(part(node, "desc"))
    nulls_first = bool(part(node, "nulls_first"))
    # sqlglot fills in the default; only what differs from it was written
    child = (
        ex.UnresolvedAttribute((node.this.name,)) if isinstance(node.this, exp.Var) else expression(node.this, scope)
    )
    return ex.SortOrder(child, not descending, None if nulls_first != descending else nulls_first)


def _call(name: str, *args: ex.Expression) -> ex.Expression:
    return ex.UnresolvedFunction(name, args)


def _binary(name: str) -> Callable[[Tree, Scope], ex.Expression]:
    return lambda node, scope: _call(name, expression(node.this, scope), expression(node.expression, scope))


def _negated(name: str) -> Callable[[Tree, Scope], ex.Expression]:
    return lambda node, scope: _call("not", _binary(name)(node, scope))


def _literal(node: Tree, scope: Scope) -> ex.Expression:
    return ex.Literal(node.this, STRING) if node.is_string else literals.number(str(node.this))


def _negative(node: Tree, scope: Scope) -> ex.Expression:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return literals.number("-" + str(node.this.this))
    return _call("-", expression(node.this, scope))


def _column(node: Tree, scope: Scope) -> ex.Expression:
    parts = column_parts(node)
    if isinstance(parts[-1], exp.Star):
        return _star(parts[-1], scope, tuple(identifier(p) for p in parts[:-1]))
    if isinstance(parts[-1], (exp.Anonymous, exp.Window)):
        return expression(parts[-1], scope)
    return ex.UnresolvedAttribute(tuple(identifier(p) for p in parts))


def _star(node: Tree, scope: Scope, target: tuple[str, ...] = ()) -> ex.Expression:
    excluded = []
    for item in part(node, "except_") or ():
        column = expression(item, scope) if not isinstance(item, exp.Identifier) else None
        excluded.append(column.parts if isinstance(column, ex.UnresolvedAttribute) else (identifier(item),))
    return ex.UnresolvedStarExcept(target, tuple(excluded)) if excluded else ex.UnresolvedStar(target)


def _dot(node: Tree, scope: Scope) -> ex.Expression:
    """`a.b.c.d.e` goes on with the name; after anything else it takes a field."""
    if isinstance(node.expression, exp.Anonymous):
        return _qualified_call(node, scope)
    child = expression(node.this, scope)
    if isinstance(node.expression, exp.Star):
        if isinstance(child, ex.UnresolvedAttribute):
            return _star(node.expression, scope, child.parts)
        raise syntax_error("*")
    name = identifier(node.expression)
    if isinstance(child, ex.UnresolvedAttribute) and not isinstance(node.this, exp.Paren):
        return ex.UnresolvedAttribute((*child.parts, name))
    return ex.UnresolvedExtract(child, ex.Literal(name, STRING))


def _qualified_call(node: Tree, scope: Scope) -> ex.Expression:
    call = expression(node.expression, scope)
    owner = node.this
    names = [identifier(owner)] if isinstance(owner, exp.Identifier) else [identifier(p) for p in owner.flatten()]
    if not isinstance(call, ex.UnresolvedFunction):
        raise syntax_error(first_word(node.expression))
    return replace(call, name=".".join((*(name.lower() for name in names), call.name)))


def _bracket(node: Tree, scope: Scope) -> ex.Expression:
    if len(node.expressions) != 1:
        raise syntax_error(",")
    return ex.UnresolvedExtract(expression(node.this, scope), expression(node.expressions[0], scope))


def _function(node: Tree, scope: Scope) -> ex.Expression:
    name = identifier(node.this).lower()
    items = list(node.expressions)
    if name == "identifier" and len(items) == 1:
        return ex.UnresolvedAttribute(split_identifier(constant_text(items[0], scope)))
    return _called(name, items, scope)


def _named_call(node: Tree, scope: Scope) -> ex.Expression:
    parts = split_identifier(constant_text(node.this.expressions[0], scope))
    return _called(".".join(parts).lower(), list(node.expressions), scope)


def _variant_path(node: Tree, scope: Scope) -> ex.Expression:
    value = _call("variant_get", expression(node.this, scope), ex.Literal(node.args["path"], STRING))
    return ex.Alias(value, (node.args["name"],)) if node.args["name"] else value


def _called(name: str, items: list[Tree], scope: Scope) -> ex.Expression:
    distinct = len(items) == 1 and isinstance(items[0], exp.Distinct)
    if distinct:
        only(items[0], "expressions")
        items = items[0].expressions
    ignore_nulls = bool(items) and isinstance(items[-1], exp.IgnoreNulls)
    items = [item.this if isinstance(item, (exp.IgnoreNulls, exp.RespectNulls)) else item for item in items]
    if name != "struct" and any(isinstance(item, exp.Alias) for item in items):
        raise syntax_error("AS")
    args = expressions(items, scope)
    if name in _UNIT_FIRST and len(args) == 3 and isinstance(args[0], ex.UnresolvedAttribute):
        args = (ex.Literal(args[0].parts[-1].upper(), STRING), *args[1:])
    if name == "count" and args == (ex.UnresolvedStar(),) and not distinct:
        args = (ex.Literal(1, INTEGER),)
    return ex.UnresolvedFunction(name, args, distinct, ignore_nulls=ignore_nulls, public=True)


def _as_call(node: ex.Expression, around: str) -> ex.UnresolvedFunction:
    if not isinstance(node, ex.UnresolvedFunction):
        raise syntax_error(around)
    return node


def _ignore_nulls(node: Tree, scope: Scope) -> ex.Expression:
    return replace(_as_call(expression(node.this, scope), "IGNORE"), ignore_nulls=True)


def _respect_nulls(node: Tree, scope: Scope) -> ex.Expression:
    return _as_call(expression(node.this, scope), "RESPECT")


def _filter(node: Tree, scope: Scope) -> ex.Expression:
    return replace(_as_call(expression(node.this, scope), "FILTER"), filter=expression(node.expression.this, scope))


def _within_group(node: Tree, scope: Scope) -> ex.Expression:
    return replace(_as_call(expression(node.this, scope), "WITHIN"), order_by=sort_orders(node.expression, scope))


def _window(node: Tree, scope: Scope) -> ex.Expression:
    function = expression(node.this, scope)
    name = part(node, "alias")
    if name is not None and not (part(node, "partition_by") or part(node, "order") or part(node, "spec")):
        found = scope.windows.get(identifier(name).lower())
        if found is None:
            message = f"There is no window specification named {identifier(name)}."
            raise analysis_error(
                "MISSING_WINDOW_SPECIFICATION", message, "42P20", windowName=identifier(name), docroot=_DOCS
            )
        node = found
    elif name is not None:
        raise syntax_error(identifier(name))
    partition_by = expressions(part(node, "partition_by"), scope)
    order = sort_orders(part(node, "order"), scope)
    spec = part(node, "spec")
    if spec is None:
        return ex.WindowExpression(function, partition_by, order)
    only(spec, "kind", "start", "start_side", "end", "end_side")
    lower = _bound(spec.args.get("start"), spec.args.get("start_side"), scope)
    upper = (
        _bound(spec.args.get("end"), spec.args.get("end_side"), scope)
        if spec.args.get("end")
        else ex.FrameBound("current_row")
    )
    return ex.WindowExpression(function, partition_by, order, str(spec.args["kind"]).lower(), lower, upper)


def _bound(value: Tree, side: Tree, scope: Scope) -> ex.FrameBound:
    if isinstance(value, str):
        kind = value.lower().replace(" ", "_")
        return ex.FrameBound(kind if kind == "current_row" else f"{kind}_{str(side).lower()}")
    return ex.FrameBound(str(side).lower(), expression(value, scope))


def _cast(node: Tree, scope: Scope) -> ex.Expression:
    return ex.Cast(expression(node.this, scope), node.args["to"], node.args["mode"])


def _case(node: Tree, scope: Scope) -> ex.Expression:
    value = expression(node.this, scope) if part(node, "this") is not None else None
    args: list[ex.Expression] = []
    for branch in node.args["ifs"]:
        condition = expression(branch.this, scope)
        args.append(condition if value is None else _call("==", value, condition))
        args.append(expression(branch.args["true"], scope))
    if part(node, "default") is not None:
        args.append(expression(node.args["default"], scope))
    return _call("when", *args)


def _between(node: Tree, scope: Scope) -> ex.Expression:
    value = expression(node.this, scope)
    low, high = expression(node.args["low"], scope), expression(node.args["high"], scope)
    return _call("between", value, low, high)


def _in(node: Tree, scope: Scope) -> ex.Expression:
    if part(node, "query") is not None:
        left = node.this.expressions if isinstance(node.this, exp.Tuple) else [node.this]
        return ex.SubqueryExpression("in", scope.query(node.args["query"], scope), expressions(left, scope))
    if not node.expressions:
        message = "IN needs at least one value; write FALSE for a condition that never holds."
        raise parse_error("INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", message, "42000")
    return _call("in", expression(node.this, scope), *expressions(node.expressions, scope))


def _is(node: Tree, scope: Scope) -> ex.Expression:
    child, right = expression(node.this, scope), node.expression
    if isinstance(right, exp.Null) or (isinstance(right, exp.Column) and right.name.upper() == "UNKNOWN"):
        return _call("isnull", child)
    if isinstance(right, exp.Boolean):
        return _call("<=>", child, ex.Literal(bool(right.this), BOOLEAN))
    raise syntax_error(first_word(right))


def _not(node: Tree, scope: Scope) -> ex.Expression:
    child = expression(node.this, scope)
    if isinstance(node.this, exp.Is) and isinstance(child, ex.UnresolvedFunction) and child.name == "isnull":
        return _call("isnotnull", *child.args)
    return _call("not", child)


def _pattern(name: str) -> Callable[[Tree, Scope], ex.Expression]:
    """LIKE, ILIKE and RLIKE; the first two also with ANY, SOME and ALL of several patterns, and with ESCAPE."""

    def convert(node: Tree, scope: Scope) -> ex.Expression:
        which, patterns = quantifier(node.expression)
        if which and name == "rlike":
            raise syntax_error("RLIKE")
        value = expression(node.this, scope)
        return likes(name, value, expressions(patterns, scope), which, bool(part(node, "negate")))

    return convert


def _escape(node: Tree, scope: Scope) -> ex.Expression:
    """`a [NOT] LIKE b ESCAPE c`."""
    call = _as_call(expression(node.this, scope), "ESCAPE")
    escape = expression(node.expression, scope)
    if isinstance(escape, ex.Literal) and len(str(escape.value)) != 1:
        message = f"The escape of LIKE is one character, not {escape.value!r}."
        raise parse_error("INVALID_ESC", message, "42604", invalidEscape=f"'{escape.value}'")
    if call.name == "not":
        return _call(
            "not", replace(_as_call(call.args[0], "ESCAPE"), args=(*_as_call(call.args[0], "ESCAPE").args, escape))
        )
    if call.name not in ("like", "ilike"):
        raise syntax_error("ESCAPE")
    return replace(call, args=(*call.args, escape))


def _lambda(node: Tree, scope: Scope) -> ex.Expression:
    return bind_lambda(tuple(identifier(name) for name in node.expressions), expression(node.this, scope))


def _scalar_subquery(node: Tree, scope: Scope) -> ex.Expression:
    """sqlglot hangs the alias of `(SELECT ...) AS name` on the subquery itself."""
    name, columns = table_alias(node)
    if not name:
        return ex.SubqueryExpression("scalar", scope.query(node, scope))
    if columns:
        raise syntax_error(columns[0])
    inner = node.copy()
    inner.set("alias", None)
    return ex.Alias(ex.SubqueryExpression("scalar", scope.query(inner, scope)), (name,))


def _exists(node: Tree, scope: Scope) -> ex.Expression:
    return ex.SubqueryExpression("exists", scope.query(node.this, scope))


def _alias(node: Tree, scope: Scope) -> ex.Expression:
    return ex.Alias(expression(node.this, scope), (identifier(node.args["alias"]),))


def _aliases(node: Tree, scope: Scope) -> ex.Expression:
    names = node.expressions
    return ex.Alias(expression(node.this, scope), tuple(identifier(name) for name in names))


def _placeholder(node: Tree, scope: Scope) -> ex.Expression:
    name = str(node.this)
    args = scope.args or {}
    if name.startswith("?"):
        index = scope.positions[int(name[1:])]
        if not isinstance(args, Mapping) and index < len(args):
            return args[index]
        name = f"_{name[1:]}"  # Spark names it so, by its place in the text
    elif isinstance(args, Mapping) and name in args:
        return args[name]
    message = f"The parameter {name} has no value: give it in `args` of spark.sql."
    raise analysis_error("UNBOUND_SQL_PARAMETER", message, "42P02", name=name)


def _tuple(node: Tree, scope: Scope) -> ex.Expression:
    args: list[ex.Expression] = []
    for i, value in enumerate(expressions(node.expressions, scope), 1):
        name = value.parts[-1] if isinstance(value, ex.UnresolvedAttribute) else f"col{i}"
        args += [ex.Literal(value.name if isinstance(value, ex.Alias) else name, STRING), value]
    return _call("named_struct", *args)


def _collate(node: Tree, scope: Scope) -> ex.Expression:
    names = node.expression
    return _call("collate", expression(node.this, scope), ex.Literal(first_word(names), STRING))


def _table_argument(node: Tree, scope: Scope) -> ex.Expression:
    """The rows of a table or a query as an argument of a table function."""
    return table_functions.TableArgument(
        scope.query(node.this, scope),
        expressions(part(node, "partition_by"), scope),
        tuple(_sort_order(key, scope) for key in part(node, "order_by") or ()),
        bool(part(node, "single")),
    )


def _without_parentheses(node: Tree, scope: Scope) -> ex.Expression:
    return _call(_WITHOUT_PARENTHESES[type(node)])


_USUAL = ("this", "expression", "expressions")
_KNOWN: dict[type, tuple[str, ...]] = {
    exp.Literal: ("this", "is_string"),
    exp.Identifier: ("this", "quoted"),
    exp.Column: ("this", "table", "db", "catalog"),
    exp.Star: ("except_",),
    exp.Window: ("this", "partition_by", "order", "spec", "alias", "over"),
    exp.Case: ("this", "ifs", "default"),
    exp.Between: ("this", "low", "high"),
    exp.In: ("this", "expressions", "query"),
    exp.Like: ("this", "expression", "negate"),
    exp.ILike: ("this", "expression", "negate"),
    exp.Div: ("this", "expression", "typed", "safe"),
    exp.DPipe: ("this", "expression", "safe"),
    exp.Alias: ("this", "alias"),
    TypedLiteral: ("keyword", "text"),
    VariantPath: ("this", "path", "name"),
    TypedCast: ("this", "to", "mode"),
    IntervalLiteral: ("fields",),
    TableArgument: ("this", "partition_by", "order_by", "single"),
    **dict.fromkeys(_WITHOUT_PARENTHESES, ()),
    **dict.fromkeys(
        (exp.Subquery, exp.Select), (*exp.Select.arg_types, "this", "alias")
    ),  # checked by the query's conversion
}
_CONVERT: dict[type, Callable[[Tree, Scope], ex.Expression]] = {
    exp.Literal: _literal,
    exp.Null: lambda node, scope: ex.Literal(None, NULL),
    exp.Boolean: lambda node, scope: ex.Literal(bool(node.this), BOOLEAN),
    exp.HexString: lambda node, scope: literals.binary(str(node.this)),
    TypedLiteral: lambda node, scope: literals.typed(node.args["keyword"], node.args["text"], scope.time_zone),
    IntervalLiteral: lambda node, scope: literals.interval(node.args["fields"]),
    exp.Column: _column,
    exp.Identifier: lambda node, scope: ex.UnresolvedAttribute((identifier(node),)),
    exp.Star: _star,
    exp.Dot: _dot,
    exp.Bracket: _bracket,
    exp.Paren: lambda node, scope: expression(node.this, scope),
    exp.Tuple: _tuple,
    exp.Anonymous: _function,
    NamedCall: _named_call,
    VariantPath: _variant_path,
    exp.IgnoreNulls: _ignore_nulls,
    exp.RespectNulls: _respect_nulls,
    exp.Filter: _filter,
    exp.WithinGroup: _within_group,
    exp.Window: _window,
    exp.Lambda: _lambda,
    exp.Kwarg: lambda node, scope: ex.NamedArgument(identifier(node.this), expression(node.expression, scope)),
    exp.Case: _case,
    TypedCast: _cast,
    exp.Neg: _negative,
    exp.Not: _not,
    exp.BitwiseNot: lambda node, scope: _call("~", expression(node.this, scope)),
    exp.And: _binary("and"),
    exp.Or: _binary("or"),
    exp.EQ: _binary("=="),
    exp.NEQ: _negated("=="),
    exp.NullSafeEQ: _binary("<=>"),
    exp.NullSafeNEQ: _negated("<=>"),
    exp.LT: _binary("<"),
    exp.LTE: _binary("<="),
    exp.GT: _binary(">"),
    exp.GTE: _binary(">="),
    exp.Add: _binary("+"),
    exp.Sub: _binary("-"),
    exp.Mul: _binary("*"),
    exp.Div: _binary("/"),
    exp.IntDiv: _binary("div"),
    exp.Mod: _binary("%"),
    exp.DPipe: _binary("concat"),
    exp.BitwiseAnd: _binary("&"),
    exp.BitwiseOr: _binary("|"),
    exp.BitwiseXor: _binary("^"),
    exp.BitwiseLeftShift: _binary("<<"),
    exp.BitwiseRightShift: _binary(">>"),
    UnsignedShift: _binary(">>>"),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _pattern("like"),
    exp.ILike: _pattern("ilike"),
    exp.RegexpLike: _pattern("rlike"),
    exp.Escape: _escape,
    exp.Collate: _collate,
    TableArgument: _table_argument,
    exp.Subquery: _scalar_subquery,
    exp.Select: _scalar_subquery,
    exp.Exists: _exists,
    exp.Alias: _alias,
    exp.Aliases: _aliases,
    exp.Placeholder: _placeholder,
    **dict.fromkeys(_WITHOUT_PARENTHESES, _without_parentheses),
}
