"""Every example of Spark's function reference parses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from penstock.sql import parse_query

_HERE = Path(__file__).parents[1] / "conformance" / "spark_functions.jsonl"
EXAMPLES = Path(os.environ.get("PENSTOCK_EXAMPLES", _HERE))


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples are not here; PENSTOCK_EXAMPLES names their file")
def test_every_example_parses() -> None:
    failed = []
    for line in EXAMPLES.read_text().splitlines():
        sql = json.loads(line)["sql"]
        try:
            parse_query(sql)
        except Exception as error:
            failed.append(f"{sql}: {error}")
    assert failed == []
