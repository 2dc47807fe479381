import socket
import threading
import time
from contextlib import contextmanager

import pytest
from reading import batch, stream

from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan.nodes import Read
from penstock.sources import registry


@contextmanager
def served():
    """A connection to be accepted by the test: yields (options, accept)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        host, port = server.getsockname()
        yield {"host": host, "port": str(port)}, lambda: server.accept()[0]


def opened(tmp_path, options, **context):
    relation = registry.resolve(Read("socket", options, streaming=True), Conf())
    return stream(relation, tmp_path, **context)


def wait_for(source, offset):
    deadline = time.monotonic() + 120
    while source.latest_offset(None) != offset:
        assert time.monotonic() < deadline, source.latest_offset(None)
        time.sleep(0.005)


def test_lines(tmp_path):
    woken = threading.Event()
    with served() as (options, accept):
        source = opened(tmp_path, {**options, "includeTimestamp": "true"}, wake=woken.set)
        with accept() as connection:
            assert source.latest_offset(None) == "-1"
            connection.sendall("a\nbé\r\npart".encode())
            wait_for(source, "1")
            assert woken.wait(120)  # right after the line can be read
            assert batch(source, None, "1", "value") == [("a",), ("bé",)]
            assert batch(source, "0", "1", "value", "timestamp")[0][1].timestamp() == 1_700_000_000
            source.commit("0")
            with pytest.raises(SparkError, match="cannot be read again"):
                batch(source, None, "1", "value")
            assert batch(source, "0", "1", "value") == [("bé",)]
            assert source.row_count("0", "1") == 1
        wait_for(source, "2")
        assert batch(source, "1", "2", "value") == [("part",)]
        source.stop()


def test_stop_while_reading(tmp_path):
    with served() as (options, accept):
        source = opened(tmp_path, options)
        with accept():
            source.stop()
            source._reader.join(120)
            assert not source._reader.is_alive()


def test_errors(tmp_path):
    with socket.socket() as held:  # bound and not listening: nobody else gets the port meanwhile
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(SparkError, match=f"127.0.0.1:{port}"):
            opened(tmp_path, {"host": "127.0.0.1", "port": str(port)})
    with pytest.raises(SparkError, match="'port'"):
        opened(tmp_path, {"host": "127.0.0.1"})
    with pytest.raises(SparkError, match="'port'"):
        opened(tmp_path, {"host": "x", "port": "http"})
