"""What is known of one setting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One setting.  `default` None means undefined.  kind: "string", "int", "boolean", "double", "time", "bytes".
    `options`: the only values accepted (upper case), in the order in which Spark names them.  `allowed` (lower case),
    `least` and `positive`: requirements that Spark states as such, on values of the right kind."""

    default: str | None
    kind: str = "string"
    options: tuple[str, ...] = ()
    positive: bool = False
    allowed: tuple[str, ...] = ()
    least: int | None = None


def flags(value: str, *keys: str) -> dict[str, Entry]:
    """Boolean settings with one default."""
    return {key: Entry(value, "boolean") for key in keys}
