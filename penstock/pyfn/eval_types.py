"""Spark's PythonEvalType codes: how a function wants its arguments and what it gives."""

from __future__ import annotations

from penstock.plan.expressions import Expression, PythonFunction

ROW = 100  # pickled rows in Spark; a value of another type than the declared one becomes NULL
ARROW_ROW = 101  # a row a call too, converted through Arrow: the default of udf()
SCALAR_PANDAS = 200
GROUPED_MAP_PANDAS = 201
GROUPED_AGG_PANDAS = 202
WINDOW_AGG_PANDAS = 203
SCALAR_PANDAS_ITER = 204
MAP_PANDAS_ITER = 205
COGROUPED_MAP_PANDAS = 206
MAP_ARROW_ITER = 207
APPLY_WITH_STATE = 208
GROUPED_MAP_ARROW = 209
COGROUPED_MAP_ARROW = 210
TRANSFORM_PANDAS = 211
TRANSFORM_PANDAS_INITIAL = 212
TRANSFORM_ROWS = 213
TRANSFORM_ROWS_INITIAL = 214
GROUPED_MAP_ARROW_ITER = 215
GROUPED_MAP_PANDAS_ITER = 216
GROUPED_AGG_PANDAS_ITER = 217
SCALAR_ARROW = 250
SCALAR_ARROW_ITER = 251
GROUPED_AGG_ARROW = 252
WINDOW_AGG_ARROW = 253
GROUPED_AGG_ARROW_ITER = 254
ROW_TABLE = 300  # table functions: of pickled rows, of rows converted through Arrow, of Arrow batches
ARROW_ROW_TABLE = 301
ARROW_TABLE = 302

AGGREGATES = frozenset({GROUPED_AGG_PANDAS, GROUPED_AGG_PANDAS_ITER, GROUPED_AGG_ARROW, GROUPED_AGG_ARROW_ITER})


#: What Spark makes of an aggregate that is called over a window.
OVER_WINDOW = {GROUPED_AGG_PANDAS: WINDOW_AGG_PANDAS, GROUPED_AGG_ARROW: WINDOW_AGG_ARROW}


def is_python_aggregate(expression: Expression) -> bool:
    """Whether it is a call of a Python function that folds a group into a value."""
    return isinstance(expression, PythonFunction) and expression.eval_type in AGGREGATES
