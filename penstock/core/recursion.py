"""Plans are walked recursively, a few Python frames a level; a loop of withColumn makes thousands of levels."""

from __future__ import annotations

import sys

RECURSION_LIMIT = 50_000


def allow_deep_plans() -> None:
    """Let plans of thousands of levels be walked recursively."""
    if sys.getrecursionlimit() < RECURSION_LIMIT:
        sys.setrecursionlimit(RECURSION_LIMIT)
