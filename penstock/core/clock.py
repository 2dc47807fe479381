"""Time as an argument: the runtime asks a Clock and never the operating system, so that tests run without sleeping."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the runtime may ask about time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""

    def wait_until(self, time_ms: int, wake: threading.Event) -> None:
        """Return when the clock shows `time_ms`, or earlier once `wake` is set."""


class SystemClock:
    """The real time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def wait_until(self, time_ms: int, wake: threading.Event) -> None:
        # Again, if the clock was set back meanwhile: who comes too early would come twice.
        while (left_ns := time_ms * 1_000_000 - time.time_ns()) > 0 and not wake.wait(left_ns / 1e9):
            pass
