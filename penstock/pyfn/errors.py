"""Errors of the user's functions, and of functions at places where none can stand."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType

from penstock.core.errors import PYTHON, SparkError, analysis_error
from penstock.plan.expressions import PythonFunction


@contextmanager
def user_code() -> Iterator[None]:
    """Whatever the block raises, but for our own errors, becomes PYTHON_EXCEPTION (class PythonException)."""
    try:
        yield
    except SparkError:
        raise
    except (Exception, SystemExit, GeneratorExit) as error:
        raise python_exception(error) from error


def python_exception(error: BaseException) -> SparkError:
    """PYTHON_EXCEPTION with the traceback of the user's lines, without those of the client library and of ours."""
    shown = user_traceback(error)
    params = {"msg": f"{type(error).__name__}: {error}", "traceback": shown}
    message = f"A Python function of the query failed: {shown}\n"
    return SparkError("PYTHON_EXCEPTION", message, params, sqlstate="38000", classes=PYTHON)


def user_traceback(error: BaseException) -> str:
    """The error and those behind it as Python shows them, without the lines of the client library and of ours."""
    shown = traceback.TracebackException.from_exception(error)
    _keep_user_lines(shown)
    return "".join(shown.format()).rstrip()


def _keep_user_lines(shown: traceback.TracebackException | None) -> None:
    while shown is not None:
        kept = [frame for frame in shown.stack if not frame.filename.startswith(_own_packages())]
        shown.stack = traceback.StackSummary.from_list(kept) if kept else None  # type: ignore[assignment]
        _keep_user_lines(shown.__cause__)
        shown = shown.__context__


def user_frames(frames: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of pyspark and penstock; None when there are no others."""
    if frames is None:
        return None
    below = user_frames(frames.tb_next)
    if frames.tb_frame.f_code.co_filename.startswith(_own_packages()):
        return below
    return TracebackType(below, frames.tb_frame, frames.tb_lasti, frames.tb_lineno)


@cache
def _own_packages() -> tuple[str, ...]:
    import pyspark

    return (*(str(Path(path)) + "/" for path in pyspark.__path__), str(Path(__file__).parents[1]) + "/")


def in_lambda(function: PythonFunction) -> SparkError:
    """A Python function of the variables of a higher-order function."""
    message = f"The Python function {function.name} cannot be called inside of a higher-order function."
    condition = "UNSUPPORTED_FEATURE.LAMBDA_FUNCTION_WITH_PYTHON_UDF"
    return analysis_error(condition, message, "0A000", funcName=f'"{function.name}"')


def in_outer_join(kind: str) -> SparkError:
    """A Python function of both sides in the condition of a join that is not an inner one."""
    shown = {"left": "LEFT OUTER", "right": "RIGHT OUTER", "full": "FULL OUTER", "semi": "LEFT SEMI"}.get(
        kind, "LEFT ANTI"
    )
    message = (
        f"A Python function of columns of both sides cannot be in the condition of a {shown} JOIN. "
        "Of an inner join it can: write a cross join and a filter."
    )
    return analysis_error("UNSUPPORTED_FEATURE.PYTHON_UDF_IN_ON_CLAUSE", message, "0A000", joinType=shown)


def mixed_aggregates(names: list[str]) -> SparkError:
    """Aggregates of Python beside those of the engine."""
    shown = ", ".join(f"`{name}`" for name in names)
    message = f"The Python aggregate functions {shown} cannot be called beside other aggregate functions."
    return analysis_error("INVALID_PANDAS_UDF_PLACEMENT", message, "0A000", functionList=shown)
