"""For all tests: the package is imported first, so that the client can be imported in a worker of pytest-xdist too.

With PENSTOCK_NO_SKIPS=1, as in CI, a test that is skipped fails, and says what it misses.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from typing import Any

import pytest

import penstock  # noqa: F401

NO_SKIPS = os.environ.get("PENSTOCK_NO_SKIPS") == "1"


@pytest.fixture(scope="module", autouse=True)
def no_session_of_another_module() -> None:
    """The client remembers the session that was opened last: tests of one file must not find that of another."""
    from pyspark.sql.connect.session import SparkSession

    SparkSession._default_session = None
    SparkSession._active_session = threading.local()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _not_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _not_skipped((yield))


def _not_skipped(report: Any) -> Any:
    """The report of a test or of a module; an expected failure is no skip."""
    if NO_SKIPS and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"Nothing may be skipped here (PENSTOCK_NO_SKIPS=1). {reason}"
    return report
