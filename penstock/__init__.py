"""Penstock runs Spark Streaming programs in one Python process, without a JVM.

`penstock run job.py` runs an unmodified PySpark program; `penstock.session()` gives a SparkSession to a script, a
notebook or a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

__version__ = "0.1.0"
__all__ = ["__version__", "session"]


def session(conf: Mapping[str, Any] | None = None) -> SparkSession:
    """The SparkSession of the embedded engine, made if there is none; `conf` are settings such as
    `{"spark.sql.shuffle.partitions": 8}`.  From then on `SparkSession.builder.getOrCreate()` gives the same one."""
    from penstock.embed import session as open_session

    return open_session(conf)
