"""A client session inside of the server: what a foreachBatch function sees as `df.sparkSession`."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock.connect.inprocess import InProcessChannel

if TYPE_CHECKING:
    from penstock.connect.service import Service
    from penstock.connect.session import Session

#: Sessions of this very process by id: their functions get the user's own SparkSession object.
own: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def client_session(service: Service, session: Session) -> Any:
    """The SparkSession of a session: the user's own if it lives in this process, else one of the server's."""
    with _lock:
        found = own.get(session.id)
        if found is not None and not found.is_stopped:
            return found
        return _open(service, session)


@contextmanager
def active(client: Any) -> Iterator[None]:
    """Make it the active session of this thread for a while."""
    from pyspark.sql.connect.session import SparkSession

    before = getattr(SparkSession._active_session, "session", None)
    SparkSession._active_session.session = client
    try:
        yield
    finally:
        SparkSession._active_session.session = before


def activate(client: Any) -> None:
    """Make it the active session of this thread: `SparkSession.active()` and functions such as `F.expr` look there."""
    from pyspark.sql.connect.session import SparkSession

    SparkSession._active_session.session = client


def _open(service: Service, session: Session) -> Any:
    from pyspark.sql.connect.client import ChannelBuilder
    from pyspark.sql.connect.session import SparkSession

    class Builder(ChannelBuilder):  # type: ignore[misc]
        host = "penstock"

        def __deepcopy__(self, memo: dict[int, Any]) -> Builder:
            return Builder(params=dict(self._params))

        def toChannel(self) -> InProcessChannel:  # noqa: N802 (the client's name)
            return InProcessChannel(service)

    builder = Builder(params={"session_id": session.id, "user_id": session.user_id})
    client = SparkSession(connection=builder)
    client._client.disable_reattachable_execute()
    return client
