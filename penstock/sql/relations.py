"""FROM clauses -> plans: tables, subqueries, VALUES, table functions and joins."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from penstock.core.errors import analysis_error, parse_error, unsupported
from penstock.plan import nodes
from penstock.plan.expressions import Alias, Literal, NamedArgument, UnresolvedFunction
from penstock.sql.expressions import Scope, constant_text, expression, expressions
from penstock.sql.identifiers import split_identifier
from penstock.sql.pivots import with_pivots
from penstock.sql.syntax import syntax_error
from penstock.sql.tree import Tree, first_word, identifier, only, part, table_alias

_JOIN_KINDS = {
    ("", ""): "inner", ("", "INNER"): "inner", ("", "CROSS"): "cross", ("LEFT", ""): "left", ("LEFT", "OUTER"): "left",
    ("RIGHT", ""): "right", ("RIGHT", "OUTER"): "right", ("FULL", ""): "full", ("FULL", "OUTER"): "full",
    ("LEFT", "SEMI"): "semi", ("", "SEMI"): "semi", ("LEFT", "ANTI"): "anti", ("", "ANTI"): "anti",
}  # fmt: skip


def relation(node: Tree, scope: Scope) -> nodes.Node:
    """One item of a FROM clause, with its alias and the joins that hang on it."""
    convert = _RELATIONS.get(type(node))
    if convert is None:
        raise syntax_error(first_word(node))
    plan = _sampled(part(node, "sample"), convert(node, scope), scope)
    name, columns = table_alias(node)
    if name or columns:
        plan = nodes.SubqueryAlias(name, plan, columns)
    plan = with_pivots(plan, part(node, "pivots"), scope)
    return with_joins(plan, part(node, "joins"), scope)


def with_joins(plan: nodes.Node, joins: list[exp.Join] | None, scope: Scope) -> nodes.Node:
    """`plan` joined with one after the other; a comma is an inner join without condition."""
    for join in joins or ():
        plan = _join(join, plan, scope)
    return plan


def _join(node: exp.Join, left: nodes.Node, scope: Scope) -> nodes.Node:
    only(node, "this", "side", "kind", "method", "on", "using")
    side, kind = (str(part(node, name) or "").upper() for name in ("side", "kind"))
    method = str(part(node, "method") or "").upper()
    if (side, kind) not in _JOIN_KINDS or method not in ("", "NATURAL"):
        raise unsupported(" ".join(word for word in (method, side, kind, "JOIN in SQL") if word))
    lateral = isinstance(node.this, exp.Lateral)
    right = _lateral(node.this, scope) if lateral else relation(node.this, scope)
    condition = expression(node.args["on"], scope) if part(node, "on") is not None else None
    using = tuple(identifier(name.this if isinstance(name, exp.Column) else name) for name in part(node, "using") or ())
    return nodes.Join(left, right, _JOIN_KINDS[side, kind], condition, using, method == "NATURAL", lateral)


def _lateral(node: exp.Lateral, scope: Scope) -> nodes.Node:
    """`LATERAL (query) AS t` and `LATERAL function(...) AS t(a)` on the right of a join."""
    only(node, "this", "alias")
    inner = node.this
    plan = _table_function(inner, scope) if isinstance(inner, exp.Anonymous) else scope.query(inner, scope)
    name, columns = table_alias(node)
    return nodes.SubqueryAlias(name, plan, columns) if name or columns else plan


def _table(node: exp.Table, scope: Scope) -> nodes.Node:
    only(node, "this", "db", "catalog", "alias", "joins", "sample", "pivots")
    if isinstance(node.this, exp.Anonymous):
        names_table = str(node.this.this).lower() == "identifier" and len(node.this.expressions) == 1
        return named_table(node.this, scope) if names_table else _table_function(node.this, scope)
    parts = [part(node, "catalog"), part(node, "db"), node.this]
    names: list[str] = []
    for item in parts:
        if isinstance(item, exp.Dot):
            names.extend(identifier(piece) for piece in item.flatten())
        elif item is not None:
            names.append(identifier(item))
    return nodes.UnresolvedTable(tuple(names), streaming=bool(node.meta.get("stream")))


def named_table(node: exp.Anonymous, scope: Scope) -> nodes.Node:
    """`IDENTIFIER(text)`."""
    return nodes.UnresolvedTable(split_identifier(constant_text(node.expressions[0], scope)))


def _table_function(node: exp.Anonymous, scope: Scope) -> nodes.Node:
    call = expression(node, scope)
    if not isinstance(call, UnresolvedFunction) or call.distinct or call.ignore_nulls:
        raise syntax_error(first_word(node))
    for arg in call.args:
        if isinstance(arg, Alias) or (isinstance(arg, NamedArgument) and isinstance(arg.value, Alias)):
            raise syntax_error(arg.name)
    return nodes.TableFunction(call.name, call.args)


def _subquery(node: exp.Subquery, scope: Scope) -> nodes.Node:
    """A query in parentheses, or a join in parentheses."""
    only(
        node,
        "this",
        "alias",
        "joins",
        "sample",
        "pivots",
        "order",
        "limit",
        "offset",
        "with_",
        "sort",
        "distribute",
        "cluster",
    )
    within = node.this
    if isinstance(within, exp.Table) or (
        isinstance(within, exp.Subquery) and (part(within, "alias") or part(within, "joins"))
    ):
        return relation(within, scope)
    inner = node.copy()
    for name in ("alias", "joins", "sample", "pivots"):
        inner.set(name, None)
    return scope.query(inner, scope)


def _values(node: exp.Values, scope: Scope) -> nodes.Node:
    rows = tuple(expressions(_row(row), scope) for row in node.expressions)
    widths = [len(row) for row in rows]
    wanted = len(table_alias(node)[1]) or widths[0]
    if any(width != wanted for width in widths):
        odd = next(i for i, width in enumerate(widths) if width != wanted)
        message = f"The rows of VALUES differ in length: row {odd} has {widths[odd]} columns, not {wanted}."
        raise analysis_error(
            "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
            message,
            "42000",
            expectedNumCols=wanted,
            actualNumCols=widths[odd],
            rowIndex=odd,
        )
    return nodes.Values(rows)


def _row(node: Tree) -> list[Tree]:
    """The columns of a row; `struct(a, b)` alone is as good as `(a, b)`."""
    inner = node.expressions[0] if isinstance(node, exp.Tuple) and len(node.expressions) == 1 else node
    inner = inner.this if isinstance(inner, exp.Paren) else inner
    if isinstance(inner, exp.Anonymous) and str(inner.this).lower() == "struct":
        return list(inner.expressions)
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


def _sampled(node: Tree, plan: nodes.Node, scope: Scope) -> nodes.Node:
    """`TABLESAMPLE (10 PERCENT)` and `TABLESAMPLE (5 ROWS)`."""
    if node is None:
        return plan
    only(node, "percent", "size", "seed")
    size = expression(part(node, "percent") or part(node, "size"), scope)
    if not isinstance(size, Literal) or size.value is None:
        raise syntax_error("TABLESAMPLE")
    if part(node, "percent") is None:
        return nodes.Limit(int(size.value), plan)
    if not 0 <= size.value <= 100:
        message = f"Sampling fraction ({float(size.value) / 100}) must be on interval [0, 1]"
        raise parse_error("_LEGACY_ERROR_TEMP_0064", message, "", msg=message)
    seed = expression(node.args["seed"], scope) if part(node, "seed") is not None else None
    return nodes.Sample(
        0.0, float(size.value) / 100, plan, False, int(seed.value) if isinstance(seed, Literal) else None
    )


_RELATIONS: dict[type, Callable[[Tree, Scope], nodes.Node]] = {
    exp.Table: _table,
    exp.Subquery: _subquery,
    exp.Values: _values,
}
