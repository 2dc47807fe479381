"""A client session over the embedded service."""

import uuid

import pytest


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql.connect.client import ChannelBuilder
    from pyspark.sql.connect.session import SparkSession

    from penstock.connect.inprocess import InProcessChannel
    from penstock.connect.service import Service

    service = Service()

    class Builder(ChannelBuilder):
        host = "penstock"

        def toChannel(self):
            return InProcessChannel(service)

    session = SparkSession(connection=Builder(params={"session_id": str(uuid.uuid4()), "user_id": "tester"}))
    session.client.disable_reattachable_execute()
    yield session
    service.sessions.close()
