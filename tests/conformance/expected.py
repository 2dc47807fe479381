"""What Spark 4.2 does and Penstock is known not to do: expected_failures.toml, item = reason, one table a suite.

Tables: `doctests` (items of doctests_reference.txt), `doctests-unordered` (items whose rows come in an order that
neither engine promises: they may pass or fail), `sql-examples` (lines as in functions_agree.txt), `differential` (cases
of tests/differential, as `area: case`), `types` (expressions of its type matrix).  All but the unordered are strict: an
item that passes must leave the file.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
FILE = HERE / "expected_failures.toml"
TABLES = {
    "doctests": "Examples in the documentation of Spark's Python client",
    "doctests-unordered": "Examples whose rows come in an order that neither engine promises",
    "sql-examples": "Examples in Spark's SQL function reference",
    "differential": "Cases compared with Spark",
    "types": "Result types compared with Spark",
}
Expected = dict[str, dict[str, str]]
_HEADER = "# Item = reason.  See expected.py; `python -m tests.conformance.gaps --write` makes docs/gaps.md of it.\n"


def expected(file: Path = FILE) -> Expected:
    """{table: {item: reason}}; raises ValueError for an unknown table and for a reason that says nothing."""
    found = tomllib.loads(file.read_text("utf-8"))
    unknown = found.keys() - TABLES.keys()
    empty = [item for table in found.values() for item, reason in table.items() if len(reason) < 10]
    if unknown or empty:
        raise ValueError(f"{file.name}: unknown tables {sorted(unknown)}, items without a reason {empty}")
    return {table: dict(found.get(table, {})) for table in TABLES}


def write_expected(entries: Expected, file: Path = FILE) -> None:
    """The file, sorted."""
    lines = [_HEADER]
    for table in TABLES:
        lines.append(f"\n[{table}]\n")
        lines += [f"{_text(item)} = {_text(reason)}\n" for item, reason in sorted(entries[table].items())]
    file.write_text("".join(lines), "utf-8")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
