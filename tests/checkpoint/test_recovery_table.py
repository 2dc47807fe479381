"""What a query does first, for every way in which the logs can end."""

import pytest

from penstock.checkpoint.commit_log import CommitEntry
from penstock.checkpoint.offset_log import OffsetEntry
from penstock.checkpoint.recovery import Continue, Fresh, Inconsistent, LogTail, Replay, decide

FIRST = OffsetEntry(("3", None), watermark_ms=0, timestamp_ms=100)
SECOND = OffsetEntry(("5", "1"), watermark_ms=2000, timestamp_ms=200)


def tail(batch_id=None, committed_id=None, previous=True, watermark_ms=0):
    entry = {None: None, 0: FIRST}.get(batch_id, SECOND)
    before = FIRST if batch_id and previous else None
    commit = None if committed_id is None else CommitEntry(watermark_ms)
    return LogTail(batch_id, entry, before, committed_id, commit)


@pytest.mark.parametrize(
    ("logs", "decision"),
    [
        (tail(), Fresh()),
        (tail(0), Replay(0, (None, None), FIRST, 0)),
        (tail(0, 0, watermark_ms=2000), Continue(1, ("3", None), 2000, 0)),
        (tail(1, 0), Replay(1, ("3", None), SECOND, 0)),
        (tail(1, 1, watermark_ms=2000), Continue(2, ("5", "1"), 2000, 2000)),
        # a commit from before the watermark was logged: the batch's own watermark holds
        (tail(1, 1, watermark_ms=0), Continue(2, ("5", "1"), 2000, 2000)),
        # commit files lost: batch 7 was planned, so batch 6 was done
        (tail(7, 3), Replay(7, ("3", None), SECOND, 0)),
        (tail(7), Replay(7, ("3", None), SECOND, 0)),
    ],
)
def test_decision(logs, decision):
    assert decide(logs) == decision


@pytest.mark.parametrize(
    ("logs", "names"),
    [
        (LogTail(committed_id=4, commit=CommitEntry(0)), "batch 4 is committed, but no batch is planned"),
        (tail(1, 2), "batch 2 is committed, but the newest planned batch is 1"),
        (tail(2, 1, previous=False), "the offsets of batch 1 are missing"),
    ],
)
def test_contradiction(logs, names):
    decision = decide(logs)
    assert isinstance(decision, Inconsistent)
    assert names in decision.why
