"""Functions in FROM: range(...), and the explode family (also LATERAL VIEW, through Generate)."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id
from penstock.analysis.expressions import resolve_expression, resolve_value
from penstock.analysis.generators import make_generate
from penstock.analysis.hidden import expose
from penstock.analysis.kinds import is_generator
from penstock.analysis.leaves import resolve_range
from penstock.analysis.scope import Scope
from penstock.core.errors import analysis_error
from penstock.functions import resolve
from penstock.functions.table import exists, lookup
from penstock.plan.expressions import Cast, Expression, FunctionCall, Literal
from penstock.plan.nodes import Generate, Node, OneRow, Project, Range, TableFunction
from penstock.plan.table_functions import CallTable

_WORKER_LOGS = "spark.sql.pyspark.worker.logging.enabled"


def resolve_table_function(node: TableFunction, context: AnalysisContext) -> Node:
    """`range(end)`, `range(start, end[, step[, partitions]])`, or a generator over one row."""
    scope = Scope(context)
    name = node.name.lower()
    if (registered := context.table_functions.get(name)) is not None and not (name == "range" or exists(name)):
        return resolve_call(CallTable(registered, node.args), context)
    if name != "range" and not exists(name) and (defined := context.sql_function(name)) is not None:
        from penstock.analysis.nodes import resolve_node  # it uses this module
        from penstock.analysis.sql_functions import inlined_query

        return resolve_node(inlined_query(defined, node.args), context)
    args = tuple(resolve_value(arg, scope) for arg in node.args)
    if name == "range":
        return resolve_range(_range(args), context)
    if name == "python_worker_logs":
        raise analysis_error(
            "FEATURE_NOT_ENABLED", "Python worker logging is not enabled (there are no workers here).", "56038",
            featureName="Python worker logging", configKey=_WORKER_LOGS, configValue="true",
        )  # fmt: skip
    if not exists(name) or lookup(name).kind != "generator":
        raise fail("UNRESOLVABLE_TABLE_VALUED_FUNCTION", name=sql_id([node.name]))
    generate = make_generate(resolve(name, args, conf=context.conf), OneRow(), ())
    return Project(generate.generated, generate)


def resolve_call(node: CallTable, context: AnalysisContext) -> Node:
    """A Python table function."""
    from penstock.analysis.table_calls import resolve_call_table  # the analyzer of plans, which uses this module

    return resolve_call_table(node, context)


def _range(args: tuple[Expression, ...]) -> Range:
    numbers = [_whole(arg) for arg in args]
    if not 1 <= len(numbers) <= 4:
        raise fail("UNRESOLVABLE_TABLE_VALUED_FUNCTION", name="`range`")
    if len(numbers) == 1:
        return Range(0, numbers[0])
    return Range(numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 1)


def _whole(arg: Expression) -> int:
    sign = 1
    if isinstance(arg, FunctionCall) and arg.name == "negative":
        sign, arg = -1, arg.args[0]
    if isinstance(arg, Cast):
        arg = arg.child
    if not isinstance(arg, Literal) or arg.value is None:
        raise fail("UNRESOLVABLE_TABLE_VALUED_FUNCTION", name="`range`")
    return sign * int(arg.value)


def resolve_generate(node: Generate, context: AnalysisContext) -> Node:
    """LATERAL VIEW: a generator over the columns to its left."""
    scope = Scope(context, node.child)
    call = resolve_expression(node.generator, scope)
    if not is_generator(call):
        raise fail("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", plan="LATERAL VIEW")
    child = expose(node.child, tuple(scope.missing.values()))
    made = make_generate(call, child, node.column_names, outer=node.outer, alias=node.alias)
    return replace(made, column_names=node.column_names)
