"""ALTER TABLE and its like, DEFAULT values, COMMENT ON: against real Spark's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, UnsupportedOperationException
from pyspark.sql import Row

from penstock.sinks import batch_writer
from tests.golden.table_command_cases import GROUPS, answer

RECORDED = json.loads((Path(__file__).parents[1] / "golden" / "table_commands.json").read_text())


@pytest.mark.parametrize("group", GROUPS)
def test_answers(spark: Any, group: str, tmp_path: Path) -> None:
    """A group's texts build on each other: they run in order."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    recorded = RECORDED[group]
    assert [case["sql"] for case in recorded] == GROUPS[group]
    places = {"place": tmp_path / "place", "warehouse": tmp_path / "warehouse"}
    found = [answer(spark, text, places) for text in GROUPS[group]]
    assert found == recorded


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=str)


REFUSED = {
    "ALTER TABLE p ADD PARTITION (b = 'z') LOCATION '/elsewhere'": "ADD PARTITION with LOCATION",
    "ALTER TABLE p PARTITION (b = 'x') SET LOCATION '/elsewhere'": "SET LOCATION",
    "ALTER TABLE p SET LOCATION '/elsewhere'": "SET LOCATION",
    "ALTER TABLE e PARTITION (b = 'x') RENAME TO PARTITION (b = 'y')": "RENAME TO PARTITION",
    "ALTER TABLE e ADD COLUMNS (c INT DEFAULT 5)": "ADD COLUMNS with DEFAULT",
    "ALTER TABLE p ADD COLUMNS (c ARRAY<INT> DEFAULT array(1))": "ADD COLUMNS with a DEFAULT of the type",
    "ALTER TABLE p SET SERDEPROPERTIES ('a' = 'b')": "SERDEPROPERTIES",
    "ALTER VIEW v WITH SCHEMA BINDING": "WITH SCHEMA",
    "ALTER TABLE p DEFAULT COLLATION UTF8_BINARY": "DEFAULT COLLATION",
    "INSERT OVERWRITE p PARTITION (b = 'x') VALUES (1)": "INSERT OVERWRITE of one partition",
    "CREATE TABLE q (a INT, b STRING DEFAULT 'd') USING parquet LOCATION '{e}'": "DEFAULT over files",
}


def test_what_is_not_there_yet_is_refused_by_name(spark: Any, tmp_path: Path) -> None:
    spark.sql("CREATE TABLE p (a INT, b STRING) USING parquet PARTITIONED BY (b)")
    spark.sql("INSERT INTO p VALUES (1, 'x')")
    place = tmp_path / "e"
    spark.sql(f"CREATE TABLE e (a INT, b STRING) USING parquet PARTITIONED BY (b) LOCATION '{place}'")
    spark.sql("INSERT INTO e VALUES (1, 'x')")
    spark.sql("CREATE VIEW v AS SELECT 1 AS one")
    for sql, told in REFUSED.items():
        with pytest.raises(UnsupportedOperationException) as caught:
            spark.sql(sql.replace("{e}", str(place)))
        assert caught.value.getCondition() == "UNSUPPORTED_FEATURE.PENSTOCK", sql
        assert told in str(caught.value), sql
    assert rows(spark.table("p")) == rows(spark.table("e")) == [(1, "x")]
    assert not spark.catalog.tableExists("q")


def test_rows_that_an_insert_writes_while_a_column_comes_have_its_default(
    spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The INSERT was planned before the column came, and writes its file after it."""
    spark.sql("CREATE TABLE t (a INT)")
    spark.sql("INSERT INTO t VALUES (1)")
    write, came = batch_writer.write, []

    def late(*args: Any, **settings: Any) -> str:
        if not came:
            came.append(True)
            spark.sql("ALTER TABLE t ADD COLUMNS (b INT DEFAULT 7)")
        return write(*args, **settings)

    monkeypatch.setattr(batch_writer, "write", late)
    spark.sql("INSERT INTO t VALUES (2)")
    spark.sql("INSERT INTO t VALUES (3, NULL)")
    assert rows(spark.table("t")) == [(1, 7), (2, 7), (3, None)]


def test_columns_that_came_with_a_default_are_read_after_renames(spark: Any, tmp_path: Path) -> None:
    spark.sql("CREATE TABLE t (a INT, p INT) USING parquet PARTITIONED BY (p)")
    spark.sql("INSERT INTO t VALUES (1, 1), (2, 2)")
    spark.sql("ALTER TABLE t ADD COLUMNS (b STRING DEFAULT 'old')")
    spark.sql("ALTER TABLE t PARTITION (p = 1) RENAME TO PARTITION (p = 11)")
    spark.sql("ALTER TABLE t RENAME TO u")
    spark.sql("ALTER TABLE u ALTER COLUMN b SET DEFAULT 'new'")
    spark.sql("INSERT INTO u (a, p) VALUES (3, 3)")
    wanted = [(1, "old", 11), (2, "old", 2), (3, "new", 3)]
    assert rows(spark.table("u")) == wanted
    assert (tmp_path / "warehouse" / "u" / "p=11").is_dir()
    assert not (tmp_path / "warehouse" / "t").exists()
    assert spark.sql("SELECT count(*) FROM u WHERE b = 'old'").collect() == [(2,)]


def test_a_stream_reads_defaults_of_columns_that_are_younger_than_files(spark: Any) -> None:
    spark.sql("CREATE TABLE t (a INT)")
    spark.sql("INSERT INTO t VALUES (1)")
    spark.sql("ALTER TABLE t ADD COLUMNS (b STRING DEFAULT 'old')")
    spark.sql("INSERT INTO t VALUES (2, NULL)")
    query = spark.readStream.table("t").writeStream.format("memory").queryName("m").trigger(availableNow=True).start()
    assert query.awaitTermination(120)
    assert rows(spark.table("m")) == [(1, "old"), (2, None)]


def test_a_rename_onto_files_that_are_there_changes_nothing(spark: Any, tmp_path: Path) -> None:
    spark.sql("CREATE TABLE t (a INT)")
    spark.sql("INSERT INTO t VALUES (1)")
    (tmp_path / "warehouse" / "u").mkdir()
    (tmp_path / "warehouse" / "u" / "mine").write_text("x")
    with pytest.raises(AnalysisException) as caught:
        spark.sql("ALTER TABLE t RENAME TO u")
    assert caught.value.getCondition() == "LOCATION_ALREADY_EXISTS"
    assert rows(spark.table("t")) == [(1,)]
    assert not spark.catalog.tableExists("u")


def test_catalog_calls_tell_what_was_altered(spark: Any) -> None:
    spark.sql("CREATE DATABASE d WITH DBPROPERTIES ('k' = 'v')")
    spark.sql("COMMENT ON DATABASE d IS 'words'")
    assert spark.catalog.getDatabase("d").description == "words"
    spark.sql("CREATE TABLE d.t (a INT) USING json")
    spark.sql("COMMENT ON TABLE d.t IS 'a table'")
    spark.sql("ALTER TABLE d.t ALTER COLUMN a COMMENT 'a column'")
    assert spark.catalog.getTable("d.t").description == "a table"
    assert [c.description for c in spark.catalog.listColumns("d.t")] == ["a column"]
    spark.sql("ALTER DATABASE default SET DBPROPERTIES ('x' = 'y')")
    assert [d.name for d in spark.catalog.listDatabases()] == ["d", "default"]


def test_null_structs_with_fields_that_are_never_null(spark: Any, tmp_path: Path) -> None:
    """The Parquet writer took the field's promise for the struct's own."""
    spark.sql("SELECT * FROM VALUES (NULL), (named_struct('x', 1)) t(s)").write.parquet(str(tmp_path / "d"))
    assert rows(spark.read.parquet(str(tmp_path / "d"))) == [(None,), (Row(x=1),)]


def test_a_column_called_default_is_meant_where_there_is_one(spark: Any) -> None:
    spark.sql("CREATE TABLE t (a INT DEFAULT 5)")
    spark.sql("INSERT INTO t SELECT default FROM VALUES (1) v(`default`)")
    spark.sql("INSERT INTO t SELECT default FROM VALUES (1) v(other)")
    assert rows(spark.table("t")) == [(1,), (5,)]
