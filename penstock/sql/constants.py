"""The text that IDENTIFIER(...) stands for."""

from __future__ import annotations

from penstock.core.errors import analysis_error
from penstock.plan import expressions as ex
from penstock.sql import Variables


def text(value: ex.Expression, shown: str, variable: Variables) -> str:
    """A string, a parameter, a variable, or several joined by `||` or concat().  Raises NOT_A_CONSTANT_STRING."""
    found = _text(value, variable)
    if found is not None:
        return found
    message = "IDENTIFIER takes a constant string."
    params = {"name": "IDENTIFIER", "expr": shown}
    if isinstance(value, ex.Literal) and value.value is not None:
        kind = value.type.simpleString()
        raise analysis_error("NOT_A_CONSTANT_STRING.WRONG_TYPE", message, "42601", **params, dataType=kind)
    raise analysis_error("NOT_A_CONSTANT_STRING.NOT_CONSTANT", message, "42601", **params)


def _text(e: ex.Expression, variable: Variables) -> str | None:
    if isinstance(e, ex.UnresolvedAttribute):
        e = variable(e.parts) or e
    if isinstance(e, ex.Literal):
        return e.value if isinstance(e.value, str) else None
    if not isinstance(e, ex.UnresolvedFunction) or e.name != "concat":
        return None
    parts = [_text(arg, variable) for arg in e.args]
    return None if None in parts else "".join(part for part in parts if part is not None)
