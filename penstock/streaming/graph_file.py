"""The graph of a program as a file: its streams and functions, pickled by value.

Unpickling runs code.  A graph is read only from a file that belongs to this user and that nobody else may write
(docs/dstreams.md); a directory that others can write to is refused.
"""

from __future__ import annotations

import io
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark import cloudpickle

from penstock.core.files import fs
from penstock.rdd.context import RDDCalls
from penstock.rdd.errors import only_on_driver
from penstock.rdd.nodes import Collection
from penstock.rdd.rdd import RDD

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext
    from penstock.streaming.graph import Graph

NAME = "graph"
_MAGIC = b"penstock dstream graph 1\n"


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Functions by value; the streaming context by name; RDDs that functions use by their elements."""

    def __init__(self, file: io.BytesIO, names: dict[int, str]) -> None:
        super().__init__(file)
        self._names = names

    def persistent_id(self, obj: Any) -> str | None:
        return self._names.get(id(obj))

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, RDD):
            return _rdd_again, (_Context(), obj.glom().collect())
        if isinstance(obj, RDDCalls):
            raise only_on_driver()
        return super().reducer_override(obj)


class _Context:
    """Stands for the SparkContext in a pickled RDD."""

    def __reduce__(self) -> Any:
        return _spark_context, ()


def _spark_context() -> Any:
    from pyspark import SparkContext

    return SparkContext.getOrCreate()


def _rdd_again(context: Any, slices: list[list[Any]]) -> RDD:
    return RDD(Collection(slices), context)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, named: dict[str, Any]) -> None:
        super().__init__(file)
        self._named = named

    def persistent_load(self, pid: str) -> Any:
        return self._named[pid]


def _named(context: StreamingContext) -> dict[str, Any]:
    return {"ssc": context}


def write(directory: Path, context: StreamingContext) -> None:
    """Keep the graph.  What cannot be pickled raises TypeError that names it."""
    buffer = io.BytesIO(_MAGIC)
    buffer.seek(0, io.SEEK_END)
    names = {id(value): name for name, value in _named(context).items()}
    conf = dict(context.sparkContext.getConf().getAll())
    try:
        pickle.dump({"conf": conf, "batch_ms": context.batch_ms}, buffer)
        _Pickler(buffer, names).dump(context.graph)
    except Exception as error:
        raise TypeError(
            "Checkpointing is on, but the streams or the functions in them cannot be pickled: "
            f"{error}. Make what they use inside the function, or leave checkpointing off."
        ) from error
    fs.make_directory(directory)
    fs.write_atomic(directory / NAME, buffer.getvalue())
    (directory / NAME).chmod(0o600)


def read(directory: Path, make: Callable[[dict[str, str], int], StreamingContext]) -> StreamingContext:
    """The context of a graph; `make(conf, batch_ms)` makes it, without streams."""
    path = directory / NAME
    check_trusted(path)
    data = fs.read(path)
    if not data.startswith(_MAGIC):
        raise ValueError(f"{path} is not a graph that this version of Penstock has written")
    buffer = io.BytesIO(data[len(_MAGIC) :])
    settings = pickle.load(buffer)  # the graph needs the context that is made with them
    context = make(settings["conf"], settings["batch_ms"])
    graph: Graph = _Unpickler(buffer, _named(context)).load()
    context.graph = graph
    return context


def check_trusted(path: Path) -> None:
    """The file and its directory belong to this user or root, and nobody else may write to them."""
    if not hasattr(os, "getuid"):
        return
    for place in (path, path.parent):
        found = place.stat()
        if found.st_uid not in (os.getuid(), 0) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(
                f"{place} can be written by others, and reading a graph runs the code in it: "
                "it must belong to you and be writable by nobody else (chmod go-w)"
            )
