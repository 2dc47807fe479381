"""What a stream's options, names, files and settings lead to, and when: as real Spark says (stream_checks.json, by
tests/golden/make_stream_checks.py), but for the differences listed here."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import penstock
from penstock.core.config import DEFAULTS
from penstock.core.config_entries import ENTRIES, STATIC

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))

from stream_check_cases import VALUES, cases, outcome  # noqa: E402

ANSWERS = json.loads((GOLDEN / "stream_checks.json").read_text())
CASES = cases()
SETTINGS = ANSWERS.pop("settings")
PENSTOCK = "UNSUPPORTED_FEATURE.PENSTOCK"

#: What Spark says when the query runs, Penstock says before: the sink's options and columns, and those of a format.
EARLIER = {
    **{f"sink/console/{name}=x": "start" for name in ("numRows", "truncate")},
    **{f"sink/csv/{name}": "start" for name in ("map", "struct", "sep=", "header=x", "quoteAll=x")},
    **{f"sink/json/{name}": "start" for name in ("lineSep=", "compression=x", "encoding=x", "ignoreNullFields=x")},
    **{f"sink/{name}": "start" for name in ("text/two", "text/number", "parquet/compression=x", "binaryFile")},
    **{f"source/json/{name}": "load" for name in ("multiLine=x", "samplingRatio=x", "encoding=x", "lineSep=")},
    "settings/numRecentProgressUpdates=0": "start",
    "settings/commitProtocolClass": "start",
    "checkpoint/offsets/stray": "start",
}

#: What is refused here, and not in Spark.
REFUSED = {
    "write/json/pretty": PENSTOCK,
    **{f"write/{form}/locale": PENSTOCK for form in ("csv", "json", "xml")},
    **{f"write/{form}/locale=x": PENSTOCK for form in ("csv", "json")},
    "read/xml/locale": PENSTOCK,
    "source/json/locale=x": PENSTOCK,
    "source/json/locale=de": PENSTOCK,
    "source/json/dateFormat=QQQQQ x": "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
    "source/json/samplingRatio=0": "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE",
    "sink/json/maxRecordsPerFile=1": PENSTOCK,
    "sink/parquet/void": "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
    "sink/by/all": "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
    "sink/by/twice": "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
    "sink/by/map": "INVALID_PARTITION_COLUMN_DATA_TYPE",
    "checkpoint/offsets/stray/not verified": "STREAMING_CHECKPOINT_MISSING_METADATA_FILE",
}

#: Other conditions for the same failure: more precise ones, or those of a feature that is refused as a whole.
OTHER_CONDITION = {
    "settings/checkpointFileManagerClass": PENSTOCK,
    "checkpoint/offsets/stray": "STREAMING_CHECKPOINT_MISSING_METADATA_FILE",
    "source/json/modifiedBefore=x": "_LEGACY_ERROR_TEMP_1332",
    "source/socket/includeTimestamp=x": "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE",
    "source/statestore": PENSTOCK,
    "sink/socket": "_LEGACY_ERROR_TEMP_2049",
    "sink/binaryFile": "_LEGACY_ERROR_TEMP_2049",
    "sink/statestore": "_LEGACY_ERROR_TEMP_2049",
    **{f"write/csv/extension={value}": "INVALID_FILE_EXTENSION" for value in ("1234", "a1")},
    **{f"write/csv/{name}=x": "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE"
       for name in ("header", "quoteAll", "escapeQuotes", "ignoreLeadingWhiteSpace")},
    **{f"write/xml/tag {name}": "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE" for name in ("a b", "1a", "a:b")},
}  # fmt: skip

#: Other results, which docs/differences.md tells.
GIVES = {
    **{f"union/{source}/{how}": [2, 2]
       for source in ("rate", "files") for how in ("itself", "projected", "filtered")},
    # a batch whose commit was lost is run once more, and the sink knows it
    "second run/without commits/0": 2,
    "second run/without commits/0/not verified": 2,
    "second run/without metadata/not verified": 2,
    "source/json/compression=x": "runs",  # it is for writing
    "sink/json/timestampFormat=QQQQQ x": "runs",  # without a column of times
    "layout/stream/case": ["P", "k"],  # of p=1 and P=2 Spark takes one or the other
    "write/xml/name ": None,  # keys of maps are not looked at
    "write/csv/extension and codec": None,  # the time in gzip's header
}  # fmt: skip

#: Cases that only show how slow real time is: their like is among the others.
_SLOW = ("union/rate/filtered", "union/files/projected", "union/files/filtered", "union/rate/projected")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    warehouse = tmp_path_factory.mktemp("warehouse")
    logging.disable(logging.WARNING)
    yield penstock.session({"spark.sql.session.timeZone": "UTC", "spark.sql.warehouse.dir": f"file:{warehouse}"})
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", [name for name in CASES if name not in _SLOW])
def test_as_spark_says(spark: Any, tmp_path: Path, name: str) -> None:
    found, said = json.loads(json.dumps(outcome(CASES[name], spark, tmp_path))), ANSWERS[name]
    if name in REFUSED:
        assert ("gives" in said or said["condition"] is None, found.get("condition")) == (True, REFUSED[name])
    elif name in GIVES:
        assert "gives" in found
        assert GIVES[name] in (None, found["gives"])
    elif "gives" in said:
        assert found == said
    else:
        assert found.get("fails") == EARLIER.get(name, said["fails"]), found
        assert said["condition"] is None or found["condition"] == OTHER_CONDITION.get(name, said["condition"])


@pytest.mark.parametrize("key", SETTINGS)
def test_settings_have_sparks_defaults_and_values(spark: Any, key: str) -> None:
    said = SETTINGS[key]
    assert (key in ENTRIES, DEFAULTS.get(key)) == (said["modifiable"], said["default"])
    assert said["modifiable"] or key in STATIC or said["default"] is None
    refused = {}
    for value in VALUES if said["modifiable"] else ():
        try:
            spark.conf.set(key, value)
        except Exception as error:
            refused[value] = error.getCondition()  # type: ignore[attr-defined]
        spark.conf.unset(key)
    assert refused == said["refused"]
