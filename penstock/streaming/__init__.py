"""DStreams: streams as a sequence of RDDs, one per batch interval.

    from penstock.streaming import StreamingContext

gives what `from pyspark.streaming import StreamingContext` gives under `penstock run`, and what Python never had in
Spark: custom receivers, `mapWithState`.

`graph.py` and `dstream.py` are the graph of one program, `generator.py` makes a batch's jobs when its time has come,
`jobs.py` runs them.
"""

from __future__ import annotations

import importlib
from typing import Any

_MEMBERS = {
    "StreamingContext": "penstock.streaming.context",
    "DStream": "penstock.streaming.dstream",
    "TransformedDStream": "penstock.streaming.transformed",
    "StreamingListener": "penstock.streaming.listener",
    "Receiver": "penstock.streaming.receiver",
    "State": "penstock.streaming.map_with_state",
    "StateSpec": "penstock.streaming.map_with_state",
}

__all__ = ["DStream", "Receiver", "State", "StateSpec", "StreamingContext", "StreamingListener", "TransformedDStream"]


def __getattr__(name: str) -> Any:
    if name not in _MEMBERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MEMBERS[name]), name)
