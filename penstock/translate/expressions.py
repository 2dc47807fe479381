"""Resolved expressions as DuckDB SQL.

The SQL of a column is looked up in the columns of the SELECT around it; a column that is not there belongs to an
enclosing query (a correlated subquery) or to a source that the caller knows, and is written as `c<id>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.render import function_sql
from penstock.functions.table import lookup
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Cast,
    Expression,
    FunctionCall,
    GetField,
    Lambda,
    LambdaVariable,
    Literal,
    PythonFunction,
    SortOrder,
    SubqueryExpression,
    WindowExpression,
)
from penstock.plan.types import ArrayType, DateType, TimestampNTZType, TimestampType
from penstock.translate.casts import cast_sql, is_plain_cast
from penstock.translate.context import TranslateContext
from penstock.translate.literals import literal_sql, string_sql
from penstock.translate.select import Column
from penstock.translate.subqueries import subquery_sql
from penstock.translate.windows import over_sql, sort_sql

#: An argument longer than this that a template repeats is computed once, as the element of a one-element list.
SHARED_LENGTH = 240

#: Functions that may leave an argument unevaluated: their arguments must stay where they are.
_LAZY = frozenset(("when", "if", "coalesce", "nvl", "ifnull", "nvl2", "nullif", "and", "or", "iff", "case"))


def expression_sql(
    expression: Expression,
    context: TranslateContext,
    columns: Mapping[int, Column] | None = None,
    replacements: Mapping[Expression, str] | None = None,
) -> str:
    """SQL of a resolved expression.  `replacements`: expressions that have a name already (grouping keys)."""
    return _Translator(context, columns or {}, replacements or {}).sql(expression)


class _Translator:
    def __init__(
        self, context: TranslateContext, columns: Mapping[int, Column], replacements: Mapping[Expression, str]
    ) -> None:
        self.context = context
        self.columns = columns
        self.replacements = replacements

    def sql(self, expression: Expression) -> str:
        if self.replacements and (name := self.replacements.get(expression)) is not None:
            return name
        method = _METHODS.get(type(expression))
        if method is None:
            raise unsupported(f"{type(expression).__name__} in a query")
        return method(self, expression)

    def attribute(self, attribute: Attribute) -> str:
        column = self.columns.get(attribute.id)
        return attribute.sql_name if column is None else column.sql

    def literal(self, literal: Literal) -> str:
        return literal_sql(literal.value, literal.data_type)

    def alias(self, alias: Alias) -> str:
        return self.sql(alias.child)

    def cast(self, cast: Cast) -> str:
        if _is_epoch(cast):
            return literal_sql(0, cast.data_type)
        child, source = self.sql(cast.child), cast.child.type
        if len(child) <= SHARED_LENGTH or is_plain_cast(source, cast.data_type, cast.mode):
            return cast_sql(child, source, cast.data_type, cast.mode, self.context)
        name = self.context.unique("v")
        body = cast_sql(name, source, cast.data_type, cast.mode, self.context)
        return f"list_transform([{child}], lambda {name}: {body})[1]"

    def call(self, call: FunctionCall, over: str | None = None) -> str:
        if call.name in ("grouping", "grouping_id"):
            return self.grouping(call)
        args = [self.sql(arg) for arg in call.args]
        filter_sql = self.sql(call.filter) if call.filter is not None else None
        order_sql = self.order(call.order_by) if call.order_by else None
        text = function_sql(call, args, self.context, filter_sql=filter_sql, order_sql=order_sql, over_sql=over)
        if over is None and call.name not in _LAZY and lookup(call.name).kind == "scalar":
            text = self._shared(text, args)
        return f"({text})"

    def grouping(self, call: FunctionCall) -> str:
        keys = ", ".join(self.sql(arg) for arg in call.args)
        return f"CAST(GROUPING({keys}) AS {'TINYINT' if call.name == 'grouping' else 'BIGINT'})"

    def get_field(self, field: GetField) -> str:
        child, name = self.sql(field.child), string_sql(field.field_name)
        if isinstance(field.child.type, ArrayType):
            return f"list_transform({child}, lambda g: struct_extract(g, {name}))"
        return f"struct_extract({child}, {name})"

    def lambda_variable(self, variable: LambdaVariable) -> str:
        return f"l{variable.id}"

    def lambda_(self, function: Lambda) -> str:
        names = ", ".join(self.lambda_variable(param) for param in function.params)
        return f"lambda {names}: {self.sql(function.body)}"

    def window(self, window: WindowExpression) -> str:
        if isinstance(window.function, PythonFunction):
            raise unsupported(f"the Python aggregate function {window.function.name} over a window")
        if not isinstance(window.function, FunctionCall):
            raise unsupported(f"{type(window.function).__name__} as a window function")
        return self.call(window.function, over_sql(window, self.sql))

    def subquery(self, subquery: SubqueryExpression) -> str:
        return subquery_sql(subquery, [self.sql(value) for value in subquery.values], self.context)

    def python_function(self, function: PythonFunction) -> str:
        raise unsupported(f"the Python function {function.name} at this place in a query")

    def sort_order(self, order: SortOrder) -> str:
        return sort_sql(self.sql(order.child), order)

    def order(self, order: tuple[SortOrder, ...]) -> str:
        return ", ".join(self.sort_order(key) for key in order)

    def _shared(self, text: str, args: list[str]) -> str:
        """`text` with long arguments that occur in it more than once computed once.

        Without this, nested calls whose templates repeat an argument would grow exponentially.
        """
        for arg in args:
            if len(arg) <= SHARED_LENGTH or text.count(arg) < 2 or "SELECT" in text or "lambda" in arg[:6]:
                continue
            name = self.context.unique("v")
            text = f"list_transform([{arg}], lambda {name}: {text.replace(arg, name)})[1]"
        return text


def _is_epoch(cast: Cast) -> bool:
    """The constant 'epoch' as a date or timestamp, which Spark knows (in constants only)."""
    if not isinstance(cast.data_type, (DateType, TimestampType, TimestampNTZType)) or not isinstance(
        cast.child, Literal
    ):
        return False
    return isinstance(cast.child.value, str) and cast.child.value.strip().lower() == "epoch"


_METHODS: dict[type[Expression], Callable[[_Translator, Any], str]] = {
    Alias: _Translator.alias,
    Attribute: _Translator.attribute,
    Cast: _Translator.cast,
    FunctionCall: _Translator.call,
    GetField: _Translator.get_field,
    Lambda: _Translator.lambda_,
    LambdaVariable: _Translator.lambda_variable,
    Literal: _Translator.literal,
    PythonFunction: _Translator.python_function,
    SortOrder: _Translator.sort_order,
    SubqueryExpression: _Translator.subquery,
    WindowExpression: _Translator.window,
}
