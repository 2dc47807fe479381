"""Versions on disk: damaged and missing files, crashes inside snapshots, purging, replayed batches, changed schemas."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from penstock.core import faults, files
from penstock.core.errors import SparkError
from penstock.state import KeyedStore, maintenance, open_store, recovery
from penstock.state.format import MAGIC, BadStateFileError, Section, decode, encode
from penstock.state.layout import SnapshotId
from penstock.state.recovery import candidates

KEYS = pa.schema([("k", pa.int64())])
VALUES = pa.schema([("n", pa.int64())])


def hash_keys(keys: pa.RecordBatch) -> np.ndarray:
    return keys.column(0).to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def open_(directory: Path, every: int = 3) -> KeyedStore:
    return open_store(directory, KEYS, VALUES, hash_keys, operator="0", snapshot_every=every)


def add(store: KeyedStore, keys: list[int]) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(keys, pa.int64())], schema=KEYS)
    slots, _ = store.locate_or_add(hash_keys(batch), batch)
    store.numeric(0)[slots] += 1
    store.touch(slots)


def content(store: KeyedStore) -> dict[int, int]:
    slots = store.live()
    keys, counts = store.keys(slots).column(0).to_pylist(), store.values(slots).column(0).to_pylist()
    return dict(zip(keys, counts, strict=True))


def expected(version: int) -> dict[int, int]:
    counts: dict[int, int] = {}
    for v in range(1, version + 1):
        for key in (0, v):
            counts[key] = counts.get(key, 0) + 1
    return counts


def commit_some(directory: Path, versions: int, every: int = 3) -> None:
    """Version v adds 1 to the keys 0 and v; a snapshot every `every` versions."""
    store = open_(directory, every)
    for version in range(1, versions + 1):
        add(store, [0, version])
        store.commit(version)
        store._maintenance.stop()  # wait for the snapshot, so that the files are the same every time
    store.close()


def folder(directory: Path) -> Path:
    return directory / "0" / "0"


def error_of(directory: Path, version: int) -> SparkError:
    with pytest.raises(SparkError) as caught:
        open_(directory).load(version)
    return caught.value


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "truncated":
        data = data[: len(data) // 2]
    elif how == "empty":
        data = bytearray()
    elif how == "flipped":
        data[100] ^= 1
    elif how == "footer":
        data[-30] ^= 1
    elif how == "foreign":
        data = bytearray(b"PK" + bytes(200))
    path.write_bytes(data)


DAMAGES = ("truncated", "empty", "flipped", "footer", "foreign")


def test_every_version_loads(tmp_path: Path) -> None:
    commit_some(tmp_path, 10)
    assert {p.name for p in folder(tmp_path).glob("*.snapshot")} == {"3.3.snapshot", "6.6.snapshot", "9.9.snapshot"}
    for version in (10, 0, 7, 9, 3):
        store = open_(tmp_path)
        store.load(version)
        assert content(store) == expected(version)


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_delta_is_named(tmp_path: Path, how: str) -> None:
    commit_some(tmp_path, 5)
    damage(folder(tmp_path) / "5.delta", how)
    error = error_of(tmp_path, 5)
    assert error.condition == "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED"
    assert error.sqlstate == "58030"
    assert str(folder(tmp_path) / "5.delta") in error.message
    assert "checkpointLocation" in error.message
    store = open_(tmp_path)
    store.load(4)
    assert content(store) == expected(4)


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_snapshot_is_passed_over(tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    commit_some(tmp_path, 7)
    damage(folder(tmp_path) / "6.6.snapshot", how)
    store = open_(tmp_path)
    store.load(7)
    assert content(store) == expected(7)
    assert "6.6.snapshot is damaged" in caplog.text


def test_damaged_snapshot_without_an_alternative_is_named(tmp_path: Path) -> None:
    commit_some(tmp_path, 7)
    damage(folder(tmp_path) / "6.6.snapshot", "flipped")
    (folder(tmp_path) / "4.delta").unlink()
    assert "6.6.snapshot is damaged: the checksum" in error_of(tmp_path, 7).message


def test_missing_delta_is_named(tmp_path: Path) -> None:
    commit_some(tmp_path, 5)
    (folder(tmp_path) / "5.delta").unlink()
    error = error_of(tmp_path, 5)
    assert error.condition == "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS"
    assert error.params["fileToRead"].endswith("5.delta")


def test_unknown_versions_are_refused(tmp_path: Path) -> None:
    commit_some(tmp_path, 2)
    assert error_of(tmp_path, -1).condition == "CANNOT_LOAD_STATE_STORE.UNEXPECTED_VERSION"
    assert error_of(tmp_path, 3).condition == "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS"
    store = open_(tmp_path)
    with pytest.raises(SparkError, match="STATE_STORE_OPERATION_OUT_OF_ORDER"):
        store.commit(7)


def test_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    commit_some(tmp_path, 1)
    path = folder(tmp_path) / "1.delta"
    path.write_bytes(MAGIC + (99).to_bytes(4, "little") + path.read_bytes()[12:])
    error = error_of(tmp_path, 1)
    assert error.condition == "CANNOT_LOAD_STATE_STORE.INVALID_CHANGE_LOG_READER_VERSION"
    assert error.params == {"version": "99"}


def test_use_after_abort_is_refused(tmp_path: Path) -> None:
    store = open_(tmp_path)
    add(store, [1])
    store.abort()
    with pytest.raises(SparkError, match="STATE_STORE_OPERATION_OUT_OF_ORDER"):
        add(store, [1])
    store.load(0)
    assert content(store) == {}


@pytest.mark.parametrize("point", ["before_snapshot", "during_snapshot", "after_snapshot"])
def test_failing_snapshot_costs_nothing_but_time(tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no space left on device")

    monkeypatch.setitem(faults.hooks, point, fail)
    commit_some(tmp_path, 8)
    assert not list(folder(tmp_path).glob(".*"))
    store = open_(tmp_path)
    store.load(8)
    assert content(store) == expected(8)


@pytest.mark.parametrize("point", ["before_snapshot", "during_snapshot", "after_snapshot"])
def test_process_killed_in_a_snapshot(tmp_path: Path, point: str) -> None:
    here = Path(__file__).parent
    program = f"import sys; sys.path.insert(0, {str(here)!r}); import test_recovery, pathlib; " \
              f"test_recovery.commit_some(pathlib.Path({str(tmp_path)!r}), 50)"  # fmt: skip
    environment = {**os.environ, "PENSTOCK_CRASH_AT": f"{point}:2"}
    killed = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    deltas = {int(p.stem) for p in folder(tmp_path).glob("*.delta")}
    assert deltas >= set(range(1, 7))
    store = open_(tmp_path)
    assert not list(folder(tmp_path).glob(".*"))  # what was half written is gone
    store.load(6)
    assert content(store) == expected(6)


def test_failing_disk_fails_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_(tmp_path)

    class Full(files.LocalFiles):
        def write_atomic(self, path: Path, data: object, *, overwrite: bool = True) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "fs", Full())
    add(store, [1])
    with pytest.raises(SparkError, match=r"CANNOT_WRITE_STATE_STORE.CANNOT_COMMIT.*1\.delta.*No space left"):
        store.commit(1)


def test_replayed_batch_replaces_its_version(tmp_path: Path) -> None:
    commit_some(tmp_path, 7)
    store = open_(tmp_path, every=100)
    store.load(4)
    add(store, [77])
    store.commit(5)
    assert not (folder(tmp_path) / "6.delta").exists()  # they built on the version that is no more
    assert not (folder(tmp_path) / "6.6.snapshot").exists()
    again = open_(tmp_path)
    again.load(5)
    assert content(again) == {**expected(4), 77: 1}


def test_purge_keeps_two_ways_to_every_needed_version(tmp_path: Path) -> None:
    store = open_(tmp_path)
    for version in range(1, 41):
        add(store, [0, version])
        store.commit(version)
        store._maintenance.stop()
        store.purge(version - 5)
    names = {p.name for p in folder(tmp_path).iterdir()}
    assert {n for n in names if n.endswith("snapshot")} == {
        "30.30.snapshot",
        "33.33.snapshot",
        "36.36.snapshot",
        "39.39.snapshot",
    }
    assert {int(n.split(".")[0]) for n in names if n.endswith("delta")} == set(range(31, 41))
    for version in range(35, 41):
        for damaged in (None, "33.33.snapshot"):
            if damaged:
                damage(folder(tmp_path) / damaged, "flipped")
            again = open_(tmp_path)
            again.load(version)
            assert content(again) == expected(version)


def test_purge_removes_a_few_files_a_call(tmp_path: Path) -> None:
    commit_some(tmp_path, 120, every=55)
    store = open_(tmp_path)
    store.load(120)
    left = []
    for _ in range(5):
        store.purge(115)
        left.append(len(list(folder(tmp_path).glob("*.delta"))))
    assert left == [88, 65, 65, 65, 65]


@pytest.mark.parametrize(
    ("keys", "values", "condition"),
    [
        (pa.schema([("k", pa.string())]), VALUES, "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE"),
        (KEYS, pa.schema([("n", pa.int64()), ("m", pa.int64())]), "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE"),
    ],
)
def test_changed_types_are_refused(tmp_path: Path, keys: pa.Schema, values: pa.Schema, condition: str) -> None:
    commit_some(tmp_path, 1)
    with pytest.raises(SparkError) as caught:
        open_store(tmp_path, keys, values, hash_keys, operator="0")
    assert caught.value.condition == condition
    assert caught.value.sqlstate == "XXKST"
    assert "int64" in caught.value.message


def test_column_names_may_change(tmp_path: Path) -> None:
    commit_some(tmp_path, 2)
    store = open_store(
        tmp_path, pa.schema([("other", pa.int64())]), pa.schema([("x", pa.int64())]), hash_keys, operator="0"
    )
    store.load(2)
    assert store.keys(store.live()).schema.names == ["other"]
    assert content(store) == expected(2)


def test_hash_function_may_change(tmp_path: Path) -> None:
    commit_some(tmp_path, 7)
    store = open_store(tmp_path, KEYS, VALUES, lambda keys: ~hash_keys(keys), operator="0")
    store.load(7)
    keys = pa.RecordBatch.from_arrays([pa.array([3, 99])], schema=KEYS)
    assert (store.locate(~hash_keys(keys), keys) >= 0).tolist() == [True, False]


@pytest.mark.parametrize("how", DAMAGES)
def test_large_snapshots_are_checked_before_a_section_is_applied(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recovery, "_WHOLE_BYTES", 0)  # every snapshot is read section by section
    commit_some(tmp_path, 7)
    store = open_(tmp_path)
    store.load(7)
    assert content(store) == expected(7)
    damage(folder(tmp_path) / "6.6.snapshot", how)
    store = open_(tmp_path)
    store.load(7)
    assert content(store) == expected(7)
    assert "6.6.snapshot is damaged" in caplog.text


def test_schema_file_tells_what_the_state_is(tmp_path: Path) -> None:
    open_store(tmp_path, KEYS, VALUES, hash_keys, operator="3", description="aggregate by k")
    stored = json.loads((tmp_path / "3" / "_schema").read_bytes())
    assert stored == {"version": 1, "operator": "aggregate by k", "key": ["int64"], "value": ["int64"]}
    (tmp_path / "3" / "_schema").write_bytes(b"{")
    with pytest.raises(SparkError, match="_schema is damaged"):
        open_store(tmp_path, KEYS, VALUES, hash_keys, operator="3")


def test_slots_and_files_stay_few_when_keys_come_and_go(tmp_path: Path) -> None:
    store = open_(tmp_path)
    for version in range(1, 60):
        add(store, list(range(version * 50, version * 50 + 50)))
        live = store.live()
        store.remove(live[store.keys(live).column(0).to_numpy() < version * 50 - 50])
        store.commit(version)
        assert int(store.live().max()) < 200
    assert store.metrics().rows_total == 100
    assert store.metrics().rows_removed == 50


def test_snapshot_collected_over_many_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile keys change, leave, and come back in slots that were collected already or are still to be."""
    monkeypatch.setattr(maintenance, "_SMALLEST_PIECE", 4)
    store, versions = open_(tmp_path), {}
    add(store, list(range(100, 160)))
    for version in range(1, 61):
        add(store, [0, version])
        live = store.live()
        store.remove(live[[-1 - version % 7, version % 5]])
        add(store, [200 + version % 3])
        store.commit(version)
        versions[version] = content(store)
    store.close()
    slow = [p.name.split(".") for p in folder(tmp_path).glob("*.snapshot")]
    assert any(int(version) > int(base) + 5 for version, base, _ in slow)
    for version, base, _ in sorted(slow, key=lambda name: int(name[1])):
        for v in range(1, int(base) + 1):
            (folder(tmp_path) / f"{v}.delta").unlink(missing_ok=True)
        again = open_(tmp_path)
        again.load(int(version))
        assert content(again) == versions[int(version)]


def test_candidates_need_their_deltas() -> None:
    slow = SnapshotId(8, 3)  # collected while 3 to 8 were committed
    assert candidates({4, 5, 6, 7, 8, 9}, [slow], 9) == [slow]
    assert candidates({5, 6, 7, 8, 9}, [slow], 9) == []
    assert candidates({4, 5, 6, 7}, [slow], 7) == []
    assert candidates(set(range(1, 10)), [slow], 7) == [SnapshotId(0, 0)]


def test_every_damaged_byte_is_noticed() -> None:
    batch = pa.RecordBatch.from_pydict({"k0": [1, 2], "v0": ["a", None]})
    data = encode([Section("rows", batch)], kind="delta", version=1)
    facts, (section,) = decode(data)
    assert facts["version"] == 1
    assert section.batch.equals(batch)
    padding = set(range(12, 64))
    for at in set(range(len(data))) - padding:
        bad = bytearray(data)
        bad[at] ^= 0x40
        with pytest.raises(BadStateFileError):
            decode(bytes(bad))
