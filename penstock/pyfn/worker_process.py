"""The other end of `penstock.pyfn.pool`: reads requests from the socket whose number it is given, until that closes."""

from __future__ import annotations

import pickle
import signal
import sys
from collections import OrderedDict
from multiprocessing.connection import Connection
from typing import Any

from penstock.core.errors import SparkError
from penstock.pyfn.errors import python_exception

#: Functions that are kept: a stream may bring new ones with every batch.
_KEPT = 64


def keep(known: OrderedDict[bytes, Any], key: bytes, value: Any) -> None:
    """Enter what is used now, and forget what has not been used for longest."""
    known[key] = value
    known.move_to_end(key)
    while len(known) > _KEPT:
        known.popitem(last=False)


def main(descriptor: int) -> None:
    """Serve until there is nobody to serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's business; it ends this process
    connection = Connection(descriptor)
    functions: OrderedDict[bytes, bytes | None] = OrderedDict()
    ready: OrderedDict[bytes, Any] = OrderedDict()
    while True:
        try:
            key, function, request = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        keep(functions, key, functions.get(key) if function is None else function)
        connection.send_bytes(pickle.dumps(_answer(key, functions, ready, request), protocol=5))


def _answer(
    key: bytes, functions: OrderedDict[bytes, bytes | None], ready: OrderedDict[bytes, Any], request: Any
) -> tuple[bool, Any]:
    try:
        if key not in ready:
            keep(ready, key, pickle.loads(functions[key] or b"").open())
        return True, ready[key](request)
    except SparkError as error:
        return False, (error.condition, error.message, error.params, error.sqlstate, error.classes)
    except BaseException as error:
        shown = python_exception(error)
        return False, (shown.condition, shown.message, shown.params, shown.sqlstate, shown.classes)


if __name__ == "__main__":
    main(int(sys.argv[1]))
