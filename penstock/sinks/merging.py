"""Small files of a file sink, merged into larger ones: the option `mergeSmallFiles`.

A stream writes a file a batch and directory; most are far smaller than a reader likes.  Whenever the sink's log is
compacted, files below the option's size are merged, eight or more of about the same size and of one directory at a
time, so that each row is copied a few times at most.  The compact file of the log then names the merged file in place
of the small ones, in the same atomic write: a reader of the log sees each row once, whatever is killed when.  The small
files are removed at a later compaction, when no reader can be busy with them.

The entry of a merged file has two fields more than Spark's, which Spark does not read: `mergedAt` (milliseconds since
1970) and, until they are removed, `replaces` (the names of files, relative to the merged one's directory).
"""

from __future__ import annotations

import json
import math
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, urlparse

import pyarrow as pa

from penstock.core import files
from penstock.core.errors import unsupported
from penstock.core.files import Buffer
from penstock.sinks.formats import Encoder
from penstock.sinks.formats.csv import CsvEncoder
from penstock.sinks.options import bad_value

OPTION = "mergeSmallFiles"
MERGED = "mergedAt"
_REPLACES = "replaces"
#: So many files of about one size are worth a merged one; sizes are about the same within this factor.
_LEAST = 8
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE = re.compile(r"(\d+)\s*([bkmg]?)b?")

Entry: TypeAlias = dict[str, Any]
#: The contents of files as one file's; None when they cannot be merged (a query that has changed its columns).
Join: TypeAlias = Callable[[Sequence[Path]], Buffer | None]


class FileMerger:
    """Rewrites the lines of a sink's log at a compaction.  `below`: bytes from which on a file is large; `keep_ms`: how
    long replaced files stay."""

    def __init__(self, query_id: str, below: int, keep_ms: int | None, extension: str, join: Join) -> None:
        self._query_id, self._below, self._keep_ms = query_id, below, keep_ms
        self._extension, self._join = extension, join

    def __call__(self, batch_id: int, lines: Sequence[bytes]) -> list[bytes]:
        """The lines of the compact file of a batch.  What it writes on the disk it writes again after a crash."""
        entries = [json.loads(line) for line in lines]
        for entry in entries:
            self._remove_replaced(entry)
        merged: dict[int, Entry] = {}
        gone: set[int] = set()
        for number, group in enumerate(self._groups(entries)):
            made = self._merge([entries[i] for i in group], f"{batch_id}/{number}")
            if made is not None:
                merged[group[0]] = made
                gone.update(group)
        kept = (merged.get(i, entry) for i, entry in enumerate(entries) if i in merged or i not in gone)
        return [json.dumps(entry, separators=(",", ":")).encode() for entry in kept]

    def _groups(self, entries: Sequence[Entry]) -> Iterator[list[int]]:
        """Which entries to merge, oldest first: small ones of one directory, kind and order of size."""
        found: dict[tuple[Path, int], list[int]] = {}
        for i, entry in enumerate(entries):
            path, size = _path(entry), int(entry["size"])
            if size < self._below and path.name.endswith(self._extension):
                found.setdefault((path.parent, int(math.log(size + 1, _LEAST))), []).append(i)
        for group in found.values():
            while len(group) >= _LEAST:
                taken, size = [], 0
                while group and size < self._below:
                    size += int(entries[group[0]]["size"])
                    taken.append(group.pop(0))
                if len(taken) > 1:
                    yield taken

    def _merge(self, entries: Sequence[Entry], what: str) -> Entry | None:
        paths = [_path(entry) for entry in entries]
        if not all(path.exists() for path in paths):  # somebody has moved the directory, or a file
            return None
        data = self._join(paths)
        if data is None:
            return None
        name = f"part-00000-{uuid.uuid5(uuid.NAMESPACE_OID, f'{self._query_id}/merged/{what}')}-c000{self._extension}"
        path = paths[0].with_name(name)
        files.fs.write(path, data)
        files.fs.sync_directory(path.parent)
        earlier = [name for entry in entries for name in entry.get(_REPLACES, ())]
        return {
            **entries[-1],
            "path": entries[0]["path"].rpartition("/")[0] + "/" + name,
            "size": path.stat().st_size,
            "modificationTime": max(int(entry["modificationTime"]) for entry in entries),
            MERGED: int(time.time() * 1000),
            _REPLACES: [*earlier, *(path.name for path in paths)],
        }

    def _remove_replaced(self, entry: Entry) -> None:
        """The last compact file named the merged file already: nobody who begins now looks for what it replaces."""
        if _REPLACES not in entry or self._keep_ms is None:
            return
        if time.time() * 1000 - int(entry[MERGED]) >= self._keep_ms:
            directory = _path(entry).parent
            for name in entry.pop(_REPLACES):
                files.fs.remove(directory / name)


def merger(
    format_name: str,
    encoder: Encoder,
    options: Mapping[str, str],
    query_id: str,
    keep_ms: int | None,
) -> FileMerger | None:
    """The merger that a sink's options ask for; raises for a size or a format that cannot be."""
    text = options.get(OPTION.lower())
    if text is None:
        return None
    below = _bytes(text)
    join = _join_parquet if format_name == "parquet" else _text_join(format_name, encoder, options)
    return FileMerger(query_id, below, keep_ms, encoder.extension, join)


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise bad_value(OPTION, text, "a size such as 32m")
    return int(match[1]) * _UNITS[match[2]]


def _join_parquet(paths: Sequence[Path]) -> Buffer | None:
    """One file with the row groups' rows in order, its schema and Spark's metadata those of the files."""
    import pyarrow.parquet as pq

    parts = [pq.ParquetFile(path) for path in paths]
    first = parts[0]
    if any(part.schema != first.schema for part in parts):
        return None
    metadata = {k: v for k, v in (first.metadata.metadata or {}).items() if k != b"ARROW:schema"}
    codec = first.metadata.row_group(0).column(0).compression.lower() if first.metadata.num_row_groups else "none"
    tables = [part.read() for part in parts]
    out = pa.BufferOutputStream()
    codec = "none" if codec == "uncompressed" else codec
    with pq.ParquetWriter(
        out, tables[0].schema.remove_metadata(), compression=codec, coerce_timestamps="us", store_schema=False
    ) as writer:
        writer.write_table(pa.concat_tables([table.replace_schema_metadata(None) for table in tables]))
        writer.add_key_value_metadata(metadata)
    return memoryview(out.getvalue())


def _text_join(format_name: str, encoder: Encoder, options: Mapping[str, str]) -> Join:
    """Files of lines one after the other; of those that begin with a header, one header."""
    codec = options.get("compression", options.get("codec", "none")).lower()
    header = encoder.header if isinstance(encoder, CsvEncoder) else b""
    charset = options.get("encoding", options.get("charset", "utf-8")).lower()
    plain = codec in ("none", "uncompressed")
    if format_name not in ("json", "csv", "text"):
        raise unsupported(f"the option {OPTION} for {format_name} files", "Use it for parquet, json, csv or text.")
    if not plain and (header or codec not in ("gzip", "bzip2")):
        what = f"the option {OPTION} for {format_name} files with compression={codec!r}"
        raise unsupported(what + (" and a header" if header else ""), "Use no compression, gzip or bzip2.")
    if charset not in ("utf-8", "utf8"):
        raise unsupported(f"the option {OPTION} with encoding={charset!r}", "Use UTF-8.")

    def join(paths: Sequence[Path]) -> Buffer | None:
        contents = [files.fs.read(path) for path in paths]
        if not header:
            return b"".join(contents)
        if not all(content.startswith(header) for content in contents):
            return None
        return header + b"".join(content[len(header) :] for content in contents)

    return join


def _path(entry: Mapping[str, Any]) -> Path:
    return Path(unquote(urlparse(str(entry["path"])).path))
