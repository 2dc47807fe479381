"""Files of temporary checkpoints are not synced, all others are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.core import files


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were synced."""
    paths: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: paths.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    return paths


def test_only_what_is_to_last_is_synced(tmp_path: Path, synced: list[str]) -> None:
    lasting, temporary = tmp_path / "ck", tmp_path / "ck-temporary"
    for directory in (lasting / "offsets", temporary / "offsets"):
        directory.mkdir(parents=True)
    files.add_volatile(temporary)
    files.fs.write_atomic(temporary / "offsets" / "0", b"x")
    assert synced == []
    assert (temporary / "offsets" / "0").read_bytes() == b"x"
    files.fs.write_atomic(lasting / "offsets" / "0", b"x")
    assert len(synced) == 2 and all(path.startswith(str(lasting / "offsets")) for path in synced)
    files.remove_volatile(temporary)
    files.fs.write_atomic(temporary / "offsets" / "1", b"x")
    assert len(synced) == 4
