"""What goes wrong inside of one record, before the mode (PERMISSIVE, DROPMALFORMED, FAILFAST) decides what it means."""

from __future__ import annotations

from typing import Any


class BadValue(Exception):  # noqa: N818
    """A value does not fit its type; the record keeps what else it has.  `condition` as in BadRecord."""

    condition: str | None = None


class BadString(BadValue):
    """A string where a number is due."""

    condition = "CANNOT_PARSE_STRING_AS_DATATYPE"


class Malformed(Exception):  # noqa: N818
    """The text is no record at all."""


class PartialValue(BadValue):
    """A struct, array or map of which some parts did not fit; `value` holds the rest."""

    def __init__(self, value: Any, condition: str | None = None) -> None:
        super().__init__()
        self.value = value
        self.condition = condition


class BadRecord(Exception):  # noqa: N818
    """A record that is not clean: the rows that could be made of it (none: a row of NULLs), and why, where Spark has
    a condition of its own for it.  `shown`: the text goes into the column for corrupt records."""

    def __init__(self, rows: list[Any], condition: str | None = None, *, shown: bool = True) -> None:
        super().__init__()
        self.rows = rows
        self.condition = condition
        self.shown = shown
