"""DataFrames whose plan is resolved at once, as every DataFrame of classic PySpark is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from penstock.connect.pipeline import resolve_relation

if TYPE_CHECKING:
    from penstock.connect.service import Service


def pinned(service: Service, frame: Any) -> Any:
    """The frame with its plan resolved now: a temporary view that is replaced later does not change it.  A DataFrame
    of this client asks for its names only when it is run, and a batch's `spark.sql(...).rdd` is run when the view of
    that name is another batch's.  A frame that cannot be resolved stays as it is: the query says what is wrong."""
    client = frame._session
    session = service.sessions.get(client.client._user_id or "", client.session_id)
    try:
        plan = resolve_relation(session, frame._plan.plan(client.client))
    except Exception:
        return frame
    relation_id = str(uuid4())
    session.catalog.relations[relation_id] = plan
    return client._create_remote_dataframe(relation_id)  # its end, in the client, is the relation's
