"""`import findspark` in a program that `penstock run` starts.

The package of this name makes an installation of Spark importable; most notebooks and courses begin with it.  There is
none to find here: pyspark's client is importable from the start, and no jar is ever loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def provide() -> None:
    """Let the program import this module by the package's name, whether that is installed or not."""
    sys.modules["findspark"] = sys.modules[__name__]


def init(
    spark_home: str | None = None,
    python_path: str | None = None,
    edit_rc: bool = False,
    edit_profile: bool = False,
) -> None:
    """Nothing is left to do.  No file of the user is edited."""


def find() -> str:
    """Where pyspark is, as findspark answers for a pyspark that pip has installed."""
    import pyspark

    return str(Path(pyspark.__file__).parent)


def add_packages(packages: str | Sequence[str]) -> None:
    """Without effect: a connector is there without a package, or refused by name where the program uses it."""


def add_jars(jars: str | Sequence[str]) -> None:
    """Without effect, as add_packages."""
