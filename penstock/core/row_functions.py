"""Python functions that SQL text calls by a name made of what they do: readers of records with their schema and
options.

The same specification gives the same name, so a query compiled twice adds nothing, and whoever runs the text (see
`penstock.functions.kernels.KernelSet`) finds the function by its name.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RowFunction:
    """`function` takes Arrow arrays (one an argument) and gives one; `takes` and `gives` are DuckDB types."""

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    gives: str


_lock = threading.Lock()
_known: dict[str, RowFunction] = {}


def define(specification: str, make: Callable[[], Callable[..., Any]], takes: tuple[str, ...], gives: str) -> str:
    """The name (`kernel_r<hash>`) of the function that `make` builds; built once a specification."""
    digest = hashlib.sha256("\x1f".join((specification, *takes, gives)).encode()).hexdigest()[:24]
    name = f"r{digest}"
    with _lock:
        if name not in _known:
            _known[name] = RowFunction(name, make(), takes, gives)
    return f"kernel_{name}"


def find(name: str) -> RowFunction | None:
    """The function of a name without its prefix."""
    return _known.get(name)
