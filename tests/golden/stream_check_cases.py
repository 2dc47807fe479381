"""What a stream's options, names, files and settings lead to, and when: asked of real Spark (make_stream_checks.py) and
of Penstock.

A case gives facts, or fails at a stage: "load" (the DataFrame is asked for its schema), "start", or "run".
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stream_check_steps import (
    LAYOUTS,
    LINES,
    PARTITIONED,
    Stage,
    comes_back,
    corrupt_batch,
    corrupt_inference,
    corrupt_stream,
    files,
    layout,
    named,
    on_checkpoint,
    outcome,
    partitioned,
    rate,
    read,
    second_run,
    sink,
    source,
    stray,
    unions,
    watermark,
    with_settings,
    written,
)  # fmt: skip

__all__ = ["VALUES", "cases", "outcome"]

Case = Callable[[Any, Path, Stage], Any]

NAMES = (
    "plain", "UPPER", "a1", "1a", "_x", "a-b", "a b", "`a-b`", "default.t", "`t`.`u`.`v`.`w`", "nowhere.t", "a.", ".a",
    "", " ", "`a", "t;x", "ä", "$x", "select", "a..b",
)  # fmt: skip


def _formats() -> dict[str, Callable[[Any, Path, Stage], Any]]:
    found: dict[str, Callable[[Any, Path, Stage], Any]] = {}
    for name in ("a b", "1a", "xmlish", "a-b", "a.b", "a:b", "ä", ""):
        quoted = f"SELECT 1 AS `{name}`" if name else "SELECT map('', 1) AS a"
        found[f"write/xml/name {name}"] = written("xml", quoted, rowTag="p")
        found[f"write/xml/name {name}/not validated"] = written("xml", quoted, rowTag="p", validateName="false")
        found[f"write/xml/tag {name}"] = written("xml", "SELECT 1 AS a", rowTag=name)
    for value in ("dat", "x", "1234", "abcd", "a1", "a.b", ""):
        found[f"write/csv/extension={value}"] = written("csv", "SELECT 1 AS a", extension=value)
    found["write/csv/extension and codec"] = written("csv", "SELECT 1 AS a", extension="dat", compression="gzip")
    for escape in ("!", '"', "\\"):
        for text in ('x!",y', "x!y", 'x\\\\",y', 'x",y!'):
            query = f"SELECT '{text}' AS a, 'b' AS b"
            found[f"write/csv/{escape}/{text}"] = written("csv", query, escape=escape)
            found[f"write/csv/{escape}/{text}/^"] = written("csv", query, escape=escape, charToEscapeQuoteEscaping="^")
    for option in ("header", "quoteAll", "escapeQuotes", "ignoreLeadingWhiteSpace"):
        found[f"write/csv/{option}=x"] = written("csv", "SELECT 1 AS a", **{option: "x"})
    for option in ("ignoreNullFields", "pretty", "writeNonAsciiCharacterAsCodePoint"):
        found[f"write/json/{option}=x"] = written("json", "SELECT 1 AS a", **{option: "x"})
    found["write/json/pretty"] = written("json", "SELECT 1 AS a, 2 AS b", pretty="true")
    for form in ("csv", "json"):
        date = "SELECT DATE'2024-03-01' AS a"
        found[f"write/{form}/locale"] = written(form, date, locale="de-DE", dateFormat="d MMMM yyyy")
        found[f"write/{form}/locale=x"] = written(form, date, locale="x y z")
    found["write/xml/locale"] = written(
        "xml", "SELECT DATE'2024-03-01' AS a", locale="de-DE", dateFormat="d MMMM yyyy", rowTag="p"
    )
    found["read/xml/locale"] = read(
        "xml", "<p><a>1 März 2024</a></p>", "a", "a date", locale="de-DE", dateFormat="d MMMM yyyy", rowTag="p"
    )
    for pruning in ("true", "false"):
        for columns in ("a", "a;b"):
            found[f"read/csv/pruning {pruning}/{columns}"] = read(
                "csv", "x,y\n1,2,3\n4\n", columns, "a string, b string", columnPruning=pruning, mode="DROPMALFORMED"
            )
    return found


def cases() -> dict[str, Callable[[Any, Path, Stage], Any]]:
    """All of them by name."""
    found: dict[str, Callable[[Any, Path, Stage], Any]] = {}
    for form in LINES:
        for damage in ("cut", "alien"):
            for ignore in (False, True):
                name = f"{form}/{damage}/{'ignored' if ignore else 'told'}"
                found[f"corrupt/batch/{name}"] = corrupt_batch(form, damage, ignore)
                found[f"corrupt/stream/{name}"] = corrupt_stream(form, damage, ignore)
                found[f"corrupt/infer/{name}"] = corrupt_inference(form, damage, ignore)
    for name, schema in PARTITIONED.items():
        found[f"partitioned/batch/{name}"] = partitioned(schema, False)
        found[f"partitioned/stream/{name}"] = partitioned(schema, True)
    for name, directories in LAYOUTS.items():
        found[f"layout/batch/{name}"] = layout(directories, False, {})
        found[f"layout/stream/{name}"] = layout(directories, True, {})
    found["layout/recursive"] = layout(LAYOUTS["two bases"], False, {"recursiveFileLookup": "true"})
    found["comes back/gone a while"] = comes_back("wait")
    found["comes back/at once"] = comes_back("remake")
    for name, make in (("rate", rate), ("files", files)):
        found[f"union/{name}/itself"] = unions(make, lambda one, other: one.union(one))
        found[f"union/{name}/another load"] = unions(make, lambda one, other: one.union(other()))
        found[f"union/{name}/projected"] = unions(make, lambda one, other: one.union(one.select(*one.columns)))
        found[f"union/{name}/filtered"] = unions(make, lambda one, other: one.union(one.where("1 = 1")))
    found.update(_formats())
    found.update(_sources())
    found.update(_sinks())
    for how in ("toTable", "saveAsTable", "insertInto", "table", "stream of table"):
        for name in NAMES:
            found[f"name/{how}/{name}"] = named(how, name)
    return found


def _sources() -> dict[str, Callable[[Any, Path, Stage], Any]]:
    found: dict[str, Callable[[Any, Path, Stage], Any]] = {}
    for option, values in {
        "maxFilesPerTrigger": ("0", "-1", "x", "", "99999999999"), "maxBytesPerTrigger": ("0", "x", "1k"),
        "maxFileAge": ("x", "-1s", "0"), "latestFirst": ("x", "", "TRUE"), "fileNameOnly": ("x",),
        "cleanSource": ("x", "archive", "delete", "OFF"), "maxCachedFiles": ("-1", "x", "0"),
        "discardCachedInputRatio": ("2", "-1", "x"), "pathGlobFilter": ("[", "*.json"),
        "recursiveFileLookup": ("x", "true"), "modifiedBefore": ("2030-01-01T00:00:00", "x"), "mode": ("x",),
        "ignoreCorruptFiles": ("x",), "ignoreMissingFiles": ("x",), "multiLine": ("x",), "compression": ("x",),
        "samplingRatio": ("x", "0"), "timeZone": ("x",), "encoding": ("x",), "lineSep": ("",), "unknown": ("x",),
        "columnNameOfCorruptRecord": ("",), "dateFormat": ("QQQQQ x",), "locale": ("x", "de"),
    }.items():  # fmt: skip
        for value in values:
            found[f"source/json/{option}={value}"] = source("json", **{option: value})
    for option, values in {
        "rowsPerSecond": ("0", "-1", "x", ""), "rampUpTime": ("x", "-1s", "0"), "numPartitions": ("0", "x"),
        "unknown": ("x",),
    }.items():  # fmt: skip
        for value in values:
            found[f"source/rate/{option}={value}"] = source("rate", **{option: value})
    for option, values in {
        "rowsPerBatch": ("0", "x", "-1"), "startTimestamp": ("x", "-1"), "advanceMillisPerBatch": ("x", "-1"),
        "numPartitions": ("0", "x"),
    }.items():  # fmt: skip
        for value in values:
            given = {"rowsPerBatch": "2", option: value}
            found[f"source/rate-micro-batch/{option}={value}"] = source("rate-micro-batch", **given)
    found["source/rate-micro-batch"] = source("rate-micro-batch")
    found["source/socket"] = source("socket")
    found["source/socket/host"] = source("socket", host="localhost")
    found["source/socket/port"] = source("socket", port="1")
    found["source/socket/port=x"] = source("socket", host="localhost", port="x")
    found["source/socket/includeTimestamp=x"] = source("socket", host="localhost", port="1", includeTimestamp="x")
    for form in ("jdbc", "console", "noop", "memory", "binaryFile", "statestore", "foreach", "nothing"):
        found[f"source/{form}"] = source(form)
    found["source/jdbc/url"] = source("jdbc", url="jdbc:x:y", dbtable="t")
    return found


def _sinks() -> dict[str, Callable[[Any, Path, Stage], Any]]:
    found: dict[str, Callable[[Any, Path, Stage], Any]] = {
        "sink/console/numRows=x": sink("console", numRows="x"),
        "sink/console/truncate=x": sink("console", truncate="x"),
        "sink/memory": sink("memory"),
        "sink/memory/name": sink("memory", name="some_rows"),
        "sink/parquet/no path": sink("parquet", path=""),
        "sink/parquet/complete": sink("parquet", "k", "complete"),
        "sink/parquet/update": sink("parquet", "k", "update"),
        "sink/text/two": sink("text", "k;k as l"),
        "sink/text/number": sink("text", "1 as k"),
        "sink/csv/map": sink("csv", "map(k, 1) as m"),
        "sink/csv/struct": sink("csv", "struct(k) as m"),
        "sink/json/void": sink("json", "null as n"),
        "sink/parquet/void": sink("parquet", "null as n;k"),
        "sink/parquet/interval": sink("parquet", "interval 1 day as i"),
        "sink/parquet/twice": sink("parquet", "k;k"),
        "sink/by/missing": sink("json", "k;1 as v", by="x"),
        "sink/by/all": sink("json", "k", by="k"),
        "sink/by/map": sink("json", "k;map(k, 1) as m", by="m"),
        "sink/by/case": sink("json", "k;1 as v", by="V"),
        "sink/by/twice": sink("json", "k;1 as v", by="v,v"),
        "sink/by/console": sink("console", "k;1 as v", by="v"),
        "sink/by/noop": sink("noop", "k;1 as v", by="v"),
        "sink/json/lineSep=": sink("json", lineSep=""),
        "sink/csv/sep=": sink("csv", sep=""),
        "sink/csv/header=x": sink("csv", header="x"),
        "sink/csv/quoteAll=x": sink("csv", quoteAll="x"),
    }
    for option, values in {
        "compression": ("x", "gzip"), "retention": ("x", "1d", "-1d"), "encoding": ("x", "UTF-16"),
        "maxRecordsPerFile": ("1",), "unknown": ("x",), "ignoreNullFields": ("x",), "timestampFormat": ("QQQQQ x",),

    }.items():  # fmt: skip
        for value in values:
            found[f"sink/json/{option}={value}"] = sink("json", **{option: value})
    found["sink/parquet/compression=x"] = sink("parquet", compression="x")
    for form in ("jdbc", "rate", "socket", "binaryFile", "statestore", "nothing"):
        found[f"sink/{form}"] = sink(form)
    found["settings/minBatchesToRetain=0"] = with_settings(sink("noop"), minBatchesToRetain="0")
    found["settings/minBatchesToRetain=-1"] = with_settings(sink("noop"), minBatchesToRetain="-1")
    found["settings/numRecentProgressUpdates=0"] = with_settings(sink("noop"), numRecentProgressUpdates="0")
    found["settings/fileSource compactInterval=0"] = with_settings(sink("noop"), fileSource__log__compactInterval="0")
    found["settings/fileSink compactInterval=0"] = with_settings(sink("json"), fileSink__log__compactInterval="0")
    found["settings/commitProtocolClass"] = with_settings(sink("json"), commitProtocolClass="no.such.Class")
    found["settings/checkpointFileManagerClass"] = with_settings(
        sink("noop"), checkpointFileManagerClass="no.such.Class"
    )
    found["settings/providerClass"] = with_settings(sink("noop"), stateStore__providerClass="no.such.Class")
    found["settings/minDeltasForSnapshot=-1"] = with_settings(sink("noop", "k"), stateStore__minDeltasForSnapshot="-1")
    found.update(_checkpoints())
    return found


def _checkpoints() -> dict[str, Callable[[Any, Path, Stage], Any]]:
    found: dict[str, Callable[[Any, Path, Stage], Any]] = {}
    for name in ("stray.txt", "offsets/stray", ".hidden", "commits/0", "offsets/0", "metadata", "state/0/0/1.delta"):
        case = on_checkpoint(lambda place, name=name: stray(place, name))
        found[f"checkpoint/{name}"] = case
        found[f"checkpoint/{name}/not verified"] = with_settings(case, verifyCheckpointDirectoryEmptyOnStart="false")
    for name in ("metadata", "offsets", "commits", "sources", "offsets/0", "commits/0", "sources/0/0"):
        case = second_run(lambda place, name=name: _remove(place / name))
        found[f"second run/without {name}"] = case
        found[f"second run/without {name}/not verified"] = with_settings(
            case, checkpoint__verifyMetadataExists__enabled="false"
        )
    found["second run"] = second_run(lambda place: None)
    for column, delay in (
        *((column, "1 second") for column in ("t", "d", "n", "k", "nope")),
        *(("t", delay) for delay in ("-1 second", "1 month", "x", "")),
    ):
        found[f"watermark/{column}/{delay}"] = watermark(column, delay)
    found["watermark/k/unchecked"] = with_settings(watermark("k", "1 second"), validateEventTimeWatermarkColumn="false")
    found["watermark/n/unchecked"] = with_settings(watermark("n", "1 second"), validateEventTimeWatermarkColumn="false")
    return found


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


# ---------------------------------------------------------------- settings

VALUES = ("", "x", "-1", "0", "1", "2", "3", "7", "1s", "true", "0.5", "avro", "ZSTD", "min")
