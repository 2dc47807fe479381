"""One random pipeline: RDDs made from each other, looked at by random actions, compared with lists."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.property_rdd import actions, operations
from tests.property_rdd.operations import Made

#: A step that makes more is not taken.
_MOST = 1500


class Failed(Exception):
    """What a task is made to fail with."""


def check_pipeline(sc: Any, seed: int, directory: Path) -> None:
    """The pipeline of a seed; AssertionError with its text when an answer is not that of the lists.  The context lets
    a task fail three times."""
    r = random.Random(seed)
    made = [operations.source(sc, r) for _ in range(r.randint(1, 3))]
    failures = 0
    for step in range(r.randint(1, 9)):
        a = r.choice(made[-4:])
        if failures < 2 and r.random() < 0.12:
            failures += 1
            made.append(_failing_once(a, r, directory / f"{seed}-{step}"))
            continue
        found = _applied(a, r.choice(made), r)
        if found is not None and len(found.lists.flat) <= _MOST:
            made.append(found)
        if r.random() < 0.15:
            _look(r.choice(made), r, seed)
    for _ in range(r.randint(1, 3)):
        _look(r.choice(made[-3:]), r, seed)


def _applied(a: Made, b: Made, r: random.Random) -> Made | None:
    of_one = operations.OF_ANY + (operations.OF_PAIRS if a.kind == "p" else operations.OF_NUMBERS)
    if a.kind != b.kind or r.random() < 0.6:
        return r.choice(of_one)(a, r)
    of_two = operations.OF_TWO + (operations.OF_TWO_OF_PAIRS if a.kind == "p" else ())
    sizes = len(a.lists.flat), len(b.lists.flat)
    partitions = len(a.lists.parts) * len(b.lists.parts)
    return r.choice(of_two)(a, b, r) if sizes[0] * sizes[1] <= 4 * _MOST and partitions <= 24 else None


def _failing_once(a: Made, r: random.Random, mark: Path) -> Made:
    """The first task that comes to a certain element, or to the end of a certain partition, fails."""
    place = r.randrange(len(a.lists.parts)) if a.lists.parts else 0
    after = r.randrange(len(a.lists.parts[place]) + 1) if a.lists.parts else 0

    def pass_on(index: int, elements: Any) -> Any:
        for i, x in enumerate(elements):
            if index == place and i == after and not mark.exists():
                mark.touch()
                raise Failed(str(i))
            yield x
        if index == place and not mark.exists():
            mark.touch()
            raise Failed("at the end")

    return Made(a.rdd.mapPartitionsWithIndex(pass_on, True), a.lists, a.kind, f"failing once({a.text})")


def _look(a: Made, r: random.Random, seed: int) -> None:
    action = r.choice(actions.OF_ANY + (actions.OF_PAIRS if a.kind == "p" else ()))
    found, expected = action(a, r)
    assert found == expected, f"seed {seed}: {action.__name__} of {a.text}"
