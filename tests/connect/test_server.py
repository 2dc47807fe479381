"""`penstock serve` in a second process, with the plain client here."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.session import SparkSession

from penstock.connect import server as server_module
from penstock.connect.server import Address, Server
from penstock.connect.service import Service
from penstock.core.errors import SparkError

Start = Callable[..., str]

#: How long a test waits for what must happen: a machine may stall for seconds.
PATIENCE_S = 90


@pytest.fixture
def serve() -> Iterator[Start]:
    """Starts servers; gives the URL they print."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> str:
        command = [sys.executable, "-m", "penstock", "serve", "--port", "0", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        return process.stdout.readline().split()[-1]

    start.processes = running  # type: ignore[attr-defined]
    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()


@pytest.fixture
def open_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    opened: list[Any] = []
    monkeypatch.setattr(SparkSession, "_active_session", threading.local())
    monkeypatch.setattr(SparkSession, "_default_session", None)

    def connect(url: str) -> Any:
        client = SparkSession(connection=DefaultChannelBuilder(url))
        client.client.set_retry_policies([])
        SparkSession._set_default_and_active_session(client)
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.stop()


def test_batches_and_streams(serve: Start, open_client: Any, tmp_path: Path) -> None:
    spark = open_client(serve())
    assert spark.range(1000).selectExpr("sum(id)").collect() == [(499500,)]
    assert spark.range(300_000).toPandas()["id"].sum() == 299_999 * 150_000
    with pytest.raises(Exception, match="UNRESOLVED_COLUMN"):
        spark.range(1).select("x").collect()

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text('{"n": 1}\n{"n": 2}\n')
    total = str(tmp_path / "total")

    def write(frame: Any, batch_id: int) -> None:  # runs in the server: pickled
        with open(total, "a") as file:
            file.write(f"{batch_id} {frame.selectExpr('sum(n)').collect()[0][0]} {frame.sparkSession.session_id}\n")

    stream = spark.readStream.schema("n int").json(str(tmp_path / "in"))
    query = stream.writeStream.foreachBatch(write).trigger(availableNow=True).start()
    assert query.awaitTermination(PATIENCE_S) is True
    assert query.exception() is None
    assert Path(total).read_text() == f"0 3 {spark.session_id}\n"


def test_ends_on_sigterm_while_a_client_waits(serve: Start, open_client: Any) -> None:
    spark = open_client(serve())
    query = spark.readStream.format("rate").load().writeStream.format("noop").start()
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            query.awaitTermination()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    time.sleep(0.5)
    (process,) = serve.processes  # type: ignore[attr-defined]
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    thread.join(PATIENCE_S)
    assert not thread.is_alive()  # by the query's end or by an error, whichever reaches the client first
    spark.client._closed = True


def test_a_token(serve: Start, open_client: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    url = serve("--token-file", str(token))
    assert open_client(f"{url}/;token=s3cret").range(3).count() == 3
    for wrong in (url, f"{url}/;token=other", f"{url}/;token=s3cret2"):
        with pytest.raises(Exception, match="UNAUTHENTICATED|token"):
            open_client(wrong).range(3).count()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate")
def test_tls(serve: Start, open_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*make, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    url = serve("--tls-cert", str(cert), "--tls-key", str(key), "--token", "s3cret")
    credentials = grpc.ssl_channel_credentials(cert.read_bytes())
    monkeypatch.setattr(grpc, "ssl_channel_credentials", lambda: credentials)
    assert open_client(f"{url}/;use_ssl=true;token=s3cret").range(3).count() == 3


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org"])
def test_an_open_door_is_refused(host: str) -> None:
    with pytest.raises(SparkError, match="--token"):
        Address(host=host).check()
    Address(host=host, token="t").check()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_loopback_needs_no_token(host: str) -> None:
    Address(host=host).check()


def test_half_a_key_pair_is_refused() -> None:
    with pytest.raises(SparkError, match="--tls-key"):
        Address(tls_cert=Path("cert.pem")).check()


def test_nothing_is_read_from_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the token not even the request's bytes are parsed."""
    service = Service()
    calls: list[str] = []
    monkeypatch.setattr(service, "call", lambda name, *_: calls.append(name))
    server = Server(service, Address(port=0, token="right"), workers=2)
    server.start()
    try:
        with grpc.insecure_channel(f"localhost:{server.port}") as channel:
            for method in ("Config", "ExecutePlan", "AddArtifacts"):
                call = channel.unary_unary(f"/spark.connect.SparkConnectService/{method}")
                for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", "right"),)):
                    with pytest.raises(grpc.RpcError) as caught:
                        call(b"\xff\xff nonsense", metadata=metadata, timeout=PATIENCE_S)
                    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    finally:
        server.stop()
    assert calls == []


def test_more_waits_than_threads(monkeypatch: pytest.MonkeyPatch, open_client: Any) -> None:
    """Six clients wait at a server of four threads, and a seventh still gets its answer."""
    server = Server(Service(), Address(port=0), workers=4)
    server.start()
    try:
        url = f"sc://localhost:{server.port}"
        clients = [open_client(url) for _ in range(6)]
        rate = [c.readStream.format("rate").load().writeStream.format("noop").start() for c in clients]
        threads = [threading.Thread(target=query.awaitTermination, daemon=True) for query in rate]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        begun = time.monotonic()
        assert open_client(url).range(3).count() == 3
        assert time.monotonic() - begun < 0.75 * server_module._STREAM_SECONDS, "a wait gave its thread back in time"
        for query in rate:
            query.stop()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        server.stop()
