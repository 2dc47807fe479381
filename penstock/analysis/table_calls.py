"""Calls of Python table functions: their arguments resolved, their columns known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import sql_id
from penstock.analysis.expressions import resolve_value
from penstock.analysis.leaves import attributes_of
from penstock.analysis.nodes import resolve_node
from penstock.analysis.scope import Scope
from penstock.core.errors import analysis_error
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    NamedArgument,
    PythonFunction,
    SortOrder,
    SubqueryExpression,
    fresh_id,
)
from penstock.plan.nodes import Node, OneRow, Project, Sort, named_output
from penstock.plan.table_functions import CallTable, EvalTable, PythonTableFunction, TableArgument, TableRow
from penstock.plan.types import StructType
from penstock.pyfn.table_analysis import Analyzed, Given, analyze_call
from penstock.sql import parse_expression
from penstock.translate.projects import is_deterministic


@dataclass(frozen=True)
class _Table:
    """A table argument with everything resolved but its partitioning."""

    plan: Node
    argument: TableArgument


def resolve_call_table(node: CallTable, context: AnalysisContext) -> Node:
    """`function(...)` in FROM.  Without a table argument it is called once (for each row of the left side of a lateral
    join), else once for each row of the table."""
    function = node.function
    _check_names(function.name, node.args)
    tables = [value for value in map(_value, node.args) if isinstance(value, TableArgument)]
    if len(tables) > 1:
        message = f"The table function {function.name} is called with {len(tables)} tables, but can take one."
        raise analysis_error("TABLE_VALUED_FUNCTION_TOO_MANY_TABLE_ARGUMENTS", message, "54023", num=len(tables))
    table = _resolve_table(tables[0], context) if tables else None
    scope = Scope(context)
    args = tuple(arg if isinstance(_value(arg), TableArgument) else _scalar(arg, scope) for arg in node.args)
    analyzed = None
    if function.return_type is None:
        analyzed = analyze_call(function, [_given(arg, table, context) for arg in args])
        table = _as_asked(function, table, analyzed)
    schema = analyzed.schema if analyzed is not None else function.return_type
    assert schema is not None, "analyze gives one"
    pickled = analyzed.pickled if analyzed is not None else None
    return _eval_table(function, args, table, analyzed, context, schema, pickled)


def _eval_table(
    function: PythonTableFunction,
    args: Sequence[Expression],
    table: _Table | None,
    analyzed: Analyzed | None,
    context: AnalysisContext,
    schema: StructType,
    pickled: bytes | None,
) -> EvalTable:
    columns = attributes_of(schema)
    if table is None:
        return EvalTable(function, tuple(args), OneRow(), columns, analyzed=pickled)
    child, row, indexes = _partitioned(table, analyzed, context)
    given = tuple(_with_value(arg, row) if isinstance(_value(arg), TableArgument) else arg for arg in args)
    return EvalTable(function, given, child, columns, indexes, pickled)


# ---------------------------------------------------------------- arguments


def _value(arg: Expression) -> Expression:
    return arg.value if isinstance(arg, NamedArgument) else arg


def _with_value(arg: Expression, value: Expression) -> Expression:
    return replace(arg, value=value) if isinstance(arg, NamedArgument) else value


def _scalar(arg: Expression, scope: Scope) -> Expression:
    return _with_value(arg, resolve_value(_value(arg), scope))


def _check_names(function: str, args: Sequence[Expression]) -> None:
    """Arguments by name come last, each once."""
    seen: set[str] = set()
    for index, arg in enumerate(args):
        if isinstance(arg, NamedArgument):
            if arg.name in seen:
                message = f"The call of {function} gives the argument {arg.name} twice."
                condition = "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"
                names = {"routineName": sql_id([function]), "parameterName": sql_id([arg.name])}
                raise analysis_error(condition, message, "4274K", **names)
            seen.add(arg.name)
        elif seen:
            last = args[index - 1]
            assert isinstance(last, NamedArgument), "the first one after a named argument was met here"
            message = f"The call of {function} has an argument without a name after {last.name} => ...."
            names = {"routineName": sql_id([function]), "parameterName": sql_id([last.name])}
            raise analysis_error("UNEXPECTED_POSITIONAL_ARGUMENT", message, "4274K", **names)


def _resolve_table(argument: TableArgument, context: AnalysisContext) -> _Table:
    """The table sees nothing of the query around it but its WITH clause."""
    inner = replace(context, outer=None)
    plan = resolve_node(argument.plan, inner)
    scope = Scope(inner, plan)
    partition_by = tuple(resolve_value(e, scope) for e in argument.partition_by)
    order_by = tuple(SortOrder(resolve_value(o.child, scope), o.ascending, o.nulls_first) for o in argument.order_by)
    return _Table(plan, replace(argument, plan=plan, partition_by=partition_by, order_by=order_by))


# ---------------------------------------------------------------- what `analyze` is told, and what it asks for


def _given(arg: Expression, table: _Table | None, context: AnalysisContext) -> Given:
    name = arg.name if isinstance(arg, NamedArgument) else None
    value = _value(arg)
    if isinstance(value, TableArgument):
        assert table is not None
        return Given(table.plan.schema, None, is_table=True, is_constant=False, name=name)
    if not _is_constant(value):
        return Given(value.type, None, is_table=False, is_constant=False, name=name)
    return Given(value.type, _constant(value, context), is_table=False, is_constant=True, name=name)


def _is_constant(value: Expression) -> bool:
    if any(isinstance(e, (Attribute, SubqueryExpression, PythonFunction)) for e in value.walk()):
        return False
    return is_deterministic(value)


def _constant(value: Expression, context: AnalysisContext) -> Any:
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    plan = Project((Alias(value, ("value",), fresh_id()),), OneRow())
    return ArrowTableToRowsConversion.convert(context.collected(plan), plan.schema)[0][0]


def _as_asked(function: PythonTableFunction, table: _Table | None, analyzed: Analyzed) -> _Table | None:
    """The table partitioned and ordered as the result of `analyze` says."""
    asks = analyzed.single_partition or bool(analyzed.partition_by)
    if table is None or not asks:
        if table is not None and analyzed.order_by:
            raise _invalid_metadata(
                function, "specified an ordering of the input table, but no partitioning of it; please ask for one"
            )
        return table
    if analyzed.single_partition and analyzed.partition_by:
        raise _invalid_metadata(
            function, "specified withSinglePartition and partitionBy together; please ask for one of them"
        )
    if table.argument.single_partition or table.argument.partition_by:
        message = (
            f"The table function {function.name} says itself how its table is partitioned: leave WITH SINGLE PARTITION "
            "and PARTITION BY out of the call."
        )
        raise analysis_error(
            "TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INCOMPATIBLE_WITH_CALL",
            message,
            "22023",
            functionName=function.name,
            requestedMetadata="specified its own required partitioning of the input table",
            invalidFunctionCallProperty="specified the WITH SINGLE PARTITION or PARTITION BY clause; "
            "please remove these clauses and retry the query again.",
        )
    return table


def _invalid_metadata(function: PythonTableFunction, reason: str) -> Exception:
    message = f"The method analyze of the table function {function.name} {reason}."
    params = {"functionName": function.name, "reason": f"{reason}."}
    return analysis_error("TABLE_VALUED_FUNCTION_REQUIRED_METADATA_INVALID", message, "22023", **params)


# ---------------------------------------------------------------- the rows of the table


def _partitioned(
    table: _Table, analyzed: Analyzed | None, context: AnalysisContext
) -> tuple[Node, TableRow, tuple[int, ...]]:
    """The table's rows in order, what the function gets of each, and at which of its columns partitions end: those
    that PARTITION BY computes stand behind the table's own."""
    scope = Scope(replace(context, outer=None), table.plan)
    keys, order = table.argument.partition_by, table.argument.order_by
    selected: tuple[Expression, ...] = table.plan.output
    if analyzed is not None:
        keys = keys or tuple(_parsed(text, scope) for text in analyzed.partition_by)
        asked = (SortOrder(_parsed(o.name, scope), o.ascending, o.nulls_first) for o in analyzed.order_by)
        order = order or tuple(asked)
        selected = tuple(_selected(s.name, s.alias, scope) for s in analyzed.select) or selected
    computed = tuple(Alias(key, (f"partition_by_{i}",), fresh_id()) for i, key in enumerate(keys))
    sort = (*(SortOrder(alias.child) for alias in computed), *order)
    child: Node = Sort(sort, table.plan) if sort else table.plan
    child = Project((*selected, *computed), child)
    start = len(selected)
    row = TableRow(named_output((*selected, *computed)))
    return child, row, tuple(range(start, start + len(computed)))


def _parsed(text: str, scope: Scope) -> Expression:
    return resolve_value(parse_expression(text), scope)


def _selected(text: str, alias: str, scope: Scope) -> Expression:
    value = _parsed(text, scope)
    if alias:
        return Alias(value, (alias,), fresh_id())
    if isinstance(value, Attribute):
        return value
    message = f"The expression {text} in `select` of a table function's analyze needs an alias."
    params = {"expression": text}
    raise analysis_error("UDTF_INVALID_REQUESTED_SELECTED_EXPRESSION_FROM_ANALYZE_METHOD_REQUIRES_ALIAS", message,
                         "42802", **params)  # fmt: skip
