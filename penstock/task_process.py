"""A process that runs tasks of RDDs for the program that started it (rdd/remote.py)."""

from __future__ import annotations

import sys

from penstock import embed
from penstock.rdd.remote_worker import serve

if __name__ == "__main__":
    embed.install_names()  # the program's modules import classic PySpark
    serve(int(sys.argv[1]))
