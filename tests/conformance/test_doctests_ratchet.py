"""The client's own documentation examples: what has passed once may not fall back.

`doctests_pass.txt` names the items that pass, one a line; it holds only items that Spark 4.2 itself passes.  When more
of them pass, `python -m tests.conformance.gaps --regenerate` adds their names.  Items that are expected to fail are in
expected_failures.toml, and must; those whose rows come in an order that neither Spark nor the engine promises (window
functions over several partitions, exceptAll, intersectAll) are in a table of their own there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.expected import expected

HERE = Path(__file__).parent
PASSING = (HERE / "doctests_pass.txt").read_text().split()


def outcomes(directory: Path, *items: str) -> dict[str, str]:
    """What the runner finds, of all items or, patiently, of some."""
    found = directory / "found.json"
    found.unlink(missing_ok=True)
    command = [sys.executable, "-m", "penstock", "run", str(HERE / "doctests_runner.py"), str(found)]
    command += ["--patient", *items] if items else []
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=900)
    assert found.exists(), done.stderr[-3000:]
    return dict(json.loads(found.read_text()))


@pytest.mark.timeout(1800)
def test_no_item_falls_back(tmp_path: Path) -> None:
    found, failing = outcomes(tmp_path), expected()["doctests"]
    doubtful = [name for name in PASSING if found.get(name) != "pass"]
    doubtful += [name for name in failing if found.get(name) == "pass"]
    if doubtful:  # examples of streams sleep for a time that is short for a machine that stalls
        found |= outcomes(tmp_path, *doubtful)
    still = {name: found.get(name, "no such item") for name in PASSING if found.get(name) != "pass"}
    assert not still, "\n\n".join(f"{name}\n{why[-600:]}" for name, why in still.items())
    unexpected = [name for name in failing if found.get(name) == "pass"]
    assert unexpected == [], "these pass now: run python -m tests.conformance.gaps --regenerate"


def test_the_list_is_sorted_and_without_repeats() -> None:
    assert sorted(set(PASSING)) == PASSING
