"""Every kind of message of the protocol is answered by a working program or refused by its name.

`TOUR` holds small programs; while they run, the kinds of messages that the client sends are noted.  What no program
sends is sent bare, and must come back as a refusal that names it: nothing passes in silence.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyspark.sql.connect.proto as pb
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from pyspark.errors import PySparkException
from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.connect.session import SparkSession

from penstock.connect.service import Service
from tests.connect.conftest import Builder

#: message -> its oneofs whose fields are kinds
WALKED: tuple[tuple[type[Message], str], ...] = (
    (pb.Relation, "rel_type"), (pb.Command, "command_type"), (pb.Expression, "expr_type"), (pb.Catalog, "cat_type"),
    (pb.AnalyzePlanRequest, "analyze"), (pb.ConfigRequest.Operation, "op_type"),
    (pb.StreamingQueryCommand, "command"), (pb.StreamingQueryManagerCommand, "command"),
    (pb.WriteStreamOperationStart, "trigger"), (pb.Expression.Literal, "literal_type"),
)  # fmt: skip
KINDS = [(m.DESCRIPTOR.full_name, f.name) for m, oneof in WALKED for f in m.DESCRIPTOR.oneofs_by_name[oneof].fields]
_ONEOFS = {m.DESCRIPTOR.full_name: oneof for m, oneof in WALKED}


def kinds_in(message: Message) -> Iterator[tuple[str, str]]:
    """The kinds of a message and of all inside it."""
    name = message.DESCRIPTOR.full_name
    if name in _ONEOFS and (kind := message.WhichOneof(_ONEOFS[name])):
        yield name, kind
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        if field.message_type.GetOptions().map_entry:
            values = [v for v in value.values() if isinstance(v, Message)]
        else:
            values = [value] if isinstance(value, Message) else list(value)
        for inner in values:
            yield from kinds_in(inner)


class Recording(Service):
    """Notes the kinds of what it is asked."""

    def __init__(self, conf: dict[str, str]) -> None:
        self.seen: set[tuple[str, str]] = set()
        super().__init__(conf)

    def call(self, name: str, request: Any, *rest: Any, **named: Any) -> Any:
        if isinstance(request, Message):  # AddArtifacts has a stream of them
            self.seen.update(kinds_in(request))
        return super().call(name, request, *rest, **named)


# ---------------------------------------------------------------- the programs


def relations(spark: Any, directory: Path) -> None:
    df = spark.createDataFrame([(1, "a", 2.5), (2, None, 4.0)], "id int, s string, d double")
    df.write.mode("overwrite").parquet(f"{directory}/p")
    assert spark.read.parquet(f"{directory}/p").count() == 2
    for frame, rows in (
        (df.filter("id = 1"), 1), (df.join(df.withColumnRenamed("id", "j"), F.expr("id < j")), 1),
        (df.union(df), 4), (df.sort("id").limit(1), 1), (df.groupBy("s").count(), 2), (df.offset(1), 1),
        (df.sample(fraction=1.0), 2), (df.dropDuplicates(["s"]), 2), (spark.range(3), 3), (df.alias("q"), 2),
        (df.repartition(2), 2), (df.toDF("x", "y", "z"), 2), (df.drop("s"), 2), (df.withColumns({"n": F.lit(1)}), 2),
        (df.hint("broadcast"), 2), (df.unpivot("id", ["d"], "k", "v"), 2), (df.repartition(2, "id"), 2),
        (df.to(T.StructType([T.StructField("id", T.LongType())])), 2), (df.select("id", "d").transpose(), 1),
        (df.mapInPandas(lambda parts: parts, df.schema), 2), (df.observe("o", F.count("*").alias("n")), 2),
        (df.groupBy("id").applyInPandas(lambda part: part, df.schema), 2),
        (df.groupBy("id").cogroup(df.groupBy("id")).applyInPandas(lambda a, b: a, df.schema), 2),
        (df.selectExpr("timestamp'2020-01-01' t").withWatermark("t", "1 second"), 2),
        (df.na.fill({"s": "?"}), 2), (df.na.drop(), 1), (df.na.replace("a", "b"), 2), (df.summary("count"), 1),
        (df.describe("id"), 5), (df.crosstab("id", "s"), 2), (df.freqItems(["id"]), 1),
        (df.sampleBy("id", {1: 1.0}), 1), (spark.tvf.explode(F.array(F.lit(1), F.lit(2))), 2),
        (spark.range(2).lateralJoin(spark.range(3).where(F.col("id") < 2)), 4),
    ):  # fmt: skip
        assert len(frame.collect()) == rows, frame
    assert df.tail(1)[0].id == 2
    assert df.cov("id", "d") == 0.75 and df.corr("id", "d") == pytest.approx(1.0)
    assert df.approxQuantile("id", [0.5], 0.0) == [1.0]
    df.show()
    df._show_string()
    spark.conf.set("spark.sql.repl.eagerEval.enabled", "true")
    assert "<table" in df._repr_html_()
    df.createOrReplaceTempView("walked")
    assert spark.sql("SELECT * FROM {frame}", frame=df).count() == 2
    lines = spark.createDataFrame([("1,x",)], "value string")
    assert spark.read.csv(lines, schema="a int, b string").collect()[0].a == 1
    big = spark.createDataFrame(pd.DataFrame({"x": ["y" * 1000] * 3000}))
    assert big.count() == 3000
    checkpointed = df.localCheckpoint()
    assert checkpointed.count() == 2


def expressions(spark: Any, directory: Path) -> None:
    df = spark.range(2).withColumn("s", F.struct(F.lit(1).alias("a"))).withColumn("xs", F.array("id"))
    row = df.select(
        F.expr("id + 1"), F.col("id").cast("string"), "*", F.col("s")["a"], F.transform("xs", lambda x: x + 1),
        F.row_number().over(Window.orderBy("id")), F.col("s").withField("b", F.lit(2)),
        F.call_function("upper", F.lit("a")), F.udf(lambda x: x, "long")("id"),
    ).first()  # fmt: skip
    assert row[0] in (1, 2)
    assert df.orderBy(F.desc("id")).first().id == 1
    assert df.select(df.colRegex("`i.*`")).columns == ["id"]
    assert df.select(spark.range(5).agg(F.max("id")).scalar()).first()[0] == 4
    assert spark.sql("SELECT mask('a', lowerChar => 'z')").first()[0] == "z"
    assert df.select(F.expr("id")).count() == 2
    literals = [
        None, b"x", True, 1, 2**40, 1.5, "s", Decimal("1.5"), dt.date(2020, 1, 1), dt.datetime(2020, 1, 1),
        dt.timedelta(days=1), dt.time(1, 2), [1, 2],
    ]  # fmt: skip
    for value in literals:
        assert spark.range(1).select(F.lit(value).alias("v")).count() == 1


def commands(spark: Any, directory: Path) -> None:
    spark.udf.register("twice", lambda x: x * 2, "int")
    assert spark.sql("SELECT twice(4)").first()[0] == 8

    @F.udtf(returnType="x int")
    class Two:
        def eval(self) -> Iterator[tuple[int]]:
            yield (1,)
            yield (2,)

    spark.udtf.register("two", Two)
    assert spark.sql("SELECT * FROM two()").count() == 2
    assert Two().count() == 2
    spark.range(2).writeTo("walked_v2").create()
    spark.range(2).createOrReplaceTempView("v")
    assert spark.table("walked_v2").count() == 2


def catalog(spark: Any, directory: Path) -> None:
    c = spark.catalog
    spark.range(2).write.mode("overwrite").saveAsTable("walked_t")
    spark.range(2).createOrReplaceTempView("walked_v")
    spark.range(2).createOrReplaceGlobalTempView("walked_g")
    assert c.currentDatabase() == "default" and c.currentCatalog() == "spark_catalog"
    c.setCurrentDatabase("default")
    c.setCurrentCatalog("spark_catalog")
    assert c.listDatabases() and c.listTables() and c.listFunctions() and c.listColumns("walked_t")
    assert c.listCatalogs() and c.getDatabase("default") and c.getTable("walked_t") and c.getFunction("upper")
    assert c.databaseExists("default") and c.tableExists("walked_t") and c.functionExists("upper")
    spark.range(3).write.mode("overwrite").parquet(f"{directory}/ext")
    c.createTable("walked_ext", f"{directory}/ext")
    c.createTable("walked_new", schema=T.StructType([T.StructField("a", T.IntegerType())]), source="parquet")
    c.cacheTable("walked_t")
    assert c.isCached("walked_t")
    c.uncacheTable("walked_t")
    c.clearCache()
    c.refreshTable("walked_t")
    c.refreshByPath(f"{directory}/ext")
    assert c.dropTempView("walked_v") and c.dropGlobalTempView("walked_g")
    for name, arguments in (
        ("createDatabase", ("walked_db",)), ("dropDatabase", ("walked_db",)), ("getTableProperties", ("walked_t",)),
        ("getCreateTableString", ("walked_t",)), ("truncateTable", ("walked_t",)), ("analyzeTable", ("walked_t",)),
        ("listViews", ()), ("dropTable", ("walked_new",)), ("listPartitions", ("walked_t",)),
        ("recoverPartitions", ("walked_t",)), ("dropView", ("walked_v",)),
    ):  # fmt: skip
        if hasattr(c, name):
            try:
                getattr(c, name)(*arguments)
            except PySparkException as error:
                assert error.getCondition() and error.getCondition() != "INTERNAL_ERROR", name


def analysis(spark: Any, directory: Path) -> None:
    df = spark.range(2)
    df.explain()
    df.printSchema()
    assert df.schema and not df.isStreaming and df.inputFiles() == [] and spark.version
    assert isinstance(df.isLocal(), bool)
    assert T.StructType.fromDDL("a int") and df.sameSemantics(df) and df.semanticHash()
    df.persist()
    assert df.storageLevel.useMemory
    df.unpersist()
    spark.client._analyze(method="json_to_ddl", json_string=df.schema.json())


def configuration(spark: Any, directory: Path) -> None:
    spark.conf.set("spark.sql.ansi.enabled", "true")
    assert spark.conf.get("spark.sql.ansi.enabled") == "true" and spark.conf.get("no.such.key", "x") == "x"
    assert spark.conf.get("spark.sql.nothing", None) is None
    spark.conf.unset("spark.sql.ansi.enabled")
    assert spark.conf.isModifiable("spark.sql.ansi.enabled") and spark.conf.getAll


def streams(spark: Any, directory: Path) -> None:
    from pyspark.sql.streaming import StreamingQueryListener

    terminated = threading.Event()

    class Silent(StreamingQueryListener):
        def onQueryStarted(self, event: Any) -> None: ...
        def onQueryProgress(self, event: Any) -> None: ...
        def onQueryTerminated(self, event: Any) -> None:
            terminated.set()

    listener = Silent()
    spark.streams.addListener(listener)
    source = spark.readStream.format("rate").option("rowsPerSecond", 10).load()
    write = source.writeStream.format("memory").queryName("walked_q")
    query = write.trigger(processingTime="200 milliseconds").start()
    assert spark.streams.get(query.id).id == query.id and query.id in {q.id for q in spark.streams.active}
    assert query.status and query.isActive and query.recentProgress is not None and query.exception() is None
    query.explain()
    assert query.lastProgress is None or query.lastProgress.batchId >= 0
    assert query.awaitTermination(0.1) is False
    assert spark.streams.awaitAnyTermination(0.1) in (False, None)
    query.stop()
    spark.streams.resetTerminated()
    assert terminated.wait(60)  # the client's removal waits for ever when an event comes meanwhile
    spark.streams.removeListener(listener)
    spark.range(3).write.mode("overwrite").parquet(f"{directory}/in")
    once = spark.readStream.schema("id long").parquet(f"{directory}/in").writeStream.format("noop")
    for i, trigger in enumerate(({"availableNow": True}, {"once": True})):
        done = once.option("checkpointLocation", f"{directory}/c{i}").trigger(**trigger).start()
        assert done.awaitTermination(60)
        done.processAllAvailable() if done.isActive else None


def raw_literals(spark: Any, directory: Path) -> None:
    """Kinds that Python values never become."""
    kinds, literal = pb.DataType, pb.Expression.Literal
    whole = literal(integer=1)
    values = [
        (literal(byte=1), "1"), (literal(short=2), "2"), (literal(float=1.5), "1.5"),
        (literal(timestamp_ntz=0), "1970-01-01 00:00:00"),
        (literal(year_month_interval=14), "INTERVAL '1-2' YEAR TO MONTH"),
        (literal(calendar_interval=literal.CalendarInterval(months=1, days=2)), "1 months 2 days"),
        (literal(array=literal.Array(element_type=kinds(integer=kinds.Integer()), elements=[whole])), "[1]"),
        (literal(map=literal.Map(key_type=kinds(integer=kinds.Integer()), value_type=kinds(integer=kinds.Integer()),
                                 keys=[whole], values=[whole])), "{1 -> 1}"),
    ]  # fmt: skip
    for value, text in values:
        plan = pb.Plan()
        plan.root.project.input.range.CopyFrom(pb.Range(end=1, step=1))
        cast = plan.root.project.expressions.add().cast
        cast.expr.literal.CopyFrom(value)
        cast.type_str = "string"
        assert spark.client.to_table(plan, {})[0].column(0).to_pylist() == [text]


def rare(spark: Any, directory: Path) -> None:
    """What few programs send; each works, or is refused by Spark's condition."""
    from pyspark.sql.datasource import DataSource

    class Nothing(DataSource):
        @classmethod
        def name(cls) -> str:
            return "nothing"

    spark.dataSource.register(Nothing)
    spark.client._analyze(method="tree_string", plan=spark.range(1)._plan.to_proto(spark.client), level=1)
    option = pb.ConfigRequest.GetOption(keys=["no.such.key", "spark.sql.ansi.enabled"])
    pairs = spark.client.config(pb.ConfigRequest.Operation(get_option=option)).pairs
    assert dict(pairs)["spark.sql.ansi.enabled"] == "true"
    spark.range(2).write.mode("overwrite").saveAsTable("walked_m")
    external = pb.Plan()
    external.root.catalog.create_external_table.CopyFrom(
        pb.CreateExternalTable(table_name="walked_x", path=f"{directory}/p", source="parquet")
    )
    spark.client.to_table(external, {})
    assert spark.table("walked_x").count() == 2
    removal = pb.RemoveCachedRemoteRelationCommand(relation=pb.CachedRemoteRelation(relation_id="none"))
    spark.client.execute_command(pb.Command(remove_cached_remote_relation_command=removal))
    assert spark.client._resources() is not None
    rate = spark.readStream.format("rate").load()
    merge = spark.range(1).alias("s").mergeInto("walked_m", F.expr("s.id = walked_m.id")).whenMatched().delete().merge
    for call in (
        merge, rate.writeStream.format("noop").trigger(continuous="1 second").start,
        rate.writeStream.format("noop").outputMode("update").trigger(realTime="5 minutes").start,
    ):  # fmt: skip
        try:
            started = call()
        except PySparkException as error:
            assert error.getCondition() not in (None, "INTERNAL_ERROR"), error
        else:
            started.stop() if started is not None else None
    spark.range(3).write.mode("overwrite").parquet(f"{directory}/st")
    states = spark.readStream.schema("id long").parquet(f"{directory}/st").groupBy("id").applyInPandasWithState(
        lambda key, parts, state: iter([pd.DataFrame({"id": [key[0]]})]), "id long", "n long", "append", "NoTimeout"
    )  # fmt: skip
    query = states.writeStream.format("memory").queryName("walked_s").option("checkpointLocation", f"{directory}/cs")
    running = query.start()
    running.processAllAvailable()
    running.stop()
    assert spark.table("walked_s").count() == 3


TOUR = (relations, expressions, raw_literals, commands, catalog, analysis, configuration, streams, rare)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Recording, dict[str, BaseException]]]:
    """A client, the service with the kinds it has seen, and the programs that failed."""
    directory = tmp_path_factory.mktemp("walk")
    service = Recording({"spark.sql.warehouse.dir": f"file:{directory}/warehouse"})
    spark = SparkSession(connection=Builder(service, session_id=str(uuid4())))
    spark.client.disable_reattachable_execute()
    SparkSession._default_session = None
    SparkSession._set_default_and_active_session(spark)
    failed: dict[str, BaseException] = {}
    for program in TOUR:
        try:
            program(spark, directory)
        except Exception as error:
            failed[program.__name__] = error
    yield spark, service, failed
    SparkSession._default_session = None
    SparkSession._active_session.session = None
    service.close()
    spark.client.close()


@pytest.mark.parametrize("program", [p.__name__ for p in TOUR])
def test_the_programs_work(program: str, recorded: Any) -> None:
    if program in recorded[2]:
        raise recorded[2][program]


@pytest.mark.parametrize(("message", "kind"), KINDS, ids=[f"{m}.{k}" for m, k in KINDS])
def test_kind_works_or_is_refused_by_name(message: str, kind: str, recorded: Any) -> None:
    spark, service, _ = recorded
    if (message, kind) in service.seen:
        return
    assert refusal(spark, message, kind), f"nothing sends {message}.{kind}, and it is not refused"


def refusal(spark: Any, message: str, kind: str) -> bool:
    """Whether the bare message comes back as a refusal of something unsupported."""
    try:
        send(spark, message, kind)
    except PySparkException as error:
        return (error.getCondition() or "").startswith(
            ("UNSUPPORTED_FEATURE", "CONNECT_INVALID_PLAN", "INVALID_HANDLE")
        )
    return False


def send(spark: Any, message: str, kind: str) -> None:
    """A request with one bare message of the kind."""
    client = spark.client
    body = {m.DESCRIPTOR.full_name: m for m, _ in WALKED}[message]()
    field = body.DESCRIPTOR.fields_by_name[kind]
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        getattr(body, kind).SetInParent()
    else:
        setattr(body, kind, field.default_value)
    plan = pb.Plan()
    if isinstance(body, pb.Command):
        client.execute_command(body)
        return
    if isinstance(body, pb.StreamingQueryManagerCommand):
        client.execute_command(pb.Command(streaming_query_manager_command=body))
        return
    if isinstance(body, pb.Relation):
        plan.root.CopyFrom(body)
    elif isinstance(body, pb.Catalog):
        plan.root.catalog.CopyFrom(body)
    elif isinstance(body, (pb.Expression, pb.Expression.Literal)):
        plan.root.project.input.range.CopyFrom(pb.Range(end=1, step=1))
        expression = body if isinstance(body, pb.Expression) else pb.Expression(literal=body)
        plan.root.project.expressions.add().CopyFrom(expression)
    else:
        raise AssertionError(f"no program of the tour sends {message}.{kind}")
    client.to_table(plan, {})
