"""Python functions that a client hands over: unpickled, or the very objects when client and server are one process."""

from __future__ import annotations

import threading
import weakref
from typing import Any
from uuid import uuid4

_PREFIX = b"penstock-object:"


class Remembered:
    """Objects of this process under a token that goes in place of their pickled bytes."""

    def __init__(self) -> None:
        self._objects: dict[bytes, Any] = {}
        self._lock = threading.Lock()

    def remember(self, value: Any, owner: Any) -> bytes:
        """A token for `value`, good for as long as `owner` lives."""
        token = _PREFIX + uuid4().bytes
        with self._lock:
            self._objects[token] = value
        weakref.finalize(owner, self._objects.pop, token, None).atexit = False
        return token

    def load(self, command: bytes) -> Any:
        """The object behind a token; other bytes are unpickled, which runs whatever the client has put there: the
        transport lets nobody through who has not authenticated."""
        if command.startswith(_PREFIX):
            return self._objects[command]
        from pyspark.serializers import CloudPickleSerializer

        return CloudPickleSerializer().loads(command)


objects = Remembered()
