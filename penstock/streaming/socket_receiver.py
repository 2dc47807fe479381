"""Lines from a TCP server."""

from __future__ import annotations

import contextlib
import socket
import threading

from pyspark.storagelevel import StorageLevel

from penstock.streaming.receiver import Receiver


class SocketReceiver(Receiver):
    """Connects, takes in lines, and connects again when the connection is lost."""

    def __init__(self, host: str, port: int, level: StorageLevel) -> None:
        super().__init__(level)
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def onStart(self) -> None:  # noqa: N802
        """Connect in a thread of its own."""
        threading.Thread(target=self._receive, name="penstock socket receiver", daemon=True).start()

    def onStop(self) -> None:  # noqa: N802
        """Close the connection; the thread ends."""
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):  # the other side was first
                connection.shutdown(socket.SHUT_RDWR)  # who waits for data does not notice a close alone
            connection.close()

    def _receive(self) -> None:
        host, port = self._address
        try:
            connection = self._socket = socket.create_connection(self._address)
        except OSError as error:
            self.restart(f"Error connecting to {host}:{port}", error)
            return
        try:
            if not self.isStopped():  # while it connected
                self._take_lines(connection)
        except Exception as error:  # not only of the socket: the log refuses what comes when the context has stopped
            if not self.isStopped():
                self.restart("Error receiving data", error)
            return
        finally:
            connection.close()
        if not self.isStopped():
            self.restart(f"The server at {host}:{port} closed the connection")

    def _take_lines(self, connection: socket.socket) -> None:
        rest = b""
        while data := connection.recv(1 << 16):
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                self.store([line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines])
        if rest and not self.isStopped():
            self.store([rest.decode("utf-8", "replace")])
