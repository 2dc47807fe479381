"""A clock that moves only when a test says so."""

from __future__ import annotations

import threading
import time

#: How often a waiter looks whether its wake event was set (nobody tells the clock of it), in seconds.
_WAKE_POLL_S = 0.002


class ManualClock:
    """Implements `penstock.core.clock.Clock`.  Milliseconds since 1970; starts at 0.  Thread-safe.

    >>> clock = ManualClock(1000)
    >>> clock.advance(500)
    >>> clock.now_ms()
    1500
    """

    def __init__(self, start_ms: int = 0) -> None:
        self._now_ms = start_ms
        self._changed = threading.Condition()
        self._waiting_for: dict[int, int] = {}

    def now_ms(self) -> int:
        """The time that was set."""
        with self._changed:
            return self._now_ms

    def wait_until(self, time_ms: int, wake: threading.Event) -> None:
        """Return when the time has been set to `time_ms` or later, or once `wake` is set."""
        me = threading.get_ident()
        with self._changed:
            self._waiting_for[me] = time_ms
            self._changed.notify_all()
            try:
                while self._now_ms < time_ms and not wake.is_set():
                    self._changed.wait(_WAKE_POLL_S)
            finally:
                del self._waiting_for[me]

    def advance(self, milliseconds: int) -> None:
        """Move the time on; whoever waited for a moment that has now come goes on."""
        with self._changed:
            self.set(self._now_ms + milliseconds)

    def set(self, time_ms: int) -> None:
        """Set the time; it does not go back."""
        with self._changed:
            if time_ms < self._now_ms:
                raise ValueError(f"the clock shows {self._now_ms} ms and cannot go back to {time_ms} ms")
            self._now_ms = time_ms
            self._changed.notify_all()

    def wait_for_waiter(self, timeout_s: float = 60.0) -> bool:
        """Wait (in real time) until some thread waits for a moment in the clock's future: a query is done with its
        trigger and will do nothing before the clock is advanced.  False when that does not happen in time."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not any(due > self._now_ms for due in self._waiting_for.values()):
                if time.monotonic() > deadline:
                    return False
                self._changed.wait(_WAKE_POLL_S)
        return True
