"""A plan cut at its Python nodes: each becomes a step between SELECTs, whose rows the rest reads as an Input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from penstock.core.config import Conf
from penstock.core.errors import unsupported
from penstock.core.recursion import allow_deep_plans
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    Literal,
    NamedArgument,
    PythonFunction,
    SubqueryExpression,
    fresh_id,
)
from penstock.plan.nodes import Node, Project, Sort
from penstock.plan.python_nodes import AggregatePython, CoGroupMap, EvalPython, GroupMap, MapPartitions, WindowPython
from penstock.plan.table_functions import EvalTable, TableRow
from penstock.plan.types import BOOLEAN, StructType
from penstock.pyfn.calls import Argument, Call, refuse_profiler
from penstock.pyfn.extract import PYTHON_NODES, extract, holds_python
from penstock.pyfn.rewriting import map_expressions
from penstock.pyfn.table_functions import RunTable, TableCall
from penstock.pyfn.tasks import CoGroupTask, FoldGroups, MapGroups, MapRows, Query, RowFunctions, Task
from penstock.pyfn.window_task import FoldFrames
from penstock.translate import to_sql
from penstock.translate.context import TranslateContext
from penstock.translate.nodes import Input
from penstock.translate.pruning import free_attributes, referenced_attributes


@dataclass(frozen=True)
class Prepared:
    """A Python node ready to run: the plans of its inputs, what is done with their rows, the columns that come out."""

    inputs: tuple[Node, ...]
    task: Task
    output: tuple[Attribute, ...]


@dataclass(frozen=True)
class PythonStep:
    """One step of a batch query: its rows are to be readable under `name` for what comes after."""

    name: str
    selects: tuple[str, ...]
    task: Task

    def run(self, query: Query) -> pa.Table:
        """The step's rows; `query` runs a SELECT in which the steps before are visible."""
        made = self.task.run([query(sql, {}) for sql in self.selects], query)
        # the engine reads no table without a column
        return made if made.num_columns else made.append_column("c0", pa.nulls(made.num_rows, pa.int32()))

    def __str__(self) -> str:
        return f"{self.name} := Python {', '.join(self.task.names)} over {'; '.join(self.selects)}"


def split(plan: Node, context: TranslateContext) -> tuple[Node, tuple[PythonStep, ...]]:
    """A plan for `to_sql`, and the steps that have to run before, in order; () for a plan without Python functions."""
    if not holds_python(plan):
        return plan, ()
    allow_deep_plans()
    steps: list[PythonStep] = []
    return _split(plan, context, steps), tuple(steps)


def _split(plan: Node, context: TranslateContext, steps: list[PythonStep]) -> Node:
    plan = extract(plan)
    required = referenced_attributes(plan)

    def place(node: Node) -> Node:
        prepared = prepare(node, required, context.conf)
        if prepared is None:
            return node.children[0]
        name = context.unique("python")
        selects = tuple(to_sql(one, context) for one in prepared.inputs)
        steps.append(PythonStep(name, selects, prepared.task))
        return Input(name, prepared.output)

    return cut(plan, place, lambda inner: _split(inner, context, steps))


def cut(plan: Node, place: Callable[[Node], Node], split_subquery: Callable[[Node], Node] | None = None) -> Node:
    """An extracted plan with each Python node replaced by what `place` gives for it, from the bottom up; subqueries
    with Python functions are left to `split_subquery`."""

    def subqueries(expression: Expression) -> Expression:
        if isinstance(expression, SubqueryExpression) and holds_python(expression.plan):
            assert split_subquery is not None, "asked for below"
            return replace(expression, plan=split_subquery(expression.plan))
        return expression

    def visit(node: Node) -> Node:
        if split_subquery is not None:
            node = map_expressions(node, lambda e: e if type(e) is Attribute else e.transform(subqueries))
        return place(node) if isinstance(node, PYTHON_NODES) else node

    return plan.transform(visit)


def prepare(node: Node, required: set[int], conf: Conf) -> Prepared | None:
    """How a Python node runs, given the columns that are needed; None when nothing of what it makes is.

    Its inputs hold no Python nodes any more."""
    if free_attributes(node):
        raise unsupported("a Python function in a correlated subquery")
    refuse_profiler(conf)
    match node:
        case EvalPython():
            return _rows(node, required, conf)
        case MapPartitions():
            return _map(node, conf)
        case GroupMap():
            return _groups(node, conf)
        case CoGroupMap():
            return _co_groups(node, conf)
        case AggregatePython():
            return _aggregate(node, required, conf)
        case WindowPython():
            return _window(node, required, conf)
        case EvalTable():
            return _table(node, required, conf)
    if (found := _REGISTERED.get(type(node))) is not None:
        return found(node, conf)
    raise unsupported(f"{type(node).__name__} as a step of a query")


_REGISTERED: dict[type[Node], Callable[[Node, Conf], Prepared]] = {}


def prepare_by(kind: type[Node], prepare_node: Callable[[Node, Conf], Prepared]) -> None:
    """Nodes of this kind, which need more than this package knows, are prepared by this function."""
    _REGISTERED[kind] = prepare_node


def _rows(node: EvalPython, required: set[int], conf: Conf) -> Prepared | None:
    wanted = [(f, r) for f, r in zip(node.functions, node.results, strict=True) if r.id in required]
    if not wanted:
        return None
    kept = tuple(a for a in node.child.output if a.id in required)
    arguments = _Arguments(kept)
    calls = [arguments.call(function, result) for function, result in wanted]
    task = RowFunctions(kept, tuple(calls), conf)
    return Prepared((arguments.project(node.child),), task, (*kept, *(result for _, result in wanted)))


def _map(node: MapPartitions, conf: Conf) -> Prepared:
    arguments = _Arguments()
    call = arguments.call(node.function, *node.columns)
    return Prepared((arguments.project(node.child),), MapRows(call, conf), node.columns)


def _groups(node: GroupMap, conf: Conf) -> Prepared:
    keys = _attributes(node.grouping)
    arguments = _Arguments(keys)
    call = arguments.call(node.function, *node.columns)
    child = Sort(node.order, node.child) if node.order else node.child
    return Prepared((arguments.project(child),), MapGroups(keys, call, conf), node.columns)


def _co_groups(node: CoGroupMap, conf: Conf) -> Prepared:
    left_ids = {a.id for a in node.left.output}
    columns = _attributes(node.function.args)
    sides = []
    for is_left, keys, child in ((True, node.left_grouping, node.left), (False, node.right_grouping, node.right)):
        arguments = _Arguments(_attributes(keys))
        own = tuple(a for a in columns if (a.id in left_ids) is is_left)
        call = arguments.call(replace(node.function, args=own), *node.columns)
        sides.append((_attributes(keys), call, arguments.project(child)))
    (left_keys, left, left_input), (right_keys, right, right_input) = sides
    task = CoGroupTask(left_keys, right_keys, left, right, conf)
    return Prepared((left_input, right_input), task, node.columns)


def _aggregate(node: AggregatePython, required: set[int], conf: Conf) -> Prepared:
    """The functions that are needed; where there are no keys either, all of them, so that rows can be counted."""
    arguments = _Arguments(node.keys)
    wanted = [(f, r) for f, r in zip(node.functions, node.results, strict=True) if r.id in required or not node.keys]
    task = FoldGroups(node.keys, tuple(arguments.call(f, r) for f, r in wanted), conf)
    return Prepared((arguments.project(node.child),), task, (*node.keys, *(r for _, r in wanted)))


def _table(node: EvalTable, required: set[int], conf: Conf) -> Prepared:
    kept = tuple(a for a in node.kept if a.id in required)
    arguments = _Arguments(kept)
    values = [arg.value if isinstance(arg, NamedArgument) else arg for arg in node.args]
    given = [value.columns if isinstance(value, TableRow) else (value,) for value in values]
    call = TableCall(
        node.function,
        tuple(tuple(arguments.argument(part) for part in parts) for parts in given),
        tuple(arg.name if isinstance(arg, NamedArgument) else None for arg in node.args),
        next((i for i, value in enumerate(values) if isinstance(value, TableRow)), None),
        node.partition_columns,
        node.analyzed,
        StructType([a.to_field() for a in node.columns]),
        node.columns,
    )
    output = (*kept, *node.columns, *node.origin)
    return Prepared((arguments.project(node.child),), RunTable(kept, call, node.origin, conf), output)


def _window(node: WindowPython, required: set[int], conf: Conf) -> Prepared | None:
    wanted = [(f, r) for f, r in zip(node.functions, node.results, strict=True) if r.id in required]
    if not wanted:
        return None
    kept = tuple(a for a in node.child.output if a.id in required)
    bounds = tuple(a for a in (node.first, node.last) if a is not None)
    arguments = _Arguments((*kept, *node.keys, node.place, *bounds))
    calls = tuple(arguments.call(function, result) for function, result in wanted)
    task = FoldFrames(kept, node.keys, node.place, bounds, calls, conf)
    return Prepared((arguments.project(node.child),), task, (*kept, *(result for _, result in wanted)))


def _attributes(expressions: Sequence[Expression]) -> tuple[Attribute, ...]:
    return tuple(e for e in expressions if isinstance(e, Attribute))


def _one() -> Alias:
    return Alias(Literal(True, BOOLEAN), ("_",), fresh_id())


class _Arguments:
    """The columns that a step reads: those that it hands on, and one for each different argument."""

    def __init__(self, kept: tuple[Attribute, ...] = ()) -> None:
        self._columns: dict[Expression, Attribute] = {a: a for a in kept}
        self._items: list[Expression] = list(dict.fromkeys(kept))

    def call(self, function: PythonFunction, *results: Attribute) -> Call:
        """The function with its arguments as columns."""
        return Call(
            function.name,
            function.command,
            function.eval_type,
            tuple(self.argument(arg) for arg in function.args),
            function.data_type,
            results,
        )

    def argument(self, expression: Expression) -> Argument:
        """The column that holds an argument's values."""
        keyword = expression.name if isinstance(expression, NamedArgument) else None
        value = expression.value if isinstance(expression, NamedArgument) else expression
        if value not in self._columns:
            self._columns[value] = value if isinstance(value, Attribute) else self._computed(value)
            if isinstance(value, Attribute):
                self._items.append(value)
        column = self._columns[value]
        name = value.name if isinstance(value, Attribute) else column.name
        return Argument(column.sql_name, name, column.type, column.nullable, keyword)

    def _computed(self, value: Expression) -> Attribute:
        alias = Alias(value, ("_",), fresh_id())
        self._items.append(alias)
        return alias.to_attribute()

    def project(self, child: Node) -> Node:
        """The input of the step; it has a column where only the rows count."""
        return Project(tuple(self._items) or (_one(),), child)
