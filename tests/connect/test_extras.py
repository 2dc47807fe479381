"""What comes with an extra and is not installed: an error that names the extra, before any row is read or written."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import UnsupportedOperationException
from pyspark.sql.avro.functions import from_avro, to_avro

URLS = {"sqlite": "jdbc:sqlite:x.db", "postgresql": "jdbc:postgresql://127.0.0.1:1/x"}
Use = Callable[[Any, str], Any]
USES: list[tuple[str, str, Use]] = [
    ("avro", "fastavro", lambda spark, path: spark.read.format("avro").load(path).collect()),
    ("avro", "fastavro", lambda spark, path: spark.range(1).write.format("avro").save(f"{path}/out")),
    ("avro", "fastavro", lambda spark, path: spark.range(1).select(to_avro("id")).collect()),
    ("avro", "fastavro", lambda spark, path: spark.sql("SELECT X'02' AS b").select(from_avro("b", '"long"')).collect()),
    ("jdbc", "adbc_driver_sqlite", lambda spark, path: spark.read.jdbc(URLS["sqlite"], "t").collect()),
    ("jdbc", "adbc_driver_sqlite", lambda spark, path: spark.range(1).write.jdbc(URLS["sqlite"], "t")),
    ("jdbc", "adbc_driver_postgresql", lambda spark, path: spark.read.jdbc(URLS["postgresql"], "t").collect()),
    ("jdbc", "adbc_driver_postgresql", lambda spark, path: spark.range(1).write.jdbc(URLS["postgresql"], "t")),
    ("sketches", "datasketches", lambda spark, path: spark.sql("SELECT hll_sketch_agg(id) FROM range(9)").collect()),
    (
        "sketches",
        "datasketches",
        lambda spark, path: spark.sql("SELECT kll_sketch_agg_bigint(id) FROM range(9)").collect(),
    ),
]


@pytest.mark.parametrize(("extra", "module", "use"), USES)
def test_the_error_names_the_extra(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str, module: str, use: Use
) -> None:
    for name in [module, f"{module}.dbapi"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UnsupportedOperationException, match=rf"pip install [\"']penstock\[{extra}\]") as caught:
        use(spark, str(tmp_path))
    assert caught.value.getCondition() == "UNSUPPORTED_FEATURE.PENSTOCK"
    assert not (tmp_path / "out").exists()


def test_avro_without_the_packages_of_its_codecs(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fastavro

    def without(out: Any, schema: Any, records: Any, codec: str) -> None:
        raise ValueError(f"{codec} codec is supported but you need to install a library")

    monkeypatch.setattr(fastavro, "writer", without)
    with pytest.raises(UnsupportedOperationException, match=r'the codec snappy .* pip install "penstock\[avro\]"'):
        spark.range(1).write.format("avro").save(str(tmp_path / "out"))


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "deflate", "bzip2", "xz", "zstandard"])
def test_the_extra_has_what_every_codec_of_avro_needs(spark: Any, tmp_path: Path, codec: str) -> None:
    spark.range(3).write.format("avro").option("compression", codec).save(str(tmp_path / "out"))
    assert sorted(row.id for row in spark.read.format("avro").load(str(tmp_path / "out")).collect()) == [0, 1, 2]


def test_each_extra_is_tried_here_and_the_tests_have_all_of_them() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    assert set(extras) == {extra for extra, _, _ in USES}
    needed = {requirement for packages in extras.values() for requirement in packages}
    implied = {"adbc-driver-manager"}  # by the drivers
    given = set(project["dependency-groups"]["dev"])
    assert {requirement for requirement in needed - given if re.split("[<>=]", requirement)[0] not in implied} == set()
