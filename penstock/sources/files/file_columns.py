"""What can be asked of the file that a row came from: constants of each file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from penstock.plan.types import LONG, STRING, TIMESTAMP, StructField, StructType
from penstock.sources.duckdb_types import quoted
from penstock.sources.files.listing import DataFile

#: the hidden column `_metadata` of files
METADATA_TYPE = StructType(
    [
        StructField("file_path", STRING, False),
        StructField("file_name", STRING, False),
        StructField("file_size", LONG, False),
        StructField("file_block_start", LONG, False),
        StructField("file_block_length", LONG, False),
        StructField("file_modification_time", TIMESTAMP, False),
    ]
)


def _metadata(file: DataFile) -> str:
    return (
        f"{{'file_path': {quoted(f'file:{file.path}')}, 'file_name': {quoted(Path(file.path).name)}, "
        f"'file_size': CAST({file.size} AS BIGINT), 'file_block_start': CAST(0 AS BIGINT), "
        f"'file_block_length': CAST({file.size} AS BIGINT), "
        f"'file_modification_time': make_timestamptz({file.modified_ms} * 1000)}}"
    )


#: name of a column -> SQL of its value
FILE_COLUMNS: dict[str, Callable[[DataFile], str]] = {
    "$file_metadata": _metadata,
    "input_file_name": lambda file: quoted(f"file://{quote(str(file.path))}"),
    "input_file_block_start": lambda file: "CAST(0 AS BIGINT)",
    "input_file_block_length": lambda file: f"CAST({file.size} AS BIGINT)",
}
