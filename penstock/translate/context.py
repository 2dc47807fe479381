"""What a translation collects beside the SQL text."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pyarrow as pa

from penstock.core.config import Conf

_numbers = itertools.count(1)


@dataclass
class TranslateContext:
    """One translation.  `tables` are to be registered under their names while the SQL runs; the names are unique in
    the process, so that SQL of several translations may share a cursor.  `fallbacks` are scans in the text and slower
    ones
    for the same rows, for `EngineCursor.query`."""

    conf: Conf = field(default_factory=Conf)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    fallbacks: dict[str, str] = field(default_factory=dict)

    def add_table(self, table: pa.Table) -> str:
        """Have `table` registered; returns its name."""
        name = self.unique("local")
        self.tables[name] = table
        return name

    def unique(self, prefix: str) -> str:
        """A SQL name that nothing else bears."""
        return f"{prefix}_{next(_numbers)}"
