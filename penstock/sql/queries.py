"""sqlglot's query trees -> unresolved plans.

What needs names or types stays as written, for analysis: a Project with aggregate functions in its list, integer
literals in GROUP BY and ORDER BY (ordinals), aliases in GROUP BY, columns of the input in ORDER BY and HAVING.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from penstock.core.errors import analysis_error, unsupported
from penstock.plan import nodes
from penstock.plan.expressions import Expression, Literal, SubqueryExpression, UnresolvedFunction
from penstock.sql.expressions import Scope, expression, expressions, sort_orders
from penstock.sql.grouping import aggregate
from penstock.sql.relations import relation, with_joins
from penstock.sql.syntax import syntax_error
from penstock.sql.tree import Tree, first_word, identifier, only, part, table_alias

_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_SET_KINDS = {exp.Union: "union", exp.Intersect: "intersect", exp.Except: "except"}
_MODIFIERS = ("with_", "order", "sort", "distribute", "cluster", "limit", "offset")


def query(node: Tree, scope: Scope) -> nodes.Node:
    """The plan of a query, its WITH clause included."""
    convert = _QUERIES.get(type(node))
    if convert is None:
        raise syntax_error(first_word(node))
    plan = modified(node, convert(node, scope), scope) if not isinstance(node, exp.Select) else convert(node, scope)
    return with_ctes(part(node, "with_"), plan, scope)


def with_ctes(node: Tree, plan: nodes.Node, scope: Scope) -> nodes.Node:
    """`WITH name [(columns)] AS (query), ...` around `plan`."""
    if node is None:
        return plan
    only(node, "expressions", "recursive")
    names, plans = [], []
    for cte in node.expressions:
        only(cte, "this", "alias")
        name, columns = table_alias(cte)
        definition = query(cte.this, scope)
        names.append(name)
        plans.append(nodes.SubqueryAlias(name, definition, columns) if columns else definition)
    levels = tuple(cte.args["alias"].meta.get("max_levels") for cte in node.expressions)
    return nodes.With(tuple(names), tuple(plans), plan, bool(part(node, "recursive")), levels)


def modified(node: Tree, plan: nodes.Node, scope: Scope) -> nodes.Node:
    """ORDER BY, SORT BY, DISTRIBUTE BY, CLUSTER BY, OFFSET and LIMIT above `plan`."""
    distribute, cluster = part(node, "distribute"), part(node, "cluster")
    keys = distribute or cluster
    if keys is not None:
        plan = nodes.Repartition(plan, None, tuple(key.child for key in sort_orders(keys, scope)))
    if cluster is not None:
        plan = nodes.Sort(sort_orders(cluster, scope), plan, is_global=False)
    if part(node, "sort") is not None:
        plan = nodes.Sort(sort_orders(node.args["sort"], scope), plan, is_global=False)
    if part(node, "order") is not None:
        plan = nodes.Sort(sort_orders(node.args["order"], scope), plan)
    return _limited(node, plan, scope)


def _limited(node: Tree, plan: nodes.Node, scope: Scope) -> nodes.Node:
    limit, offset = part(node, "limit"), part(node, "offset")
    if offset is not None:
        only(offset, "expression")
        plan = nodes.Offset(_count(offset.expression, "offset", scope), plan)
    if limit is None:
        return plan
    if not isinstance(limit, exp.Limit):
        raise syntax_error(limit.key.upper())
    only(limit, "expression")
    if first_word(limit.expression).upper() == "ALL":
        return plan
    return nodes.Limit(_count(limit.expression, "limit", scope), plan)


def _count(node: Tree, clause: str, scope: Scope) -> int:
    value = _constant(expression(node, scope))
    if isinstance(value, SubqueryExpression):
        message = f"The {clause} expression must be a constant, not a query."
        params = {"name": clause, "expr": '"scalarsubquery()"'}
        raise analysis_error("INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE", message, "42K0E", **params)
    if not isinstance(value, Literal):
        raise unsupported(f"a {clause.upper()} that is not a literal or a parameter")
    if not isinstance(value.value, int) or isinstance(value.value, bool):
        message = f"The {clause} expression must be an integer, but it is {value.value!r}."
        raise analysis_error(
            "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE",
            message,
            "42K0E",
            name=clause,
            expr=f'"{value.value}"',
            dataType=f'"{value.type.simpleString().upper()}"',
        )
    if value.value < 0:
        message = f"The {clause} expression must not be negative, but it is {value.value}."
        raise analysis_error(
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            message,
            "42K0E",
            name=clause,
            expr=f'"{value.value}"',
            v=value.value,
        )
    return value.value


def _constant(e: Expression) -> Expression:
    """Sums, differences and products of integer literals, worked out."""
    operate = _ARITHMETIC.get(e.name) if isinstance(e, UnresolvedFunction) and len(e.args) == 2 else None
    if operate is None or not isinstance(e, UnresolvedFunction):
        return e
    left, right = (_constant(arg) for arg in e.args)
    if (
        isinstance(left, Literal)
        and isinstance(right, Literal)
        and isinstance(left.value, int)
        and isinstance(right.value, int)
    ):
        return Literal(operate(left.value, right.value), left.type)
    return e


def _select(node: exp.Select, scope: Scope) -> nodes.Node:
    only(node, *_MODIFIERS, "hint", "distinct", "expressions", "from_", "joins", "laterals", "where", "group", "having",
         "qualify", "windows", "operation_modifiers")  # fmt: skip
    scope = _with_windows(part(node, "windows"), scope)
    plan = _from(node, scope)
    for lateral in part(node, "laterals") or ():
        plan = _lateral_view(lateral, plan, scope)
    if part(node, "where") is not None:
        plan = nodes.Filter(expression(node.args["where"].this, scope), plan)
    plan = _output(node, plan, scope)
    if part(node, "qualify") is not None:
        plan = nodes.Filter(expression(node.args["qualify"].this, scope), plan)
    if part(node, "distinct") is not None:
        only(node.args["distinct"])
        plan = nodes.Distinct(plan)
    for hint in reversed(part(node, "hint").expressions if part(node, "hint") is not None else ()):
        plan = _hint(hint, plan, scope)
    return modified(node, plan, scope)


def _with_windows(windows: Tree, scope: Scope) -> Scope:
    if windows is None:
        return scope
    return replace(scope, windows={**scope.windows, **{identifier(w.this).lower(): w for w in windows}})


def _from(node: exp.Select, scope: Scope) -> nodes.Node:
    clause = part(node, "from_")
    if clause is None:
        return nodes.OneRow()
    return with_joins(relation(clause.this, scope), part(node, "joins"), scope)


def _lateral_view(node: exp.Lateral, plan: nodes.Node, scope: Scope) -> nodes.Node:
    """`LATERAL VIEW [OUTER] generator(...) alias AS names`."""
    only(node, "this", "view", "outer", "alias")
    if not part(node, "view"):
        raise syntax_error("LATERAL")
    alias, columns = table_alias(node)
    generator = expression(node.this, scope)
    return nodes.Generate(generator, plan, (), bool(part(node, "outer")), alias or None, columns)


def _output(node: exp.Select, plan: nodes.Node, scope: Scope) -> nodes.Node:
    """The select list: an Aggregate under GROUP BY or HAVING, else a Project."""
    if not node.expressions:
        raise syntax_error("FROM")
    items = expressions(node.expressions, scope)
    group, having = part(node, "group"), part(node, "having")
    if group is None and having is None:
        return nodes.Project(items, plan)
    grouped = aggregate(group, items, plan, scope)
    if having is None:
        return grouped
    return nodes.Filter(expression(having.this, scope), grouped)


def _hint(node: Tree, plan: nodes.Node, scope: Scope) -> nodes.Node:
    if isinstance(node, exp.Anonymous):
        return nodes.Hint(str(node.this), plan, expressions(node.expressions, scope))
    return nodes.Hint(first_word(node), plan)


def _set_operation(node: Tree, scope: Scope) -> nodes.Node:
    only(node, *_MODIFIERS, "this", "expression", "distinct", "by_name")
    left, right = query(node.this, scope), query(node.expression, scope)
    is_all = not part(node, "distinct")
    return nodes.SetOperation(left, right, _SET_KINDS[type(node)], is_all, bool(part(node, "by_name")))


def _subquery(node: exp.Subquery, scope: Scope) -> nodes.Node:
    only(node, *_MODIFIERS, "this")
    return query(node.this, scope)


def _values(node: exp.Values, scope: Scope) -> nodes.Node:
    only(node, *_MODIFIERS, "expressions", "alias")
    return relation(node, scope)


def _table(node: exp.Table, scope: Scope) -> nodes.Node:
    return nodes.Project(expressions([exp.Star()], scope), relation(node, scope))


_QUERIES: dict[type, Callable[[Tree, Scope], nodes.Node]] = {
    exp.Select: _select,
    exp.Union: _set_operation,
    exp.Intersect: _set_operation,
    exp.Except: _set_operation,
    exp.Subquery: _subquery,
    exp.Values: _values,
    exp.Table: _table,
}
