"""The steps of `stream_check_cases`: what is made, started and read in a case, and what becomes of it."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LINES = {
    "json": "".join(f'{{"k":"k{i}","v":{i}}}\n' for i in range(2000)),
    "csv": "".join(f"k{i},{i}\n" for i in range(2000)),
    "text": "".join(f"k{i} {i}\n" for i in range(2000)),
}
SCHEMAS = {"json": "k string, v int", "csv": "k string, v int", "text": "value string"}
SUFFIXES = {"json": ".json.gz", "csv": ".csv.gz", "text": ".txt.gz"}


class Stage:
    """How far a case has come."""

    def __init__(self) -> None:
        self.name = "load"


def outcome(case: Callable[[Any, Path, Stage], Any], spark: Any, root: Path) -> dict[str, Any]:
    """What the case gives, or where it fails and with which conditions (those of the causes too)."""
    stage = Stage()
    root.mkdir(parents=True, exist_ok=True)
    try:
        return {"gives": case(spark, root, stage)}
    except Exception as error:
        found = re.findall(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z][A-Z0-9_]+)*)\]", str(error))
        condition = getattr(error, "getCondition", lambda: None)()
        conditions = [c for c in dict.fromkeys([condition, *found]) if c and c != "STREAM_FAILED"]
        return {"fails": stage.name, "condition": conditions[0] if conditions else None}
    finally:
        for query in spark.streams.active:
            query.stop()


@contextmanager
def setting(spark: Any, values: dict[str, str]) -> Iterator[None]:
    """Some settings, for a while."""
    for key, value in values.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key in values:
            spark.conf.unset(key)


def run(writer: Any, stage: Stage, root: Path, *start: Any) -> Any:
    """The query, once it has read everything; it is stopped."""
    stage.name = "start"
    query = writer.option("checkpointLocation", str(root / "checkpoint")).start(*start)
    stage.name = "run"
    try:
        query.processAllAvailable()
    finally:
        query.stop()
    return query


def loaded(frame: Any, stage: Stage) -> Any:
    """The DataFrame, its schema known."""
    stage.name = "load"
    assert frame.schema is not None
    return frame


# ---------------------------------------------------------------- files


def _damaged(root: Path, form: str, damage: str) -> Path:
    """A directory with one good file and one damaged one."""
    place = root / "in"
    place.mkdir(parents=True, exist_ok=True)
    good = gzip.compress(LINES[form].splitlines()[0].encode() + b"\n")
    (place / f"a{SUFFIXES[form]}").write_bytes(good)
    whole = gzip.compress(LINES[form].encode(), mtime=0)
    broken = {"cut": whole[: len(whole) // 2], "alien": b"this is not gzip at all, and never was\n" * 20}[damage]
    (place / f"b{SUFFIXES[form]}").write_bytes(broken)
    return place


def corrupt_batch(form: str, damage: str, ignore: bool) -> Callable[[Any, Path, Stage], Any]:
    """Rows that a batch query reads of a damaged file, up to "some"."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        reader = spark.read.schema(SCHEMAS[form])
        reader = reader.option("ignoreCorruptFiles", "true") if ignore else reader
        frame = loaded(reader.format(form).load(str(_damaged(root, form, damage))), stage)
        stage.name = "run"
        return _many(frame.count())

    return case


def corrupt_stream(form: str, damage: str, ignore: bool) -> Callable[[Any, Path, Stage], Any]:
    """The same of a stream."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        reader = spark.readStream.schema(SCHEMAS[form])
        reader = reader.option("ignoreCorruptFiles", "true") if ignore else reader
        frame = loaded(reader.format(form).load(str(_damaged(root, form, damage))), stage)
        run(frame.writeStream.format("parquet"), stage, root, str(root / "out"))
        return _many(spark.read.schema("k string").parquet(str(root / "out")).count())

    return case


def corrupt_inference(form: str, damage: str, ignore: bool) -> Callable[[Any, Path, Stage], Any]:
    """The schema that a damaged file leaves."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        reader = spark.read.option("inferSchema", "true")
        reader = reader.option("ignoreCorruptFiles", "true") if ignore else reader
        return loaded(reader.format(form).load(str(_damaged(root, form, damage))), stage).schema.simpleString()

    return case


def _many(count: int) -> str:
    """How many rows of a file cut in two are read is the decompressor's affair."""
    return "the good one" if count == 1 else "all" if count == 2001 else "some of the damaged one"


PARTITIONED = {
    "in order": "k string, p int",
    "first": "p int, k string",
    "between": "k string, p int, v int",
    "another type": "p string, k string",
    "two": "q string, k string, p int",
    "not there": "k string, v int",
}


def partitioned(schema: str, streaming: bool) -> Callable[[Any, Path, Stage], Any]:
    """The columns of files in directories p=1/q=x under a declared schema, and the rows."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        for p, q in ((1, "x"), (2, "y")):
            place = root / "in" / f"p={p}" / f"q={q}"
            place.mkdir(parents=True)
            (place / "a.json").write_text(f'{{"k":"k{p}","v":{p}}}\n')
        reader = (spark.readStream if streaming else spark.read).schema(schema)
        frame = loaded(reader.json(str(root / "in")), stage)
        if not streaming:
            stage.name = "run"
            return [frame.schema.simpleString(), sorted(map(str, frame.collect()))]
        run(frame.writeStream.format("json"), stage, root, str(root / "out"))
        rows = spark.read.schema(schema).json(str(root / "out")).collect()
        return [frame.schema.simpleString(), sorted(map(str, rows))]

    return case


LAYOUTS = {
    "two bases": ("a/p=1", "b/p=2"),
    "base and below": ("p=1", "b/p=2"),
    "no partitions": ("a", "b"),
    "deeper": ("a/p=1", "a/b/p=2"),
    "half": ("p=1", "plain"),
    "file at the top": (".", "p=1"),
    "other names": ("p=1", "q=2"),
    "other depths": ("p=1", "p=2/q=1"),
    "case": ("p=1", "P=2"),
}


def layout(directories: tuple[str, ...], streaming: bool, options: dict[str, str]) -> Callable[[Any, Path, Stage], Any]:
    """Files in directories that do not go together."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        for name in directories:
            (root / "in" / name).mkdir(parents=True, exist_ok=True)
            (root / "in" / name / "a.json").write_text('{"k":"a"}\n')
        reader = (spark.readStream if streaming else spark.read).schema("k string").options(**options)
        frame = loaded(reader.json(str(root / "in")), stage)
        if streaming:
            run(frame.writeStream.format("json"), stage, root, str(root / "out"))
            return sorted(frame.columns)
        stage.name = "run"
        return [sorted(frame.columns), frame.count()]

    return case


def comes_back(change: str) -> Callable[[Any, Path, Stage], Any]:
    """A directory that goes away and comes back under a running query."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        place = root / "in"
        place.mkdir()
        (place / "a.json").write_text('{"k":"a"}\n')
        frame = spark.readStream.schema("k string").json(str(place))
        query = frame.writeStream.format("json").option("checkpointLocation", str(root / "cp")).start(str(root / "out"))
        query.processAllAvailable()
        stage.name = "gone"
        shutil.rmtree(place)
        if change != "remake":
            query.processAllAvailable()
        stage.name = "back"
        place.mkdir()
        (place / "b.json").write_text('{"k":"b"}\n')
        query.processAllAvailable()
        query.stop()
        return sorted(row.k for row in spark.read.schema("k string").json(str(root / "out")).collect())

    return case


# ---------------------------------------------------------------- sources


def unions(make: Callable[[Any, Path], Any], change: Callable[[Any, Callable[[], Any]], Any]) -> Any:
    """How many sources a query counts."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        frame = loaded(change(make(spark, root), lambda: make(spark, root)), stage)
        query = frame.writeStream.format("noop").option("checkpointLocation", str(root / "cp")).start()
        stage.name = "run"
        while not [p for p in query.recentProgress if p.numInputRows]:
            query.awaitTermination(0.05)
        query.stop()
        found = next(p for p in query.recentProgress if p.numInputRows)
        log = (root / "cp" / "offsets" / str(found.batchId)).read_text().splitlines()
        return [len(found.sources), len(log) - 2]

    return case


def rate(spark: Any, root: Path) -> Any:
    return spark.readStream.format("rate-micro-batch").option("rowsPerBatch", "2").load()


def files(spark: Any, root: Path) -> Any:
    place = root / "in"
    place.mkdir(exist_ok=True)
    (place / "a.json").write_text('{"k":"a"}\n')
    return spark.readStream.schema("k string").json(str(place))


def source(form: str, **options: str) -> Callable[[Any, Path, Stage], Any]:
    """A stream of that format with these options, into nothing."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        place = root / "in"
        place.mkdir(exist_ok=True)
        (place / "a.json").write_text('{"k":"a"}\n')
        reader = spark.readStream.format(form).options(**options)
        is_file = form in ("json", "csv", "text", "parquet", "orc", "xml")
        reader = reader.schema("value string" if form == "text" else "k string") if is_file else reader
        frame = loaded(reader.load(str(place)) if is_file else reader.load(), stage)
        run(frame.writeStream.format("noop"), stage, root)
        return "runs"

    return case


def sink(form: str, columns: str = "k", mode: str = "append", **options: str) -> Callable[[Any, Path, Stage], Any]:
    """A sink of that format with these options.  `by`, `name` and `path` are the writer's."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        frame = loaded(files(spark, root).selectExpr(*columns.split(";")), stage)
        stage.name = "start"
        given = dict(options)
        writer = frame.writeStream.format(form).outputMode(mode)
        by, name, path = given.pop("by", None), given.pop("name", None), given.pop("path", "out")
        writer = writer.partitionBy(*by.split(",")) if by else writer
        writer = writer.queryName(name) if name else writer
        run(writer.options(**given), stage, root, *([str(root / path)] if path else []))
        return "runs"

    return case


def named(how: str, name: str) -> Callable[[Any, Path, Stage], Any]:
    """A table of that name, written or read in one of five ways."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        stage.name = "start"
        if how == "toTable":
            frame = files(spark, root)
            query = frame.writeStream.option("checkpointLocation", str(root / "cp")).toTable(name)
            stage.name = "run"
            query.processAllAvailable()
            query.stop()
        elif how in ("table", "stream of table"):
            spark.sql("CREATE TABLE IF NOT EXISTS plain (k string) USING json")
            stage.name = "load"
            frame = spark.table(name) if how == "table" else spark.readStream.table(name)
            return frame.columns
        elif how == "saveAsTable":
            spark.sql("SELECT 'a' AS k").write.mode("append").saveAsTable(name)
        else:
            spark.sql("SELECT 'a' AS k").write.insertInto(name)
        for table in spark.catalog.listTables():
            spark.sql(f"DROP TABLE IF EXISTS `{table.name}`")
        return "written"

    return case


def on_checkpoint(prepare: Callable[[Path], Any]) -> Callable[[Any, Path, Stage], Any]:
    """A query that starts where something is already."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        (root / "checkpoint").mkdir()
        prepare(root / "checkpoint")
        run(files(spark, root).writeStream.format("noop"), stage, root)
        return "runs"

    return case


def second_run(harm: Callable[[Path], Any]) -> Callable[[Any, Path, Stage], Any]:
    """A second run on a checkpoint that something has happened to; how many rows the sink holds then."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        run(files(spark, root).writeStream.format("json"), stage, root, str(root / "out"))
        harm(root / "checkpoint")
        (root / "in" / "b.json").write_text('{"k":"b"}\n')
        run(files(spark, root).writeStream.format("json"), stage, root, str(root / "out"))
        return spark.read.schema("k string").json(str(root / "out")).count()

    return case


def watermark(column: str, delay: str) -> Callable[[Any, Path, Stage], Any]:
    """withWatermark on a column that may be none of time."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        frame = files(spark, root).selectExpr("k", "current_timestamp() AS t", "current_date() AS d", "1 AS n")
        frame = loaded(frame.withWatermark(column, delay), stage)
        run(frame.writeStream.format("noop"), stage, root)
        return "runs"

    return case


def stray(directory: Path, name: str) -> None:
    place = directory / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("v1\n{}")


def with_settings(case: Callable[[Any, Path, Stage], Any], **values: str) -> Callable[[Any, Path, Stage], Any]:
    """The case under some settings of spark.sql.streaming (`.` as `__`)."""
    keys = {"spark.sql.streaming." + name.replace("__", "."): value for name, value in values.items()}

    def run_it(spark: Any, root: Path, stage: Stage) -> Any:
        with setting(spark, keys):
            return case(spark, root, stage)

    return run_it


def written(form: str, query: str, **options: str) -> Callable[[Any, Path, Stage], Any]:
    """The names' ends and texts of the files that a batch query writes."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        stage.name = "start"
        spark.sql(query).write.format(form).options(**options).save(str(root / "out"))
        found = [file for file in (root / "out").iterdir() if not file.name.startswith(("_", "."))]
        return [["".join(file.suffixes), file.read_bytes().decode("latin-1")] for file in found]

    return case


def read(form: str, text: str, columns: str, schema: str | None = None, **options: str) -> Any:
    """The rows of a file of this text."""

    def case(spark: Any, root: Path, stage: Stage) -> Any:
        (root / "in").mkdir()
        (root / "in" / f"a.{form}").write_text(text)
        reader = spark.read.options(**options)
        reader = reader if schema is None else reader.schema(schema)
        frame = loaded(reader.format(form).load(str(root / "in")), stage)
        stage.name = "run"
        return [frame.schema.simpleString(), sorted(map(str, frame.select(*columns.split(";")).collect()))]

    return case
