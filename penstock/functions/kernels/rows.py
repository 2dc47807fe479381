"""How kernels of one row at a time are made, and how kernels raise Spark's errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import pyarrow as pa

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError
from penstock.functions.markers import CLOSE, OPEN

Row = Callable[..., Any]
Columns = Callable[..., pa.Array]


def by_row(kind: pa.DataType, *, strict: bool = True) -> Callable[[Row], Columns]:
    """A kernel from a function of one row's Python values.

    kind: the Arrow type of the result.  strict: NULL in gives NULL out, without a call.
    """

    def decorate(function: Row) -> Columns:
        @wraps(function)
        def kernel(*columns: Any) -> pa.Array:
            rows = zip(*(column.to_pylist() for column in columns), strict=True)
            if strict:
                return pa.array([None if None in row else function(*row) for row in rows], kind)
            return pa.array([function(*row) for row in rows], kind)

        return kernel

    return decorate


def raised_again(error: SparkError) -> ValueError:
    """A Spark error of a row as an exception that the engine turns into it again."""
    kind = "illegal_argument" if error.classes == ILLEGAL_ARGUMENT else "unsupported"
    return raised(error.condition, error.message, sqlstate=error.sqlstate, kind=kind, **error.params)


def raised(
    condition: str, message: str, *, sqlstate: str = "22000", kind: str = "runtime", **params: object
) -> ValueError:
    """An exception that the engine turns into Spark's error `condition` (kinds as in `penstock.functions.markers`; a
    parameter whose name is taken is written with an underscore behind it)."""
    body = {"condition": condition, "message": message, "sqlstate": sqlstate, "kind": kind,
            "params": {key.removesuffix("_"): str(value) for key, value in params.items()}}  # fmt: skip
    return ValueError(f"{OPEN}{json.dumps(body, ensure_ascii=False)}{CLOSE}")
