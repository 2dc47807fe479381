"""The variables of the script that a thread runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from penstock.plan.expressions import Literal
from penstock.sql.scripts import Compound

Variables = dict[str, Literal]


@dataclass(eq=False)
class Frame:
    """A block that is running, or a row of FOR (its `block` is None).  `handling`: one of its handlers runs."""

    label: str | None
    variables: Variables
    block: Compound | None
    handling: bool = False


_frames: ContextVar[list[Frame] | None] = ContextVar("penstock_script_frames", default=None)


@contextmanager
def running() -> Iterator[list[Frame]]:
    """The blocks of a script, innermost last; their variables are found as long as this lasts."""
    frames: list[Frame] = []
    token = _frames.set(frames)
    try:
        yield frames
    finally:
        _frames.reset(token)


def local(parts: tuple[str, ...]) -> Variables | None:
    """Where a variable `x` or `label.x` of the running script is kept; None where there is none."""
    name = parts[-1].lower()
    label = parts[0].lower() if len(parts) == 2 else None
    for frame in reversed(_frames.get() or ()):
        if name in frame.variables and (len(parts) == 1 or (label is not None and frame.label == label)):
            return frame.variables
    return None
