"""The metrics over HTTP: on this machine for all, elsewhere for those who know the token."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.connect import metrics_endpoint
from penstock.connect.metrics_endpoint import Endpoint
from penstock.core.errors import SparkError
from penstock.runtime.metrics import StreamingMetrics


def get(port: int, path: str = "/metrics", token: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(autouse=True)
def no_endpoints(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(metrics_endpoint, "_endpoints", {})
    monkeypatch.setattr(metrics_endpoint, "metrics", StreamingMetrics())
    yield
    for endpoint in metrics_endpoint._endpoints.values():
        endpoint.close()


def test_a_session_that_asks_for_it(spark: Any) -> None:
    spark.conf.set("penstock.metrics.port", "0")
    frame = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 5).load()
    query = frame.writeStream.format("noop").queryName("five").trigger(once=True).start()
    assert query.awaitTermination(120)
    ((address, endpoint),) = metrics_endpoint._endpoints.items()
    assert address == ("localhost", 0)
    status, text = get(endpoint.port)
    assert status == 200
    assert f'penstock_streaming_input_rows_total{{query="five",id="{query.id}"}} 5' in text.splitlines()
    assert get(endpoint.port, "/")[0] == 404
    spark.readStream.format("rate").load().writeStream.format("noop").start().stop()
    assert list(metrics_endpoint._endpoints.values()) == [endpoint], "one endpoint for all queries"


def test_an_environment_variable_does_as_well(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_METRICS_PORT", "0")
    spark.readStream.format("rate").load().writeStream.format("noop").start().stop()
    assert len(metrics_endpoint._endpoints) == 1


def test_nothing_listens_unasked(spark: Any) -> None:
    spark.readStream.format("rate").load().writeStream.format("noop").start().stop()
    assert metrics_endpoint._endpoints == {}


def test_the_token() -> None:
    endpoint = Endpoint("127.0.0.1", 0, "secret", StreamingMetrics())
    answers = [get(endpoint.port, token=token)[0] for token in (None, "wrong", "secret")]
    assert answers == [401, 401, 200]
    endpoint.close()


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"penstock.metrics.port": "http"}, "penstock.metrics.port"),
        ({"penstock.metrics.port": "70000"}, "70000"),
        ({"penstock.metrics.port": "0", "penstock.metrics.host": "0.0.0.0"}, "penstock.metrics.token"),
        ({"penstock.metrics.port": "0", "penstock.metrics.host": "no.such.host.invalid"}, "penstock.metrics.token"),
    ],
)
def test_what_cannot_be(conf: dict[str, str], said: str) -> None:
    with pytest.raises(SparkError, match=said):
        metrics_endpoint.serve(conf)


def test_a_port_that_is_taken() -> None:
    first = Endpoint("127.0.0.1", 0, None, StreamingMetrics())
    with pytest.raises(SparkError, match=f"127.0.0.1:{first.port}"):
        metrics_endpoint.serve({"penstock.metrics.port": str(first.port), "penstock.metrics.host": "127.0.0.1"})
    first.close()
