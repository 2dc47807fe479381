"""Errors that generated SQL raises while rows are processed.

DuckDB's `error(text)` stops a query with that text.  The text is a JSON object between `⟦` and `⟧`; the engine reads
it back and raises Spark's error with the same condition.  `kind` picks the Java class: "arithmetic", "number_format",
"date_time", "illegal_argument", "array_index", "unsupported", "no_such_element", "runtime".
"""

from __future__ import annotations

import json

OPEN, CLOSE = "⟦", "⟧"
_SLOT = "\x01"


def quote(text: str) -> str:
    """A SQL string constant."""
    return "'" + text.replace("'", "''") + "'"


def raise_sql(
    condition: str, message: str, *, sqlstate: str = "22000", kind: str = "runtime", **params: object
) -> str:
    """SQL text that raises `condition` when it is evaluated; its type is NULL, so it fits in any CASE branch."""
    body = {"condition": condition, "message": message, "sqlstate": sqlstate, "kind": kind,
            "params": {key: str(value) for key, value in params.items()}}  # fmt: skip
    return f"error({quote(OPEN + json.dumps(body, ensure_ascii=False) + CLOSE)})"


def raise_with_value(
    condition: str, message: str, value_sql: str, *, param: str, sqlstate: str = "22000", kind: str = "runtime",
    value_format: str = "{}", **params: object,
) -> str:  # fmt: skip
    """As `raise_sql`, with the run-time value of `value_sql` as parameter `param`; `{value}` in `message` shows it too."""
    body = {"condition": condition, "message": message.replace("{value}", _SLOT), "sqlstate": sqlstate, "kind": kind,
            "params": {**{key: str(v) for key, v in params.items()}, param: value_format.format(_SLOT)}}  # fmt: skip
    text = quote(OPEN + json.dumps(body, ensure_ascii=False).replace("\\u0001", _SLOT) + CLOSE)
    shown = f"replace(replace(CAST({value_sql} AS VARCHAR), '\\', '\\\\'), '\"', '\\\"')"
    return f"error(replace({text}, '{_SLOT}', {shown}))"


DIVIDE_BY_ZERO = raise_sql(
    "DIVIDE_BY_ZERO",
    "Division by zero. Use `try_divide` to get NULL instead, or set \"spark.sql.ansi.enabled\" to \"false\".",
    sqlstate="22012", kind="arithmetic", config='"spark.sql.ansi.enabled"',
)  # fmt: skip
REMAINDER_BY_ZERO = raise_sql(
    "REMAINDER_BY_ZERO",
    "Remainder by zero. Use `try_mod` to get NULL instead, or set \"spark.sql.ansi.enabled\" to \"false\".",
    sqlstate="22012", kind="arithmetic", config='"spark.sql.ansi.enabled"',
)  # fmt: skip


def overflow(what: str, suggestion: str = "") -> str:
    """SQL text that raises ARITHMETIC_OVERFLOW for `what` (such as "long")."""
    hint = f" Use `{suggestion}` to get NULL instead." if suggestion else ""
    params = {"message": f"{what} overflow", "alternative": hint, "config": '"spark.sql.ansi.enabled"'}
    body = {"condition": "ARITHMETIC_OVERFLOW", "message": f"{what} overflow.{hint}", "sqlstate": "22003",
            "kind": "arithmetic", "params": params}  # fmt: skip
    return f"error({quote(OPEN + json.dumps(body, ensure_ascii=False) + CLOSE)})"
