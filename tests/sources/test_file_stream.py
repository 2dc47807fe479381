import json
import os

import pytest
from reading import batch, relation, stream

from penstock.core.errors import SparkError
from penstock.plan.types import LONG

FIELDS = {"a": LONG}


def put(tmp_path, name, value, ms, size=0):
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"a": value}) + " " * size + "\n")
    os.utime(path, (ms / 1000, ms / 1000))
    return path


def opened(tmp_path, streaming_format="json", **options):
    (tmp_path / "in").mkdir(exist_ok=True)
    return stream(
        relation(streaming_format, tmp_path / "in", FIELDS, streaming=True, **options), tmp_path / "meta" / "0"
    )


def values(source, start, end):
    return [row[0] for row in batch(source, start, end, "a")]


def test_nothing_there(tmp_path):
    assert opened(tmp_path).latest_offset(None) is None


def test_new_files_in_the_order_of_their_times_each_once(tmp_path):
    put(tmp_path, "b", 1, 1000)
    put(tmp_path, "a", 2, 2000)
    put(tmp_path, "c", 0, 1000)
    source = opened(tmp_path)
    assert source.description == f"FileStreamSource[file:{tmp_path}/in]"
    first = source.latest_offset(None)
    assert first == '{"logOffset":0}'
    assert values(source, None, first) == [1, 0, 2]
    assert source.latest_offset(first) == first
    put(tmp_path, "late", 3, 500)
    second = source.latest_offset(first)
    assert (second, values(source, first, second)) == ('{"logOffset":1}', [3])


def test_the_log_is_sparks(tmp_path):
    path = put(tmp_path, "a b", 1, 1000)
    opened(tmp_path).latest_offset(None)
    lines = (tmp_path / "meta" / "0" / "0").read_text().split("\n")
    assert lines[0] == "v1"
    assert json.loads(lines[1]) == {"path": path.as_uri(), "timestamp": 1000, "batchId": 0}


def test_limits(tmp_path):
    for i in range(5):
        put(tmp_path, f"f{i}", i, 1000 + i, size=100)
    source = opened(tmp_path, maxFilesPerTrigger="2")
    first = source.latest_offset(None)
    assert values(source, None, first) == [0, 1]
    rest = source.latest_offset(first, ignore_limits=True)
    assert values(source, first, rest) == [2, 3, 4]


def test_bytes_limit_takes_at_least_one_file(tmp_path):
    for i in range(3):
        put(tmp_path, f"f{i}", i, 1000 + i, size=100)
    source = opened(tmp_path, maxBytesPerTrigger="250")
    first = source.latest_offset(None)
    assert values(source, None, first) == [0, 1]


def test_latest_first(tmp_path):
    for i in range(3):
        put(tmp_path, f"f{i}", i, 1000 + i)
    source = opened(tmp_path, latestFirst="true", maxFilesPerTrigger="1")
    first = source.latest_offset(None)
    assert values(source, None, first) == [2]


def test_a_restart_replays_the_same_files(tmp_path):
    put(tmp_path, "a", 1, 1000)
    source = opened(tmp_path)
    end = source.latest_offset(None)
    put(tmp_path, "b", 2, 900)
    again = opened(tmp_path)
    assert values(again, None, end) == [1]
    then = again.latest_offset(end)
    assert values(again, end, then) == [2]
    assert values(opened(tmp_path), None, then) == [1, 2]


def test_a_file_assigned_before_a_crash_is_not_lost(tmp_path):
    """The log was written, the offset log was not: the file belongs to the next offset all the same."""
    put(tmp_path, "a", 1, 1000)
    opened(tmp_path).latest_offset(None)
    again = opened(tmp_path)
    end = again.latest_offset(None)
    assert values(again, None, end) == [1]


def test_compaction_keeps_everything(tmp_path):
    source, end = opened(tmp_path), None
    for i in range(23):
        put(tmp_path, f"f{i:02}", i, 1000 + i)
        end = source.latest_offset(end)
        source.commit(end)
    names = set(os.listdir(tmp_path / "meta" / "0"))
    assert {"9.compact", "19.compact", "22"} <= names
    assert "9" not in names
    again = opened(tmp_path)
    assert again.latest_offset(end) == end
    assert values(again, None, end) == list(range(23))
    assert values(again, '{"logOffset":20}', end) == [21, 22]
    assert values(source, '{"logOffset":3}', '{"logOffset":5}') == [4, 5]


def test_available_now_fixes_the_files(tmp_path):
    for i in range(3):
        put(tmp_path, f"f{i}", i, 1000 + i)
    source = opened(tmp_path, maxFilesPerTrigger="2")
    source.prepare_for_available_now()
    put(tmp_path, "new", 9, 1)
    first = source.latest_offset(None)
    second = source.latest_offset(first)
    assert [values(source, None, first), values(source, first, second)] == [[0, 1], [2]]
    assert source.latest_offset(second) == second


def test_name_only(tmp_path):
    put(tmp_path, "d1/x", 1, 1000)
    source = opened(tmp_path, fileNameOnly="true")
    first = source.latest_offset(None)
    put(tmp_path, "d2/x", 2, 2000)
    assert source.latest_offset(first) == first


def test_max_file_age(tmp_path):
    put(tmp_path, "new", 1, 10_000_000)
    source = opened(tmp_path, maxFileAge="1h")
    first = source.latest_offset(None)
    put(tmp_path, "old", 2, 1_000_000)
    put(tmp_path, "recent", 3, 9_000_000)
    second = source.latest_offset(first)
    assert values(source, first, second) == [3]


def test_partition_columns(tmp_path):
    put(tmp_path, "k=7/x", 1, 1000)
    found = relation("json", tmp_path / "in", {"a": LONG, "k": LONG}, streaming=True)
    source = stream(found, tmp_path / "meta")
    end = source.latest_offset(None)
    assert batch(source, None, end, "k", "a") == [(7, 1)]
    assert batch(stream(found, tmp_path / "meta"), None, end, "k", "a") == [(7, 1)]


def test_a_vanished_file(tmp_path):
    path = put(tmp_path, "a", 1, 1000)
    source = opened(tmp_path)
    end = source.latest_offset(None)
    path.unlink()
    with pytest.raises(SparkError, match="FILE_NOT_EXIST"):
        values(source, None, end)


@pytest.mark.parametrize(
    ("content", "expected"),
    [("", "empty"), ('v1\n{"path":', "does not parse"), ('v1\n{"path":"file:///x"}', "timestamp"), ("v9\n", "v9")],
)
def test_a_corrupt_log_names_the_file(tmp_path, content, expected):
    put(tmp_path, "a", 1, 1000)
    opened(tmp_path).latest_offset(None)
    log = tmp_path / "meta" / "0" / "0"
    log.write_text(content)
    with pytest.raises(SparkError, match=expected) as caught:
        opened(tmp_path)
    assert str(log) in str(caught.value)


def test_an_offset_beyond_the_log(tmp_path):
    with pytest.raises(SparkError, match="BATCH_METADATA_NOT_FOUND"):
        values(opened(tmp_path), None, '{"logOffset":3}')


def test_options_and_schema_are_checked(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(SparkError, match="_LEGACY_ERROR_TEMP_2048"):
        relation("json", tmp_path / "in", streaming=True)
    for options, expected in [
        ({"maxFilesPerTrigger": "0"}, "maxFilesPerTrigger"),
        ({"maxFilesPerTrigger": "x"}, "maxFilesPerTrigger"),
        ({"cleanSource": "sometimes"}, "cleanSource"),
        ({"maxFileAge": "soon"}, "maxFileAge"),
        ({"maxFilesPerTrigger": "1", "maxBytesPerTrigger": "1"}, "STDS_CONFLICT_OPTIONS"),
    ]:
        with pytest.raises(SparkError, match=expected):
            opened(tmp_path, **options)
    with pytest.raises(SparkError, match="PATH_NOT_FOUND"):
        relation("json", tmp_path / "no", FIELDS, streaming=True)
    assert relation("text", tmp_path / "in", streaming=True).schema.names == ["value"]


def test_parquet_rows_are_known_from_the_footers(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = opened(tmp_path, "parquet")
    pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "in" / "x.parquet")
    end = source.latest_offset(None)
    assert (source.row_count(None, end), values(source, None, end)) == (3, [1, 2, 3])
