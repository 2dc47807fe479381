"""Test streaming programs without waiting and without luck.

- `MemoryStream`: a stream whose rows a test adds.
- `ManualClock`: a time that a test sets; `use_clock` gives it to a session.
- `check_stream(df, AddData(...), CheckAnswer(...), StopStream(), StartStream(), ...)`: a test as a list of steps.
- `CrashAt`, `crash_at`: crash a query at a named point of its batch, inside the test's process.
- `FailingFiles`, `failing_files`: full disks, missing permissions, torn files.
- `crash_and_resume`: run a whole program in a process of its own that is killed again and again.

Needs the embedded engine (`penstock.session()`).  Product code never imports this package.
"""

from penstock.testing.clock import ManualClock
from penstock.testing.crash import SimulatedCrash, crash_at
from penstock.testing.failing_files import FailingFiles, failing_files
from penstock.testing.kill import crash_and_resume
from penstock.testing.memory_stream import MemoryStream
from penstock.testing.session import server_session, use_clock
from penstock.testing.steps import (
    AddData,
    AdvanceManualClock,
    AssertOnQuery,
    CheckAnswer,
    CheckLastBatch,
    CheckNewAnswer,
    CrashAt,
    ExpectFailure,
    ProcessAllAvailable,
    StartStream,
    Step,
    StopStream,
)
from penstock.testing.stream_test import check_stream

__all__ = [
    "AddData",
    "AdvanceManualClock",
    "AssertOnQuery",
    "CheckAnswer",
    "CheckLastBatch",
    "CheckNewAnswer",
    "CrashAt",
    "ExpectFailure",
    "FailingFiles",
    "ManualClock",
    "MemoryStream",
    "ProcessAllAvailable",
    "SimulatedCrash",
    "StartStream",
    "Step",
    "StopStream",
    "check_stream",
    "crash_and_resume",
    "crash_at",
    "failing_files",
    "server_session",
    "use_clock",
]
