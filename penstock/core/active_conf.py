"""The settings that hold in this thread: those of the session whose call it answers (Spark's `SQLConf.get`).

Only what reads types and literals in text asks for them, since a text may be read deep inside anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from penstock.core.config import Conf

_T = TypeVar("_T")

_ACTIVE: ContextVar[Conf | None] = ContextVar("active conf", default=None)


@contextmanager
def active(conf: Conf) -> Iterator[None]:
    """Let `conf` hold for this thread inside the block."""
    token = _ACTIVE.set(conf)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def steps_under(conf: Conf, source: Iterator[_T]) -> Iterator[_T]:
    """What `source` yields; `conf` holds while it works, in whichever thread asks for the next."""
    try:
        while True:
            with active(conf):
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item
    finally:
        if (close := getattr(source, "close", None)) is not None:
            close()


def timestamps_are_local() -> bool:
    """Whether `spark.sql.timestampType` makes the type name TIMESTAMP mean TIMESTAMP_NTZ."""
    conf = _ACTIVE.get()
    return conf is not None and conf.timestamps_are_local
