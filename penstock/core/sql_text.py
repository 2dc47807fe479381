"""Names and strings in SQL text."""

from __future__ import annotations

#: The engine's variable for the time of the micro-batch that runs; a batch query leaves it unset.
BATCH_TIME = "penstock_batch_time"
#: The time that current_timestamp() and its like give, a TIMESTAMP WITH TIME ZONE: one time for a whole micro-batch,
#: the same when the batch is run again.
CURRENT_TIME = f"coalesce(getvariable('{BATCH_TIME}'), now())"


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A column name, in quotes."""
    return '"' + name.replace('"', '""') + '"'
