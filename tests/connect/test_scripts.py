"""SQL scripts in a session, and commands that show where it is; answers of single scripts: tests/differential."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql.connect.session import SparkSession


def test_a_script_takes_named_parameters_and_leaves_nothing_behind(spark: SparkSession) -> None:
    script = "BEGIN DECLARE x INT DEFAULT :start; WHILE x < :most DO SET x = x + 1; END WHILE; SELECT x; END"
    assert spark.sql(script, args={"start": 2, "most": 5}).collect() == [(5,)]
    with pytest.raises(AnalysisException, match="UNRESOLVED_COLUMN"):
        spark.sql("SELECT x").collect()
    with pytest.raises(AnalysisException, match="SQL_SCRIPTING_WITH_POSITIONAL_PARAMETERS"):
        spark.sql("BEGIN SELECT ?; END", args=[1])


def test_variables_of_a_script_belong_to_its_thread(spark: SparkSession) -> None:
    def counted(most: int) -> int:
        loop = "WHILE x < m DO SET x = x + 1; END WHILE"
        rows = spark.sql(
            f"BEGIN DECLARE x INT DEFAULT 0; DECLARE m INT DEFAULT {most}; {loop}; SELECT x; END"
        ).collect()
        return int(rows[0][0])

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(counted, [3, 5, 7])) == [3, 5, 7]


def test_a_script_changes_session_variables_tables_and_views(spark: SparkSession) -> None:
    spark.sql("DECLARE OR REPLACE VARIABLE total INT DEFAULT 0")
    spark.sql("""
        BEGIN
          CREATE TABLE numbers (n INT) USING parquet;
          INSERT INTO numbers VALUES (1), (2), (4);  -- a comment; with a semicolon
          FOR r AS SELECT n FROM numbers DO
            SET total = total + r.n;
          END FOR;
          CREATE TEMPORARY VIEW even AS SELECT n FROM numbers WHERE n % 2 = 0;
        END
    """)
    assert spark.sql("SELECT total, count(*) FROM even GROUP BY total").collect() == [(7, 2)]
    spark.sql("DROP TABLE numbers")


def test_an_error_without_a_handler_ends_the_script(spark: SparkSession) -> None:
    spark.sql("DECLARE OR REPLACE VARIABLE reached INT DEFAULT 0")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.sql("BEGIN SET reached = 1; SELECT * FROM nowhere; SET reached = 2; END")
    assert spark.sql("SELECT reached").collect() == [(1,)]
    with pytest.raises(ParseException, match="PARSE_SYNTAX_ERROR"):
        spark.sql("BEGIN SET reached = 3; IF true THEN SELECT 1; END; END")
    assert spark.sql("SELECT reached").collect() == [(1,)]


def test_where_the_session_is(spark: SparkSession) -> None:
    spark.sql("CREATE DATABASE elsewhere COMMENT 'far'")
    spark.sql("USE elsewhere")
    assert spark.sql("SELECT current_database(), current_schema()").collect() == [("elsewhere", "elsewhere")]
    assert spark.sql("SELECT current_database").collect() == [("elsewhere",)]
    assert spark.sql("SHOW CURRENT NAMESPACE").collect() == [("spark_catalog", "elsewhere")]
    described = dict(spark.sql("DESCRIBE DATABASE EXTENDED elsewhere").collect())
    assert (described["Namespace Name"], described["Comment"]) == ("elsewhere", "far")
    spark.sql("USE default")
    assert spark.sql("SHOW CATALOGS LIKE 'spark*'").collect() == [("spark_catalog",)]


def test_the_dataframe_of_create_table_is_the_table(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).write.parquet(f"{tmp_path}/made")
    made = spark.catalog.createTable("made", path=f"{tmp_path}/made", source="parquet")
    assert made.columns == ["id"]
    assert made.where("id > 0").count() == 2
    assert sorted(made.collect()) == [(0,), (1,), (2,)]
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        spark.catalog.createTable("made", path=f"{tmp_path}/made", source="parquet")
    spark.sql("DROP TABLE made")


def test_names_of_commands_may_be_expressions(spark: SparkSession) -> None:
    spark.sql("CREATE TABLE IDENTIFIER('na' || :rest) (a INT) USING parquet", args={"rest": "med"})
    spark.sql("INSERT INTO IDENTIFIER(:t) VALUES (1)", args={"t": "named"})
    assert spark.sql("SELECT IDENTIFIER(:c) FROM IDENTIFIER(:t)", args={"t": "named", "c": "a"}).collect() == [(1,)]
    spark.sql("DROP TABLE IDENTIFIER('named')")
    assert not spark.catalog.tableExists("named")
