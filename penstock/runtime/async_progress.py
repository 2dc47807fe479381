"""Asynchronous progress tracking: the options of writeStream, and what Spark refuses under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.core.errors import ILLEGAL_ARGUMENT, NUMBER_FORMAT, SparkError
from penstock.runtime.trigger import AvailableNow, Continuous, Once, Trigger

ENABLED, INTERVAL = "asyncProgressTrackingEnabled", "asyncProgressTrackingCheckpointIntervalMs"
_OVERRIDE = "_asyncProgressTrackingOverrideSinkSupportCheck"

#: Sinks by their short name: what Spark calls them here.
_ALLOWED = frozenset(("noop", "console", "memory", "kafka"))
_NAMES = {"foreach": "ForeachSink", "foreachbatch": "ForeachBatchSink"}


@dataclass(frozen=True)
class AsyncProgress:
    """Offsets and commits of one batch every `interval_ms` are logged, by a thread of their own."""

    interval_ms: int


def async_progress(options: Mapping[str, str], sink: str, trigger: Trigger) -> AsyncProgress | None:
    """What the options say (None: not asked for); raises Spark's error where it does not go with sink or trigger."""
    given = {key.lower(): value for key, value in options.items()}
    if not _flag(given, ENABLED) or isinstance(trigger, Continuous):
        return None
    if sink not in _ALLOWED and not _flag(given, _OVERRIDE):
        name = _NAMES.get(sink, f"FileSink[{options.get('path', '')}]")
        raise _refused(f"Sink {name} does not support async progress tracking: use memory, console, noop or Kafka.")
    for kind in (Once, AvailableNow):
        if isinstance(trigger, kind):
            raise _refused(f"Async progress tracking cannot be used with {kind.__name__} trigger: use processingTime.")
    text = given.get(INTERVAL.lower(), "1000")
    try:
        return AsyncProgress(int(text))
    except ValueError:
        message = f'For input string: "{text}". The option {INTERVAL} takes a number of milliseconds.'
        raise SparkError("", message, classes=NUMBER_FORMAT[1:]) from None


def refuse_state() -> SparkError:
    """A stateful query logs every batch, as its state has a version for each."""
    return _refused(
        "Stateful streaming queries does not support async progress tracking at this moment: "
        f"leave the option {ENABLED} out."
    )


def _flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name.lower(), "false")
    if text.lower() not in ("true", "false"):
        raise _refused(f'For input string: "{text}". The option {name} is true or false.')
    return text.lower() == "true"


def _refused(message: str) -> SparkError:
    return SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])  # Spark has no condition for it
