"""Sink formats by name.  A format's module is imported when the format is first used.

foreach and foreachBatch have no name here, they need the user's function: see `ForeachSink` and `ForeachBatchSink`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Protocol

from penstock.core.errors import not_streamed
from penstock.core.option_names import tell_unknown
from penstock.sinks.base import Sink, SinkContext
from penstock.sinks.errors import not_found

_FACTORIES: dict[str, str] = {
    "console": "penstock.sinks.console:ConsoleSink",
    "memory": "penstock.sinks.memory:MemorySink",
    "noop": "penstock.sinks.noop:NoopSink",
    "parquet": "penstock.sinks.file_sink:parquet",
    "json": "penstock.sinks.file_sink:json",
    "csv": "penstock.sinks.file_sink:csv",
    "text": "penstock.sinks.file_sink:text",
    "orc": "penstock.sinks.file_sink:orc",
    "xml": "penstock.sinks.file_sink:xml",
    "avro": "penstock.sinks.file_sink:avro",
}

#: Sinks that Spark, or a package that people use with it, has, and Penstock has not.
KNOWN_ELSEWHERE = frozenset(
    (
        "kafka",
        "delta",
        "iceberg",
        "hudi",
        "mongodb",
        "redis",
        "cassandra",
        "bigquery",
        "snowflake",
        "pulsar",
        "eventhubs",
        "hive",
    )
)


#: Formats that Spark cannot write as a stream.
_SOURCES = frozenset(("jdbc", "rate", "rate-micro-batch", "socket", "binaryfile", "statestore", "state-metadata"))


class SinkFactory(Protocol):
    """Opens a sink for one query, or raises Spark's error (naming option, value and remedy)."""

    def __call__(self, context: SinkContext) -> Sink: ...


_registered: dict[str, SinkFactory] = {}


def register(name: str, factory: SinkFactory) -> None:
    """Add a sink format for this process (connectors, test sinks); a format of that name is replaced."""
    _registered[name.lower()] = factory


def open(format: str, context: SinkContext) -> Sink:
    """The sink of that format for a query.  Raises DATA_SOURCE_NOT_FOUND for an unknown format."""
    return find(format, context.options)(context)


def find(format: str, options: Iterable[str] = ()) -> SinkFactory:
    """The factory of a format; queries check it before they start.  The log tells of options that it has not."""
    key = format.lower()
    if (factory := _registered.get(key)) is not None:
        return factory
    tell_unknown(key, options)
    if (target := _FACTORIES.get(key)) is not None:
        module, _, attribute = target.partition(":")
        loaded: SinkFactory = getattr(importlib.import_module(module), attribute)
        return loaded
    if key in _SOURCES:
        raise not_streamed(key, "writing")
    raise not_found(format, (*_FACTORIES, *_registered), KNOWN_ELSEWHERE)
