"""Errors that generated SQL raises while rows are processed.

DuckDB's `error(text)` stops a query with that text.  The text is a JSON object between `⟦` and `⟧`; the engine reads
it back and raises Spark's error with the same condition.  `kind` picks the Java class: "arithmetic", "number_format",
"date_time", "illegal_argument", "array_index", "unsupported", "no_such_element", "runtime".
"""

from __future__ import annotations

import json
from collections.abc import Mapping

OPEN, CLOSE = "⟦", "⟧"
_SLOT = "¤"


def quote(text: str) -> str:
    """A SQL string constant."""
    return "'" + text.replace("'", "''") + "'"


def raise_sql(condition: str, message: str, *, sqlstate: str = "22000", kind: str = "runtime", **params: object) -> str:
    """SQL text that raises `condition` when it is evaluated; its type is NULL, so it fits in any CASE branch."""
    body = {"condition": condition, "message": message, "sqlstate": sqlstate, "kind": kind,
            "params": {key: str(value) for key, value in params.items()}}  # fmt: skip
    return f"error({quote(OPEN + json.dumps(body, ensure_ascii=False) + CLOSE)})"


def raise_with_values(
    condition: str, message: str, values: Mapping[str, str], *, sqlstate: str = "22000", kind: str = "runtime",
    **params: object,
) -> str:  # fmt: skip
    """As `raise_sql`, with parameters computed at run time: `values` maps a parameter to SQL; `{name}` in `message`
    and in `params` shows it.  A name in `values` that begins with an underscore is shown but is no parameter; one in
    `params` that ends with an underscore is a parameter without it."""
    slots = {name: f"{_SLOT}{i}{_SLOT}" for i, name in enumerate(values)}
    for name, slot in slots.items():
        message = message.replace(f"{{{name}}}", slot)
        params = {key: str(value).replace(f"{{{name}}}", slot) for key, value in params.items()}
    body = {"condition": condition, "message": message, "sqlstate": sqlstate, "kind": kind,
            "params": {**{name: slot for name, slot in slots.items() if not name.startswith("_")},
                       **{key.removesuffix("_"): str(value) for key, value in params.items()}}}  # fmt: skip
    text = quote(OPEN + json.dumps(body, ensure_ascii=False) + CLOSE)
    for name, sql in values.items():
        shown = f"replace(replace(coalesce(CAST({sql} AS VARCHAR), 'null'), '\\', '\\\\'), '\"', '\\\"')"
        text = f"replace({text}, '{slots[name]}', {shown})"
    return f"error({text})"


DIVIDE_BY_ZERO = raise_sql(
    "DIVIDE_BY_ZERO",
    "Division by zero. Use `try_divide` to get NULL instead, or set \"spark.sql.ansi.enabled\" to \"false\".",
    sqlstate="22012", kind="arithmetic", config='"spark.sql.ansi.enabled"',
)  # fmt: skip
INTERVAL_BY_ZERO = raise_sql(
    "INTERVAL_DIVIDED_BY_ZERO",
    "Division of an interval by zero. Use `try_divide` to get NULL instead.",
    sqlstate="22012",
    kind="arithmetic",
)
REMAINDER_BY_ZERO = raise_sql(
    "REMAINDER_BY_ZERO",
    "Remainder by zero. Use `try_mod` to get NULL instead, or set \"spark.sql.ansi.enabled\" to \"false\".",
    sqlstate="22012", kind="arithmetic", config='"spark.sql.ansi.enabled"',
)  # fmt: skip


def overflow(what: str, suggestion: str = "") -> str:
    """SQL text that raises ARITHMETIC_OVERFLOW for `what` (such as "long", or a whole phrase)."""
    hint = f" Use `{suggestion}` to get NULL instead." if suggestion else ""
    what = what if " " in what else f"{what} overflow"
    params = {"message": what, "alternative": hint, "config": '"spark.sql.ansi.enabled"'}
    body = {"condition": "ARITHMETIC_OVERFLOW", "message": f"{what}.{hint}", "sqlstate": "22003",
            "kind": "arithmetic", "params": params}  # fmt: skip
    return f"error({quote(OPEN + json.dumps(body, ensure_ascii=False) + CLOSE)})"
