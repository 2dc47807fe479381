"""For all tests: the package is imported first, so that the client can be imported in a worker of pytest-xdist too.

With PENSTOCK_NO_SKIPS=1, as in CI, a test that is skipped fails, and says what it misses.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

import penstock  # noqa: F401

NO_SKIPS = os.environ.get("PENSTOCK_NO_SKIPS") == "1"


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
