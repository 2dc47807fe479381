"""Random pipelines of RDDs give what lists give, in threads and in processes, though tasks fail.

One case again: `RDD_SEED=17 pytest tests/property_rdd`; many: `python scripts/random_pipelines.py 3000`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.property_rdd.pipelines import check_pipeline
from tests.rdd.conftest import Context

ONE = os.environ.get("RDD_SEED")
EXECUTORS = {"threads": range(80), "processes": range(1000, 1030)}


@pytest.fixture(scope="module", params=EXECUTORS)
def sc(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    context = Context("local[2,4]", **{"spark.penstock.rdd.executor": request.param})
    context.setCheckpointDir(str(tmp_path_factory.mktemp("checkpoints")))
    yield context
    context._end_jobs("because the tests have ended")


def test_random_pipelines_equal_lists(sc: Any, tmp_path: Path) -> None:
    seeds = [int(ONE)] if ONE else EXECUTORS[sc.settings["spark.penstock.rdd.executor"]]
    for seed in seeds:
        check_pipeline(sc, seed, tmp_path)
