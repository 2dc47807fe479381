"""Every setting for streams that Spark 4.2 defines is heeded, refused or without effect, as docs/options.md says; the
heeded ones change something here, or in the test that is named."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import UnsupportedOperationException
from pyspark.sql import functions as F

import penstock

ROOT = Path(__file__).parents[2]
PREFIX = "spark.sql.streaming."
KNOWN = json.loads((ROOT / "tests" / "golden" / "stream_checks.json").read_text())["settings"]
TABLE = dict(re.findall(r"^\| `([\w.]+)` \| (heeded|refused|without effect) \|", (ROOT / "docs" / "options.md").read_text(), re.M))  # fmt: skip # noqa: E501

#: Heeded ones that a test elsewhere shows.
ELSEWHERE = {
    "minBatchesToRetain": "tests/runtime/test_query_loop.py",
    "multipleWatermarkPolicy": "tests/programs/watermark_policy_max.py",
    "noDataMicroBatches.enabled": "tests/programs/state_as_data.py",
    "noDataProgressEventInterval": "tests/runtime/test_query_loop.py",
    "pollingDelay": "tests/runtime/test_query_loop.py",
    "queryEvolution.enableSourceEvolution": "tests/golden/streaming_cases.py",
    "realTimeMode.allowlistCheck": "tests/connect/test_continuous.py",
    "realTimeMode.minBatchDuration": "tests/connect/test_continuous.py",
    "schemaInference": "tests/programs/source_partitions.py",
    "statefulOperator.allowMultiple": "tests/golden/stateful_chains.py",
    "statefulOperator.checkCorrectness.enabled": "tests/analysis/test_streaming_checks.py",
    "stopActiveRunOnRestart": "tests/bad_input/test_checkpoints.py",
    "unsupportedOperationCheck": "tests/analysis/test_streaming_checks.py",
    "verifyCheckpointDirectoryEmptyOnStart": "tests/golden/stream_check_cases.py",
}

REFUSED = {
    "checkpointFileManagerClass": "my.Files",
    "commitProtocolClass": "my.Protocol",
    "queryEvolution.enableSinkEvolution": "true",
    "stateStore.providerClass": "my.Provider",
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    warehouse = tmp_path_factory.mktemp("warehouse")
    yield penstock.session({"spark.sql.session.timeZone": "UTC", "spark.sql.warehouse.dir": f"file:{warehouse}"})


def _put(root: Path, name: str) -> None:
    (root / "in").mkdir(exist_ok=True)
    (root / "in" / name).write_text(f'{{"k":"{name}"}}\n')


def _stream(spark: Any, root: Path) -> Any:
    return spark.readStream.schema("k string NOT NULL").option("maxFilesPerTrigger", "1").json(str(root / "in"))


def _run(frame: Any, root: Path, batches: int, form: str = "json") -> Any:
    """As many batches as there are files, then the query is stopped."""
    for number in range(batches):
        _put(root, f"{number:03}.json")
    writer = frame.writeStream.format(form).option("checkpointLocation", str(root / "cp"))
    query = writer.option("path", str(root / "out")).outputMode("append" if form == "json" else "update").start()
    query.processAllAvailable()
    query.stop()
    return query


def _names(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.rglob("*") if p.is_file() and not p.name.startswith("."))


# ---------------------------------------------------------------- what each changes


def _sink_log(spark: Any, root: Path) -> Any:
    _put(root, "0")
    _run(_stream(spark, root), root, 6)
    return _names(root / "out" / "_spark_metadata")


def _source_log(spark: Any, root: Path) -> Any:
    _put(root, "0")
    _run(_stream(spark, root), root, 6)
    return _names(root / "cp" / "sources")


def _recent(spark: Any, root: Path) -> Any:
    _put(root, "0")
    return len(_run(_stream(spark, root), root, 3, "noop").recentProgress)


def _nullable(spark: Any, root: Path) -> Any:
    _put(root, "0")
    return _stream(spark, root).schema["k"].nullable


def _uncommitted(spark: Any, root: Path) -> Any:
    """A directory of a file sink, with a file that is not in its log."""
    _put(root, "0")
    _run(_stream(spark, root), root, 1)
    (root / "out" / "stray.json").write_text('{"k":"stray"}\n')
    return spark.read.schema("k string").json(str(root / "out")).count()


def _lost_id(spark: Any, root: Path) -> Any:
    _put(root, "0")
    _run(_stream(spark, root), root, 1)
    (root / "cp" / "metadata").unlink()
    try:
        _run(_stream(spark, root), root, 2)
    except Exception as error:
        return str(error)
    return spark.read.schema("k string").json(str(root / "out")).count()


def _temporary(spark: Any, root: Path) -> Any:
    """Whether the checkpoint of a query that failed, which was given none, is still there."""
    import tempfile

    _put(root, "0")
    tempfile.tempdir, before = str(root), tempfile.tempdir
    try:
        return _failed(spark, root)
    finally:
        tempfile.tempdir = before


def _failed(spark: Any, root: Path) -> int:
    failing = _stream(spark, root).select(F.raise_error(F.col("k")))
    query = failing.writeStream.format("noop").start()
    with pytest.raises(Exception, match="USER_RAISED"):
        query.awaitTermination(120)
    stop = time.monotonic() + 120
    while query.isActive and time.monotonic() < stop:
        time.sleep(0.01)
    return len(list(root.glob("penstock-checkpoint-*")))


def _location(spark: Any, root: Path) -> Any:
    _put(root, "0")
    query = _stream(spark, root).writeStream.format("noop").queryName("named").start()
    query.processAllAvailable()
    query.stop()
    return (root / "all" / "named" / "metadata").exists()


def _snapshots(spark: Any, root: Path) -> Any:
    _put(root, "0")
    _run(_stream(spark, root).groupBy("k").count(), root, 6, "noop")
    return [name for name in _names(root / "cp" / "state") if name.endswith(".snapshot")]


def _slow_stop(spark: Any, root: Path) -> Any:
    """How stop() ends while a batch is running, which ends soon only where nothing says how long stop() waits."""
    import threading

    _put(root, "0")
    begun, end = threading.Event(), threading.Event()

    def wait(batch: Any, number: int) -> None:
        begun.set()
        end.wait(120)

    from penstock.runtime import query as queries
    from tests.bad_input.failing import with_batches

    query = with_batches(_stream(spark, root).writeStream.option("checkpointLocation", str(root / "cp")), wait).start()
    assert begun.wait(120)
    grace, queries.STOP_GRACE_MS = queries.STOP_GRACE_MS, 10
    limit, queries.STOP_LIMIT_MS = queries.STOP_LIMIT_MS, 120_000
    if spark.conf.get(PREFIX + "stopTimeout", "0") == "0":
        threading.Timer(0.15, end.set).start()
    try:
        query.stop()
    except Exception as error:
        return type(error).__name__
    finally:
        queries.STOP_GRACE_MS, queries.STOP_LIMIT_MS = grace, limit
        end.set()
    return "stopped"


Shown = Callable[[Any, Path], Any]
HEEDED: dict[str, tuple[str, Shown]] = {
    "checkpointLocation": ("$root/all", _location),
    "checkpoint.verifyMetadataExists.enabled": ("false", _lost_id),
    "fileSink.log.compactInterval": ("3", _sink_log),
    "fileSource.log.compactInterval": ("3", _source_log),
    "fileSource.schema.forceNullable": ("false", _nullable),
    "fileStreamSink.ignoreMetadata": ("true", _uncommitted),
    "forceDeleteTempCheckpointLocation": ("true", _temporary),
    "numRecentProgressUpdates": ("2", _recent),
    "stateStore.minDeltasForSnapshot": ("2", _snapshots),
    "stopTimeout": ("50ms", _slow_stop),
}

#: What keeps old log files, which are removed as soon as they are not needed any more without it.
KEEPING = {
    "fileSink.log.cleanupDelay": ("1h", _sink_log),
    "fileSink.log.deletion": ("false", _sink_log),
    "fileSource.log.cleanupDelay": ("1h", _source_log),
    "fileSource.log.deletion": ("false", _source_log),
}


def _with(spark: Any, settings: dict[str, str], show: Shown, root: Path) -> Any:
    root.mkdir()
    for name, value in settings.items():
        spark.conf.set(PREFIX + name, value.replace("$root", str(root)))
    try:
        return show(spark, root)
    finally:
        for name in settings:
            spark.conf.unset(PREFIX + name)


@pytest.mark.parametrize("name", HEEDED)
def test_it_changes_something(spark: Any, tmp_path: Path, name: str) -> None:
    value, show = HEEDED[name]
    assert _with(spark, {}, show, tmp_path / "without") != _with(spark, {name: value}, show, tmp_path / "with")


@pytest.mark.parametrize("name", KEEPING)
def test_old_log_files_stay(spark: Any, tmp_path: Path, name: str) -> None:
    value, show = KEEPING[name]
    log = name.partition(".")[0]
    soon = {f"{log}.log.cleanupDelay": "0", f"{log}.log.compactInterval": "2"}
    removed = _with(spark, soon, show, tmp_path / "without")
    kept = _with(spark, {**soon, name: value}, show, tmp_path / "with")
    assert set(kept) > set(removed)


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_name(spark: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedOperationException, match=f"{PREFIX}{name}={REFUSED[name]}"):
        _with(spark, {name: REFUSED[name]}, _snapshots, tmp_path / "with")


def test_the_page_tells_of_every_setting() -> None:
    names = {key.removeprefix(PREFIX) for key in KNOWN if key.startswith(PREFIX)}
    assert set(TABLE) == names | {"checkpointFileManagerClass"}


def test_every_heeded_setting_has_a_test() -> None:
    shown = {*HEEDED, *KEEPING, *ELSEWHERE}
    assert {name for name, how in TABLE.items() if how == "heeded"} == shown
    assert [name for name, path in ELSEWHERE.items() if name not in (ROOT / path).read_text()] == []
    assert {name for name, how in TABLE.items() if how == "refused"} == {*REFUSED, "streamingQueryListeners"}


def test_listeners_of_the_jvm_are_refused(tmp_path: Path) -> None:
    """It is set where the session is made."""
    from penstock.core.config import Conf
    from penstock.core.errors import SparkError
    from penstock.plan.nodes import OneRow
    from penstock.runtime.refused_settings import check_settings

    conf = Conf({PREFIX + "streamingQueryListeners": "my.Listener"})
    with pytest.raises(SparkError, match="streamingQueryListeners=my.Listener"):
        check_settings(OneRow(), conf)
