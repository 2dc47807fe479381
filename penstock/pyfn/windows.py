"""Python aggregates over windows: DuckDB finds each row's frame, the functions get the rows of the frames.

A partition's rows are numbered first; the first and the last number of a row's frame are then windows of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from penstock.core.errors import unsupported
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    FunctionCall,
    PythonFunction,
    SortOrder,
    WindowExpression,
    fresh_id,
)
from penstock.plan.nodes import Node, Project
from penstock.plan.python_nodes import WindowPython
from penstock.plan.types import INTEGER, LONG
from penstock.pyfn.eval_types import OVER_WINDOW
from penstock.pyfn.rewriting import evaluate_below, map_expressions, node_expressions


def extract_windows(node: Node) -> Node:
    """The node with each Python aggregate over a window replaced by a column that a node below adds."""
    calls = list(dict.fromkeys(w for e in node_expressions(node) for w in _windows(e)))
    if not calls:
        return node
    (child,) = node.children
    rewritten, below = evaluate_below(calls, child)
    results: dict[Expression, Attribute] = {}
    specs: dict[_Spec, list[tuple[WindowExpression, WindowExpression]]] = {}
    for call, window in zip(calls, rewritten, strict=True):
        assert isinstance(window, WindowExpression)
        specs.setdefault(_Spec.of(window), []).append((call, window))
    for spec, windows in specs.items():
        below = _over(spec, windows, below, results)
    made = map_expressions(node, lambda e: _replaced(e, results)).map_children(lambda _: below)
    return made if [a.id for a in made.output] == [a.id for a in node.output] else Project(node.output, made)


def _windows(expression: Expression) -> list[WindowExpression]:
    if type(expression) is Attribute:
        return []
    return [e for e in expression.walk() if isinstance(e, WindowExpression) and isinstance(e.function, PythonFunction)]


def _replaced(expression: Expression, results: dict[Expression, Attribute]) -> Expression:
    if isinstance(expression, WindowExpression) and expression in results:
        return results[expression]
    return expression.map_children(lambda child: _replaced(child, results))


@dataclass(frozen=True)
class _Spec:
    """All of a window but its function."""

    window: WindowExpression

    @staticmethod
    def of(window: WindowExpression) -> _Spec:
        return _Spec(replace(window, function=_ROW_NUMBER))

    @property
    def is_whole_partition(self) -> bool:
        lower, upper = self.window.lower, self.window.upper
        starts = lower is None or lower.kind == "unbounded_preceding"
        return starts and upper is not None and upper.kind == "unbounded_following"


_ROW_NUMBER = FunctionCall("row_number", (), INTEGER, False, "row_number")


def _over(
    spec: _Spec,
    windows: list[tuple[WindowExpression, WindowExpression]],
    child: Node,
    results: dict[Expression, Attribute],
) -> Node:
    """`child` with the functions over one window; `results` learns their columns."""
    output = child.output
    keys = tuple(Alias(key, ("",), fresh_id()) for key in spec.window.partition_by)
    partition = tuple(key.to_attribute() for key in keys)
    place = Alias(_numbered(spec.window), ("",), fresh_id())
    child = Project((*output, *keys, place), child)
    first = last = None
    if not spec.is_whole_partition:
        bounds = tuple(
            Alias(_bound(name, place.to_attribute(), spec.window, partition), ("",), fresh_id())
            for name in ("min", "max")
        )
        child = Project((*child.output, *bounds), child)
        first, last = (bound.to_attribute() for bound in bounds)
    functions, columns = [], []
    for call, window in windows:
        assert isinstance(window.function, PythonFunction), "only such windows were collected"
        functions.append(_as_window_function(window.function))
        columns.append(Attribute(window.function.name, window.function.type, True, fresh_id()))
        results[call] = columns[-1]
    made = WindowPython(partition, place.to_attribute(), first, last, tuple(functions), tuple(columns), child)
    return Project((*output, *columns), made)


def _numbered(window: WindowExpression) -> WindowExpression:
    order = window.order_by or tuple(SortOrder(key) for key in window.partition_by[:1])
    return WindowExpression(_ROW_NUMBER, window.partition_by, order)


def _bound(name: str, place: Attribute, window: WindowExpression, partition: tuple[Attribute, ...]) -> WindowExpression:
    """The frame's first or last number.  Frames of rows are counted in the order of the numbers: rows with equal keys
    have no other order."""
    order = (SortOrder(place),) if window.frame_type == "rows" else window.order_by
    function = FunctionCall(name, (place,), LONG, True, name)
    return replace(window, function=function, partition_by=partition, order_by=order)


def _as_window_function(function: PythonFunction) -> PythonFunction:
    eval_type = OVER_WINDOW.get(function.eval_type)
    if eval_type is None:
        raise unsupported(f"the Python aggregate function {function.name}, which takes an iterator, over a window")
    return replace(function, eval_type=eval_type)
