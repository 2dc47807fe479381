"""Settings that ask for what Penstock cannot do: a query under them is refused, never run as if they were not there."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.core.errors import unsupported
from penstock.plan.nodes import Aggregate, Deduplicate, Join, Node
from penstock.plan.python_nodes import ApplyInPandasWithState, TransformWithState

_STREAMING = "spark.sql.streaming."
_PROVIDER = _STREAMING + "stateStore.providerClass"
_JAVA = "org.apache.spark.sql.execution.streaming."

#: setting -> the values that mean what is done here, and what to do instead of others.
_POSSIBLE: Mapping[str, tuple[tuple[str, ...], str]] = {
    _STREAMING + "commitProtocolClass": (
        (_JAVA + "ManifestFileCommitProtocol", _JAVA + "sinks.ManifestFileCommitProtocol"),
        "File sinks commit by their _spark_metadata log.",
    ),
    _STREAMING + "checkpointFileManagerClass": (
        (_JAVA + "checkpointing.FileSystemBasedCheckpointFileManager",
         _JAVA + "checkpointing.FileContextBasedCheckpointFileManager"),
        "Checkpoints are written to local or mounted file systems, without classes of the JVM.",
    ),
    _STREAMING + "streamingQueryListeners": ((), "Add listeners with spark.streams.addListener."),
    _STREAMING + "queryEvolution.enableSinkEvolution": (("false",), "Sinks have no names here."),
}  # fmt: skip

_PROVIDERS = ("HDFSBackedStateStoreProvider", "RocksDBStateStoreProvider")
_WITH_STATE = (Aggregate, Deduplicate, ApplyInPandasWithState, TransformWithState)


def check_settings(plan: Node, conf: Mapping[str, str]) -> None:
    """Raise for a setting that the query would have to heed and cannot."""
    for key, (possible, remedy) in _POSSIBLE.items():
        value = (conf.get(key) or "").strip()
        if value and value.lower() not in {one.lower() for one in possible}:
            raise unsupported(f"the setting {key}={value}", remedy)
    provider = (conf.get(_PROVIDER) or "").strip()
    if provider and provider.rpartition(".")[2] not in _PROVIDERS and _has_state(plan):
        remedy = "Leave it out: Penstock's own state store takes the place of Spark's, and of RocksDB."
        raise unsupported(f"the setting {_PROVIDER}={provider}", remedy)


def _has_state(plan: Node) -> bool:
    joins = (n for n in plan.walk() if isinstance(n, Join) and all(child.is_streaming for child in n.children))
    return any(isinstance(n, _WITH_STATE) and n.is_streaming for n in plan.walk()) or any(joins)
