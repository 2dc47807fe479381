"""Stateful queries: what a restart may change, what may stand over what, what they tell of themselves.  Asked of real
Spark (make_stateful.py) and of Penstock."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor

_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]{6,}(?:\.[A-Z0-9_]+)?)\]")
_ALWAYS = {"STREAM_FAILED", "FOREACH_BATCH_USER_FUNCTION_ERROR"}


def plain(value: Any) -> Any:
    """A value of a row as JSON can hold it."""
    if isinstance(value, Row):
        return [plain(item) for item in value]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return sorted(([plain(k), plain(v)] for k, v in value.items()), key=repr)
    if isinstance(value, float):
        return repr(round(value, 9))
    return value if isinstance(value, (bool, int, str, type(None))) else str(value)


def conditions(error: BaseException) -> list[str]:
    """The conditions that an error and its causes name."""
    own = getattr(error, "getCondition", lambda: None)()
    found = {own, *_CONDITION.findall(str(error))} - _ALWAYS - {None}
    return sorted(found) or [type(error).__name__]


class Place:
    """Where a case has its files: `write` adds input, `read` is the stream of one file a batch."""

    def __init__(self, spark: Any, root: Path) -> None:
        self.spark, self.root = spark, root
        self._written: dict[str, int] = {}

    def write(self, *files: list[dict[str, Any]], name: str = "in") -> None:
        """One file each, of rows."""
        directory = self.root / name
        directory.mkdir(parents=True, exist_ok=True)
        for rows in files:
            number = self._written.get(name, 0)
            self._written[name] = number + 1
            path = directory / f"{number:03d}.json"
            hidden = path.with_name("." + path.name)
            hidden.write_text("".join(json.dumps(row) + "\n" for row in rows))
            os.utime(hidden, (1_700_000_000 + number,) * 2)
            hidden.rename(path)

    def read(self, schema: str = "t timestamp, k string, n int", name: str = "in") -> Any:
        """The stream."""
        (self.root / name).mkdir(parents=True, exist_ok=True)
        return self.spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).json(str(self.root / name))

    def run(self, frame: Any, mode: str = "append", name: str = "checkpoint", **options: str) -> dict[str, Any]:
        """Run to the end of the input: the rows of each batch, or what refuses it."""
        batches: list[list[Any]] = []

        def keep(batch: Any, number: int) -> None:
            batches.append(sorted((plain(row) for row in batch.collect()), key=repr))

        self.query = None
        try:
            writer = frame.writeStream.outputMode(mode).foreachBatch(keep).options(**options)
            writer = writer.option("checkpointLocation", str(self.root / name)).trigger(availableNow=True)
            self.query = writer.start()
            self.query.awaitTermination()
        except Exception as error:
            return {"refused": conditions(error)}
        return {"rows": batches}


def at(second: int, k: str | None = None, n: int | None = None) -> dict[str, Any]:
    """A row."""
    return {"t": f"2026-03-01T10:{second // 60:02d}:{second % 60:02d}.000Z", "k": k, "n": n}


# ---------------------------------------------------------------- a restart with other state variables


class Keeps(StatefulProcessor):
    """One state variable: gives what it held, then sets it to `value`."""

    def __init__(
        self, kind: str, schema: str, value: tuple[Any, ...], key: str = "n int", ttl: int | None = None
    ) -> None:
        self.kind, self.schema, self.value, self.key, self.ttl = kind, schema, value, key, ttl

    def init(self, handle: Any) -> None:
        if self.kind == "value":
            self.x = handle.getValueState("x", self.schema, self.ttl)
        elif self.kind == "list":
            self.x = handle.getListState("x", self.schema, self.ttl)
        else:
            self.x = handle.getMapState("x", self.key, self.schema, self.ttl)

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
        for _ in rows:
            pass
        if self.kind == "value":
            seen = self.x.get()
            self.x.update(self.value)
        elif self.kind == "list":
            seen = list(self.x.get())
            self.x.put([self.value])
        else:
            seen = sorted(((tuple(k), tuple(v)) for k, v in self.x.iterator()), key=repr)
            self.x.updateValue((1,), self.value)
        yield Row(k=str(key[0]), seen=str(seen if seen is None or self.kind != "value" else tuple(seen)))


def variable(*args: Any, **more: Any) -> Keeps:
    """A processor with one variable."""
    return Keeps(*args, **more)


Change = tuple[Callable[[], Keeps], ...]

#: What a state variable is before and after a restart.
VARIABLES: dict[str, Change] = {}


for _kind in ("value", "list", "map"):
    for _name, _before, _after in (
        ("same", ("a int, b string", (1, "x")), ("a int, b string", (2, "y"))),
        ("a field added", ("a int", (1,)), ("a int, b string", (2, "y"))),
        ("a field added before", ("a int", (1,)), ("b string, a int", ("y", 2))),
        ("a field removed", ("a int, b string", (1, "x")), ("a int", (2,))),
        ("the first field removed", ("a int, b string", (1, "x")), ("b string", ("y",))),
        ("reordered", ("a int, b string", (1, "x")), ("b string, a int", ("y", 2))),
        ("int to long", ("a int", (1,)), ("a long", (2,))),
    ):
        VARIABLES[f"{_kind}/{_name}"] = (
            lambda k=_kind, b=_before: variable(k, *b),
            lambda k=_kind, a=_after: variable(k, *a),
        )
for _name, _before, _after in (
    ("renamed", ("a int", (1,)), ("z int", (2,))),
    ("one renamed of two", ("a int, b string", (1, "x")), ("a int, c string", (2, "y"))),
    ("reordered of one type", ("a int, b int", (1, 2)), ("b int, a int", (3, 4))),
    ("added and removed", ("a int, b string", (1, "x")), ("a int, c double", (2, 0.5))),
    ("other case", ("a int", (1,)), ("A int", (2,))),
    ("long to int", ("a long", (1,)), ("a int", (2,))),
    ("int to float", ("a int", (1,)), ("a float", (2.0,))),
    ("int to double", ("a int", (1,)), ("a double", (2.0,))),
    ("long to double", ("a long", (1,)), ("a double", (2.0,))),
    ("float to double", ("a float", (1.5,)), ("a double", (2.0,))),
    ("double to float", ("a double", (1.5,)), ("a float", (2.0,))),
    ("short to int", ("a short", (1,)), ("a int", (2,))),
    ("byte to short", ("a byte", (1,)), ("a short", (2,))),
    ("int to short", ("a int", (1,)), ("a short", (2,))),
    ("int to string", ("a int", (1,)), ("a string", ("2",))),
    ("string to int", ("a string", ("1",)), ("a int", (2,))),
    ("string to binary", ("a string", ("1",)), ("a binary", (b"2",))),
    ("binary to string", ("a binary", (b"1",)), ("a string", ("2",))),
    ("int to boolean", ("a int", (1,)), ("a boolean", (True,))),
    ("int to date", ("a int", (1,)), ("a date", (None,))),
    ("long to timestamp", ("a long", (1,)), ("a timestamp", (None,))),
    ("decimal grows", ("a decimal(10,2)", (None,)), ("a decimal(12,2)", (None,))),
    ("in a struct: added", ("s struct<a: int>", (Row(a=1),)), ("s struct<a: int, b: string>", (Row(a=2, b="y"),))),
    ("in a struct: removed", ("s struct<a: int, b: string>", (Row(a=1, b="x"),)), ("s struct<a: int>", (Row(a=2),))),
    ("in a struct: int to long", ("s struct<a: int>", (Row(a=1),)), ("s struct<a: long>", (Row(a=2),))),
    ("in a struct: int to string", ("s struct<a: int>", (Row(a=1),)), ("s struct<a: string>", (Row(a="2"),))),
    ("in an array: int to long", ("s array<int>", ([1],)), ("s array<long>", ([2],))),
    ("in a map: int to long", ("s map<string, int>", ({"k": 1},)), ("s map<string, long>", ({"k": 2},))),
):
    VARIABLES[f"value/{_name}"] = (lambda b=_before: variable("value", *b), lambda a=_after: variable("value", *a))
VARIABLES |= {
    "kind/value to list": (lambda: variable("value", "a int", (1,)), lambda: variable("list", "a int", (2,))),
    "kind/list to value": (lambda: variable("list", "a int", (1,)), lambda: variable("value", "a int", (2,))),
    "kind/value to map": (lambda: variable("value", "a int", (1,)), lambda: variable("map", "a int", (2,))),
    "kind/map to value": (lambda: variable("map", "a int", (1,)), lambda: variable("value", "a int", (2,))),
    "key/int to long": (lambda: variable("map", "a int", (1,)), lambda: variable("map", "a int", (2,), key="n long")),
    "key/renamed": (lambda: variable("map", "a int", (1,)), lambda: variable("map", "a int", (2,), key="m int")),
    "key/int to string": (
        lambda: variable("map", "a int", (1,), key="n int"),
        lambda: variable("map", "a int", (2,), key="n string"),
    ),
    "ttl/added": (lambda: variable("value", "a int", (1,)), lambda: variable("value", "a int", (2,), ttl=10**9)),
    "ttl/removed": (lambda: variable("value", "a int", (1,), ttl=10**9), lambda: variable("value", "a int", (2,))),
    "ttl/longer": (
        lambda: variable("value", "a int", (1,), ttl=10**9),
        lambda: variable("value", "a int", (2,), ttl=10**10),
    ),
    "three/removed and added again": (
        lambda: variable("value", "a int, b int", (1, 2)),
        lambda: variable("value", "a int", (3,)),
        lambda: variable("value", "a int, b int", (4, 5)),
    ),
    "three/removed and added with another type": (
        lambda: variable("value", "a int, b int", (1, 2)),
        lambda: variable("value", "a int", (3,)),
        lambda: variable("value", "a int, b string", (4, "5")),
    ),
    "three/added and removed": (
        lambda: variable("value", "a int", (1,)),
        lambda: variable("value", "a int, b string", (3, "x")),
        lambda: variable("value", "a int", (4,)),
    ),
    "three/int to long to double": (
        lambda: variable("value", "a int", (1,)),
        lambda: variable("value", "a long", (3,)),
        lambda: variable("value", "a double", (4.5,)),
    ),
    "ttl/list added": (lambda: variable("list", "a int", (1,)), lambda: variable("list", "a int", (2,), ttl=10**9)),
}


def evolved(place: Place, change: Change) -> dict[str, Any]:
    """What the last run gives."""
    # Spark would go on with batches without data for ever, as a time to live may end.
    place.spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    mode = "ProcessingTime" if any(make().ttl for make in change) else "None"
    for number, make in enumerate(change):
        place.write([at(number, "a", 1)])
        frame = place.read().groupBy("k").transformWithState(make(), "k string, seen string", "Update", mode)
        found = place.run(frame, "update")
        if number == 0 and found != {"rows": [[["a", "None" if make().kind == "value" else "[]"]]]}:
            return {"first": found}
    return found


# ---------------------------------------------------------------- a restart with another query


Query = Callable[[Place], Any]


def _tws(key: str = "k", mode: str = "Update", time: str = "None") -> Query:
    def query(place: Place) -> Any:
        if time == "ProcessingTime":  # see `evolved`
            place.spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
        processor = variable("value", "a int", (1,))
        return place.read().groupBy(key).transformWithState(processor, "k string, seen string", mode, time)

    return query


def _count(key: Any, frames: Any, state: Any) -> Any:
    import pandas as pd

    seen = state.getOption
    total = sum(len(frame) for frame in frames)
    state.update((total,) if len(state._value_schema) == 1 else (total, "s"))
    yield pd.DataFrame({"k": [key[0]], "seen": [str(seen)]})


def _apply(schema: str) -> Query:
    return lambda p: (
        p.read().groupBy("k").applyInPandasWithState(_count, "k string, seen string", schema, "update", "NoTimeout")
    )


def _late(place: Place, name: str = "in") -> Any:
    return place.read(name=name).withWatermark("t", "10 seconds")


def _join(*columns: str, kind: str = "inner", key: str = "k = r") -> Query:
    def query(place: Place) -> Any:
        right = _late(place, "right").selectExpr("t AS u", "k AS r", *columns)
        near = F.expr(f"{key} AND u BETWEEN t AND t + INTERVAL 5 SECONDS")
        return _late(place).select("t", "k", "n").join(right, near, kind)

    return query


def _by(keys: str, *calls: str) -> Query:
    """Aggregates by keys: one or several expressions."""
    found = [key for key in keys.split("; ") if key]
    return lambda p: p.read().groupBy(*map(F.expr, found)).agg(*map(F.expr, calls or ("count(*)",)))


def _windows(size: str) -> Query:
    return lambda p: _late(p).groupBy(F.window("t", size)).count()


def _sessions(gap: str, key: str) -> Query:
    return lambda p: _late(p).groupBy(F.session_window("t", gap), key).count()


def _unique(*keys: str, n: str = "n") -> Query:
    return lambda p: p.read().withColumn("n", F.expr(n)).dropDuplicates(list(keys))


def _rows(place: Place) -> Any:
    return place.read()


#: name: (output mode, the query before, the query after [, its output mode]).
QUERIES: dict[str, tuple[Any, ...]] = {
    "aggregate/same": ("update", _by("k", "sum(n)"), _by("k", "sum(n)")),
    "aggregate/key renamed": ("update", _by("k"), _by("k AS z")),
    "aggregate/another key": ("update", _by("k"), _by("k; n")),
    "aggregate/one key less": ("update", _by("k; n"), _by("k")),
    "aggregate/keys in another order": ("update", _by("k; n"), _by("n; k")),
    "aggregate/key type": ("update", _by("n"), _by("cast(n AS long) AS n")),
    "aggregate/no key": ("update", _by("k"), _by("")),
    "aggregate/one more": ("update", _by("k", "sum(n)"), _by("k", "sum(n)", "max(n)")),
    "aggregate/one less": ("update", _by("k", "sum(n)", "max(n)"), _by("k", "sum(n)")),
    "aggregate/another of one type": ("update", _by("k", "min(n)"), _by("k", "max(n)")),
    "aggregate/order of two types": ("update", _by("k", "max(n)", "max(t)"), _by("k", "max(t)", "max(n)")),
    "aggregate/other type": ("update", _by("k", "max(n)"), _by("k", "max(cast(n AS long))")),
    "aggregate/sum of doubles": ("update", _by("k", "sum(n)"), _by("k", "sum(n + 0.5d)")),
    "aggregate/count to sum": ("update", _by("k", "count(n)"), _by("k", "sum(n)")),
    "aggregate/window length": ("update", _windows("10 seconds"), _windows("5 seconds")),
    "aggregate/append to update": ("append", _windows("10 seconds"), _windows("10 seconds"), "update"),
    "aggregate/rollup": ("update", _by("k"), lambda p: p.read().rollup("k").count()),
    "aggregate/window to session": (
        "append",
        lambda p: _late(p).groupBy(F.window("t", "10 seconds"), "k").count(),
        _sessions("5 seconds", "k"),
    ),
    "unique/same": ("append", _unique("k"), _unique("k")),
    "unique/another key": ("append", _unique("k"), _unique("n")),
    "unique/one more": ("append", _unique("k"), _unique("k", "n")),
    "unique/other order": ("append", _unique("k", "n"), _unique("n", "k")),
    "unique/key type": ("append", _unique("n"), _unique("n", n="cast(n AS long)")),
    "unique/within watermark": (
        "append",
        lambda p: _late(p).dropDuplicates(["k"]),
        lambda p: _late(p).dropDuplicatesWithinWatermark(["k"]),
    ),
    "unique/to a count": ("append", _unique("k"), _by("k"), "update"),
    "join/same": ("append", _join("n AS m"), _join("n AS m")),
    "join/a column more": ("append", _join("n AS m"), _join("n AS m", "n AS o")),
    "join/a column less": ("append", _join("n AS m", "n AS o"), _join("n AS m")),
    "join/a column's type": ("append", _join("n AS m"), _join("cast(n AS string) AS m")),
    "join/renamed": ("append", _join("n AS m"), _join("n AS x")),
    "join/another key": ("append", _join("n AS m"), _join("n AS m", key="n = m")),
    "join/inner to left": ("append", _join("n AS m"), _join("n AS m", kind="left")),
    "join/left to full": ("append", _join("n AS m", kind="left"), _join("n AS m", kind="full")),
    "join/to an aggregate": ("append", _join("n AS m"), _windows("10 seconds")),
    "join/an aggregate above": (
        "append",
        _join("n AS m"),
        lambda p: _join("n AS m")(p).groupBy(F.window("t", "10 seconds")).count(),
    ),
    "session/another key": ("append", _sessions("5 seconds", "k"), _sessions("5 seconds", "n")),
    "session/gap": ("append", _sessions("5 seconds", "k"), _sessions("9 seconds", "k")),
    "apply/same": ("update", _apply("c int"), _apply("c int")),
    "apply/a field added": ("update", _apply("c int"), _apply("c int, s string")),
    "apply/a field removed": ("update", _apply("c int, s string"), _apply("c int")),
    "apply/int to long": ("update", _apply("c int"), _apply("c long")),
    "apply/renamed": ("update", _apply("c int"), _apply("d int")),
    "processor/another key": ("update", _tws(), _tws("n")),
    "processor/time mode": ("update", _tws(), _tws(time="ProcessingTime")),
    "processor/output mode": ("update", _tws(), _tws(mode="Append"), "append"),
    "stateless to a count": ("update", _rows, _by("k")),
    "a count to stateless": ("update", _by("k"), _rows),
    "limit to a count": ("append", lambda p: p.read().limit(2), _by("k"), "update"),
    "limit/larger": ("append", lambda p: p.read().limit(1), lambda p: p.read().limit(3)),
}


def changed(place: Place, case: tuple[Any, ...]) -> dict[str, Any]:
    """What the second run gives."""
    mode, before, after, *rest = case
    place.write([at(1, "a", 1), at(2, "b", 2)])
    place.write([at(1, "a", 1), at(3, "b", 2)], name="right")
    first = place.run(before(place), mode)
    if "refused" in first:
        return {"first": first}
    place.write([at(3, "a", 3), at(4, "c", 4)])
    place.write([at(4, "a", 3), at(5, "c", 4)], name="right")
    return place.run(after(place), rest[0] if rest else mode)
