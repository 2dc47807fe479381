"""Random streams end with the batch answer, however they are cut, stopped and killed.

One case again: `PROPERTY_SEED=17 pytest tests/property`; many: `python scripts/random_streams.py 10000`.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

import penstock
from tests.property.runner import check_case

ONE = os.environ.get("PROPERTY_SEED")


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC"})


@pytest.mark.parametrize("seed", [int(ONE)] if ONE else range(200))
def test_random_streams_equal_their_batch_query(spark: Any, seed: int) -> None:
    check_case(spark, seed)
