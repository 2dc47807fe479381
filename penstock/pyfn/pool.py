"""Processes that evaluate Python functions beside this one: `spark.penstock.python.workers` says how many.

Functions of rows and of groups are shared out in the order of their rows, and give what they would give here; functions
that take an iterator see all rows and stay here, as do table functions.  A process is started when it is first needed,
is reached through a socket that it inherits and nobody else has, and ends with the session, or when this process
does."""

from __future__ import annotations

import atexit
import hashlib
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar

from penstock.core.errors import SPARK, SparkError
from penstock.pyfn.parallel import WORKERS
from penstock.pyfn.worker_process import keep

#: How long an end waits before it kills what works.
_SLICE_S = 0.1


class Worker:
    """One process and the connection to it."""

    MODULE = "penstock.pyfn.worker_process"
    ENVIRONMENT: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", self.MODULE, str(theirs.fileno())]
        environment = {
            **os.environ,
            **self.ENVIRONMENT,
            "PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path),
        }
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment)
        theirs.close()
        self._connection = Connection(ours.detach())
        self._known: OrderedDict[bytes, None] = OrderedDict()  # what the process keeps, by the same rule as there

    def send(self, key: bytes, function: bytes, request: Any) -> None:
        """A request for a function, which is sent along when the process does not know it yet."""
        new = None if key in self._known else function
        try:
            self._connection.send_bytes(pickle.dumps((key, new, request), protocol=5))
        except OSError:
            raise self._died() from None
        keep(self._known, key, None)

    def receive(self) -> Any:
        """The answer: (True, result), or (False, the parts of a SparkError)."""
        try:
            return pickle.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise self._died() from None

    def _died(self) -> SparkError:
        code = self.process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        message = (
            f"A Python worker process (pid {self.process.pid}) {how} while it evaluated a function. Its memory may "
            "have run out, or the function ended it. To evaluate functions in the program's own process, set "
            f"{WORKERS} to 0."
        )
        return SparkError("", message, classes=SPARK)

    def close(self) -> None:
        """End the process: it reads the end of its input."""
        self._connection.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pool:
    """The processes of this program; one function is evaluated at a time, by all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for as long as a function is evaluated
        self._workers: list[Worker] = []  # guarded by _lock
        self._released = threading.Event()

    def run(self, count: int, function: bytes, requests: Sequence[Any]) -> list[Any]:
        """The answers to at most `count` requests, in order; raises the first error."""
        key = hashlib.sha256(function).digest()
        with self._lock:
            self._released.clear()
            while len(self._workers) < min(count, len(requests)):
                self._workers.append(Worker())
            try:
                answers = self._asked(key, function, requests)
            except BaseException:  # what is under way can't be told from what comes next
                self._close()
                raise
            if self._released.is_set():
                self._close()
        for is_result, value in answers:
            if not is_result:
                condition, message, params, sqlstate, classes = value
                raise SparkError(condition, message, params, sqlstate=sqlstate, classes=classes)
        return [value for _, value in answers]

    def _asked(self, key: bytes, function: bytes, requests: Sequence[Any]) -> list[Any]:
        workers = self._workers[: len(requests)]
        for worker, request in zip(workers, requests, strict=True):
            worker.send(key, function, request)
        return [worker.receive() for worker in workers]

    def release(self) -> None:
        """End all processes, those at work (perhaps for another session) when they are done; a later call starts new
        ones."""
        self._released.set()
        if self._lock.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._lock.release()

    def close(self) -> None:
        """End all processes, whatever they do: the program ends."""
        while not self._lock.acquire(timeout=_SLICE_S):
            for worker in self._workers.copy():
                worker.process.kill()
        try:
            self._close()
        finally:
            self._lock.release()

    def _close(self) -> None:
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.close()

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        with self._lock:
            return [worker.process.pid for worker in self._workers]


pool = Pool()
atexit.register(pool.close)
