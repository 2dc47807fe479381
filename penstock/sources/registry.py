"""Source formats by name.  A format's module is imported when the format is first used."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping

from penstock.core.config import Conf
from penstock.core.errors import SparkError, not_streamed, unsupported
from penstock.core.option_names import tell_unknown
from penstock.plan.nodes import Read
from penstock.sources.base import Provider, Relation
from penstock.sources.naming import check_name

#: format -> module and name of its provider
_PROVIDERS: dict[str, str] = {
    "parquet": "penstock.sources.files.formats:parquet",
    "json": "penstock.sources.files.formats:json",
    "csv": "penstock.sources.files.formats:csv",
    "text": "penstock.sources.files.formats:text",
    "orc": "penstock.sources.files.formats:orc",
    "xml": "penstock.sources.files.formats:xml",
    "binaryfile": "penstock.sources.files.formats:binary",
    "avro": "penstock.sources.files.avro:avro",
    "jdbc": "penstock.sources.jdbc:jdbc",
    "rate": "penstock.sources.rate:rate",
    "rate-micro-batch": "penstock.sources.rate_micro_batch:rate_micro_batch",
    "socket": "penstock.sources.socket:socket",
    "statestore": "penstock.sources.state.relation:statestore",
    "state-metadata": "penstock.sources.state.metadata:state_metadata",
}

#: Those that read files: a path can be queried with them, as in SELECT * FROM parquet.`/data`.
FILE_FORMATS = frozenset(("parquet", "json", "csv", "text", "orc", "xml", "binaryfile", "avro"))

#: What Spark's class names and old names stand for.
_ALIASES: dict[str, str] = {
    "org.apache.spark.sql.parquet": "parquet",
    "org.apache.spark.sql.json": "json",
    "com.databricks.spark.csv": "csv",
    "ratestream": "rate",
}
_CLASS_PARTS = {
    "datasources.parquet": "parquet",
    "datasources.json": "json",
    "datasources.csv": "csv",
    "datasources.text": "text",
    "datasources.v2.parquet": "parquet",
    "datasources.v2.json": "json",
    "datasources.v2.csv": "csv",
    "datasources.v2.text": "text",
    "streaming.sources.RateStreamProvider": "rate",
    "streaming.sources.TextSocketSourceProvider": "socket",
    "streaming.sources.RatePerMicroBatchProvider": "rate-micro-batch",
}

#: Sources that Spark, or a package that people use with it, has, and Penstock has not.
KNOWN_ELSEWHERE = frozenset(
    (
        "kafka",
        "delta",
        "iceberg",
        "hudi",
        "libsvm",
        "image",
        "hive",
        "kinesis",
        "mongodb",
        "redis",
        "cassandra",
        "bigquery",
        "snowflake",
        "pulsar",
        "eventhubs",
        "protobuf",
    )
)

#: Formats that can only be written.
_SINKS = frozenset(("console", "noop"))

_registered: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """Add a source format for this process (connectors, test sources); a format of that name is replaced."""
    _registered[name.lower()] = provider


def resolve(read: Read, conf: Conf) -> Relation:
    """The relation that a Read means, its options checked and its schema known.

    Raises DATA_SOURCE_NOT_FOUND for an unknown format, and what the format's provider raises."""
    name = read.format or conf["spark.sql.sources.default"]
    check_name(read, conf)
    options = {key.lower(): value for key, value in read.options.items() if value is not None}
    if read.predicates:  # of spark.read.jdbc
        options["$predicates"] = json.dumps(read.predicates)
    provider = find(name)
    if canonical(name) not in _registered:
        tell_unknown(canonical(name), read.options)
    return provider(
        options=options,
        paths=read.paths,
        schema=read.user_schema,
        streaming=read.streaming,
        conf=conf,
    )


def find(name: str) -> Provider:
    """The provider of a format."""
    key = canonical(name)
    if (provider := _registered.get(key)) is not None:
        return provider
    if (target := _PROVIDERS.get(key)) is not None:
        module, _, attribute = target.partition(":")
        loaded: Provider = getattr(importlib.import_module(module), attribute)
        return loaded
    if key in _SINKS:
        raise not_streamed(key, "reading")
    raise not_found(name, "source", (*_PROVIDERS, *_registered))


def is_source(name: str) -> bool:
    """Whether there is a format of that name."""
    key = canonical(name)
    return key in _PROVIDERS or key in _registered


def canonical(name: str) -> str:
    """A format's short name: `Parquet`, and the names of Spark's classes, as `parquet`."""
    if name.startswith("org.apache.spark.sql.execution."):
        for part, short in _CLASS_PARTS.items():
            if f".{part}" in name:
                return short
    return _ALIASES.get(name.lower(), name.lower())


def not_found(name: str, what: str, known: Mapping[str, object] | tuple[str, ...]) -> SparkError:
    """The error for a format that is not here: `unsupported` where Spark has it, else DATA_SOURCE_NOT_FOUND."""
    remedy = "The formats are " + ", ".join(sorted(known)) + "."
    if name.lower() in KNOWN_ELSEWHERE:
        return unsupported(f"the {name.lower()} data {what}", remedy)
    message = f"There is no data {what} called {name!r}. {remedy}"
    return SparkError("DATA_SOURCE_NOT_FOUND", message, {"provider": name}, sqlstate="42K02", classes=NOT_FOUND_CLASSES)


NOT_FOUND_CLASSES = ("org.apache.spark.SparkClassNotFoundException", "java.lang.ClassNotFoundException")
