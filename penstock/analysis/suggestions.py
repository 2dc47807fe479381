"""The "did you mean" list of UNRESOLVED_COLUMN."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.errors import sql_id


def by_similarity(name: tuple[str, ...], candidates: Sequence[tuple[str, ...]]) -> list[str]:
    """Quoted candidate names, nearest first (edit distance); a qualifier that all share is left out, as Spark does."""
    if len(name) == 1 and len({c[:-1] for c in candidates}) == 1:
        candidates = [c[-1:] for c in candidates]
    elif len(name) <= 2 and len({c[:-2] for c in candidates}) == 1:
        candidates = [c[-2:] for c in candidates]
    wanted = ".".join(name)
    return sorted((sql_id(c) for c in candidates), key=lambda shown: (edit_distance(shown, wanted), shown))


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]
