"""The console sink: every batch as a table on the process's own standard output.

As in Spark, where a server prints: what a program put in the place of `sys.stdout` does not get it."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pyarrow as pa

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError
from penstock.core.show import show_string
from penstock.sinks.base import SinkContext

_RULE = "-" * 43


class ConsoleSink:
    """Options: numRows (20), truncate (true: 20 characters; false; or a number of characters)."""

    def __init__(self, context: SinkContext) -> None:
        self._schema = context.schema
        self._time_zone = context.time_zone
        self._rows = _number(context.options, "numRows", "20")
        self._truncate = _truncation(context.options.get("truncate", "true"))
        self._epoch: list[pa.Table] = []
        self.description = "org.apache.spark.sql.execution.streaming.ConsoleTable$"

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        shown = show_string(
            table.slice(0, self._rows + 1), self._schema, rows=self._rows, truncate=self._truncate, vertical=False,
            time_zone=self._time_zone,
        )  # fmt: skip
        out = sys.__stdout__ or sys.stdout
        out.write(f"{_RULE}\nBatch: {batch_id}\n{_RULE}\n{shown}\n")
        out.flush()
        return int(table.num_rows)

    def take(self, epoch_id: int, table: pa.Table) -> None:
        self._epoch.append(table)

    def end_epoch(self, epoch_id: int) -> None:
        """Show the rows of the epoch as one table, as Spark does."""
        tables, self._epoch = self._epoch, []
        if tables:
            self.write(epoch_id, pa.concat_tables(tables))

    def stop(self) -> None:
        """Nothing to release."""


def _number(options: Mapping[str, str], name: str, default: str) -> int:
    text = options.get(name.lower(), default)
    if not text.lstrip("+").isdigit():
        message = f"Invalid value {text!r} for the option {name!r} of the console sink: it must be a whole number."
        params = {"optionName": name, "message": f"{text!r} is not a whole number"}
        condition = "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE"
        raise SparkError(condition, message, params, sqlstate="42616", classes=ILLEGAL_ARGUMENT)
    return int(text)


def _truncation(text: str) -> int:
    """The greatest width of a cell, 0 for no limit."""
    words = {"true": 20, "false": 0}
    return words[text.lower()] if text.lower() in words else _number({"truncate": text}, "truncate", text)
