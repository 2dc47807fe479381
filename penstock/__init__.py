"""Penstock runs Spark Streaming programs in one Python process, without a JVM.

`penstock run job.py` runs an unmodified PySpark program; `penstock.session()` gives a SparkSession to a script, a
notebook or a test.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.session import SparkSession

__version__ = "0.1.0"
__all__ = ["__version__", "session", "why"]


def _name_main() -> None:
    """Let the client be imported under `python -c`: it takes a `__main__` without file and spec for a run of its own
    doctests, looks for an installation of Spark and ends the process.  The name `__main__` changes nothing for
    others."""
    main = sys.modules.get("__main__")
    if main is not None and getattr(main, "__spec__", None) is None and not hasattr(main, "__file__"):
        main.__spec__ = ModuleSpec("__main__", None)


_name_main()


def session(conf: Mapping[str, Any] | None = None) -> SparkSession:
    """The SparkSession of the embedded engine, made if there is none; `conf` are settings such as
    `{"spark.sql.shuffle.partitions": 8}`.  From then on `SparkSession.builder.getOrCreate()` gives the same one."""
    from penstock.embed import session as open_session

    return open_session(conf)


def why(query: Any, row_filter: str) -> DataFrame:
    """Where rows of a streaming query are: those that the watermark dropped (kept with
    penstock.streaming.keepLateRows=true) and those that state still holds.

    query: a running StreamingQuery, or the path of a checkpoint; row_filter: a condition on the rows' columns, such as
    "user = 'ann'".  The columns are documented in docs/where-is-my-row.md."""
    from penstock.inspection.why import why as ask

    return ask(query, row_filter)
