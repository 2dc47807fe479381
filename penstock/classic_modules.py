"""The modules and names of classic PySpark that the client leaves out: programs import ours under them.

What is imported under a name is loaded when it is first asked for, so that a program pays for what it uses.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Mapping
from typing import Any

_RDD = {
    "RDD": "penstock.rdd.rdd",
    "PipelinedRDD": "penstock.rdd.rdd",
    "RDDBarrier": "penstock.rdd.rdd",
    "Partitioner": "penstock.rdd.partitioning",
    "portable_hash": "penstock.rdd.partitioning",
    "BoundedFloat": "penstock.rdd.approximate",
}
_STATUS = dict.fromkeys(("StatusTracker", "SparkJobInfo", "SparkStageInfo", "SparkExecutorInfo"), "penstock.rdd.status")
_STREAMING = dict.fromkeys(
    ("StreamingContext", "DStream", "StreamingListener", "Receiver", "State", "StateSpec"), "penstock.streaming"
)
#: Each module, and where what it names is.
MODULES: dict[str, dict[str, str]] = {
    "pyspark.context": {"SparkContext": "penstock.spark_context"},
    "pyspark.core.context": {"SparkContext": "penstock.spark_context"},
    "pyspark.core.rdd": _RDD,
    "pyspark.rdd": _RDD,
    "pyspark.core.broadcast": {"Broadcast": "penstock.rdd.shared"},
    "pyspark.broadcast": {"Broadcast": "penstock.rdd.shared"},
    "pyspark.core.files": {"SparkFiles": "penstock.rdd.files"},
    "pyspark.files": {"SparkFiles": "penstock.rdd.files"},
    "pyspark.streaming": _STREAMING,
    "pyspark.streaming.listener": {"StreamingListener": "penstock.streaming.listener"},
    "pyspark.streaming.context": {"StreamingContext": "penstock.streaming.context"},
    "pyspark.streaming.dstream": {
        "DStream": "penstock.streaming.dstream",
        "TransformedDStream": "penstock.streaming.transformed",
    },
    "pyspark.core.status": _STATUS,
    "pyspark.status": _STATUS,
}
#: What `pyspark` itself names in classic PySpark.
IN_PYSPARK = {
    **{name: _RDD[name] for name in ("RDD", "RDDBarrier")},
    "Broadcast": "penstock.rdd.shared",
    "SparkFiles": "penstock.rdd.files",
    **_STATUS,
}


def provide(name: str, members: Mapping[str, str]) -> None:
    """Make a module importable whose members are imported from ours when they are first asked for."""
    module = types.ModuleType(name, "Of the embedded engine.")
    module.__path__ = []
    module.__all__ = list(members)  # type: ignore[attr-defined]
    import_later(module, members)
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    setattr(sys.modules[parent], last, module)


def import_later(module: types.ModuleType, members: Mapping[str, str]) -> None:
    """Members of a module that are imported from ours when they are first asked for."""

    def member(key: str) -> Any:
        if key not in members:
            raise AttributeError(f"module {module.__name__!r} has no attribute {key!r}")
        found = getattr(importlib.import_module(members[key]), key)
        setattr(module, key, found)
        return found

    module.__getattr__ = member  # type: ignore[method-assign]


def provide_py4j() -> None:
    """`from py4j.protocol import Py4JJavaError` in programs that catch it, where py4j is not installed."""
    if "py4j" in sys.modules or importlib.util.find_spec("py4j") is not None:
        return
    package = types.ModuleType("py4j", "Of the embedded engine: the errors' names.")
    package.__path__ = []
    sys.modules["py4j"] = package
    provide("py4j.protocol", dict.fromkeys(("Py4JJavaError", "Py4JError"), "penstock.rdd.errors"))
