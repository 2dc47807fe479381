"""Python data sources in a stream: exactly once over kills, and what a session knows of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, PythonException
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from penstock.testing import crash_and_resume

PROGRAM = str(Path(__file__).with_name("data_source_program.py"))


@pytest.mark.parametrize("kind", ["reader", "simple"])
def test_killed_programs_lose_and_repeat_nothing(tmp_path: Path, kind: str) -> None:
    argv = [sys.executable, "-m", "penstock", "run", PROGRAM, str(tmp_path), kind]
    killed = crash_and_resume(argv, kills=2, seed=11, at_points=1.0, most_passes=3)
    assert killed == 2
    batches = [json.loads(path.read_text()) for path in tmp_path.glob("batch-*")]
    rows = sorted(row for batch in batches for row in batch)
    first = rows[0]
    assert first <= 3
    assert rows == list(range(first, 40))


class Named(DataSource):
    """One row that says whose it is."""

    @classmethod
    def name(cls) -> str:
        return "Named_Source"

    def schema(self) -> str:
        return "who string"

    def reader(self, schema: Any) -> DataSourceReader:
        who = self.options.get("who", "nobody")

        class Reader(DataSourceReader):
            def read(self, partition: InputPartition) -> Any:
                yield (who,)

        return Reader()


def test_names_of_sources_and_options_know_no_case(spark: Any) -> None:
    spark.dataSource.register(Named)
    assert spark.read.format("named_source").option("WHO", "me").load().collect() == [("me",)]


def test_a_source_registered_again_is_replaced(spark: Any) -> None:
    class Other(Named):
        def schema(self) -> str:
            return "other string"

    spark.dataSource.register(Named)
    spark.dataSource.register(Other)
    assert spark.read.format("Named_Source").load().columns == ["other"]


def test_built_in_formats_come_first(spark: Any, tmp_path: Path) -> None:
    class Json(Named):
        @classmethod
        def name(cls) -> str:
            return "json"

    spark.dataSource.register(Json)
    (tmp_path / "a.json").write_text('{"x": 1}')
    assert spark.read.format("json").load(str(tmp_path)).columns == ["x"]


def test_paths_become_options(spark: Any) -> None:
    class Paths(Named):
        @classmethod
        def name(cls) -> str:
            return "paths"

        def schema(self) -> str:
            return f"`{self.options.get('path')} {self.options.get('paths')}` string"

    spark.dataSource.register(Paths)
    assert spark.read.format("paths").load("/a").columns == ["/a None"]
    assert spark.read.format("paths").load(["/a", "/b"]).columns == ['None ["/a", "/b"]']


def test_the_users_lines_are_shown(spark: Any) -> None:
    class Fails(Named):
        @classmethod
        def name(cls) -> str:
            return "fails"

        def reader(self, schema: Any) -> DataSourceReader:
            class Reader(DataSourceReader):
                def read(self, partition: InputPartition) -> Any:
                    raise ValueError("no such thing")
                    yield

            return Reader()

    spark.dataSource.register(Fails)
    with pytest.raises(PythonException) as caught:
        spark.read.format("fails").load().collect()
    assert f'File "{__file__}", line ' in str(caught.value)
    assert "ValueError: no such thing" in str(caught.value)
    assert "/penstock/pyfn/" not in str(caught.value)


def test_a_class_that_is_no_data_source(spark: Any) -> None:
    class Wrong(Named):
        def schema(self) -> Any:
            return None

        @classmethod
        def name(cls) -> str:
            return "wrong"

    spark.dataSource.register(Wrong)
    with pytest.raises(AnalysisException, match="DATA_SOURCE_TYPE_MISMATCH"):
        spark.read.format("wrong").load().collect()
