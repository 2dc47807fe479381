"""Calls of classic PySpark that its client has no more: SQLContext, save modes by their second names, `spark._jvm`."""

from __future__ import annotations

from pathlib import Path

from tests.test_cli import run, write


def test_sql_context_of_a_spark_context(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        """
        import warnings
        from pyspark import HiveContext, Row, SparkContext, SQLContext
        warnings.simplefilter("ignore", FutureWarning)
        sc = SparkContext("local[2]", "job")
        sql = SQLContext(sc)
        frame = sql.createDataFrame(sc.parallelize(["#a", "#b", "#a"]).map(lambda tag: Row(tag=tag, count=1)))
        frame.registerTempTable("tags")
        print(sql.sql("SELECT tag, sum(count) AS n FROM tags GROUP BY tag ORDER BY tag").collect())
        print(sql.tableNames(), sql.tables().collect(), sql.table("tags").count(), sql.streams.active)
        print(SQLContext.getOrCreate(sc) is sql, HiveContext(sc).sql("SELECT 1 AS x").collect())
        print(SQLContext(sql.sparkSession).tableNames())
        sql.setConf("spark.sql.shuffle.partitions", 7)
        other = sql.newSession()
        print(sql.getConf("spark.sql.shuffle.partitions"), other.tableNames())
        sql.cacheTable("tags")
        sql.uncacheTable("tags")
        sql.clearCache()
        sql.dropTempTable("tags")
        print(sql.tableNames())
        """,
    )
    assert run("run", job) == (
        0,
        "[Row(tag='#a', n=2), Row(tag='#b', n=1)]\n"
        "['tags'] [Row(namespace='', tableName='tags', isTemporary=True)] 3 []\n"
        "True [Row(x=1)]\n"
        "['tags']\n"
        "7 []\n"
        "[]\n",
        "",
    )


def test_save_modes_by_their_second_names(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        f"""
        from pyspark.errors import AnalysisException
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        spark.range(2).write.mode("errorIfExists").parquet("{tmp_path}/a")
        for mode in ("errorifexists", "default", "error"):
            try:
                spark.range(3).write.save("{tmp_path}/a", mode=mode)
            except AnalysisException as error:
                print(mode, error.getCondition())
        print(spark.read.parquet("{tmp_path}/a").count())
        """,
    )
    refused = "".join(f"{mode} PATH_ALREADY_EXISTS\n" for mode in ("errorifexists", "default", "error"))
    assert run("run", job) == (0, refused + "2\n", "")


def test_readers_take_rdds_of_texts(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        """
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        sc = spark.sparkContext
        lines = sc.parallelize(['{"name": "Yin", "address": {"city": "Columbus"}}', '{"name": "Ann"}'], 2)
        print(spark.read.json(lines).collect())
        print(spark.read.schema("name string").json(lines).collect())
        print(spark.read.csv(sc.parallelize(["a,b", "1,2"]), header=True, inferSchema=True).collect())
        print(spark.read.option("rowTag", "p").xml(sc.parallelize(["<p><a>1</a></p>"])).collect())
        print(spark.read.json(sc.parallelize([1, 2]), "_c int", mode="PERMISSIVE").collect())
        print(spark.read.json(sc.emptyRDD(), "a int").collect())
        """,
    )
    assert run("run", job) == (
        0,
        "[Row(address=Row(city='Columbus'), name='Yin'), Row(address=None, name='Ann')]\n"
        "[Row(name='Yin'), Row(name='Ann')]\n"
        "[Row(a=1, b=2)]\n"
        "[Row(a=1)]\n"
        "[Row(_c=None), Row(_c=None)]\n"
        "[]\n",
        "",
    )


def test_loggers_of_log4j(tmp_path: Path) -> None:
    job = write(
        tmp_path / "job.py",
        """
        import re, sys
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        log4j = spark.sparkContext._jvm.org.apache.log4j
        log = log4j.LogManager.getLogger("my.job")
        log.info("not written: below WARN")
        log.warn("first")
        spark.sparkContext.setLogLevel("INFO")
        log.info("second")
        spark._jvm.org.slf4j.LoggerFactory.getLogger("other").info("{} and {}", 1, "b")
        log4j.LogManager.getLogger("org").setLevel(log4j.Level.ERROR)
        log.info("third")
        log.setLevel(log4j.Level.toLevel("error"))
        log.warn("not written")
        print(log.getName(), log.getLevel(), log.isInfoEnabled(), log4j.LogManager.getRootLogger().getLevel())
        try:
            spark._jvm.org.apache.hadoop.fs.FileSystem.get(None)
        except AttributeError as error:
            print(type(error).__name__, "org.apache.hadoop.fs.FileSystem" in str(error))
        """,
    )
    code, out, err = run("run", job)
    assert (code, out) == (0, "my.job ERROR False INFO\nPySparkAttributeError True\n")
    lines = [line.split(" ", 2) for line in err.splitlines()]
    assert [rest for _, _, rest in lines] == [
        "WARN my.job: first",
        "INFO my.job: second",
        "INFO other: 1 and b",
        "INFO my.job: third",
    ]
