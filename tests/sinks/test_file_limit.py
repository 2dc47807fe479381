"""maxRecordsPerFile is refused by name, in batches and streams, as an option and as a setting."""

from __future__ import annotations

import pytest

from penstock.core.errors import SparkError
from penstock.sinks.errors import refuse_file_limit

SETTING = "spark.sql.files.maxRecordsPerFile"


@pytest.mark.parametrize(("options", "conf"), [({"maxrecordsperfile": "2"}, {}), ({}, {SETTING: "100"})])
def test_a_limit_is_refused(options: dict[str, str], conf: dict[str, str]) -> None:
    with pytest.raises(SparkError, match="maxRecordsPerFile"):
        refuse_file_limit(options, conf)


@pytest.mark.parametrize(
    ("options", "conf"), [({}, {}), ({"maxrecordsperfile": "0"}, {}), ({}, {SETTING: "0"}), ({}, {SETTING: "-1"})]
)
def test_no_limit_is_fine(options: dict[str, str], conf: dict[str, str]) -> None:
    refuse_file_limit(options, conf)
