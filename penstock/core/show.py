"""`df.show()`: the first rows of a result as a text table, a list of records or HTML, laid out as Spark does."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from pyspark.sql.types import StructType

from penstock.core.text import texts, zone

if TYPE_CHECKING:
    import pyarrow as pa

_ESCAPES = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b", "\v": "\\v", "\a": "\\a"})
_WIDE = re.compile("[ᄀ-ᅟ⺀-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦]")


def _cell(text: str | None, truncate: int) -> str:
    shown = "NULL" if text is None else text.translate(_ESCAPES)
    if 0 < truncate < len(shown):
        return shown[:truncate] if truncate < 4 else shown[: truncate - 3] + "..."
    return shown


def _width(text: str) -> int:
    return len(text) + (0 if text.isascii() else len(_WIDE.findall(text)))


def _pad(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - _width(text))
    return text + space if left else space + text


def _cells(table: pa.Table, schema: StructType, truncate: int, time_zone: str) -> list[list[str]]:
    """The header, then a list a row."""
    local = zone(time_zone)
    columns = [texts(column, f.dataType, local) for column, f in zip(table.columns, schema.fields, strict=True)]
    rows = [[_cell(column[i], truncate) for column in columns] for i in range(table.num_rows)]
    return [[_cell(f.name, 0) for f in schema.fields], *rows]


def _first(table: pa.Table, rows: int) -> pa.Table:
    """A table without columns has rows too, but cannot be cut."""
    return table.slice(0, rows) if table.num_rows > rows else table


def _more(shown: int, has_more: bool) -> str:
    if not has_more:
        return ""
    return f"only showing top {shown} {'row' if shown == 1 else 'rows'}"


def show_string(
    table: pa.Table, schema: StructType, *, rows: int, truncate: int, vertical: bool, time_zone: str
) -> str:
    """The text of `df.show(rows, truncate, vertical)`; `table` holds up to rows + 1 rows, so that "only showing top"
    can be told.  Without a line end after that line, as in Spark 4: whoever prints the text adds one."""
    rows = max(rows, 0)
    cells = _cells(_first(table, rows), schema, truncate, time_zone)
    has_more = table.num_rows > rows
    return _records(cells, has_more) if vertical else _grid(cells, truncate, has_more)


def _grid(cells: list[list[str]], truncate: int, has_more: bool) -> str:
    widths = [max(3, *(_width(row[i]) for row in cells)) for i in range(len(cells[0]))]
    rule = "+" + "+".join("-" * width for width in widths) + "+\n"
    left = truncate <= 0
    lines = [
        "|" + "|".join(_pad(cell, width, left=left) for cell, width in zip(row, widths, strict=True)) + "|\n"
        for row in cells
    ]
    return rule + lines[0] + rule + "".join(lines[1:]) + rule + _more(len(cells) - 1, has_more)


def _records(cells: list[list[str]], has_more: bool) -> str:
    names, rows = cells[0], cells[1:]
    if not rows:
        return "(0 rows)\n"
    name_width = max([3, *map(_width, names)])
    data_width = max([3, *(_width(cell) for row in rows for cell in row)])
    out: list[str] = []
    for number, row in enumerate(rows):
        out.append(f"-RECORD {number}".ljust(name_width + data_width + 5, "-") + "\n")
        for name, cell in zip(names, row, strict=True):
            out.append(f" {_pad(name, name_width, left=True)} | {_pad(cell, data_width, left=True)} \n")
    return "".join(out) + _more(len(rows), has_more)


def html_string(table: pa.Table, schema: StructType, *, rows: int, truncate: int, time_zone: str) -> str:
    """The HTML table of a DataFrame in a notebook."""
    rows = max(rows, 0)
    header, *body = _cells(_first(table, rows), schema, truncate, time_zone)
    lines = ["<table border='1'>", _html_row(header, "th"), *(_html_row(row, "td") for row in body), "</table>"]
    return "\n".join(lines) + "\n" + (_more(rows, True) + "\n" if table.num_rows > rows else "")


def _html_row(cells: list[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
