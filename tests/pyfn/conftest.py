"""A client session over an engine of its own, for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql.connect.session import SparkSession

from penstock.connect.service import Service
from tests.connect.conftest import Builder


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    service = Service()
    session = SparkSession(connection=Builder(service, session_id=str(uuid4())))
    session.client.disable_reattachable_execute()
    SparkSession._default_session = None
    SparkSession._set_default_and_active_session(session)
    session.conf.set("spark.sql.session.timeZone", "America/New_York")
    yield session
    SparkSession._default_session = None
    SparkSession._active_session.session = None
    service.close()
    session.client.close()
