"""A process that has imported everything and forks one child a run, so that hundreds of kills cost no start each.

usage: host.py   -- reads a line of JSON {"arguments": [...], "env": {...}, "out": PATH} a run from standard input and
answers each with the child's exit code (negative: the signal that ended it).  The child is a process of its own with a
session of its own; it shares nothing with the others but imported modules.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import sys
from typing import Any

import duckdb  # noqa: F401
import pyarrow.compute  # noqa: F401
import pyspark.sql.connect.session  # noqa: F401

import penstock.cli
import penstock.embed
from penstock.core import faults


def import_all() -> None:
    for package in ("analysis", "checkpoint", "connect", "engine", "functions", "operators", "plan", "pyfn", "runtime",
                    "sinks", "sources", "state", "translate"):  # fmt: skip
        for module in pkgutil.iter_modules([os.path.join(penstock.__path__[0], package)]):
            with contextlib.suppress(ImportError):  # of an extra: the child imports what it needs
                importlib.import_module(f"penstock.{package}.{module.name}")


def child(run: dict[str, Any]) -> None:
    out = os.open(run["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(run["env"])
    faults._arm_from_environment()
    sys.exit(penstock.cli.main(["run", *run["arguments"]]))


def main() -> None:
    import_all()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


main()
