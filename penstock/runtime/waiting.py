"""How long a query that has nothing to do sleeps."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.clock import Clock, SystemClock
from penstock.runtime.settings import StreamingSettings
from penstock.sources.base import KnowsWhenToLook, StreamSource

_NEVER_MS = 3_600_000
#: How often a query whose state has timers is asked whether one is due.
CLOCK_POLL_MS = 50


def idle_wait_ms(sources: Sequence[StreamSource], settings: StreamingSettings, clock: Clock) -> int:
    """Until one of the sources may have something new that nobody tells of.  Sources that say nothing about it are
    asked every spark.sql.streaming.pollingDelay, and so are all under a clock that a test moves."""
    if not isinstance(clock, SystemClock):
        return settings.polling_delay_ms
    waits = [_wait_ms(source, settings.polling_delay_ms) for source in sources]
    return max(settings.polling_delay_ms, min(waits, default=_NEVER_MS))


def _wait_ms(source: StreamSource, polling_ms: int) -> int:
    if not isinstance(source, KnowsWhenToLook):
        return polling_ms
    wait_ms = source.look_after_ms()
    return _NEVER_MS if wait_ms is None else wait_ms
