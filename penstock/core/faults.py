"""Named points at which a test may crash or fail the process; nothing in production.

`point("name")` costs one dictionary look-up.  `PENSTOCK_CRASH_AT=name:3` kills the process with SIGKILL when the
point is
passed for the third time; `penstock.testing` registers functions in `hooks` instead.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

hooks: dict[str, Callable[[], None]] = {}

#: Every named point, in the order in which a micro-batch passes them.
POINTS = (
    "before_offset_log",
    "after_offset_log",
    "after_sources",
    "after_execution",
    "before_state_commit",
    "after_state_commit",
    "before_sink_files",
    "after_sink_files",
    "after_sink_commit",
    "before_commit_log",
    "after_commit_log",
    "before_snapshot",
    "during_snapshot",
    "after_snapshot",
)


#: Points inside the state stores, passed by queries whose state is large, has partitions or has become old.
STATE_POINTS = (
    "between_state_files",
    "during_spill",
    "during_purge",
)


#: The same for programs of DStreams.
DSTREAM_POINTS = (
    "dstream-batch-allocated",
    "dstream-checkpoint-written",
    "dstream-batch-done",
    "dstream-wal-before-append",
    "dstream-wal-appended",
)


def point(name: str) -> None:
    """Pass the point `name`: run what a test has registered for it."""
    if hooks and (hook := hooks.get(name)) is not None:
        hook()


def _arm_from_environment() -> None:
    name, _, count = os.environ.get("PENSTOCK_CRASH_AT", "").partition(":")
    if not name:
        return
    known = (*POINTS, *STATE_POINTS, *DSTREAM_POINTS)
    if name not in known:
        raise ValueError(f"PENSTOCK_CRASH_AT={name}: no such point; the points are {', '.join(known)}")
    left = int(count or 1)

    def crash() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    hooks[name] = crash


_arm_from_environment()
