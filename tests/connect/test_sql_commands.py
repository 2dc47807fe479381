"""spark.sql commands and spark.catalog, against Spark's answers."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import AnalysisException


@pytest.fixture
def views(spark: Any) -> Any:
    spark.range(3).createOrReplaceTempView("v1")
    spark.sql("SELECT 1 AS a, 'x' AS b").createOrReplaceTempView("other")
    return spark


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in frame.collect()]


def test_show_tables(views: Any) -> None:
    frame = views.sql("SHOW TABLES")
    assert frame.schema.simpleString() == "struct<namespace:string,tableName:string,isTemporary:boolean>"
    assert rows(frame) == [("", "other", True), ("", "v1", True)]
    assert rows(views.sql("SHOW TABLES LIKE 'v*'")) == [("", "v1", True)]
    assert views.sql("SHOW VIEWS").columns == ["namespace", "viewName", "isTemporary"]


def test_show_global_views(views: Any) -> None:
    views.range(1).createOrReplaceGlobalTempView("g")
    assert rows(views.sql("SHOW VIEWS IN global_temp"))[0] == ("global_temp", "g", True)


def test_describe(views: Any) -> None:
    assert rows(views.sql("DESCRIBE v1")) == [("id", "bigint", None)]
    assert rows(views.sql("DESCRIBE QUERY SELECT 1 AS a")) == [("a", "int", None)]
    assert rows(views.sql("SHOW COLUMNS IN other")) == [("a",), ("b",)]


def test_create_view(spark: Any) -> None:
    spark.sql("CREATE TEMP VIEW v AS SELECT 1 AS a, 'x' AS b")
    with pytest.raises(AnalysisException) as caught:
        spark.sql("CREATE TEMP VIEW v AS SELECT 1")
    assert caught.value.getCondition() == "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    spark.sql("CREATE OR REPLACE TEMP VIEW v(c, d) AS SELECT 1, 'x'")
    assert spark.table("v").columns == ["c", "d"]
    with pytest.raises(AnalysisException, match="CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"):
        spark.sql("CREATE OR REPLACE TEMP VIEW v(c, d, e) AS SELECT 1, 'x'")
    spark.sql("CREATE GLOBAL TEMP VIEW g AS SELECT 5 AS five")
    assert rows(spark.sql("SELECT * FROM global_temp.g")) == [(5,)]


def test_drop_view(views: Any) -> None:
    views.sql("DROP VIEW v1")
    with pytest.raises(AnalysisException) as caught:
        views.sql("DROP VIEW v1")
    assert caught.value.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"
    assert caught.value.getMessageParameters()["relationName"] == "`spark_catalog`.`default`.`v1`"
    views.sql("DROP VIEW IF EXISTS v1")


def test_use(spark: Any) -> None:
    spark.sql("USE default")
    with pytest.raises(AnalysisException) as caught:
        spark.sql("USE nowhere")
    assert caught.value.getCondition() == "SCHEMA_NOT_FOUND"


def test_queries_stay_lazy_but_are_checked(spark: Any) -> None:
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.sql("SELECT * FROM nowhere")
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        spark.sql("SELECT 1 / 0").collect()


def test_parameters_and_frames_in_a_text(spark: Any) -> None:
    frame = spark.range(5)
    assert rows(spark.sql("SELECT id FROM {df} WHERE id > :least", args={"least": 3}, df=frame)) == [(4,)]
    assert rows(spark.sql("SELECT ? + 1", args=[1])) == [(2,)]


def test_explain(spark: Any) -> None:
    ((text,),) = rows(spark.sql("EXPLAIN SELECT 1"))
    assert text.startswith("== Physical Plan ==")


def test_a_persistent_view_follows_its_tables(spark: Any) -> None:
    spark.sql("CREATE TABLE t (a INT)")
    spark.sql("CREATE VIEW v (b) AS SELECT a + 1 FROM t")
    spark.sql("INSERT INTO t VALUES (1)")
    assert spark.table("default.v").collect() == [(2,)]
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        spark.sql("CREATE VIEW v AS SELECT 1")
    assert [(t.name, t.tableType) for t in spark.catalog.listViews()] == [("v", "VIEW")]
    with pytest.raises(AnalysisException, match="WRONG_COMMAND_FOR_OBJECT_TYPE"):
        spark.sql("DROP VIEW t")
    spark.sql("DROP VIEW v")
    assert not spark.catalog.tableExists("v")


def test_catalog_of_views(views: Any) -> None:
    catalog = views.catalog
    assert catalog.currentDatabase() == "default"
    assert catalog.currentCatalog() == "spark_catalog"
    assert [t.name for t in catalog.listTables()] == ["other", "v1"]
    table = catalog.getTable("v1")
    assert (table.tableType, table.isTemporary, table.namespace) == ("TEMPORARY", True, [])
    assert [(c.name, c.dataType, c.nullable) for c in catalog.listColumns("v1")] == [("id", "bigint", False)]
    assert catalog.tableExists("v1")
    assert not catalog.tableExists("nowhere")
    assert catalog.dropTempView("v1")
    assert not catalog.dropTempView("v1")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        catalog.getTable("v1")


def test_catalog_of_databases(spark: Any) -> None:
    catalog = spark.catalog
    assert [d.name for d in catalog.listDatabases()] == ["default"]
    assert catalog.databaseExists("default")
    assert not catalog.databaseExists("nowhere")
    catalog.setCurrentDatabase("default")
    with pytest.raises(AnalysisException, match="SCHEMA_NOT_FOUND"):
        catalog.setCurrentDatabase("nowhere")
    assert [c.name for c in catalog.listCatalogs()] == ["spark_catalog"]


def test_catalog_cache(views: Any) -> None:
    catalog = views.catalog
    assert not catalog.isCached("v1")
    catalog.cacheTable("v1")
    assert catalog.isCached("v1")
    catalog.uncacheTable("v1")
    views.sql("CACHE TABLE v1")
    catalog.clearCache()
    assert not catalog.isCached("v1")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        catalog.cacheTable("nowhere")


def test_catalog_of_functions(spark: Any) -> None:
    assert spark.catalog.functionExists("abs")
    assert not spark.catalog.functionExists("no_such_function")
    assert spark.catalog.getFunction("abs").name == "abs"
    assert rows(spark.sql("SHOW FUNCTIONS LIKE 'abs'")) == [("abs",)]
