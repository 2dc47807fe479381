"""Unresolved plans as short texts, so that a table of expectations can be read at a glance."""

from __future__ import annotations

from typing import Any

from penstock.plan import expressions as ex
from penstock.plan import nodes


def text(item: Any) -> str:
    """`Project[a, +(b, 1)](t)` for a node, `+(b, 1)` for an expression."""
    if isinstance(item, nodes.Node):
        return _node(item)
    return _expression(item)


def _list(items: Any) -> str:
    return ", ".join(_expression(item) for item in items)


def _expression(e: ex.Expression) -> str:
    match e:
        case ex.Literal():
            kind = e.data_type.simpleString()
            return repr(e.value) if kind in ("int", "string", "boolean", "void") else f"{e.value!r}:{kind}"
        case ex.UnresolvedAttribute():
            return ".".join(f"`{p}`" if not p.isidentifier() else p for p in e.parts)
        case ex.UnresolvedStar():
            return ".".join((*e.target, "*"))
        case ex.UnresolvedStarExcept():
            return ".".join((*e.target, "*")) + " EXCEPT " + "/".join(".".join(n) for n in e.excluded)
        case ex.UnresolvedFunction():
            extra = " DISTINCT" * e.distinct + " IGNORE_NULLS" * e.ignore_nulls
            extra += f" FILTER {_expression(e.filter)}" if e.filter else ""
            extra += f" ORDER {_list(e.order_by)}" if e.order_by else ""
            return f"{e.name}({_list(e.args)}){extra}"
        case ex.Alias():
            return f"{_expression(e.child)} AS {'/'.join(e.names)}"
        case ex.Cast():
            return f"{e.mode or 'cast'}({_expression(e.child)} AS {e.data_type.simpleString()})"
        case ex.SortOrder():
            nulls = {None: "", True: " nulls first", False: " nulls last"}[e.nulls_first]
            return _expression(e.child) + ("" if e.ascending else " desc") + nulls
        case ex.UnresolvedExtract():
            return f"{_expression(e.child)}[{_expression(e.extraction)}]"
        case ex.LambdaVariable():
            return f"${e.name}"
        case ex.Lambda():
            return f"({', '.join(p.name for p in e.params)}) -> {_expression(e.body)}"
        case ex.NamedArgument():
            return f"{e.name} => {_expression(e.value)}"
        case ex.SubqueryExpression():
            values = f"{_list(e.values)}; " if e.values else ""
            return f"{e.kind}<{values}{_node(e.plan)}>"
        case ex.WindowExpression():
            frame = f" {e.frame_type} {_bound(e.lower)}..{_bound(e.upper)}" if e.frame_type else ""
            return f"{_expression(e.function)} OVER [{_list(e.partition_by)} | {_list(e.order_by)}{frame}]"
        case ex.PythonFunction():
            return f"python:{e.name}({_list(e.args)})"
        case ex.UnresolvedRegex():
            return f"/{e.pattern}/"
        case ex.UpdateFields():
            return f"{_expression(e.struct)}.{e.field_name}={_expression(e.value) if e.value else 'dropped'}"
    raise AssertionError(e)


def _bound(bound: ex.FrameBound | None) -> str:
    assert bound is not None
    return bound.kind + (f"({_expression(bound.value)})" if bound.value else "")


def _node(n: nodes.Node) -> str:
    below = "; ".join(_node(child) for child in n.children)
    match n:
        case nodes.OneRow():
            return "OneRow"
        case nodes.UnresolvedTable():
            return ".".join(n.parts)
        case nodes.Values():
            return "Values[" + "; ".join(_list(row) for row in n.rows) + "]"
        case nodes.TableFunction():
            return f"{n.name}!({_list(n.args)})"
        case nodes.Range():
            return f"Range[{n.start}, {n.end}, {n.step}]"
        case nodes.Project():
            detail = _list(n.expressions)
        case nodes.Filter():
            detail = _expression(n.condition)
        case nodes.Aggregate():
            keys = _list(n.grouping)
            sets = f" {n.sets}" if n.sets else ""
            detail = f"{'' if n.kind == 'groupby' else n.kind + ' '}{keys}{sets} | {_list(n.aggregates)}"
        case nodes.Sort():
            detail = _list(n.order) + ("" if n.is_global else " local")
        case nodes.Limit() | nodes.Offset() | nodes.Tail():
            detail = str(n.count)
        case nodes.SubqueryAlias():
            detail = n.alias + (f"({', '.join(n.column_names)})" if n.column_names else "")
        case nodes.Join():
            detail = ("natural " if n.natural else "") + ("lateral " if n.lateral else "") + n.kind
            detail += f" using {'/'.join(n.using)}" if n.using else ""
            detail += f" on {_expression(n.condition)}" if n.condition else ""
        case nodes.SetOperation():
            detail = n.kind + (" all" if n.is_all else "") + (" by name" if n.by_name else "")
        case nodes.With():
            detail = ", ".join(n.names)
        case nodes.Generate():
            detail = f"{_expression(n.generator)}{' outer' if n.outer else ''} {n.alias}({', '.join(n.column_names)})"
        case nodes.Hint():
            detail = f"{n.name}({_list(n.parameters)})"
        case nodes.Repartition():
            detail = f"{n.count or ''} {_list(n.expressions)}".strip()
        case nodes.Sample():
            detail = f"{n.lower}..{n.upper}"
        case _:
            detail = ""
    return f"{type(n).__name__}{f'[{detail}]' if detail else ''}({below})"
