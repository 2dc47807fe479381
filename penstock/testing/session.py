"""From a client's SparkSession to the embedded server session behind it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from penstock.core.clock import Clock

if TYPE_CHECKING:
    from penstock.connect.session import Session


def server_session(spark: Any) -> Session:
    """The server side of `spark`; ValueError when its server is not in this process."""
    from penstock.connect.inprocess import InProcessChannel

    client = spark.client
    channel = client._channel
    if not isinstance(channel, InProcessChannel):
        raise ValueError("the test kit needs a session of the embedded engine: use penstock.session()")
    return channel.service.sessions.get(client._user_id or "", spark.session_id)


class ClockUse:
    """A clock in use by a session; as a context manager it puts the former clock back at the end."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._before = session.clock
        session.clock = clock

    def __enter__(self) -> ClockUse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.clock = self._before


def use_clock(spark: Any, clock: Clock) -> ClockUse:
    """Queries that `spark` starts from now on take their time from `clock`; with `with`, those started in the block."""
    return ClockUse(server_session(spark), clock)
