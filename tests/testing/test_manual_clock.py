"""A clock that moves only when told to."""

import threading

import pytest

from penstock.testing import ManualClock

PATIENCE_S = 60


def waiting(clock, until):
    wake, done = threading.Event(), threading.Event()
    threading.Thread(target=lambda: (clock.wait_until(until, wake), done.set()), daemon=True).start()
    return wake, done


def test_waits_for_its_time():
    clock = ManualClock(100)
    _, done = waiting(clock, 200)
    assert clock.wait_for_waiter()
    clock.advance(99)
    assert not done.wait(0.02)
    clock.advance(1)
    assert done.wait(PATIENCE_S)
    assert clock.now_ms() == 200


def test_wakes_early():
    clock = ManualClock()
    wake, done = waiting(clock, 10)
    wake.set()
    assert done.wait(PATIENCE_S)
    assert clock.now_ms() == 0


def test_past_times_do_not_wait():
    _, done = waiting(ManualClock(50), 50)
    assert done.wait(PATIENCE_S)


def test_a_waiter_whose_time_has_come_counts_no_more():
    clock = ManualClock()
    waiting(clock, 10)
    assert clock.wait_for_waiter()
    clock.advance(10)
    assert not clock.wait_for_waiter(timeout_s=0.02)


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match="cannot go back"):
        ManualClock(5).set(4)


def test_two_who_move_it_on_at_once():
    class Racing(ManualClock):
        """Whoever asks for the time is overtaken once by another thread."""

        overtaken = False

        def now_ms(self):
            now = super().now_ms()
            if not self.overtaken:
                self.overtaken = True
                other = threading.Thread(target=self.advance, args=(10,))
                other.start()
                other.join(PATIENCE_S)
            return now

    clock = Racing()
    clock.advance(5)
    assert clock.now_ms() == 5
    assert clock.now_ms() == 15
