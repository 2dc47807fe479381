"""Whole PySpark programs under `penstock run`, compared line by line with the output of real Spark 4.2 (golden/)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
GOLDEN = sorted((HERE / "golden").glob("*.jsonl"))


def test_every_program_has_golden_output() -> None:
    programs = {p.stem for p in HERE.glob("*.py")} - {"lib", "make_golden", "test_programs", "conftest", "__init__"}
    assert programs == {golden.stem for golden in GOLDEN}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_program(golden: Path) -> None:
    program = HERE / f"{golden.stem}.py"
    env = {**os.environ, "TZ": "UTC"}
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "run", str(program)], capture_output=True, text=True, timeout=280, env=env
    )
    assert done.returncode == 0, done.stderr
    ours = [json.loads(line) for line in done.stdout.splitlines()]
    theirs = [json.loads(line) for line in golden.read_text().splitlines()]
    assert [line for line in ours if "batch" in line] == [line for line in theirs if "batch" in line]
    assert [line for line in ours if "progress" in line] == [line for line in theirs if "progress" in line]
