"""A client session over an engine of its own, for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql.connect.client import ChannelBuilder
from pyspark.sql.connect.session import SparkSession

from penstock.connect.inprocess import InProcessChannel
from penstock.connect.service import Service


class _Builder(ChannelBuilder):
    """Leads a client to one service."""

    host = "test"

    def __init__(self, service: Service, **params: str) -> None:
        super().__init__(params={"user_id": "tester", **params})
        self._service = service

    def toChannel(self) -> InProcessChannel:
        return InProcessChannel(self._service)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    service = Service()
    session = SparkSession(connection=_Builder(service, session_id=str(uuid4())))
    session.client.disable_reattachable_execute()
    SparkSession._set_default_and_active_session(session)
    yield session
    service.close()
    session.client.close()
