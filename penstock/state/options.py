"""The settings of a query's state: how much memory it may take, as how many partitions its files are written, and how
often a snapshot is.

A query says so once, before its stores are opened; they are known by the directory under which they all are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import illegal_argument
from penstock.state.budget import SCRATCH_SETTING, SETTING, UNLIMITED, MemoryBudget

PARTITIONS_SETTING = "spark.penstock.state.partitions"
SNAPSHOT_SETTING = "spark.sql.streaming.stateStore.minDeltasForSnapshot"
_MOST_PARTITIONS = 1000
_UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}


@dataclass(frozen=True)
class StateOptions:
    """The budget that the stores share; partitions: files of each version (1 unless several processes are to share the
    state later); snapshot_every: commits between snapshots at least."""

    budget: MemoryBudget = UNLIMITED
    partitions: int = 1
    snapshot_every: int = 10

    @staticmethod
    def of(conf: Mapping[str, str], query: str) -> StateOptions:
        """From the settings; a value that does not parse raises Spark's error with key and value."""
        limit = _bytes(conf.get(SETTING))
        partitions = conf.get(PARTITIONS_SETTING) or "1"
        if not partitions.strip().isdigit() or not 1 <= int(partitions) <= _MOST_PARTITIONS:
            raise _invalid(PARTITIONS_SETTING, partitions, f"a number from 1 to {_MOST_PARTITIONS}")
        every = _commits(conf.get(SNAPSHOT_SETTING) or "10")
        if limit is None:
            return StateOptions(partitions=int(partitions), snapshot_every=every)
        scratch = (conf.get(SCRATCH_SETTING) or "").split(",")[0].strip()
        budget = MemoryBudget(limit, Path(scratch) if scratch else None, query)
        return StateOptions(budget, int(partitions), every)


_assigned: dict[Path, StateOptions] = {}


def assign(directory: Path, options: StateOptions) -> None:
    """The stores that are opened under this directory from now on have these options."""
    if options == StateOptions():
        _assigned.pop(directory, None)
    else:
        _assigned[directory] = options


def options_of(directory: Path) -> StateOptions:
    """The options of the stores under a query's state directory."""
    return _assigned.get(directory, StateOptions())


def _commits(value: str) -> int:
    """At least one: Spark takes any number, and below one means after every commit."""
    if re.fullmatch(r"\s*[+-]?\d+\s*", value) is None:
        raise _invalid(SNAPSHOT_SETTING, value, "a whole number")
    return max(1, int(value))


def _bytes(value: str | None) -> int | None:
    if value is None:
        return None
    match = re.fullmatch(r"\s*(\d+)\s*([bkmgtp]?)(?:i?b)?\s*", value.lower())
    if match is None or int(match[1]) == 0:
        raise _invalid(SETTING, value, "a size such as 300m or 4g")
    return int(match[1]) << _UNITS[match[2]]


def _invalid(key: str, value: str, wanted: str) -> Exception:
    return illegal_argument(
        "INVALID_CONF_VALUE.TYPE_MISMATCH",
        f"The value '{value}' of the setting \"{key}\" is not valid. It has to be {wanted}.",
        "22022",
        confName=key,
        confValue=value,
        confType=wanted,
    )
