"""Tools to move Python functions from a node's expressions into an EvalPython below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from penstock.plan.expressions import (
    Attribute,
    Expression,
    FunctionCall,
    LambdaVariable,
    PythonFunction,
    field_names,
    fresh_id,
)
from penstock.plan.nodes import Node
from penstock.plan.python_nodes import EvalPython
from penstock.pyfn.errors import in_lambda
from penstock.pyfn.eval_types import is_python_aggregate

Rewrite = Callable[[Expression], Expression]


def is_row_function(expression: Expression) -> bool:
    """Whether it is a call of a Python function that gives a value for each row."""
    return isinstance(expression, PythonFunction) and not is_python_aggregate(expression)


def has_row_function(expression: Expression) -> bool:
    """Whether such a call stands somewhere inside."""
    return type(expression) is not Attribute and any(is_row_function(part) for part in expression.walk())


class Extraction:
    """Replaces the outermost Python functions of expressions by columns, and remembers them.

    Equal calls of a deterministic function become one."""

    def __init__(self) -> None:
        self.calls: list[PythonFunction] = []
        self.results: list[Attribute] = []

    def __call__(self, expression: Expression) -> Expression:
        if isinstance(expression, PythonFunction) and is_row_function(expression):
            return self._result(expression)
        return expression.map_children(self)

    def _result(self, call: PythonFunction) -> Attribute:
        if any(isinstance(part, LambdaVariable) for part in call.walk()):
            raise in_lambda(call)
        for known, result in zip(self.calls, self.results, strict=True):
            if known == call and call.deterministic:
                return result
        result = Attribute(call.name, call.type, True, fresh_id())
        self.calls.append(call)
        self.results.append(result)
        return result


def evaluate_below(expressions: Sequence[Expression], child: Node) -> tuple[tuple[Expression, ...], Node]:
    """The expressions without Python functions of a row, over `child` with what evaluates those on top."""
    extraction = Extraction()
    rewritten = tuple(extraction(e) for e in expressions)
    return rewritten, eval_python(extraction, child)


def eval_python(extraction: Extraction, child: Node) -> Node:
    """`child` with the functions that were found evaluated over it; those in their arguments come first."""
    if not extraction.calls:
        return child
    flat = [arg for call in extraction.calls for arg in call.args]
    args, below = evaluate_below(flat, child)
    rest = iter(args)
    functions = tuple(replace(call, args=tuple(next(rest) for _ in call.args)) for call in extraction.calls)
    return EvalPython(functions, tuple(extraction.results), below)


def map_expressions(node: Node, rewrite: Rewrite) -> Node:
    """`node` with `rewrite` applied to each expression in its fields."""
    changed: dict[str, Any] = {}
    for name in field_names(type(node)):
        value = getattr(node, name)
        if isinstance(value, Expression):
            new: Any = rewrite(value)
        elif isinstance(value, tuple) and any(isinstance(v, Expression) for v in value):
            new = tuple(rewrite(v) if isinstance(v, Expression) else v for v in value)
            new = value if all(a is b for a, b in zip(new, value, strict=True)) else new
        else:
            continue
        if new is not value:
            changed[name] = new
    return replace(node, **changed) if changed else node


def node_expressions(node: Node) -> Iterator[Expression]:
    """The expressions in a node's fields."""
    for name in field_names(type(node)):
        value = getattr(node, name)
        if isinstance(value, Expression):
            yield value
        elif isinstance(value, tuple):
            yield from (v for v in value if isinstance(v, Expression))


def conjuncts(condition: Expression) -> list[Expression]:
    """The parts of a condition that AND joins."""
    if isinstance(condition, FunctionCall) and condition.name == "and":
        return [part for arg in condition.args for part in conjuncts(arg)]
    return [condition]


def conjunction(parts: Iterable[Expression]) -> Expression:
    """The AND of at least one condition."""
    result, *rest = parts
    for part in rest:
        result = FunctionCall("and", (result, part), result.type, result.nullable or part.nullable, "and")
    return result
