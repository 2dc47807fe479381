"""The loop of the continuous and the real-time trigger: steps while there are rows, a commit when the epoch is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from penstock.core.clock import Clock
from penstock.runtime.epochs import Epochs
from penstock.runtime.microbatch import BatchOutcome
from penstock.runtime.progress import Stopwatch

#: (when the epoch began, its times, what it did: None when it read nothing)
Report = Callable[[int, Stopwatch, BatchOutcome | None], None]


@dataclass(frozen=True)
class EpochLoop:
    """`length_ms` is how long an epoch lasts (0: a commit after every step); `wait_ms` how long to sleep when there is
    nothing, unless `wake` is set; `begin_step` and `idle` tell the query about steps and those that found nothing;
    `in_haste` is whether somebody waits for everything to be done, so that the epoch ends early."""

    epochs: Epochs
    length_ms: int
    clock: Clock
    stopping: threading.Event
    wake: threading.Event
    wait_ms: Callable[[], int]
    begin_step: Callable[[], None]
    idle: Callable[[], None]
    in_haste: Callable[[], bool]
    report: Report

    def run(self) -> None:
        """Until `stopping` is set; the last epoch is committed."""
        while not self.stopping.is_set():
            self._epoch()

    def _epoch(self) -> None:
        begun_ms = self.clock.now_ms()
        with self.epochs.watch.measure("triggerExecution"):
            self._steps(begun_ms + self.length_ms)
            outcome = self.epochs.commit()
        self.report(begun_ms, self.epochs.watch, outcome)
        self.epochs.renew()

    def _steps(self, end_ms: int) -> None:
        while not self.stopping.is_set():
            self.wake.clear()
            self.begin_step()
            moved = self.epochs.step()
            if moved and not self.length_ms:
                return
            if not moved and not self.epochs.has_rows:
                self.idle()
            elif not moved and self.in_haste():
                return
            left_ms = end_ms - self.clock.now_ms()
            if self.length_ms and left_ms <= 0:
                return
            if not moved:
                self._sleep(left_ms)

    def _sleep(self, left_ms: int) -> None:
        wait_ms = self.wait_ms()
        self.wake.wait(max(1, min(wait_ms, left_ms) if self.length_ms else wait_ms) / 1000)
