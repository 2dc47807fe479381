"""Which files a path means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from penstock.core.files import local_path
from penstock.rdd.errors import Refused


def files_of(name: str) -> list[Path]:
    """The files that a path, directory, glob, or a list of them with commas means, in order of name.  Hidden ones
    are left out.  A glob has `*`, `?`, `[abc]` and `{one,other}`."""
    found: list[Path] = []
    for part in _split(name):
        matches = [match for pattern in _without_braces(str(local_path(part.strip()))) for match in _matches(pattern)]
        if not matches:
            raise Refused(f"Input path does not exist: {part.strip()}")
        for match in sorted(matches) if len(matches) > 1 else matches:
            found.extend(sorted(p for p in match.iterdir() if _visible(p)) if match.is_dir() else [match])
    return [path.absolute() for path in found]


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern)
    if not any(c in pattern for c in "*?["):
        return [path] if path.exists() else []
    return [match for match in Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))) if _is_shown(match)]


def _split(name: str) -> list[str]:
    """The paths between the commas that are not inside braces."""
    parts, depth = [""], 0
    for c in name:
        depth += (c == "{") - (c == "}")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _without_braces(pattern: str) -> Iterator[str]:
    """The patterns that `a{b,c}` stands for: `ab` and `ac`."""
    before, opened, rest = pattern.partition("{")
    depth, end = 1, 0
    while opened and depth and end < len(rest):
        depth += (rest[end] == "{") - (rest[end] == "}")
        end += 1
    if not opened or depth:
        yield pattern
        return
    for choice in _split(rest[: end - 1]):
        yield from _without_braces(before + choice + rest[end:])


def _visible(path: Path) -> bool:
    return path.is_file() and _is_shown(path)


def _is_shown(path: Path) -> bool:
    return not path.name.startswith(("_", "."))
