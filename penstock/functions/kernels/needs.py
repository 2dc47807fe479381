"""Packages that only some kernels need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from penstock.functions.kernels.rows import raised


def datasketches() -> Any:
    """Apache's `datasketches`; a clear error when it is not installed."""
    try:
        return import_module("datasketches")
    except ImportError as error:
        raise raised(
            "UNSUPPORTED_FEATURE.PENSTOCK", "Sketches of the HLL and KLL families need the package `datasketches`: "
            "pip install 'penstock[sketches]'.", sqlstate="0A000", kind="unsupported",
        ) from error  # fmt: skip
