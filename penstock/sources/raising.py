"""SQL that stops a scan with one of Spark's errors.

The text that DuckDB's `error(...)` raises is a JSON object between `⟦` and `⟧`, which the engine reads back.
"""

from __future__ import annotations

import json

from penstock.sources.duckdb_types import quoted

_SLOT = "\x01"

#: Raised by a scan that takes clean data for granted; the fallback of the scan then gives the answer.
NOT_CLEAN = "error('not clean: the tolerant scan decides')"


def raise_sql(
    condition: str, message: str, value_sql: str, *, param: str, sqlstate: str, kind: str, **params: object
) -> str:
    """SQL text that raises `condition` with the value of `value_sql` as the parameter `param` and for `{value}` in
    the message."""
    given = {**{key: str(value) for key, value in params.items()}, param: _SLOT}
    body = {"condition": condition, "message": message.replace("{value}", _SLOT), "sqlstate": sqlstate, "kind": kind}
    text = json.dumps({**body, "params": given}, ensure_ascii=False).replace("\\u0001", _SLOT)
    shown = f"coalesce(CAST(to_json(left(CAST({value_sql} AS VARCHAR), 1000)) AS VARCHAR)[2:-2], '')"
    return f"error(replace({quoted('⟦' + text + '⟧')}, chr(1), {shown}))"
