"""No option that Spark documents is accepted and ignored where Spark heeds it: the walk over `option_cases`."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import penstock
from penstock.core import option_names
from tests.sources.option_cases import (
    AVRO_READ,
    FILES,
    JDBC,
    JDBC_ELSEWHERE,
    READ,
    WRITE,
    WRITES,
    Case,
    Changes,
    Nothing,
    Refused,
)

#: What every read or write of a format needs.
_NEEDED = {"xml": {"rowTag": "p"}}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    yield penstock.session({"spark.sql.session.timeZone": "UTC"})


def _of(table: Mapping[str, Mapping[str, Case]], kind: type[Case]) -> list[Any]:
    return [pytest.param(form, name, case, id=f"{form}-{name}")
            for form, cases in table.items() for name, case in cases.items() if isinstance(case, kind)]  # fmt: skip


# ---------------------------------------------------------------- reading


def _data(spark: Any, root: Path, form: str, case: Changes | Refused) -> Path:
    """A directory with what is to be read: a file of the case's text, or two that hold its rows and others."""
    place = root / "in"
    if case.text or not case.of:
        place.mkdir()
        content = case.text if isinstance(case.text, bytes) else case.text.encode()
        (place / f"data{getattr(case, 'suffix', '')}").write_bytes(content)
        return place
    for query in (case.of, case.of.replace(" a", " b"))[: 2 if form in ("parquet", "orc") else 1]:
        spark.sql(query).write.format(form).mode("append").save(str(place))
    for file in place.iterdir():
        if suffix := getattr(case, "suffix", ""):
            file.rename(file.with_suffix(suffix))
    return place


def _read(spark: Any, form: str, place: Path, case: Changes | Refused, options: Mapping[str, str]) -> tuple[str, Any]:
    given = {**_NEEDED.get(form, {}), **case.also, **options}
    reader = spark.read.format(form).options(**given)
    reader = reader if getattr(case, "schema", None) is None else reader.schema(case.schema)
    try:
        frame = reader.load(str(place)) if "path" not in given else reader.load()
        columns = getattr(case, "columns", ("*",))
        return frame.schema.simpleString(), sorted(map(str, frame.select(*columns).collect()))
    except Exception as error:
        return "", str(error)


@pytest.mark.parametrize(("form", "name", "case"), _of(READ, Changes))
def test_reading_heeds(spark: Any, tmp_path: Path, form: str, name: str, case: Changes) -> None:
    place = _data(spark, tmp_path, form, case)
    (tmp_path / "schema").write_text(AVRO_READ["avroSchema"].value)
    value = str(tmp_path / "schema") if case.value == "$schema" else case.value
    without, given = _read(spark, form, place, case, {}), _read(spark, form, place, case, {name: value})
    assert given[0], f"with the option: {given[1]}"
    assert given != without


@pytest.mark.parametrize(("form", "name", "case"), _of(READ, Refused))
def test_reading_refuses(spark: Any, tmp_path: Path, form: str, name: str, case: Refused) -> None:
    place = _data(spark, tmp_path, form, case)
    assert _read(spark, form, place, case, {})[0], "it is refused without the option, too"
    schema, error = _read(spark, form, place, case, {name: case.value})
    assert (schema, (name if case.says is None else case.says) in error) == ("", True), error


@pytest.mark.parametrize(("name", "case"), [(n, c) for n, c in FILES.items() if isinstance(c, Changes)])
def test_choosing_files_heeds(spark: Any, tmp_path: Path, name: str, case: Changes) -> None:
    for directory, text in (("p=1/q=1", "x\n"), ("p=1/q=2", "y\n")):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / f"data{case.suffix}").write_bytes(
            case.text if isinstance(case.text, bytes) else text.encode()
        )
    value = {"$parent": str(tmp_path), "$other": str(tmp_path / "p=1" / "q=1")}.get(case.value, case.value)
    place = tmp_path / "p=1"
    without = _read(spark, "text", place, case, {"path": str(place)} if name == "path" else {})
    assert _read(spark, "text", place, case, {name: value}) != without


# ---------------------------------------------------------------- databases


def _database(spark: Any, tmp_path: Path, name: str, value: str) -> Any:
    connection = sqlite3.connect(tmp_path / "db")
    connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, "x"), (2, "y")])
    connection.commit()
    connection.close()
    options = {"url": f"jdbc:sqlite:{tmp_path}/db", "dbtable": "t", name: value}
    if name in ("partitionColumn", "numPartitions"):
        options |= {"partitionColumn": "a", "lowerBound": "1", "upperBound": "2", "numPartitions": "2"}
    try:
        return sorted(map(tuple, spark.read.format("jdbc").options(**options).load().collect()))
    except Exception as error:
        return str(error)


@pytest.mark.parametrize(("name", "case"), JDBC.items())
def test_databases(spark: Any, tmp_path: Path, name: str, case: Nothing | Refused) -> None:
    found = _database(spark, tmp_path, name, case.value)
    if isinstance(case, Nothing):
        assert found == [(1, "x"), (2, "y")]
    else:
        assert f"the option {name} of the jdbc data source" in found


def test_what_databases_heed(spark: Any, tmp_path: Path) -> None:
    begin = _database(spark, tmp_path, "sessionInitStatement", "CREATE TEMP VIEW t AS SELECT 5 AS a, 'z' AS b")
    assert begin == [(5, "z")]
    reader = spark.read.format("jdbc").options(url=f"jdbc:sqlite:{tmp_path}/db", dbtable="t")
    assert "the JDBC driver my.Driver" in _error(lambda: reader.option("driver", "my.Driver").load().schema)
    write = spark.sql("SELECT 1 AS k, 'x' AS v").write.format("jdbc").option("url", f"jdbc:sqlite:{tmp_path}/db")
    write.option("createTableColumnTypes", "v VARCHAR(7)").option("dbtable", "typed").save()
    write.option("createTableOptions", "no words of SQL").option("dbtable", "made").mode("append")
    assert "syntax error" in _error(write.save)
    connection = sqlite3.connect(tmp_path / "db")
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'typed'").fetchone()
    connection.close()
    assert "VARCHAR(7)" in made


def _error(action: Any) -> str:
    try:
        return repr(action())
    except Exception as error:
        return str(error)


def test_other_options_of_databases_have_tests() -> None:
    text = (Path(__file__).parents[1] / "connect" / "test_jdbc.py").read_text()
    assert [name for name in JDBC_ELSEWHERE if name not in text] == []


# ---------------------------------------------------------------- writing


def _written(spark: Any, root: Path, form: str, case: Changes | Refused, options: Mapping[str, str]) -> Any:
    """The names' ends and contents of the files that are written."""
    given = {**_NEEDED.get(form, {}), **case.also, **options}
    place = root / hashlib.md5(repr(sorted(given.items())).encode()).hexdigest()
    try:
        spark.sql(case.of).write.format(form).options(**given).save(str(place))
    except Exception as error:
        return str(error)
    files = [file for file in place.iterdir() if not file.name.startswith(("_", "."))]
    return [("".join(file.suffixes), file.read_bytes() if form != "avro" else _avro(file)) for file in files]


def _avro(file: Path) -> Any:
    """A file's header and rows, without the marker between blocks, which is random."""
    import fastavro

    with file.open("rb") as content:
        opened = fastavro.reader(content)
        return opened.metadata["avro.schema"], opened.codec, list(opened)


@pytest.mark.parametrize(("form", "name", "case"), _of(WRITE, Changes))
def test_writing_heeds(spark: Any, tmp_path: Path, form: str, name: str, case: Changes) -> None:
    without, given = (_written(spark, tmp_path, form, case, options) for options in ({}, {name: case.value}))
    assert isinstance(given, list), f"with the option: {given}"
    assert given != without


@pytest.mark.parametrize(
    ("form", "name", "case"),
    [*_of(WRITE, Refused), *_of(dict.fromkeys(("parquet", "json"), WRITES), Refused)],
)
def test_writing_refuses(spark: Any, tmp_path: Path, form: str, name: str, case: Refused) -> None:
    error = _written(spark, tmp_path, form, case, {name: case.value})
    assert isinstance(error, str), "it is accepted"
    assert name in error


# ---------------------------------------------------------------- names that no option has


def test_every_option_is_known_by_name() -> None:
    """Else a program would be told that it has no effect."""
    cases = [(form, {**READ.get(form, {}), **WRITE.get(form, {}), **FILES, **WRITES}) for form in {**READ, **WRITE}]
    assert [(form, name) for form, found in cases for name in found if name not in option_names.names(form)] == []


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == option_names.__name__]


@pytest.mark.parametrize(
    ("form", "option", "meant"),
    [
        ("rate", "rowPerSecond", " Did you mean rowsPerSecond?"),
        ("socket", "ports", " Did you mean port?"),
        ("rate", "zzz", ""),
    ],
)
def test_a_misspelled_option_of_a_stream_is_told(
    spark: Any, caplog: pytest.LogCaptureFixture, form: str, option: str, meant: str
) -> None:
    option_names._told.clear()
    needed = {"host": "localhost", "port": "1"} if form == "socket" else {}
    with caplog.at_level(logging.WARNING):
        frame = spark.readStream.format(form).options(**needed).option(option, "5").load()
        assert frame.isStreaming and frame.schema
    assert _told(caplog) == [f"The format {form} has no option {option} here: it has no effect.{meant}"]


def test_a_misspelled_option_of_files_is_told_once(
    spark: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    option_names._told.clear()
    frame = spark.sql("SELECT 1 AS a")
    with caplog.at_level(logging.WARNING):
        for n in range(2):
            frame.write.option("headers", True).option("sep", ";").csv(str(tmp_path / str(n)))
        stream = spark.readStream.schema("a INT").option("maxFilePerTrigger", 1).csv(str(tmp_path / "0"))
        query = (
            stream.writeStream.format("console").option("numRow", 3).option("checkpointLocation", str(tmp_path / "c"))
        )
        query.trigger(availableNow=True).start().awaitTermination()
    assert _told(caplog) == [
        "The format csv has no option headers here: it has no effect. Did you mean header?",
        "The format csv has no option maxFilePerTrigger here: it has no effect. Did you mean maxFilesPerTrigger?",
        "The format console has no option numRow here: it has no effect. Did you mean numRows?",
    ]


def test_options_of_a_source_of_a_program_are_its_own(spark: Any, caplog: pytest.LogCaptureFixture) -> None:
    option_names._told.clear()
    with caplog.at_level(logging.WARNING):
        option_names.tell_unknown("mine", ["anything"])
    assert _told(caplog) == []
