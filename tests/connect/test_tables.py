"""Tables of the catalog: files in a directory under a name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, UnsupportedOperationException


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in frame.collect())


def test_partitioned_table(spark: Any, tmp_path: Path) -> None:
    spark.sql("CREATE TABLE t (a INT, b STRING) USING parquet PARTITIONED BY (b)")
    spark.sql("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    spark.sql("INSERT INTO t (b, a) VALUES ('k', 3)")
    spark.sql("INSERT INTO t PARTITION (b = 'z') SELECT 4")
    assert rows(spark.table("spark_catalog.default.t")) == [(1, "x"), (2, "y"), (3, "k"), (4, "z")]
    assert [r.partition for r in spark.sql("SHOW PARTITIONS t").collect()] == ["b=k", "b=x", "b=y", "b=z"]
    assert (tmp_path / "warehouse" / "t" / "b=x").is_dir()
    assert [(c.name, c.isPartition) for c in spark.catalog.listColumns("t")] == [("a", False), ("b", True)]
    assert [r[0] for r in spark.sql("DESCRIBE t").collect()] == ["a", "b", "# Partition Information", "# col_name", "b"]
    spark.sql("TRUNCATE TABLE t")
    assert rows(spark.table("t")) == []
    spark.sql("DROP TABLE t")
    assert not (tmp_path / "warehouse" / "t").exists()


def test_insert_checks_columns_and_types(spark: Any) -> None:
    spark.sql("CREATE TABLE t (a INT, b STRING)")
    cases = {
        "INSERT INTO t VALUES (1)": "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
        "INSERT INTO t VALUES (1, 'x', 2)": "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS",
        "INSERT INTO t VALUES ('q', 'x')": "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST",
        "INSERT INTO nowhere VALUES (1)": "TABLE_OR_VIEW_NOT_FOUND",
        "CREATE TABLE t (a INT)": "TABLE_OR_VIEW_ALREADY_EXISTS",
        "DROP TABLE nowhere": "TABLE_OR_VIEW_NOT_FOUND",
        "CREATE OR REPLACE TABLE t AS SELECT 1": "UNSUPPORTED_FEATURE.TABLE_OPERATION",
    }
    for sql, condition in cases.items():
        with pytest.raises(AnalysisException) as caught:
            spark.sql(sql)
        assert caught.value.getCondition() == condition, sql
    assert rows(spark.table("t")) == []


def test_save_modes(spark: Any) -> None:
    frame = spark.createDataFrame([(1, "x")], "a INT, b STRING")
    frame.write.saveAsTable("t")
    frame.select("b", "a").write.mode("append").saveAsTable("t")  # by name
    frame.selectExpr("a + 1 AS q", "b AS r").write.insertInto("t")  # by position
    frame.write.mode("ignore").saveAsTable("t")
    assert rows(spark.table("t")) == [(1, "x"), (1, "x"), (2, "x")]
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        frame.write.saveAsTable("t")
    spark.table("t").where("a = 2").write.mode("overwrite").saveAsTable("t")  # from itself
    assert rows(spark.table("t")) == [(2, "x")]
    spark.range(1).writeTo("other").using("json").create()
    assert rows(spark.table("other")) == [(0,)]
    with pytest.raises(UnsupportedOperationException, match="orc"):
        frame.write.format("orc").saveAsTable("u")


def test_databases(spark: Any) -> None:
    spark.sql("CREATE DATABASE shop COMMENT 'things'")
    spark.sql("CREATE TABLE shop.items AS SELECT 1 AS a")
    assert spark.catalog.tableExists("shop.items")
    spark.catalog.setCurrentDatabase("shop")
    assert rows(spark.table("items")) == [(1,)]
    assert [d.name for d in spark.catalog.listDatabases()] == ["default", "shop"]
    with pytest.raises(AnalysisException, match="SCHEMA_NOT_EMPTY"):
        spark.sql("DROP DATABASE shop")
    spark.sql("DROP DATABASE shop CASCADE")
    assert not spark.catalog.databaseExists("shop")
    with pytest.raises(AnalysisException, match="SCHEMA_NOT_FOUND"):
        spark.catalog.setCurrentDatabase("shop")


def test_partitions_that_nobody_added_are_not_read(spark: Any, tmp_path: Path) -> None:
    spark.range(2).selectExpr("id AS k", "id AS v").write.partitionBy("k").csv(str(tmp_path / "d"))
    spark.sql(f"CREATE TABLE t (k LONG, v LONG) USING csv OPTIONS (path '{tmp_path}/d') PARTITIONED BY (k)")
    assert rows(spark.table("t")) == []
    spark.catalog.recoverPartitions("t")
    assert rows(spark.table("t")) == [(0, 0), (1, 1)]
    spark.sql("DROP TABLE t")
    assert (tmp_path / "d").is_dir()  # not ours to remove


def test_cached_table_and_refresh(spark: Any, tmp_path: Path) -> None:
    spark.sql(f"CREATE TABLE t (c STRING) USING text LOCATION '{tmp_path}/d'")
    spark.sql("INSERT INTO t SELECT 'abc'")
    spark.catalog.cacheTable("t")
    assert spark.table("t").count() == 1
    for file in (tmp_path / "d").iterdir():
        file.unlink()
    assert spark.table("t").count() == 1
    spark.catalog.refreshTable("t")
    assert spark.table("t").count() == 0


def test_create_statement_makes_the_same_table(spark: Any) -> None:
    spark.sql("CREATE TABLE t (a INT, p DATE) USING csv OPTIONS (sep ';') PARTITIONED BY (p) TBLPROPERTIES ('k' = 'v')")
    text = spark.catalog.getCreateTableString("t")
    spark.sql("DROP TABLE t")
    spark.sql(text)
    assert spark.catalog.getCreateTableString("t") == text
    assert spark.catalog.getTableProperties("t") == {"k": "v"}


def test_a_stream_into_a_table_and_out_of_it(spark: Any, tmp_path: Path) -> None:
    source = spark.readStream.format("rate").option("rowsPerSecond", 100).load()
    query = source.writeStream.toTable("t", checkpointLocation=str(tmp_path / "c"))
    deadline = time.monotonic() + 120
    while len(query.recentProgress) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    query.stop()
    written = spark.table("t").count()
    assert written > 0
    again = spark.readStream.table("t").writeStream.format("memory").queryName("m").trigger(availableNow=True).start()
    assert again.awaitTermination(120)
    assert spark.table("m").count() == written
