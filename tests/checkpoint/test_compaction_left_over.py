"""What a compact file that is prepared beside the batches leaves when it comes to nothing: no copy of a long log."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from penstock.checkpoint import compactible_log, compaction
from penstock.checkpoint.compactible_log import CompactibleLog
from penstock.checkpoint.compaction import NAME
from penstock.core import files


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompactibleLog:
    """Nine batches of a log that counts as long: the compact file is prepared, the tenth batch completes it."""
    monkeypatch.setattr(compactible_log, "LEAST_BYTES", 0)
    made = CompactibleLog(tmp_path, interval=10)
    for batch_id in range(9):
        made.add(batch_id, [f'{{"n":{batch_id}}}'])
    return made


class Full(files.LocalFiles):
    """A disk without room for more of a file."""

    def append(self, path: Path, data: files.Buffer) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_a_log_that_is_closed(log: CompactibleLog, tmp_path: Path) -> None:
    assert (tmp_path / NAME).exists()
    log.close()
    assert not (tmp_path / NAME).exists()


def test_a_full_disk_at_the_end(log: CompactibleLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files, "fs", Full())
        with pytest.raises(OSError, match="No space left"):
            log.add(9, ['{"n":9}'])
    assert sorted(os.listdir(tmp_path)) == [str(i) for i in range(9)]
    log.add(9, ['{"n":9}'])
    assert (tmp_path / "9.compact").read_text().split("\n") == ["v1", *(f'{{"n":{i}}}' for i in range(10))]
    log.close()


def test_a_full_disk_beside_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(compactible_log, "LEAST_BYTES", 0)
    monkeypatch.setattr(compaction, "write_all", full)
    log = CompactibleLog(tmp_path, interval=10)
    log.add(0, ['{"n":0}'])
    assert log._ahead is not None
    log._ahead._thread.join()
    assert os.listdir(tmp_path) == ["0"]
    log.close()
