"""What a SparkContext is made with, and what it says of itself."""

from __future__ import annotations

import io
import os
import pickle
import pstats
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from penstock import embed

embed.install()
from py4j.protocol import Py4JJavaError  # noqa: E402
from pyspark import MarshalSerializer, SparkConf, SparkContext  # noqa: E402
from pyspark.errors import PySparkException, PySparkNotImplementedError  # noqa: E402
from pyspark.profiler import BasicProfiler  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def no_context_of_another_module() -> None:
    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()


@contextmanager
def context(
    *arguments: Any, executor: str = "threads", conf: dict[str, str] | None = None, **named: Any
) -> Iterator[Any]:
    settings = SparkConf().setAll([("spark.penstock.rdd.executor", executor), *(conf or {}).items()])
    made = SparkContext("local[2]", "made", *arguments, conf=settings, **named)
    try:
        yield made
    finally:
        made.stop()


EXECUTORS = pytest.mark.parametrize("executor", ["threads", "processes"])


@EXECUTORS
def test_variables_of_tasks_end_with_the_context(executor: str) -> None:
    os.environ["KEPT"] = "before"
    given = {"GIVEN": "1", "KEPT": "inside"}
    with context(environment=given, executor=executor, conf={"spark.executorEnv.OTHER": "2"}) as sc:
        names = ("GIVEN", "KEPT", "OTHER")
        assert sc.parallelize(names, 2).map(lambda name: os.environ[name]).collect() == ["1", "inside", "2"]
        assert sc.environment.items() >= {"GIVEN": "1", "KEPT": "inside", "OTHER": "2"}.items()
    assert os.environ.pop("KEPT") == "before"
    assert "GIVEN" not in os.environ and "OTHER" not in os.environ


@EXECUTORS
def test_a_serializer_that_cannot_write_everything(executor: str) -> None:
    with context(serializer=MarshalSerializer(), executor=executor) as sc:
        pairs = sc.parallelize([(1, "a"), (2, "b"), (1, "c")], 2)
        assert sorted(pairs.groupByKey().mapValues(list).collect()) == [(1, ["a", "c"]), (2, ["b"])]
        with pytest.raises(ValueError, match="unmarshallable"):
            sc.parallelize([Decimal(1)])
        for made in (pairs.mapValues(Decimal), pairs.mapValues(lambda _: Decimal(1)).partitionBy(2).map(len)):
            with pytest.raises(Py4JJavaError):
                made.collect()


def test_batches_say_how_a_list_is_cut() -> None:
    with context(batchSize=2) as sc:
        assert sc.parallelize(list(range(10)), 3).glom().collect() == [[0, 1], [2, 3, 4, 5], [6, 7, 8, 9]]
        assert str(sc.serializer) == "BatchedSerializer(CloudPickleSerializer(), 2)"
    with context(batchSize=-1) as sc:
        assert sc.parallelize(list(range(10)), 3).glom().collect() == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]


@EXECUTORS
def test_code_that_is_shipped(executor: str, tmp_path: Path) -> None:
    (tmp_path / "shipped_one.py").write_text("def double(x):\n    return x * 2\n")
    with zipfile.ZipFile(tmp_path / "shipped.zip", "w") as archive:
        archive.writestr("shipped_two.py", "def triple(x):\n    return x * 3\n")

    def both(x: int) -> int:
        import shipped_one
        import shipped_two

        return int(shipped_one.double(shipped_two.triple(x)))

    files = [str(tmp_path / "shipped_one.py"), str(tmp_path / "shipped.zip")]
    with context(pyFiles=files, executor=executor) as sc:
        assert sc.parallelize([1, 2], 2).map(both).collect() == [6, 12]
    assert "shipped_one" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        both(1)


def busy(x: int) -> int:
    return sum(range(1000)) * 0 + x


@EXECUTORS
def test_profiles(executor: str, tmp_path: Path) -> None:
    with context(executor=executor, conf={"spark.python.profile": "true"}) as sc:
        assert sc.parallelize(range(4), 2).map(lambda x: (x % 2, busy(x))).reduceByKey(max).count() == 2
        shown = io.StringIO()
        with redirect_stdout(shown):
            sc.show_profiles()
        assert "busy" in shown.getvalue() and "Profile of RDD<id=" in shown.getvalue()
        sc.dump_profiles(str(tmp_path))
    calls = [stats.stats for stats in map(pstats.Stats, map(str, tmp_path.glob("rdd_*.pstats")))]
    assert sum(row[0] for stats in calls for (_, _, name), row in stats.items() if name == "busy") == 4


def test_a_profiler_of_ones_own() -> None:
    class Mine(BasicProfiler):  # type: ignore[misc]
        def show(self, id: int) -> None:
            print("mine")

    shown = io.StringIO()
    with context(conf={"spark.python.profile": "true"}, profiler_cls=Mine) as sc, redirect_stdout(shown):
        sc.parallelize(range(4), 2).count()
        sc.show_profiles()
    assert shown.getvalue() == "mine\n"


def test_arguments_keep_their_places_and_a_jvm_is_refused() -> None:
    with context("/home", None, {"GIVEN": "1"}, 3) as sc:
        assert (sc.sparkHome, sc.environment["GIVEN"], sc._batchSize) == ("/home", "1", 3)
    with pytest.raises(PySparkNotImplementedError, match="JVM"):
        SparkContext(gateway=object())  # type: ignore[arg-type]


def test_how_often_a_task_may_fail() -> None:
    def slots(master: str, **settings: str) -> tuple[int, int]:
        sc = SparkContext(master, "made", conf=SparkConf().setAll(list(settings.items())))
        try:
            return sc._slots()
        finally:
            sc.stop()

    limit = {"spark.task.maxFailures": "7"}
    assert slots("local[3,2]", **limit) == (3, 2)
    assert slots("local[3]", **limit) == (3, 1)  # as in Spark
    assert slots("local-cluster[2,2,1024]") == (4, 4)
    assert slots("local-cluster[2,2,1024]", **limit) == (4, 7)
    with pytest.raises(ValueError, match="at least 1"):
        slots("local-cluster[2,2,1024]", **{"spark.task.maxFailures": "0"})


def test_resources_of_the_driver(tmp_path: Path) -> None:
    script = tmp_path / "gpus"
    script.write_text('echo \'{"name": "gpu", "addresses": ["0", "1"]}\'\n')
    script.chmod(0o700)
    conf = {"spark.driver.resource.gpu.amount": "2", "spark.driver.resource.gpu.discoveryScript": str(script)}
    with context(conf=conf) as sc:
        assert [(r.name, r.addresses) for r in sc.resources.values()] == [("gpu", ["0", "1"])]
    with context() as sc:
        assert sc.resources == {}


def test_a_context_is_for_the_driver() -> None:
    with context() as sc, pytest.raises(PySparkException) as caught:
        pickle.dumps(sc)
    assert caught.value.getCondition() == "CONTEXT_ONLY_VALID_ON_DRIVER"


def test_a_session_of_a_context_and_its_end() -> None:
    with context() as sc:
        assert SparkSession(sparkContext=sc).range(2).count() == 2
        rdd = sc.parallelize([1], 1).map(lambda x: x)
        assert rdd.collect() == [1]
        SparkSession(sc).stop()
        with context() as other:
            assert other is not sc and SparkContext.getOrCreate() is other


def test_a_checkpoint_is_read_back(tmp_path: Path) -> None:
    with context() as sc:
        sc.setCheckpointDir(str(tmp_path))
        made = sc.parallelize(range(4), 2).map(lambda x: x * 2)
        made.checkpoint()
        assert made.collect() == [0, 2, 4, 6]
        assert os.path.dirname(made.getCheckpointFile()) == sc.getCheckpointDir()
        assert sc._checkpointFile(made.getCheckpointFile()).glom().collect() == [[0, 2], [4, 6]]


def test_a_program_without_rdds_does_not_load_them() -> None:
    program = textwrap.dedent("""
        import sys, penstock
        spark = penstock.session()
        spark.sparkContext.setLogLevel("WARN")
        assert spark.range(3).count() == 3
        loaded = {name for name in sys.modules if name.startswith("penstock.rdd.")}
        assert loaded <= {"penstock.rdd.tasks", "penstock.rdd.threads", "penstock.rdd.errors"}, loaded
        from pyspark import *
        import pydoc
        assert "parallelize(" in pydoc.render_doc(SparkContext, renderer=pydoc.plaintext)
        assert "parallelize" in dir(spark.sparkContext) and "parallelize" in dir(SparkContext)
        assert SparkContext.parallelize and spark.sparkContext.parallelize([1, 2]).sum() == 3
        assert RDD.__name__ == "RDD" and SparkExecutorInfo._fields[0] == "host"
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_calls_that_another_thread_makes_first() -> None:
    """What is about RDDs joins the class at the first call; one that looked before, and in vain, gets it all the
    same."""
    with context("local[1]") as sc:
        assert sc.range(3).count() == 3
        looked_before = SparkContext.__getattr__(sc, "statusTracker")
        assert looked_before().getJobInfo(99_999) is None
        assert type(SparkContext).__getattr__(SparkContext, "range") is SparkContext.range
        with pytest.raises(AttributeError, match="'SparkContext' object has no attribute 'nothing'"):
            sc.nothing  # noqa: B018
        with pytest.raises(AttributeError, match="type object 'SparkContext' has no attribute 'nothing'"):
            SparkContext.nothing  # noqa: B018
