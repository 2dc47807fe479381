"""Plans and expressions as text, in the shape of Spark's explain: `Project [a#1L, (a#1L + 1) AS b#2L]`.

Unresolved names and nodes bear a leading `'`, as in Spark.  The text is for people: nothing parses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.plan import nodes as n
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
    UpdateFields,
    WindowExpression,
)
from penstock.plan.session_nodes import ExpandSessions, MergeSessions
from penstock.plan.types import LongType

_OPERATORS = {
    "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "div": "div", "==": "=", "<=>": "<=>", "<": "<", "<=": "<=",
    ">": ">", ">=": ">=", "and": "AND", "or": "OR", "&": "&", "|": "|", "^": "^",
}  # fmt: skip


def explain(parsed: n.Node, analyzed: n.Node, executed: str = "") -> str:
    """The extended explanation: the plan as the program wrote it, as analysis resolved it, and what runs."""
    sections = [
        ("Parsed Logical Plan", tree(parsed)),
        ("Analyzed Logical Plan", analyzed_plan(analyzed)),
        ("Optimized Logical Plan", tree(analyzed)),  # there is no optimizer of plans: the engine optimizes the SQL
    ]
    if executed:
        sections.append(("Physical Plan", executed.rstrip("\n") + "\n"))
    return "\n".join(f"== {title} ==\n{text}" for title, text in sections)


def explain_cost(analyzed: n.Node, executed: str) -> str:
    """The plan with what is known of its size, and what runs.  Only local rows have a known size; elsewhere it is
    Spark's own word for unknown."""
    lines = tree(analyzed).splitlines()
    sizes = [f", Statistics(sizeInBytes={_size(node)})" for node in analyzed.walk()]
    shown = [line + size for line, size in zip(lines, sizes, strict=True)] if len(lines) == len(sizes) else lines
    return f"== Optimized Logical Plan ==\n{chr(10).join(shown)}\n\n== Physical Plan ==\n{executed}\n"


def _size(node: n.Node) -> str:
    return f"{node.table.nbytes} B" if isinstance(node, n.LocalData) else "8.0 EiB"


def analyzed_plan(plan: n.Node) -> str:
    """The output columns on one line, then the tree."""
    columns = ", ".join(f"{a.name}: {a.type.simpleString()}" for a in plan.output)
    return f"{columns}\n{tree(plan)}"


def tree(plan: n.Node) -> str:
    """One line a node, inputs indented below with `+-` and `:-`."""
    return draw(plan, describe, lambda node: node.children)


def draw(plan: n.Node, line: Callable[[n.Node], str], inputs: Callable[[n.Node], Sequence[n.Node]]) -> str:
    """The tree under `plan`: `line` of each node, its `inputs` indented below."""
    lines: list[str] = []
    todo: list[tuple[n.Node, str, str]] = [(plan, "", "")]
    while todo:
        node, lead, indent = todo.pop()
        lines.append(lead + line(node))
        children = inputs(node)
        below = [
            (child, indent + ("+- " if last else ":- "), indent + ("   " if last else ":  "))
            for i, child in enumerate(children)
            for last in (i == len(children) - 1,)
        ]
        todo.extend(reversed(below))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- nodes


def describe(node: n.Node) -> str:
    """One node without its inputs."""
    show = _NODES.get(type(node))
    return type(node).__name__ if show is None else show(node)


def _list(expressions: Sequence[Expression]) -> str:
    return f"[{', '.join(show_expression(e) for e in expressions)}]"


def _leaf(name: str, node: n.Node) -> str:
    return f"{name} {_list(node.output)}" if node.output else f"'{name}"


def _read(node: n.Read) -> str:
    kind = "StreamingRelation" if node.streaming else "Relation"
    columns = ",".join(show_expression(a) for a in node.columns)
    return f"{kind} [{columns}] {node.format}" if node.relation is not None else f"'{kind} {node.format}"


def _aggregate(node: n.Aggregate) -> str:
    kind = "" if node.kind == "groupby" else f"{node.kind} "
    return f"Aggregate {kind}{_list(node.grouping)}, {_list(node.aggregates)}"


def _generate(node: n.Generate) -> str:
    return f"Generate {show_expression(node.generator)}, {str(node.outer).lower()}, {_list(node.generated)}"


def _windows(node: n.ExpandWindows) -> str:
    spans = ", ".join(f"{us} us" for us in (node.duration_us, node.slide_us, node.start_us))
    return f"ExpandWindows {show_expression(node.time)}, {spans}, {show_expression(node.window)}"


def _sessions(node: ExpandSessions) -> str:
    return f"ExpandSessions {', '.join(map(show_expression, (node.time, node.gap, node.window)))}"


def _join(node: n.Join) -> str:
    kind = {"left": "LeftOuter", "right": "RightOuter", "full": "FullOuter", "semi": "LeftSemi", "anti": "LeftAnti"}
    condition = "" if node.condition is None else f", {show_expression(node.condition)}"
    using = f", using [{', '.join(node.using)}]" if node.using and node.condition is None else ""
    return f"Join {kind.get(node.kind, node.kind.capitalize())}{condition}{using}"


def _set_operation(node: n.SetOperation) -> str:
    return f"{node.kind.capitalize()} {'All' if node.is_all else 'Distinct'}"


def _watermark(node: n.Watermark) -> str:
    column = f"'{node.column_name}" if node.column is None else show_expression(node.column)
    return f"EventTimeWatermark {column}, {node.delay_us // 1000} ms"


def _deduplicate(node: n.Deduplicate) -> str:
    name = "DeduplicateWithinWatermark" if node.within_watermark else "Deduplicate"
    return f"{name} {_list(node.keys)}" if node.keys else f"'{name} [{', '.join(node.column_names)}]"


_NODES: dict[type[n.Node], Callable[[Any], str]] = {
    n.Aggregate: _aggregate,
    n.Deduplicate: _deduplicate,
    n.ExpandWindows: _windows,
    ExpandSessions: _sessions,
    MergeSessions: lambda node: f"MergeSessions {_list(node.keys)}, {show_expression(node.window)}",
    n.Filter: lambda node: f"Filter {show_expression(node.condition)}",
    n.Generate: _generate,
    n.Hint: lambda node: f"ResolvedHint (strategy={node.name.lower()})",
    n.Join: _join,
    n.Limit: lambda node: f"GlobalLimit {node.count}",
    n.LocalData: lambda node: _leaf("LocalRelation", node),
    n.Offset: lambda node: f"Offset {node.count}",
    n.OneRow: lambda node: "OneRowRelation",
    n.Project: lambda node: f"Project {_list(node.expressions)}",
    n.Range: lambda node: f"Range ({node.start}, {node.end}, step={node.step})",
    n.Read: _read,
    n.SetOperation: _set_operation,
    n.Sort: lambda node: f"Sort {_list(node.order)}, {str(node.is_global).lower()}",
    n.SubqueryAlias: lambda node: f"SubqueryAlias {node.alias}",
    n.UnresolvedTable: lambda node: f"'UnresolvedRelation [{', '.join(node.parts)}]",
    n.Watermark: _watermark,
    n.WithColumns: lambda node: f"'WithColumns {_list(node.aliases)}",
}


# ---------------------------------------------------------------- expressions


def show_expression(e: Expression) -> str:
    """One expression; resolved columns as `name#id` (`L` marks BIGINT)."""
    show = _EXPRESSIONS.get(type(e))
    return type(e).__name__ if show is None else show(e)


def _attribute(e: Attribute) -> str:
    return f"{e.name}#{e.id}{'L' if isinstance(e.type, LongType) else ''}"


def _alias(e: Alias) -> str:
    names = e.names[0] if len(e.names) == 1 else f"({', '.join(e.names)})"
    return f"{show_expression(e.child)} AS {names}" + (f"#{e.id}" if e.id else "")


def _cast(e: Cast) -> str:
    word = "try_cast" if e.mode == "try" else "cast"
    return f"{word}({show_expression(e.child)} as {e.data_type.simpleString()})"


def _call(e: FunctionCall | UnresolvedFunction) -> str:
    args = [show_expression(arg) for arg in e.args]
    mark = "'" if isinstance(e, UnresolvedFunction) else ""
    if e.name in _OPERATORS and len(args) == 2:
        return f"{mark}({args[0]} {_OPERATORS[e.name]} {args[1]})"
    if e.name == "not":
        return f"{mark}NOT {args[0]}"
    distinct = "distinct " if e.distinct else ""
    text = f"{mark}{e.name}({distinct}{', '.join(args)})"
    return text if e.filter is None else f"{text} FILTER (WHERE {show_expression(e.filter)})"


def _sort_order(e: SortOrder) -> str:
    nulls = "FIRST" if e.puts_nulls_first else "LAST"
    return f"{show_expression(e.child)} {'ASC' if e.ascending else 'DESC'} NULLS {nulls}"


def _window(e: WindowExpression) -> str:
    partition = ", ".join(show_expression(p) for p in e.partition_by)
    order = ", ".join(show_expression(o) for o in e.order_by)
    frame = f", {e.frame_type} {_bound(e.lower)} to {_bound(e.upper)}" if e.frame_type else ""
    return f"{show_expression(e.function)} windowspecdefinition({partition}; {order}{frame})"


def _bound(bound: FrameBound | None) -> str:
    if bound is None:
        return "current row"
    value = "" if bound.value is None else f"{show_expression(bound.value)} "
    return value + bound.kind.replace("_", " ")


def _subquery(e: SubqueryExpression) -> str:
    values = ", ".join(show_expression(v) for v in e.values)
    return f"{values} IN (subquery)" if e.kind == "in" else f"{e.kind}-subquery"


def _lambda(e: Lambda) -> str:
    return f"lambdafunction({show_expression(e.body)}, {', '.join(p.name for p in e.params)})"


_EXPRESSIONS: dict[type[Expression], Callable[[Any], str]] = {
    Alias: _alias,
    Attribute: _attribute,
    Cast: _cast,
    FunctionCall: _call,
    GetField: lambda e: f"{show_expression(e.child)}.{e.field_name}",
    Lambda: _lambda,
    LambdaVariable: lambda e: f"lambda {e.name}",
    Literal: lambda e: "null" if e.value is None else str(e.value),
    NamedArgument: lambda e: f"{e.name} => {show_expression(e.value)}",
    PythonFunction: lambda e: f"{e.name}({', '.join(show_expression(arg) for arg in e.args)})",
    SortOrder: _sort_order,
    SubqueryExpression: _subquery,
    UnresolvedAttribute: lambda e: "'" + ".".join(e.parts),
    UnresolvedExtract: lambda e: f"'{show_expression(e.child)}[{show_expression(e.extraction)}]",
    UnresolvedFunction: _call,
    UnresolvedRegex: lambda e: f"'{e.pattern}",
    UnresolvedStar: lambda e: ".".join((*e.target, "*")),
    UpdateFields: lambda e: f"update_fields({show_expression(e.struct)}, {e.field_name})",
    WindowExpression: _window,
}
