"""Tests that need a process of their own: they look at the client as it is before the engine is put behind it, or they
make another session the default one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(path.name for path in HERE.glob("*.py") if path.name not in ("conftest.py", Path(__file__).name))


@pytest.mark.parametrize("name", FILES)
def test_in_its_own_process(name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", str(HERE / name)]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
