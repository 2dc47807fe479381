"""The entries of a file stream's log: which file was read in which batch.  A million of them are read at each start."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlparse

from penstock.checkpoint.compactible_log import CompactibleLog
from penstock.checkpoint.errors import malformed_log_file
from penstock.checkpoint.metadata_log import json_object
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError

#: An entry as it nearly always is; others (characters that are escaped, another order) take the way through JSON.
_PLAIN = re.compile(rb'\{"path":"file://(/[^"\\%?#;]*)","timestamp":(\d+),"batchId":(\d+)\}')


def source_log_entry(path: str, modified_ms: int, batch_id: int) -> str:
    """One file as Spark writes it.  Raises for a name that is no text: neither the log nor a query can name it."""
    try:
        uri = "file://" + quote(path, safe="/=:@!$&'()*+,;~-._")
    except UnicodeEncodeError as error:
        shown = path.encode(errors="surrogateescape").decode(errors="replace")
        message = f"The name of the file {shown} is not UTF-8. Rename it, or leave it out by the option pathGlobFilter."
        raise SparkError("", message, classes=ILLEGAL_ARGUMENT[1:]) from error
    return json.dumps({"path": uri, "timestamp": modified_ms, "batchId": batch_id}, separators=(",", ":"))


def read_entries(log: CompactibleLog) -> Iterator[tuple[str, int, int]]:
    """The path, the modification time and the batch of each file in the log; raises for a malformed line."""
    for file, line in log.raw_lines():
        match = _PLAIN.fullmatch(line)
        if match is not None:
            yield match[1].decode(), int(match[2]), int(match[3])
        else:
            yield _parsed(line, file)


def _parsed(line: bytes, file: Path) -> tuple[str, int, int]:
    text = line.decode(errors="replace")
    entry = json_object(text, file)
    try:
        path = unquote(urlparse(str(entry["path"])).path)
        return path, int(str(entry["timestamp"])), int(str(entry["batchId"]))
    except (KeyError, ValueError) as error:
        raise malformed_log_file(file, text, f"an entry lacks or garbles {error}") from None
