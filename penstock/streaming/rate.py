"""Backpressure: how fast receivers may take in records, from how fast batches are processed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass
class PidRateEstimator:
    """Spark's estimator: a controller whose error is the difference between the last rate and the rate of
    processing, with the records that wait as its integral.  Rates are records a second."""

    interval_ms: int
    proportional: float = 1.0
    integral: float = 0.2
    derivative: float = 0.0
    least: float = 100.0
    _rate: float = -1.0
    _error: float = -1.0
    _time_ms: int = -1

    def compute(self, time_ms: int, elements: int, processing_ms: int, scheduling_ms: int) -> float | None:
        """The new rate after a batch that was done at `time_ms`; None if it says nothing."""
        if time_ms <= self._time_ms or elements <= 0 or processing_ms <= 0:
            return None
        processing_rate = elements / processing_ms * 1000
        first = self._time_ms < 0
        since = (time_ms - self._time_ms) / 1000
        rate = processing_rate if first else self._rate
        error = rate - processing_rate
        waiting = scheduling_ms * processing_rate / self.interval_ms
        change = 0.0 if first else (error - self._error) / since
        new = max(rate - self.proportional * error - self.integral * waiting - self.derivative * change, self.least)
        self._time_ms = time_ms
        if first:
            self._rate, self._error = processing_rate, 0.0
            return None
        self._rate, self._error = new, error
        return new


class RateLimiter:
    """Lets so many records through a second; a thread that is too fast sleeps."""

    def __init__(self, highest: float | None, initial: float | None = None) -> None:
        self._highest = highest
        self._rate = initial if initial is not None else highest
        self._lock = threading.Lock()
        self._free_at = 0.0

    @property
    def rate(self) -> float | None:
        """Records a second; None for no limit."""
        return self._rate

    def set(self, rate: float) -> None:
        """Change it; never above the highest."""
        self._rate = min(rate, self._highest) if self._highest is not None else rate

    def take(self, records: int) -> None:
        """Wait until so many records may pass."""
        rate = self._rate
        if not rate:
            return
        with self._lock:
            now = time.monotonic()
            begin = max(self._free_at, now)
            self._free_at = begin + records / rate
        if begin > now:
            time.sleep(begin - now)
