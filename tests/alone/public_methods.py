"""Every public name of the client's classes has a case in public_methods.txt: an expression that is True."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pandas as pd
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.connect.catalog import Catalog
from pyspark.sql.connect.column import Column
from pyspark.sql.connect.conf import RuntimeConf
from pyspark.sql.connect.dataframe import DataFrame, DataFrameNaFunctions, DataFrameStatFunctions
from pyspark.sql.connect.group import GroupedData
from pyspark.sql.connect.observation import Observation
from pyspark.sql.connect.readwriter import DataFrameReader, DataFrameWriter, DataFrameWriterV2
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.connect.streaming.query import StreamingQuery, StreamingQueryManager
from pyspark.sql.connect.streaming.readwriter import DataStreamReader, DataStreamWriter
from pyspark.sql.connect.tvf import TableValuedFunction
from pyspark.sql.connect.udf import UDFRegistration
from pyspark.sql.connect.udtf import UDTFRegistration
from pyspark.sql.connect.window import Window, WindowSpec
from pyspark.sql.datasource import DataSource, DataSourceReader
from pyspark.sql.streaming import StatefulProcessor, StreamingQueryListener

from penstock.connect.service import Service
from tests.connect.conftest import Builder

pytestmark = [pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]

CLASSES = (
    Catalog, Column, DataFrame, DataFrameNaFunctions, DataFrameReader, DataFrameStatFunctions, DataFrameWriter,
    DataFrameWriterV2, DataStreamReader, DataStreamWriter, GroupedData, Observation, RuntimeConf, SparkSession,
    StreamingQuery, StreamingQueryManager, TableValuedFunction, UDFRegistration, UDTFRegistration, Window, WindowSpec,
)  # fmt: skip
LINES = [
    line.split(": ", 1)
    for line in (Path(__file__).parent / "public_methods.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


class Twice:
    """A table function."""

    def eval(self, x: int) -> Iterator[tuple[int]]:
        yield from [(x,), (x,)]


class Ids:
    """A table function of whole rows."""

    def eval(self, row: Any) -> Iterator[tuple[int]]:
        yield (row["id"],)


class ThreeReader(DataSourceReader):
    """Three rows."""

    def read(self, partition: Any) -> Iterator[tuple[int]]:
        yield from [(1,), (2,), (3,)]


class Three(DataSource):
    """A data source."""

    @classmethod
    def name(cls) -> str:
        return "three"

    def schema(self) -> str:
        return "id int"

    def reader(self, schema: Any) -> DataSourceReader:
        return ThreeReader()


class Counting(StatefulProcessor):
    """Counts the rows of a key."""

    def init(self, handle: Any) -> None:
        self.seen = handle.getValueState("seen", "n long")

    def handleInputRows(self, key: Any, rows: Any, timers: Any) -> Iterator[Row]:
        before = self.seen.get()[0] if self.seen.exists() else 0
        self.seen.update((before + len(list(rows)),))
        yield Row(id=key[0], n=self.seen.get()[0])

    def close(self) -> None: ...


class CountingInPandas(Counting):
    """The same over frames."""

    def handleInputRows(self, key: Any, rows: Any, timers: Any) -> Iterator[pd.DataFrame]:
        self.seen.update((sum(len(frame) for frame in rows),))
        yield pd.DataFrame({"id": [key[0]], "n": [self.seen.get()[0]]})


def counted(key: Any, frames: Any, state: Any) -> Iterator[pd.DataFrame]:
    """Counts the rows of a key in applyInPandasWithState."""
    n = (state.get[0] if state.exists else 0) + sum(len(frame) for frame in frames)
    state.update((n,))
    yield pd.DataFrame({"id": [key[0]], "n": [n]})


def stopped(session: Any) -> bool:
    """Whether a session takes nothing more after stop()."""
    session.stop()
    return session.is_stopped and refused(lambda: session.range(1).count(), ValueError)


class Silent(StreamingQueryListener):
    """Hears and says nothing."""

    def onQueryStarted(self, event: Any) -> None: ...
    def onQueryProgress(self, event: Any) -> None: ...
    def onQueryTerminated(self, event: Any) -> None: ...


def refused(call: Any, *kinds: type[BaseException]) -> bool:
    """Whether the call raises one of Spark's errors (or `kinds`)."""
    try:
        call()
    except (PySparkException, *kinds):
        return True
    return False


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the cases speak of; they run in the order of the file and may build on each other."""
    service = Service({"spark.sql.warehouse.dir": f"file:{tmp_path_factory.mktemp('warehouse')}"})
    spark = SparkSession(connection=Builder(service, session_id=str(uuid4())))
    SparkSession._default_session = None
    SparkSession._set_default_and_active_session(spark)
    yield vocabulary(spark, str(tmp_path_factory.mktemp("files")), service)
    SparkSession._default_session = None
    SparkSession._active_session.session = None
    service.close()
    spark.client.close()


def vocabulary(spark: Any, tmp: str, service: Service) -> dict[str, Any]:
    """The names for one session."""
    df = spark.sql(
        "SELECT id, element_at(array('a', 'b', CAST(NULL AS STRING)), CAST(id AS INT)) AS s FROM range(1, 4)"
    )

    def stream() -> Any:
        return spark.readStream.schema("id long, s string").parquet(f"{tmp}/w").withColumn("t", F.current_timestamp())

    def query() -> Any:
        return stream().writeStream.format("noop").trigger(availableNow=True).start()

    def keyed() -> Any:
        df.write.mode("ignore").parquet(f"{tmp}/keyed")
        return spark.readStream.schema("id long, s string").parquet(f"{tmp}/keyed").groupBy("id")

    def another() -> Any:
        return SparkSession(connection=Builder(service, session_id=str(uuid4())))

    def file(name: str, text: str) -> str:
        (Path(tmp) / name).write_text(text, "utf-8")
        return f"{tmp}/{name}"

    def run(writer: Any) -> Any:
        started = writer.trigger(availableNow=True).start()
        assert started.awaitTermination(120)
        return started.exception()

    return {
        "spark": spark, "F": F, "T": T, "W": Window, "df": df, "tmp": tmp, "refused": refused, "run": run,
        "stream": stream, "query": query, "one": lambda column: spark.range(1).select(column).first()[0],
        "Observation": Observation, "listener": Silent(), "handler": lambda **progress: None,
        "PySparkException": PySparkException, "Twice": F.udtf(Twice, returnType="x int"),
        "Ids": F.udtf(Ids, returnType="id bigint"), "Three": Three, "Counting": Counting, "counted": counted,
        "CountingInPandas": CountingInPandas, "file": file, "stopped": stopped,
        "keyed": keyed, "another": another, "RpcError": grpc.RpcError,
    }  # fmt: skip


def test_each_public_name_has_a_case() -> None:
    public = {f"{c.__name__}.{name}" for c in CLASSES for name in dir(c) if not name.startswith("_")}
    assert {name for name, _ in LINES} == public


def test_cases(names: dict[str, Any]) -> None:
    """One test for all: later cases use what earlier ones made."""
    wrong = {}
    for name, expression in LINES:
        try:
            answer = eval(expression, dict(names))
        except Exception as error:
            answer = error
        if answer is not True:
            wrong[name] = repr(answer)
    assert wrong == {}
