"""Files as lines of text, read by DuckDB."""

from __future__ import annotations

from penstock.sources.duckdb_types import file_list

#: A character that no text holds (a Unicode noncharacter): the CSV reader splits at it, that is, never.
_NEVER = chr(0x10FFFF)
MAX_LINE_BYTES = 128 * 1024 * 1024


def lines_sql(paths: list[str], name: str = "line") -> str:
    """SELECT of every line, in one column; an empty line is NULL.  Lines end at `\\n`, `\\r\\n` or `\\r`.

    The CSV reader, told to know no quotes and no separators, reads the parts of one file in parallel."""
    return (
        f"SELECT {name} FROM read_csv({file_list(paths)}, columns={{'{name}': 'VARCHAR'}}, delim='{_NEVER}', quote='', "
        f"escape='', comment='', header=false, auto_detect=false, strict_mode=false, hive_partitioning=false, "
        f"compression='auto_detect', max_line_size={MAX_LINE_BYTES})"
    )
