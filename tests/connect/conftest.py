"""A service of its own for each test, and clients of it over the in-process channel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql.connect.client import ChannelBuilder
from pyspark.sql.connect.session import SparkSession

from penstock.connect.inprocess import InProcessChannel
from penstock.connect.service import Service

Connect = Callable[..., Any]


class Builder(ChannelBuilder):
    """Leads a client to one service."""

    def __init__(self, service: Service, **params: str) -> None:
        super().__init__(params={"user_id": "tester", **params})
        self._service = service

    host = "test"

    def __deepcopy__(self, memo: dict[int, Any]) -> Builder:
        return Builder(self._service, **self._params)

    def toChannel(self) -> InProcessChannel:
        return InProcessChannel(self._service)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service({"spark.sql.warehouse.dir": f"file:{tmp_path}/warehouse"})
    yield made
    made.close()


@pytest.fixture
def connect(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Opens a client; `reattachable` clients buffer on the server."""
    opened: list[Any] = []
    monkeypatch.setattr(SparkSession, "_active_session", threading.local())
    monkeypatch.setattr(SparkSession, "_default_session", None)

    def open_client(*, reattachable: bool = True, session_id: str | None = None) -> Any:
        client = SparkSession(connection=Builder(service, session_id=session_id or str(uuid4())))
        if not reattachable:
            client._client.disable_reattachable_execute()
        opened.append(client)
        SparkSession._set_default_and_active_session(client)
        return client

    yield open_client
    for client in opened:
        client.client.close()


@pytest.fixture
def spark(connect: Connect) -> Any:
    return connect(reattachable=False)
