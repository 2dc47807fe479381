"""The name of a column that nobody named: Spark's pretty SQL text of its expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from penstock.functions.literals import literal_name
from penstock.functions.type_names import type_sql
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
)  # fmt: skip
from penstock.plan.types import (
    ArrayType,
    ByteType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StructType,
)  # fmt: skip

if TYPE_CHECKING:
    from penstock.functions.table import Function

_INFIX = {
    "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "div": "div", "==": "=", "=": "=", "<=>": "<=>", "<": "<",
    "<=": "<=", ">": ">", ">=": ">=", "and": "AND", "or": "OR", "&": "&", "|": "|", "^": "^", "<<": "<<", ">>": ">>",
    ">>>": ">>>",
}  # fmt: skip


def display_name(e: Expression) -> str:
    """Spark's display name: `(a + 1)`, `sum(x)`, `CAST(a AS BIGINT)`; implicit casts do not show."""
    for kind, show in _SHOW:
        if isinstance(e, kind):
            return show(e)
    return str(e)


def _all(expressions: Sequence[Expression]) -> list[str]:
    return [display_name(e) for e in expressions]


def _cast(e: Cast) -> str:
    if e.implicit or isinstance(e.data_type, (ArrayType, MapType, StructType)):  # Spark loses the latter on its way
        return display_name(e.child)
    word = "TRY_CAST" if e.mode == "try" else "CAST"
    return f"{word}({display_name(e.child)} AS {type_sql(e.data_type)})"


def _field(e: GetField) -> str:
    is_window = isinstance(e.child, FunctionCall) and e.child.name == "window"  # a column of its own by then
    return f"{'window' if is_window else display_name(e.child)}.{e.field_name}"


def _lambda(e: Lambda) -> str:
    return f"lambdafunction({', '.join([display_name(e.body), *('namedlambdavariable()' for _ in e.params)])})"


def _sort_order(e: SortOrder) -> str:
    nulls = "FIRST" if e.puts_nulls_first else "LAST"
    return f"{display_name(e.child)} {'ASC' if e.ascending else 'DESC'} NULLS {nulls}"


def _function(e: FunctionCall | UnresolvedFunction) -> str:
    row = _row(e.name)
    texts = _all(e.args)
    name = (e.display if isinstance(e, FunctionCall) else "") or e.name.lower()
    if row is not None and row.display is not None:
        resolved = e if isinstance(e, FunctionCall) else _as_call(e)
        return row.display(resolved, texts) + _clauses(e, row.kind)
    if name == "between" and e.name == "and":
        return _between(e)
    operator = operator_name(name, texts)
    if operator is not None:
        return operator
    if isinstance(e, UnresolvedFunction) and row is not None:
        name = row.shows.get(name, name)
    return f"{name}({'DISTINCT ' if e.distinct else ''}{', '.join(texts)})" + _clauses(e, row.kind if row else "")


def _between(e: FunctionCall | UnresolvedFunction) -> str:
    low, high = e.args
    assert isinstance(low, FunctionCall) and isinstance(high, FunctionCall)
    return f"between({', '.join(_all((*low.args, high.args[1])))})"


def _clauses(e: FunctionCall | UnresolvedFunction, kind: str) -> str:
    text = ""
    if e.order_by and kind == "aggregate" and _row(e.name).display is None:  # type: ignore[union-attr]
        text = f" WITHIN GROUP (ORDER BY {', '.join(_all(e.order_by))})"
    if e.filter is not None:
        text += f" FILTER (WHERE {display_name(e.filter)})"
    if e.ignore_nulls and e.name == "nth_value":
        text += " ignore nulls"
    return text


def operator_name(name: str, args: Sequence[str]) -> str | None:
    """`(a + b)`, `(NOT a)`, `(- a)`, `CASE WHEN ...`: None when `name` is no operator with such arguments."""
    if name in _INFIX and len(args) == 2:
        return f"({args[0]} {_INFIX[name]} {args[1]})"
    show = _OPERATORS.get(name)
    return show(args) if show is not None and args else None


def _case(args: Sequence[str]) -> str:
    pairs = zip(args[0::2], args[1::2], strict=False)
    text = "CASE" + "".join(f" WHEN {condition} THEN {value}" for condition, value in pairs)
    return text + (f" ELSE {args[-1]} END" if len(args) % 2 else " END")


_OPERATORS: dict[str, Callable[[Sequence[str]], str]] = {
    "not": lambda a: f"(NOT {a[0]})",
    "!": lambda a: f"(NOT {a[0]})",
    "~": lambda a: f"~{a[0]}",
    "-": lambda a: f"(- {a[0]})",
    "+": lambda a: f"(+ {a[0]})",
    "isnull": lambda a: f"({a[0]} IS NULL)",
    "isnotnull": lambda a: f"({a[0]} IS NOT NULL)",
    "when": _case,
    "in": lambda a: f"({a[0]} IN ({', '.join(a[1:])}))",
    "like": lambda a: f"{a[0]} LIKE {a[1]}" + (f" ESCAPE '{a[2]}'" if len(a) > 2 and a[2] != "\\" else ""),
    "if": lambda a: f"(IF({', '.join(a)}))",
}


def _window(e: WindowExpression) -> str:
    parts = [f"PARTITION BY {', '.join(_all(e.partition_by))}"] if e.partition_by else []
    if e.order_by:
        parts.append(f"ORDER BY {', '.join(_all(e.order_by))}")
    parts.append(_frame(e))
    return f"{display_name(e.function)} OVER ({' '.join(parts)})"


def _frame(e: WindowExpression) -> str:
    name = getattr(e.function, "name", "").lower()
    if name in ("lag", "lead"):
        return _offset_frame(name, e.function)
    if name in _RANKS:
        return "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    if not e.frame_type or e.lower is None:
        if e.order_by:
            return "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        return "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    upper = e.upper or FrameBound("current_row")
    return f"{e.frame_type.upper()} BETWEEN {_bound(e.lower, e)} AND {_bound(upper, e)}"


_RANKS = ("row_number", "rank", "dense_rank", "percent_rank", "ntile")


def _offset_frame(name: str, function: Expression) -> str:
    args: tuple[Expression, ...] = getattr(function, "args", ())
    text = display_name(args[1]) if len(args) > 1 else "1"
    if name == "lag" and text != "0":
        text = text[1:] if text.startswith("-") else f"-{text}"
    return f"ROWS BETWEEN {text} FOLLOWING AND {text} FOLLOWING"


def _bound(bound: FrameBound, window: WindowExpression) -> str:
    word = bound.kind.replace("_", " ").upper()
    value = bound.value
    if value is None:
        return word
    if bound.kind == "preceding" and _is_cast_to_key(value, window):
        return f"(- {display_name(value)}) FOLLOWING"
    return f"{display_name(value)} {word}"


_NUMBERS = (ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, DecimalType)


def _is_cast_to_key(value: Expression, window: WindowExpression) -> bool:
    """Whether Spark casts the offset of a RANGE to the order key's type: it then shows as what is added to the key."""
    if window.frame_type != "range" or len(window.order_by) != 1 or not isinstance(value, Literal):
        return False
    key = window.order_by[0].child
    if isinstance(key, (UnresolvedAttribute, UnresolvedFunction)):
        return False
    return isinstance(key.type, _NUMBERS) and key.type != value.type


def _extract(e: UnresolvedExtract) -> str:
    if isinstance(e.extraction, Literal) and isinstance(e.extraction.value, str):
        return f"{display_name(e.child)}[{e.extraction.value}]"
    return f"{display_name(e.child)}[{display_name(e.extraction)}]"


def _update_fields(e: UpdateFields) -> str:
    operation = f"WithField({display_name(e.value)})" if e.value is not None else "dropfield()"
    return f"update_fields({display_name(e.struct)}, {operation})"


def _subquery(e: SubqueryExpression) -> str:
    if e.kind == "exists":
        return "exists()"
    if e.kind == "in":
        values = display_name(e.values[0]) if len(e.values) == 1 else f"named_struct({', '.join(_all(e.values))})"
        return f"({values} IN (listquery()))"
    return f"scalarsubquery({', '.join(e.outer)})"


def _python(e: PythonFunction) -> str:
    return f"{e.name}({', '.join(_all(e.args))})"


def _as_call(e: UnresolvedFunction) -> FunctionCall:
    from penstock.plan.types import NULL

    return FunctionCall(
        e.name.lower(), e.args, NULL, True, e.name.lower(), e.distinct, e.filter, e.order_by, e.ignore_nulls
    )


def _row(name: str) -> Function | None:
    from penstock.functions.table import exists, lookup

    return lookup(name) if exists(name) else None


_SHOW: tuple[tuple[type | tuple[type, ...], Callable[..., str]], ...] = (
    (Literal, literal_name),
    (Attribute, lambda e: e.name),
    (UnresolvedAttribute, lambda e: ".".join(e.parts)),
    (Alias, lambda e: display_name(e.child) if e.generated else f"{display_name(e.child)} AS {e.name}"),
    (Cast, _cast),
    ((FunctionCall, UnresolvedFunction), _function),
    (GetField, _field),
    (Lambda, _lambda),
    (LambdaVariable, lambda e: "namedlambdavariable()"),
    (SortOrder, _sort_order),
    (WindowExpression, _window),
    (UnresolvedExtract, _extract),
    (UnresolvedStar, lambda e: "unresolvedstar()"),
    (UnresolvedRegex, lambda e: e.pattern),
    (NamedArgument, lambda e: f"{e.name} => {display_name(e.value)}"),
    (UpdateFields, _update_fields),
    (SubqueryExpression, _subquery),
    (PythonFunction, _python),
)
