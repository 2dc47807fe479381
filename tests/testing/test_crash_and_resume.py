"""A program that is killed again and again gives what it gives undisturbed."""

import sys
from pathlib import Path

import pytest

from penstock.testing import crash_and_resume

PROGRAM = str(Path(__file__).with_name("summing_program.py"))
POINTS = [
    "before_offset_log",
    "after_offset_log",
    "after_execution",
    "after_state_commit",
    "after_sink_commit",
    "before_commit_log",
]


def output(directory):
    return {int(path.name): path.read_text() for path in (directory / "out").iterdir() if not path.name.startswith(".")}


def test_killed_program(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert crash_and_resume([sys.executable, PROGRAM, str(tmp_path / "a")], kills=0, seed=1) == 0
    # By this seed the first eight kills are at points, and come on a machine of any speed.
    arguments = {"points": POINTS, "at_points": 0.8, "delay_s": (0.3, 0.8)}
    killed = crash_and_resume([sys.executable, PROGRAM, str(tmp_path / "b")], kills=10, seed=17, **arguments)
    assert killed >= 8
    assert output(tmp_path / "b") == output(tmp_path / "a")


def test_failing_program_is_reported_with_the_seed():
    with pytest.raises(AssertionError, match=r"seed 3(.|\n)*exit code 2(.|\n)*oh no"):
        crash_and_resume([sys.executable, "-c", "import sys; print('oh no'); sys.exit(2)"], kills=0, seed=3)


def test_program_that_hangs_is_reported():
    with pytest.raises(AssertionError, match="exit code -9"):
        crash_and_resume([sys.executable, "-c", "import time; time.sleep(60)"], kills=0, seed=3, timeout_s=0.5)
