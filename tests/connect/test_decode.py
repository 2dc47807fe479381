"""What the real client sends, decoded."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyspark.sql.connect.functions as F
import pyspark.sql.connect.proto as pb
import pyspark.sql.types as t
import pytest
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.connect.window import Window

from penstock.connect.decode import decode_expression, decode_relation, decode_sql, decode_type
from penstock.connect.decode_expressions import EXPRESSIONS, REFUSED_EXPRESSIONS
from penstock.connect.decode_relations import REFUSED_RELATIONS, RELATIONS
from penstock.core.errors import SparkError
from penstock.plan import expressions as ex
from penstock.plan import nodes, python_nodes
from penstock.sql.statements import CreateView, Query
from tests.connect.fake_client import message, range_frame, session, stream_frame, table_frame
from tests.sql.plan_text import text

INTS = t.StructType().add("a", t.IntegerType())


@pytest.fixture(autouse=True)
def active_session() -> Iterator[None]:
    SparkSession._set_default_and_active_session(session())
    yield
    SparkSession._default_session = None
    SparkSession._active_session.session = None


def decoded(frame: Any) -> nodes.Node:
    return decode_relation(message(frame))


FRAMES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "Project[+(id, 1) AS x, id](Filter[>(id, 1)](Range[0, 10, 1]))": (
        lambda r, t, s: r.filter(r.id > 1).select((F.col("id") + 1).alias("x"), r["id"])
    ),
    "Aggregate[k | sum(v) AS s, count(a, b) DISTINCT, count(1)](a.b c)": (
        lambda r, t, s: t.groupBy("k").agg(F.sum("v").alias("s"), F.countDistinct("a", "b"), F.count("*"))
    ),
    "Aggregate[rollup a, b | count(1) AS count](a.b c)": lambda r, t, s: t.rollup("a", "b").count(),
    "Aggregate[grouping_sets a, b ((0, 1), (0,)) | count(1) AS count](a.b c)": (
        lambda r, t, s: t.groupingSets([("a", "b"), ("a",)], "a", "b").count()
    ),
    "Join[semi using id](Join[left on ==(a, id)](a.b c; Range[0, 10, 1]); Range[0, 10, 1])": (
        lambda r, t, s: t.join(r, t.a == r.id, "left").join(r, ["id"], "semi")
    ),
    "Join[lateral inner](a.b c; Range[0, 10, 1])": lambda r, t, s: t.lateralJoin(r),
    "SetOperation[except all](SetOperation[intersect](SetOperation[union all by name](a.b c; a.b c); a.b c); a.b c)": (
        lambda r, t, s: t.unionByName(t).intersect(t).exceptAll(t)
    ),
    "Offset[2](Limit[5](Sort[a desc nulls last, b nulls first](a.b c)))": (
        lambda r, t, s: t.orderBy(F.col("a").desc(), "b").limit(5).offset(2)
    ),
    "Sort[a nulls first local](Repartition[3 a](a.b c))": lambda r, t, s: t.repartition(3, "a").sortWithinPartitions(
        "a"
    ),
    "SubqueryAlias[q](Hint[broadcast()](a.b c))": lambda r, t, s: t.hint("broadcast").alias("q"),
    "Aggregate[window(timestamp, '5 minutes') | count(1) AS count](Watermark(Read()))": (
        lambda r, t, s: s.withWatermark("timestamp", "10 minutes").groupBy(F.window("timestamp", "5 minutes")).count()
    ),
    "Project[row_number() OVER [a | b nulls first rows following(-1)..current_row]](a.b c)": (
        lambda r, t, s: t.select(F.row_number().over(Window.partitionBy("a").orderBy("b").rowsBetween(-1, 0)))
    ),
    "Project[sum(x) OVER [k |  rows unbounded_preceding..following(5)]](a.b c)": (
        lambda r, t, s: t.select(F.sum("x").over(Window.partitionBy("k").rowsBetween(Window.unboundedPreceding, 5)))
    ),
    "Project[t.*, a.b['c'][0], explode(x) AS a/b](Project[+(a, 1) AS b, *](a.b c))": (
        lambda r, t, s: t.selectExpr("a + 1 as b", "*").select(
            "t.*", F.col("a.b")["c"][0], F.expr("explode(x) as (a,b)")
        )
    ),
    "Project[cast(a AS int), try(a AS bigint), when(>(a, 1), 2, 3), not(a), in(a, 1, 2), not(==(a, 1))](a.b c)": (
        lambda r, t, s: t.select(
            t.a.cast("int"), t.a.try_cast("bigint"), F.when(t.a > 1, 2).otherwise(3), ~t.a, t.a.isin(1, 2), t.a != 1
        )
    ),
    "Project[s.a=1.b=dropped, /a.*/, upper(a)](a.b c)": (
        lambda r, t, s: t.select(
            F.col("s").withField("a", F.lit(1)).dropFields("b"), t.colRegex("`a.*`"), F.call_function("upper", t.a)
        )
    ),
    "Filter[in<a; Project[id](Range[0, 10, 1])>](a.b c)": lambda r, t, s: t.filter(t.a.isin(r.select("id"))),
    "Filter[exists<Range[0, 10, 1]>](a.b c)": lambda r, t, s: t.where(r.exists()),
    "Filter[>(a, scalar<Range[0, 10, 1]>)](a.b c)": lambda r, t, s: t.where(t.a > r.scalar()),
}


@pytest.mark.parametrize("expected", FRAMES)
def test_frame(expected: str) -> None:
    frame = FRAMES[expected](range_frame(), table_frame("a.`b c`"), stream_frame())
    assert text(decoded(frame)) == expected


def test_plan_ids_join_columns_to_their_frames() -> None:
    frame = range_frame()
    node = decoded(frame.select(frame.id))
    assert isinstance(node, nodes.Project)
    (column,) = node.expressions
    assert isinstance(column, ex.UnresolvedAttribute)
    assert column.plan_id == node.child.plan_id is not None


def test_lambda_variables_are_bound_by_id() -> None:
    node = decoded(table_frame("t").select(F.transform("a", lambda x: x + F.col("b"))))
    assert isinstance(node, nodes.Project)
    function = node.expressions[0].children[1]
    assert isinstance(function, ex.Lambda)
    left, right = function.body.children
    assert left == function.params[0]
    assert isinstance(right, ex.UnresolvedAttribute)


def test_read_keeps_everything() -> None:
    node = decoded(stream_frame())
    assert isinstance(node, nodes.Read)
    assert (node.format, dict(node.options), node.streaming) == ("rate", {"rowsPerSecond": "5"}, True)
    relation = pb.Relation(read=pb.Read(data_source=pb.Read.DataSource(schema="a INT, b STRING", paths=["x", "y"])))
    node = decode_relation(relation)
    assert isinstance(node, nodes.Read)
    assert (node.format, node.paths) == (None, ("x", "y"))
    assert node.user_schema is not None
    assert node.user_schema.names == ["a", "b"]


def test_drop_rename_fill_and_schema() -> None:
    frame = table_frame("t").withColumn("x", F.lit(1)).withColumnRenamed("x", "y").drop("a", F.col("b")).toDF("p", "q")
    to_df = decoded(frame.na.fill({"p": 1}).na.drop(thresh=2, subset=["q"]).to(INTS))
    assert isinstance(to_df, nodes.ToSchema)
    drop_na = to_df.child
    assert isinstance(drop_na, nodes.DropNa)
    assert (drop_na.column_names, drop_na.min_non_nulls) == (("q",), 2)
    fill = drop_na.child
    assert isinstance(fill, nodes.FillNa)
    assert (fill.column_names, fill.values) == (("p",), (ex.Literal(1, t.LongType()),))
    drop = fill.child.children[0]
    assert isinstance(drop, nodes.Drop)
    assert (drop.column_names, text(drop.columns[0])) == (("a",), "b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        (True, "True"),
        (2**40, "1099511627776:bigint"),
        (1.5, "1.5:double"),
        (b"x", "b'x':binary"),
        (decimal.Decimal("1.50"), "Decimal('1.50'):decimal(10,2)"),
        (decimal.Decimal("0.000000000001"), "Decimal('1E-12'):decimal(12,12)"),
        (datetime.date(1970, 1, 2), "1:date"),
        (datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC), "0:timestamp"),
        (datetime.timedelta(days=1), "86400000000:interval day to second"),
    ],
)
def test_literal(value: Any, expected: str) -> None:
    assert text(decode_expression(F.lit(value).to_plan(session().client))) == expected


def test_nested_literals() -> None:
    literal = pb.Expression.Literal
    integer, string = literal(integer=1), literal(string="a")
    array = literal(array=literal.Array(elements=[integer, literal(null=pb.DataType(integer=pb.DataType.Integer()))]))
    assert decode_expression(pb.Expression(literal=array)) == ex.Literal((1, None), t.ArrayType(t.IntegerType(), True))
    mapping = literal(map=literal.Map(keys=[string], values=[integer]))
    expected = ex.Literal((("a", 1),), t.MapType(t.StringType(), t.IntegerType(), False))
    assert decode_expression(pb.Expression(literal=mapping)) == expected
    doubles = literal(specialized_array=literal.SpecializedArray(doubles=pb.Doubles(values=[1.5])))
    assert decode_expression(pb.Expression(literal=doubles)) == ex.Literal((1.5,), t.ArrayType(t.DoubleType(), False))


class Artifacts:
    """Hooks that serve uploaded bytes."""

    time_zone = "UTC"

    def __init__(self, **content: bytes) -> None:
        self._content = content

    def artifact(self, content_hash: str) -> bytes:
        return self._content[content_hash]


def ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def test_local_relations() -> None:
    table = pa.table({"a": pa.array([1, 2], pa.int32())})
    plain = pb.LocalRelation(data=ipc(table), schema="b INT")
    node = decode_relation(pb.Relation(local_relation=plain))
    assert isinstance(node, nodes.LocalData)
    assert node.data_schema.names == ["b"]
    cached = pb.Relation(cached_local_relation=pb.CachedLocalRelation(hash="h"))
    again = decode_relation(cached, Artifacts(h=plain.SerializeToString()))
    assert isinstance(again, nodes.LocalData)
    assert again.table.equals(node.table)
    chunked = pb.Relation(
        chunked_cached_local_relation=pb.ChunkedCachedLocalRelation(dataHashes=["d", "d"], schemaHash="s")
    )
    whole = decode_relation(chunked, Artifacts(d=ipc(table), s=INTS.json().encode()))
    assert isinstance(whole, nodes.LocalData)
    assert whole.table.column(0).to_pylist() == [1, 2, 1, 2]
    empty = decode_relation(pb.Relation(local_relation=pb.LocalRelation(schema="a INT, b STRING")))
    assert isinstance(empty, nodes.LocalData)
    assert (empty.table.num_rows, empty.table.num_columns) == (0, 2)


def test_python_functions_over_frames() -> None:
    frame = table_frame("t")
    mapped = decoded(frame.mapInPandas(lambda frames: frames, INTS))
    assert isinstance(mapped, python_nodes.MapPartitions)
    assert mapped.result_schema == INTS
    grouped = decoded(frame.groupBy("a").applyInPandas(lambda rows: rows, INTS))
    assert isinstance(grouped, python_nodes.GroupMap)
    assert text(grouped.grouping[0]) == "a"
    stateful = decoded(
        stream_frame()
        .groupBy("value")
        .applyInPandasWithState(lambda k, rows, s: rows, INTS, INTS, "update", "NoTimeout")
    )
    assert isinstance(stateful, python_nodes.ApplyInPandasWithState)
    assert (stateful.output_mode, stateful.timeout, stateful.state_schema) == ("update", "NoTimeout", INTS)


def test_sql_with_parameters_and_frames() -> None:
    one = pb.Expression(literal=pb.Expression.Literal(integer=1))
    sql = pb.Relation(sql=pb.SQL(query="select :x from v", named_arguments={"x": one}))
    view = pb.Relation(subquery_alias=pb.SubqueryAlias(alias="v", input=message(range_frame())))
    whole = pb.Relation(with_relations=pb.WithRelations(root=sql, references=[view]))
    expected = "With[v](Range[0, 10, 1]; Project[1](v))"
    assert text(decode_relation(whole)) == expected
    statement = decode_sql(whole)
    assert isinstance(statement, Query)
    assert text(statement.plan) == expected
    sql.sql.query = "create temp view w as select * from v"
    whole.with_relations.root.CopyFrom(sql)
    created = decode_sql(whole)
    assert isinstance(created, CreateView)
    assert text(created.plan) == "With[v](Range[0, 10, 1]; Project[*](v))"


@pytest.mark.parametrize(
    ("delay", "condition"),
    [("x", "CANNOT_PARSE_INTERVAL"), ("10", "CANNOT_PARSE_INTERVAL"), ("-1 minutes", "")],
)
def test_wrong_watermark_delay(delay: str, condition: str) -> None:
    with pytest.raises(SparkError) as raised:
        decoded(stream_frame().withWatermark("timestamp", delay))
    assert raised.value.condition == condition


def test_every_relation_is_decoded_or_refused_by_name() -> None:
    kinds = {f.name for f in pb.Relation.DESCRIPTOR.oneofs_by_name["rel_type"].fields}
    assert kinds == set(RELATIONS) | set(REFUSED_RELATIONS)
    assert not set(RELATIONS) & set(REFUSED_RELATIONS)
    for kind in REFUSED_RELATIONS:
        relation = pb.Relation()
        getattr(relation, kind).SetInParent()
        with pytest.raises(SparkError, match="UNSUPPORTED_FEATURE"):
            decode_relation(relation)


def test_every_expression_is_decoded_or_refused_by_name() -> None:
    kinds = {f.name for f in pb.Expression.DESCRIPTOR.oneofs_by_name["expr_type"].fields}
    assert kinds == set(EXPRESSIONS) | set(REFUSED_EXPRESSIONS)
    for kind in REFUSED_EXPRESSIONS:
        expression = pb.Expression()
        getattr(expression, kind).SetInParent()
        with pytest.raises(SparkError, match="UNSUPPORTED_FEATURE"):
            decode_expression(expression)


def test_python_functions_in_expressions() -> None:
    double = F.udf(lambda x: 2 * x, t.IntegerType()).asNondeterministic()
    function = decode_expression(double("a").to_plan(session().client))
    assert isinstance(function, ex.PythonFunction)
    assert (function.eval_type, function.data_type, function.deterministic) == (100, t.IntegerType(), False)
    assert function.command
    unparsed = pb.DataType(unparsed=pb.DataType.Unparsed(data_type_string="a int"))
    assert decode_type(unparsed) == INTS
