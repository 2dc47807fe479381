"""Python functions in GROUP BY: in keys and in arguments of aggregates they come before it, over its results after
it; pandas and Arrow aggregates are a node of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.core.errors import unsupported
from penstock.functions.table import exists, lookup
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, PythonFunction, fresh_id
from penstock.plan.nodes import Aggregate, Node, Project
from penstock.plan.python_nodes import AggregatePython
from penstock.pyfn.errors import mixed_aggregates
from penstock.pyfn.eval_types import is_python_aggregate
from penstock.pyfn.rewriting import evaluate_below, has_row_function, is_row_function


def extract_aggregate(node: Aggregate) -> Node:
    """An Aggregate without Python functions, between those that it needs and those that need it."""
    expressions = (*node.grouping, *node.aggregates)
    if not any(isinstance(e, PythonFunction) for x in expressions for e in x.walk()):
        return node
    if any(_stands_above(e, node.grouping) for e in node.aggregates):
        return _split(node)
    rewritten, child = evaluate_below(expressions, node.child)
    keys = len(node.grouping)
    node = replace(node, grouping=rewritten[:keys], aggregates=rewritten[keys:], child=child)
    python = [e for x in node.aggregates for e in x.walk() if is_python_aggregate(e)]
    return _python_aggregate(node) if python else node


def _stands_above(expression: Expression, grouping: Sequence[Expression]) -> bool:
    """Whether a Python function in an output column is called after the grouping."""
    if expression in grouping or _is_aggregate(expression):
        return False
    return is_row_function(expression) or any(_stands_above(child, grouping) for child in expression.children)


def _is_aggregate(expression: Expression) -> bool:
    if isinstance(expression, FunctionCall):
        return exists(expression.name) and lookup(expression.name).kind == "aggregate"
    return is_python_aggregate(expression)


def _split(node: Aggregate) -> Node:
    """Keys and aggregates as columns, and above them the functions that take them."""
    lower: dict[Expression, Alias | Attribute] = {}

    def lowered(expression: Expression) -> Expression:
        if not (expression in node.grouping or _is_aggregate(expression)):
            return expression.map_children(lowered)
        if expression not in lower:
            lower[expression] = expression if isinstance(expression, Attribute) else _alias(expression)
        column = lower[expression]
        return column.to_attribute() if isinstance(column, Alias) else column

    upper = tuple(lowered(e) for e in node.aggregates)
    below = extract_aggregate(replace(node, aggregates=tuple(lower.values())))
    rewritten, child = evaluate_below(upper, below)
    return Project(rewritten, child)


def _python_aggregate(node: Aggregate) -> Node:
    _check(node)
    keys = [key if isinstance(key, Attribute) else _alias(key) for key in node.grouping]
    computed = tuple(key for key in keys if isinstance(key, Alias))
    child = Project((*node.child.output, *computed), node.child) if computed else node.child
    columns = tuple(key.to_attribute() if isinstance(key, Alias) else key for key in keys)
    meaning: dict[Expression, Attribute] = dict(zip(node.grouping, columns, strict=True))
    functions: list[PythonFunction] = []

    def above(expression: Expression) -> Expression:
        if isinstance(expression, PythonFunction) and expression not in meaning:
            functions.append(expression)
            meaning[expression] = Attribute(expression.name, expression.type, True, fresh_id())
        return meaning[expression] if expression in meaning else expression.map_children(above)

    outputs = tuple(_named(e, above(e)) for e in node.aggregates)
    results = tuple(meaning[function] for function in functions)
    return Project(outputs, AggregatePython(columns, tuple(functions), results, child))


def _alias(expression: Expression) -> Alias:
    return Alias(expression, ("",), fresh_id())


def _named(before: Expression, after: Expression) -> Expression:
    """A key that was a bare column stays that column."""
    return before if isinstance(before, Attribute) and before == after else after


def _check(node: Aggregate) -> None:
    calls = [e for x in node.aggregates for e in x.walk() if _is_aggregate(e)]
    python = [e for e in calls if isinstance(e, PythonFunction)]
    if len(python) < len(calls):
        raise mixed_aggregates([function.name for function in python])
    if node.kind != "groupby":
        raise unsupported(f"the Python aggregate function {python[0].name} with {node.kind}")
    if any(has_row_function(arg) for function in python for arg in function.args):
        raise unsupported(f"a Python function in the arguments of {python[0].name} at this place")
