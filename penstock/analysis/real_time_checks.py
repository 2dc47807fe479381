"""What a query may do under the real-time trigger: Spark's lists of sinks and operators, its sources, its mode."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.core.config import Conf
from penstock.core.durations import time_ms
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, illegal_argument
from penstock.plan.expressions import PythonFunction
from penstock.plan.nodes import Aggregate, Deduplicate, Join, Limit, Node, Read, Repartition, Sort
from penstock.plan.python_nodes import ApplyInPandasWithState, MapPartitions, TransformWithState
from penstock.sources.base import RealTimeRelation
from penstock.translate.pruning import node_expressions

_PREFIX = "spark.sql.streaming.realTimeMode."
_EXEC = "org.apache.spark.sql.execution."
_STATEFUL = _EXEC + "streaming.operators.stateful."
_SHUFFLE = _EXEC + "exchange.ShuffleExchangeExec"

#: Sinks by their short name: the class that Spark's messages name, where it refuses them.
_ALLOWED_SINKS = frozenset(("console", "memory", "foreach", "kafka"))
_SINKS = {
    "noop": _EXEC + "datasources.noop.NoopTable$",
    "foreachbatch": _EXEC + "streaming.sources.ForeachBatchSink",
}
_SOURCES = {
    "rate": _EXEC + "streaming.sources.RateStreamMicroBatchStream",
    "rate-micro-batch": _EXEC + "streaming.sources.RatePerMicroBatchStream",
    "socket": _EXEC + "streaming.sources.TextSocketMicroBatchStream",
}
#: What Spark makes of a node, of that what is not on its list.
_OPERATORS: dict[type[Node], tuple[str, ...]] = {
    Aggregate: (
        _EXEC + "aggregate.HashAggregateExec",
        _SHUFFLE,
        _STATEFUL + "StateStoreRestoreExec",
        _STATEFUL + "StateStoreSaveExec",
    ),
    Deduplicate: (_SHUFFLE, _STATEFUL + "StreamingDeduplicateExec"),
    Repartition: (_SHUFFLE,),
    Limit: (_STATEFUL + "StreamingGlobalLimitExec",),
    Sort: (_EXEC + "SortExec", _SHUFFLE),
    MapPartitions: (_EXEC + "python.MapInPandasExec",),
    ApplyInPandasWithState: (_EXEC + "python.FlatMapGroupsInPandasWithStateExec", _SHUFFLE),
    TransformWithState: (_EXEC + "python.streaming.TransformWithStateInPySparkExec", _SHUFFLE),
}
_JOIN = (_SHUFFLE, _STATEFUL + "StreamingSymmetricHashJoinExec")
_PYTHON = _EXEC + "python.ArrowEvalPythonExec"


def check_real_time(plan: Node, mode: str, sink: str, duration_ms: int, conf: Conf) -> None:
    """Raise Spark's error if the query cannot run in real-time mode."""
    _check_duration(duration_ms, conf)
    is_checked = (conf.get(_PREFIX + "allowlistCheck") or "true").strip().lower() != "false"
    if is_checked and sink not in _ALLOWED_SINKS:
        raise _not_listed("sink", [_SINKS.get(sink, sink)])
    if mode != "update":
        shown = mode.capitalize()
        raise _limitation("OUTPUT_MODE_NOT_SUPPORTED", f"It has no output mode {shown}: use Update.", outputMode=shown)
    if is_checked:
        _check_plan(plan)


def _check_duration(duration_ms: int, conf: Conf) -> None:
    least = time_ms(conf[_PREFIX + "minBatchDuration"]) or 0
    if duration_ms < least:
        message = (
            f"The real-time trigger's batches would last {duration_ms} ms; the least is {least} ms "
            f"({_PREFIX}minBatchDuration)."
        )
        condition = "INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL"
        raise illegal_argument(condition, message, "22023", interval=duration_ms, minBatchDuration=least)


def _check_plan(plan: Node) -> None:
    for node in plan.walk():
        if isinstance(node, Read) and node.is_streaming and not isinstance(node.relation, RealTimeRelation):
            name = (node.format or "parquet").lower()
            shown = _SOURCES.get(name, name)
            raise _limitation("INPUT_STREAM_NOT_SUPPORTED", f"It cannot read the source {shown}.", className=shown)
    if refused := sorted({name for node in plan.walk() if node.is_streaming for name in _refused(node)}):
        raise _not_listed("operator", refused)


def _refused(node: Node) -> Iterator[str]:
    yield from _OPERATORS.get(type(node), ())
    if isinstance(node, Join) and node.left.is_streaming and node.right.is_streaming:
        yield from _JOIN
    if any(isinstance(e, PythonFunction) for top in node_expressions(node) for e in top.walk()):
        yield _PYTHON


def _not_listed(kind: str, names: list[str]) -> SparkError:
    shown = ", ".join(names) + (" are" if len(names) > 1 else " is")
    message = (
        f"The {kind}(s): {shown} not on its list. With {_PREFIX}allowlistCheck=false the query runs all the same: "
        "rows may come again after a restart."
    )
    return _limitation("OPERATOR_OR_SINK_NOT_IN_ALLOWLIST", message, errorType=kind, message=shown)


def _limitation(kind: str, text: str, /, **params: object) -> SparkError:
    condition = f"STREAMING_REAL_TIME_MODE.{kind}"
    return SparkError(condition, f"The real-time trigger: {text}", params, sqlstate="0A000", classes=ILLEGAL_ARGUMENT)


def async_progress_refused() -> SparkError:
    """Real-time mode commits once a batch as it is."""
    text = "Asynchronous progress tracking does not go with it: leave asyncProgressTrackingEnabled out."
    return _limitation("ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED", text)
