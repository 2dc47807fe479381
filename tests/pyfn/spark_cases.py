"""Programs with Python table functions, aggregates over windows and Python data sources, which run here and on a real
Spark: `make_spark_answers.py` records Spark's answers, `test_against_spark.py` compares."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import PySparkException
from pyspark.sql import Row, Window
from pyspark.sql import functions as F
from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceReader,
    DataSourceStreamReader,
    DataSourceStreamWriter,
    DataSourceWriter,
    InputPartition,
    IsNotNull,
    SimpleDataSourceStreamReader,
    WriterCommitMessage,
)
from pyspark.sql.functions import (
    AnalyzeResult,
    OrderingColumn,
    PartitioningColumn,
    SelectedColumn,
    SkipRestOfInputTableException,
    arrow_udf,
    arrow_udtf,
    col,
    lit,
    pandas_udf,
    udf,
    udtf,
)
from pyspark.sql.streaming.datasource import ReadMaxRows, SupportsTriggerAvailableNow
from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructField, StructType

CASES: dict[str, Callable[[Any], Any]] = {}
_WORD = re.compile(r"\[([A-Z][A-Z_]{4,})[\].]")
_OURS = {"PYTHON_EXCEPTION", "STREAM_FAILED"}


def case(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    CASES[function.__name__] = function
    return function


def sql(name: str, text: str) -> None:
    CASES[name] = lambda spark: spark.sql(text)


def answer(spark: Any, name: str) -> dict[str, Any]:
    """The rows that a case gives, in any order, or what its error says."""
    try:
        found = CASES[name](spark)
        if hasattr(found, "collect"):
            return {"schema": found.schema.simpleString(), "rows": sorted(map(str, found.collect()))}
        return {"value": found}
    except PySparkException as error:
        text = str(error)
        python = type(error).__name__ == "PythonException"
        words = [word for word in _WORD.findall(text) if word not in _OURS]
        raised = re.findall(r"^((?:ValueError|ZeroDivisionError): .*?)\.?$", text, re.MULTILINE)
        return {
            "error": type(error).__name__,
            "condition": None if python else error.getCondition(),
            "python": words[-1:] if python else [],
            "raised": [re.sub(r"(\. )? ?SQLSTATE.*", "", line) for line in raised[:1]],
        }


def prepare(spark: Any) -> None:
    """The views and functions that the cases use."""
    rows = [(1, "a", 10), (1, "b", 5), (2, "c", 7), (None, "d", 1)]
    spark.createDataFrame(rows, "k int, s string, v int").createOrReplaceTempView("t")
    spark.createDataFrame([(1, 10), (1, 5), (2, 7)], "k int, v int").createOrReplaceTempView("u")
    for name, function in _FUNCTIONS.items():
        spark.udtf.register(name, function)
    for source in _SOURCES:
        spark.dataSource.register(source)


# ---------------------------------------------------------------- table functions


@udtf(returnType="d: string, n: int", useArrow=True)
class Show:
    def __init__(self) -> None:
        self.n = 0

    def eval(self, row: Row) -> Iterator[Any]:
        self.n += 1
        yield str(row), self.n

    def terminate(self) -> Iterator[Any]:
        yield "end", self.n


@udtf(returnType="a: int, b: int", useArrow=True)
class Two:
    def eval(self, x: int, y: int = 100) -> Iterator[Any]:
        if x > 1:
            yield x, y
            yield x, y + 1


@udtf(returnType="a: int", useArrow=False)
class Plain:
    def eval(self, x: int, y: int = 1) -> Iterator[Any]:
        yield (x,)
        yield [x + y]
        yield None


@udtf(returnType="a: int", useArrow=True)
class Boom:
    def eval(self, x: int) -> Iterator[Any]:
        raise ValueError(f"boom at {x}")


@udtf(returnType="a: int", useArrow=True)
class BoomAtEnd:
    def eval(self, x: int) -> Iterator[Any]:
        yield (x,)

    def terminate(self) -> Any:
        return 1 / 0


@udtf(returnType="n: int", useArrow=True)
class Skip:
    def __init__(self) -> None:
        self.n = 0

    def eval(self, row: Row) -> None:
        self.n += 1
        raise SkipRestOfInputTableException("enough")

    def terminate(self) -> Iterator[Any]:
        yield (self.n,)


@udtf(useArrow=True)
class Poly:
    def __init__(self, analyzed: AnalyzeResult) -> None:
        self.analyzed = analyzed

    @staticmethod
    def analyze(*args: Any, **kwargs: Any) -> AnalyzeResult:
        shown = [(a.dataType.simpleString(), a.value, a.isTable, a.isConstantExpression) for a in args]
        named = {name: (a.dataType.simpleString(), a.value) for name, a in kwargs.items()}
        schema = StructType().add("given", "string").add("analyzed", "string")
        result = AnalyzeResult(schema)
        result.shown = f"{shown} {named}"  # type: ignore[attr-defined]
        return result

    def eval(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield str(args) + str(kwargs), self.analyzed.schema.simpleString()


@udtf(useArrow=True)
class Partitioned:
    def __init__(self) -> None:
        self.rows: list[str] = []

    @staticmethod
    def analyze(t: Any) -> AnalyzeResult:
        return AnalyzeResult(
            StructType().add("rows", "string"),
            partitionBy=[PartitioningColumn("k")],
            orderBy=[OrderingColumn("v", ascending=False)],
            select=[SelectedColumn("v"), SelectedColumn("v * 2", "w")],
        )

    def eval(self, row: Row) -> None:
        self.rows.append(str(row))

    def terminate(self) -> Iterator[Any]:
        yield (";".join(self.rows),)


@udtf(useArrow=True)
class Single:
    def __init__(self) -> None:
        self.rows: list[str] = []

    @staticmethod
    def analyze(t: Any) -> AnalyzeResult:
        return AnalyzeResult(
            StructType().add("rows", "string"), withSinglePartition=True, orderBy=[OrderingColumn("v")]
        )

    def eval(self, row: Row) -> None:
        self.rows.append(str(row))

    def terminate(self) -> Iterator[Any]:
        yield (";".join(self.rows),)


@udtf(useArrow=True)
class PolyBoom:
    @staticmethod
    def analyze(x: Any) -> AnalyzeResult:
        raise ValueError("no analysis")

    def eval(self, x: Any) -> None: ...


@udtf(useArrow=True)
class PolyBad:
    @staticmethod
    def analyze(x: Any) -> Any:
        return StructType()

    def eval(self, x: Any) -> None: ...


@udtf(useArrow=True)
class OrderOnly:
    @staticmethod
    def analyze(x: Any) -> AnalyzeResult:
        return AnalyzeResult(StructType().add("a", IntegerType()), orderBy=[OrderingColumn("k")])

    def eval(self, x: Any) -> None: ...


@udtf(useArrow=True)
class BothWays:
    @staticmethod
    def analyze(x: Any) -> AnalyzeResult:
        return AnalyzeResult(
            StructType().add("a", IntegerType()), withSinglePartition=True, partitionBy=[PartitioningColumn("k")]
        )

    def eval(self, x: Any) -> None: ...


@udtf(useArrow=True)
class NoAlias:
    @staticmethod
    def analyze(x: Any) -> AnalyzeResult:
        return AnalyzeResult(
            StructType().add("a", IntegerType()), withSinglePartition=True, select=[SelectedColumn("v * 2")]
        )

    def eval(self, x: Any) -> None: ...


@arrow_udtf(returnType="x: int, y: int")
class Batches:
    def eval(self, batch: pa.RecordBatch) -> Iterator[pa.Table]:
        total = sum(batch.column("v").to_pylist())
        yield pa.table({"x": pa.array([batch.num_rows], pa.int32()), "y": pa.array([total], pa.int32())})

    def terminate(self) -> Iterator[pa.Table]:
        yield pa.table({"x": pa.array([-1], pa.int32()), "y": pa.array([-1], pa.int32())})


_FUNCTIONS: dict[str, Any] = {
    "show_": Show, "two": Two, "plain": Plain, "boom": Boom, "boom_at_end": BoomAtEnd, "skip_": Skip, "poly": Poly,
    "partitioned": Partitioned, "single": Single, "poly_boom": PolyBoom, "poly_bad": PolyBad, "order_only": OrderOnly,
    "both_ways": BothWays, "no_alias": NoAlias, "batches": Batches,
}  # fmt: skip

sql("partitions", "SELECT * FROM show_(TABLE(t) PARTITION BY k ORDER BY v)")
sql("computed partitions", "SELECT * FROM show_(TABLE(t) PARTITION BY k + 1 ORDER BY v DESC)")
sql("several partition keys", "SELECT * FROM show_(TABLE(t) PARTITION BY (k, s) ORDER BY (v DESC, s))")
sql("single partition", "SELECT * FROM show_(TABLE(t) WITH SINGLE PARTITION ORDER BY v)")
sql("distribute by", "SELECT * FROM show_(TABLE(t) DISTRIBUTE BY k SORT BY v)")
sql("named table argument", "SELECT * FROM show_(row => TABLE(SELECT k, v FROM t WHERE k = 2) WITH SINGLE PARTITION)")
sql("two table arguments", "SELECT * FROM show_(TABLE(t), TABLE(t))")
sql("order without partitions", "SELECT * FROM show_(TABLE(t) ORDER BY v)")
sql("lateral", "SELECT * FROM u, LATERAL two(k, v)")
sql("lateral alias", "SELECT u.k, f.* FROM u, LATERAL two(y => v, x => k) f(p, q)")
sql("lateral join on", "SELECT * FROM u JOIN LATERAL two(k, v) f ON f.b > 7")
sql("left lateral", "SELECT * FROM u LEFT JOIN LATERAL two(k, v) ON true")
sql("no arguments", "SELECT * FROM two()")
sql("default argument", "SELECT * FROM two(2)")
sql("named twice", "SELECT * FROM two(x => 1, x => 2)")
sql("position after name", "SELECT * FROM two(x => 1, 2)")
sql("unknown name", "SELECT * FROM two(x => 2, z => 3)")
sql("unknown function", "SELECT * FROM no_such_function(2)")
sql("without arrow", "SELECT * FROM u, LATERAL plain(v, y => k)")
sql("eval fails", "SELECT * FROM boom(2)")
sql("terminate fails", "SELECT * FROM boom_at_end(2)")
sql("skips a partition", "SELECT * FROM skip_(TABLE(t) PARTITION BY k)")
sql("skips all", "SELECT * FROM skip_(TABLE(t) WITH SINGLE PARTITION)")
sql("analyzed", "SELECT * FROM poly(1, 'x', 1.5, DATE'2020-01-01', z => array(1, 2), w => NULL)")
sql("analyzed lateral", "SELECT p.* FROM u, LATERAL poly(k, 1 + 1) p")
sql("analyzed table", "SELECT * FROM poly(TABLE(u))")
sql("asks for partitions", "SELECT * FROM partitioned(TABLE(t))")
sql("asks and is given", "SELECT * FROM partitioned(TABLE(t) PARTITION BY s)")
sql("asks without table", "SELECT * FROM partitioned(1)")
sql("asks for one partition", "SELECT * FROM single(TABLE(t))")
sql("analyze fails", "SELECT * FROM poly_boom(1)")
sql("analyze with other arguments", "SELECT * FROM poly_boom(1, 2)")
sql("analyze gives no result", "SELECT * FROM poly_bad(1)")
sql("order only", "SELECT * FROM order_only(TABLE(t))")
sql("both ways", "SELECT * FROM both_ways(TABLE(t))")
sql("no alias", "SELECT * FROM no_alias(TABLE(t))")
sql("arrow partitions", "SELECT * FROM batches(TABLE(t) PARTITION BY k)")
sql("arrow single partition", "SELECT * FROM batches(TABLE(t) WITH SINGLE PARTITION)")


@case
def as_table(spark: Any) -> Any:
    return Show(spark.table("t").asTable().partitionBy("k").orderBy(F.desc("v")))


@case
def as_table_single(spark: Any) -> Any:
    return Show(spark.table("t").asTable().withSinglePartition().orderBy("v"))


@case
def lateral_join(spark: Any) -> Any:
    return spark.table("u").lateralJoin(Two(col("k").outer(), col("v").outer()))


@case
def udf_in_argument(spark: Any) -> Any:
    return spark.table("u").lateralJoin(Two(udf(lambda x: x + 1, "int")(col("k").outer()), lit(0)))


def _fails(result: Any, schema: Any = "a: int, b: int") -> Any:
    class Fails:
        def eval(self) -> Any:
            return result

    return udtf(Fails, returnType=schema, useArrow=True)()


@case
def not_iterable(spark: Any) -> Any:
    return _fails(1)


@case
def other_length(spark: Any) -> Any:
    return _fails([(1,)])


@case
def other_type(spark: Any) -> Any:
    return _fails([("x", 1)])


@case
def null_in_column_without(spark: Any) -> Any:
    return _fails([(None,)], StructType([StructField("a", IntegerType(), False)]))


@case
def constructor_fails(spark: Any) -> Any:
    class Fails:
        def __init__(self) -> None:
            raise ValueError("no constructor")

        def eval(self) -> None: ...

    return udtf(Fails, returnType="a: int", useArrow=True)()


# ---------------------------------------------------------------- aggregates over windows


@pandas_udf(DoubleType())
def mean(v: pd.Series) -> float:
    return float(v.mean())


@pandas_udf(StringType())
def shown(v: pd.Series, w: pd.Series) -> str:
    return f"{v.tolist()}{w.tolist()}"


@arrow_udf(LongType())
def total(v: pa.Array) -> int:
    return int(pc.sum(v).as_py())


@udf(IntegerType())
def plus_one(x: Any) -> Any:
    return None if x is None else x + 1


def _data(spark: Any) -> Any:
    rows = [("a", 1, 1.0), ("a", 2, 2.0), ("a", 2, 3.0), ("b", 5, None), ("b", 6, 6.0), (None, 1, 9.0)]
    return spark.createDataFrame(rows, "k string, o int, v double")


_KEY = "k"
WINDOWS: dict[str, Callable[[], Any]] = {
    "window whole": lambda: mean("v").over(Window.partitionBy(_KEY)),
    "window running": lambda: mean("v").over(Window.partitionBy(_KEY).orderBy("o")),
    "window rows": lambda: shown("v", "o").over(Window.partitionBy(_KEY).orderBy("o", "v").rowsBetween(-1, 0)),
    "window rows ahead": lambda: shown("o", "o").over(Window.partitionBy(_KEY).orderBy("o", "v").rowsBetween(1, 2)),
    "window range": lambda: shown("o", "o").over(Window.partitionBy(_KEY).orderBy("o").rangeBetween(-1, 1)),
    "window without keys": lambda: mean("v").over(Window.partitionBy()),
    "window of arrow": lambda: total("o").over(Window.partitionBy(_KEY)),
    "window of arrow rows": lambda: total("o").over(Window.partitionBy(_KEY).orderBy("o", "v").rowsBetween(-1, 1)),
    "window of a function": lambda: total(plus_one("o")).over(Window.partitionBy(_KEY)),
    "function of a window": lambda: plus_one(total("o").over(Window.partitionBy(_KEY)).cast("int")),
    "window by name": lambda: shown(w=col("o"), v=col("v")).over(
        Window.partitionBy(_KEY).orderBy("o", "v").rowsBetween(-1, 0)
    ),
}
for _name, _column in WINDOWS.items():
    CASES[_name] = lambda spark, column=_column: _data(spark).select("*", column().alias("m"))


@case
def windows_beside_each_other(spark: Any) -> Any:
    w = Window.partitionBy("k")
    ordered = w.orderBy("o", "v").rowsBetween(0, Window.unboundedFollowing)
    return _data(spark).select("k", mean("v").over(w), F.sum("o").over(w), total("o").over(ordered) + 1)


@case
def window_over_aggregate(spark: Any) -> Any:
    sums = _data(spark).groupBy("k").agg(F.sum("o").alias("s"))
    return sums.select("k", total("s").over(Window.partitionBy()).alias("z"))


@case
def window_of_nothing(spark: Any) -> Any:
    return _data(spark).filter("o > 100").select(mean("v").over(Window.partitionBy("k")))


# ---------------------------------------------------------------- data sources


class _Reader(DataSourceReader):
    def __init__(self, options: Any) -> None:
        self.options = options

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(i) for i in range(int(self.options.get("N", "2")))]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        yield (partition.value, f"x{partition.value}")
        yield [partition.value, None]
        yield Row(b="named", a=partition.value + 10)


class Source(DataSource):
    @classmethod
    def name(cls) -> str:
        return "my_source"

    def schema(self) -> str:
        return "a int, b string"

    def reader(self, schema: StructType) -> DataSourceReader:
        return _Reader(self.options)


class ArrowSource(Source):
    @classmethod
    def name(cls) -> str:
        return "arrow_source"

    def reader(self, schema: StructType) -> DataSourceReader:
        class Reader(DataSourceReader):
            def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
                yield pa.RecordBatch.from_arrays([pa.array([1, 2], pa.int32()), pa.array(["p", "q"])], names=["a", "b"])

        return Reader()


class FailingSource(Source):
    @classmethod
    def name(cls) -> str:
        return "failing_source"

    def reader(self, schema: StructType) -> Any:
        how = self.options["how"]

        class Reader(DataSourceReader):
            def partitions(self) -> Any:
                if how == "partitions":
                    raise ValueError("no partitions")
                return [1] if how == "partition type" else [InputPartition(0)]

            def read(self, partition: InputPartition) -> Any:
                if how == "read":
                    raise ValueError("no rows")
                found = {"list": [(1, "x")], "length": iter([(1,)]), "type": iter([1]), "nothing": iter([])}
                return found[how]

        return 3 if how == "reader" else Reader()


class EmptySource(DataSource):
    @classmethod
    def name(cls) -> str:
        return "empty_source"


class PushdownSource(DataSource):
    @classmethod
    def name(cls) -> str:
        return "pushdown_source"

    def schema(self) -> str:
        return "x int, filters string"

    def reader(self, schema: StructType) -> DataSourceReader:
        class Reader(DataSourceReader):
            def __init__(self) -> None:
                self.filters = ""

            def pushFilters(self, filters: list[Any]) -> Iterator[Any]:
                self.filters = str(sorted(str(f) for f in filters))
                yield from (f for f in filters if not isinstance(f, IsNotNull))

            def read(self, partition: InputPartition) -> Iterator[Any]:
                yield from ((i, self.filters) for i in range(4))

        return Reader()


@dataclass
class Written(WriterCommitMessage):
    rows: list[Any]


def _append(path: str, text: str) -> None:
    with Path(path).open("a") as file:
        file.write(text + "\n")


class _Writer(DataSourceWriter):
    def __init__(self, path: str, overwrite: bool) -> None:
        self.path = path
        self.overwrite = overwrite

    def write(self, iterator: Iterator[Row]) -> WriterCommitMessage:
        rows = [row.asDict() for row in iterator]
        if any(row["id"] == 99 for row in rows):
            raise ValueError("cannot write 99")
        return Written(rows)

    def commit(self, messages: Any) -> None:
        found = sorted(row["id"] for m in messages if m for row in m.rows)
        _append(self.path, f"{'overwrite' if self.overwrite else 'append'} {found}")

    def abort(self, messages: Any) -> None:
        _append(self.path, f"abort {[m for m in messages if m]}")


class _ArrowWriter(DataSourceArrowWriter):
    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, iterator: Iterator[pa.RecordBatch]) -> WriterCommitMessage:
        return Written([row for batch in iterator for row in batch.to_pylist()])

    def commit(self, messages: Any) -> None:
        _append(self.path, str(sorted(row["id"] for m in messages if m for row in m.rows)))


class _StreamWriter(DataSourceStreamWriter):
    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, iterator: Iterator[Row]) -> WriterCommitMessage:
        return Written([tuple(row) for row in iterator])

    def commit(self, messages: Any, batchId: int) -> None:
        _append(self.path, f"{batchId} {sorted(row for m in messages if m for row in m.rows)}")


class Target(DataSource):
    @classmethod
    def name(cls) -> str:
        return "my_target"

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceWriter:
        path = self.options["path"]
        return _ArrowWriter(path) if self.options.get("arrow") else _Writer(path, overwrite)

    def streamWriter(self, schema: StructType, overwrite: bool) -> DataSourceStreamWriter:
        return _StreamWriter(self.options["path"])


class _Counting(DataSourceStreamReader):
    def initialOffset(self) -> dict[str, int]:
        return {"i": 0}

    def latestOffset(self, start: Any, limit: Any) -> dict[str, int]:
        return {"i": min(start["i"] + (limit.max_rows if isinstance(limit, ReadMaxRows) else 100), 5)}

    def getDefaultReadLimit(self) -> Any:
        return ReadMaxRows(2)

    def partitions(self, start: Any, end: Any) -> list[InputPartition]:
        return [InputPartition(i) for i in range(start["i"], end["i"])]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        yield (partition.value,)


class _CountingToEnd(_Counting, SupportsTriggerAvailableNow):
    def prepareForTriggerAvailableNow(self) -> None:
        self.prepared = True


class CountingSource(DataSource):
    @classmethod
    def name(cls) -> str:
        return "counting_source"

    def schema(self) -> str:
        return "i int"

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        return _CountingToEnd() if self.options.get("knows_end") else _Counting()


class _Simple(SimpleDataSourceStreamReader):
    def initialOffset(self) -> dict[str, int]:
        return {"o": 0}

    def read(self, start: Any) -> Any:
        n = start["o"]
        return (iter([]), start) if n >= 3 else (iter([(n,), (n + 100,)]), {"o": n + 1})

    def readBetweenOffsets(self, start: Any, end: Any) -> Iterator[Any]:
        return iter([(x,) for n in range(start["o"], end["o"]) for x in (n, n + 100)])


class _SimpleToEnd(_Simple, SupportsTriggerAvailableNow):
    def prepareForTriggerAvailableNow(self) -> None:
        self.prepared = True


class SimpleSource(DataSource):
    @classmethod
    def name(cls) -> str:
        return "simple_source"

    def schema(self) -> str:
        return "i int"

    def simpleStreamReader(self, schema: StructType) -> SimpleDataSourceStreamReader:
        return _SimpleToEnd() if self.options.get("knows_end") else _Simple()


class FailingStream(DataSource):
    @classmethod
    def name(cls) -> str:
        return "failing_stream"

    def schema(self) -> str:
        return "i int"

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        how = self.options["how"]

        def fail(what: str) -> None:
            if how == what:
                raise ValueError(f"no {what}")

        class Reader(DataSourceStreamReader):
            def initialOffset(self) -> Any:
                fail("initial offset")
                return {"i": 0}

            def latestOffset(self) -> Any:  # type: ignore[override]
                fail("latest offset")
                return {"i": 1}

            def partitions(self, start: Any, end: Any) -> Any:
                fail("partitions")
                return [InputPartition(1)]

            def read(self, partition: InputPartition) -> Iterator[Any]:
                fail("rows")
                yield (1,)

        return Reader()


_SOURCES = (Source, ArrowSource, FailingSource, EmptySource, PushdownSource, Target, CountingSource, SimpleSource,
            FailingStream)  # fmt: skip


def _load(name: str, **options: Any) -> Callable[[Any], Any]:
    return lambda spark: spark.read.format(name).options(**options).load()


CASES["source"] = _load("my_source")
CASES["source with options"] = lambda spark: _load("my_source", n=1)(spark).filter("a > 5").select("b")
CASES["source with schema"] = lambda spark: spark.read.format("my_source").schema("a long, b string").load()
CASES["source counted"] = lambda spark: _load("my_source", n=3)(spark).groupBy().count()
CASES["arrow source"] = _load("arrow_source")
for _how in ("partitions", "partition type", "read", "list", "length", "type", "reader", "nothing"):
    CASES[f"failing source: {_how}"] = _load("failing_source", how=_how)
CASES["source without schema"] = _load("empty_source")
CASES["source without reader"] = lambda spark: spark.read.format("empty_source").schema("a int").load()
CASES["source without writer"] = lambda spark: spark.range(1).write.format("empty_source").mode("append").save()
CASES["filters not told"] = lambda spark: _load("pushdown_source")(spark).filter("x > 1")


@case
def filters_told(spark: Any) -> Any:
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    try:
        df = _load("pushdown_source")(spark)
        conditions = ["x > 1", "x = 1", "x in (1, 2)", "not (x = 3)", "x <=> 2", "3 >= x", "x + 1 = 2"]
        return [sorted(map(str, df.filter(condition).collect())) for condition in conditions]
    finally:
        spark.conf.set("spark.sql.python.filterPushdown.enabled", "false")


def _written(spark: Any, *steps: Callable[[Any, str], Any]) -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/log"
        for step in steps:
            step(spark.range(3).coalesce(1), path)
        return Path(path).read_text().splitlines()


@case
def target(spark: Any) -> Any:
    return _written(
        spark,
        lambda df, path: df.write.format("my_target").mode("append").save(path),
        lambda df, path: df.write.format("my_target").mode("overwrite").option("path", path).save(),
        lambda df, path: df.write.format("my_target").mode("append").option("arrow", "yes").save(path),
    )


@case
def target_fails(spark: Any) -> Any:
    def write(df: Any, path: str) -> None:
        try:
            df.selectExpr("id + 97 as id").write.format("my_target").mode("append").save(path)
        except PySparkException as error:
            _append(path, f"failed: {'cannot write 99' in str(error)}")

    return _written(spark, write)


CASES["target by default"] = lambda spark: spark.range(1).write.format("my_target").save("x")
CASES["target ignored"] = lambda spark: spark.range(1).write.format("my_target").mode("ignore").save("x")


def _batches(spark: Any, name: str, trigger: dict[str, bool], **options: Any) -> list[Any]:
    with tempfile.TemporaryDirectory() as directory:
        log = f"{directory}/log"
        df = spark.readStream.format(name).options(**options).load()
        query = (
            df.writeStream.foreachBatch(
                lambda rows, i: _append(log, json.dumps([i, sorted(r.i for r in rows.collect())]))
            )
            .option("checkpointLocation", f"{directory}/c")
            .trigger(**trigger)
            .start()
        )
        query.awaitTermination(60)
        query.stop()
        found = [json.loads(line) for line in Path(log).read_text().splitlines()] if Path(log).exists() else []
        offsets = [p.sources[0].endOffset for p in query.recentProgress]
        found.append([json.loads(o) if isinstance(o, str) else o for o in offsets])
    if query.exception() is not None:
        raise query.exception()
    return found


for _source in ("counting_source", "simple_source"):
    CASES[f"{_source} available now"] = lambda spark, s=_source: _batches(spark, s, {"availableNow": True})
    CASES[f"{_source} to its end"] = lambda spark, s=_source: _batches(
        spark, s, {"availableNow": True}, knows_end="yes"
    )
    CASES[f"{_source} once"] = lambda spark, s=_source: _batches(spark, s, {"once": True})
for _how in ("initial offset", "latest offset", "partitions", "rows"):
    CASES[f"failing stream: {_how}"] = lambda spark, how=_how: _batches(
        spark, "failing_stream", {"availableNow": True}, how=how
    )


@case
def stream_target(spark: Any) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        stream = spark.readStream.format("counting_source").option("knows_end", "yes").load().coalesce(1)
        writer = stream.writeStream.format("my_target").option("path", f"{directory}/log")
        writer.option("checkpointLocation", f"{directory}/c").trigger(availableNow=True).start().awaitTermination(60)
        return Path(f"{directory}/log").read_text().splitlines()
