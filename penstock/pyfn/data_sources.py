"""Python Data Sources (`spark.dataSource.register`): the user's classes as relations and writers of this engine.

pyspark's own code turns what they yield into Arrow, and checks it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from penstock.core.errors import SPARK, SparkError, analysis_error
from penstock.engine.types import arrow_schema, from_spark_arrow
from penstock.plan.types import StructType
from penstock.pyfn.errors import user_code, user_traceback
from penstock.sources.base import Scan, StreamContext, StreamSource
from penstock.sql import parse_schema

PUSHDOWN = "spark.sql.python.filterPushdown.enabled"
#: How many rows of tuples make an Arrow batch.
_BATCH_ROWS = 10_000


@contextmanager
def planning(action: str, kind: str) -> Iterator[None]:
    """What the block raises becomes PYTHON_DATA_SOURCE_ERROR with the user's traceback."""
    try:
        yield
    except SparkError:
        raise
    except Exception as error:
        shown = user_traceback(error)
        message = f"The Python data source could not {action} its {kind}: {shown}"
        params = {"action": action, "type": kind, "msg": shown}
        raise analysis_error("PYTHON_DATA_SOURCE_ERROR", message, "38000", **params) from error


@contextmanager
def streaming(action: str) -> Iterator[None]:
    """What the block raises becomes PYTHON_STREAMING_DATA_SOURCE_RUNTIME_ERROR with the user's traceback."""
    try:
        yield
    except SparkError:
        raise
    except Exception as error:
        shown = user_traceback(error)
        message = f"The Python data source failed in {action}: {shown}"
        params = {"action": action, "msg": shown}
        condition = "PYTHON_STREAMING_DATA_SOURCE_RUNTIME_ERROR"
        raise SparkError(condition, message, params, sqlstate="38000", classes=SPARK) from error


def mismatch(expected: str, actual: object) -> Exception:
    """pyspark's error for an object of another type than the protocol says."""
    from pyspark.errors import PySparkAssertionError

    params = {"expected": expected, "actual": f"'{type(actual).__name__}'"}
    error: Exception = PySparkAssertionError(errorClass="DATA_SOURCE_TYPE_MISMATCH", messageParameters=params)
    return error


@dataclass(frozen=True)
class PythonDataSource:
    """A registered class."""

    name: str
    cls: Any

    def open(self, options: Mapping[str, str | None], paths: Sequence[str] = ()) -> Any:
        """An instance with these options; paths are the option `path`, or `paths` as a JSON list."""
        import json

        from pyspark.sql.datasource import CaseInsensitiveDict, DataSource

        given = CaseInsensitiveDict({key: value for key, value in options.items() if value is not None})
        if len(paths) == 1:
            given["path"] = paths[0]
        elif paths:
            given["paths"] = json.dumps(list(paths))
        with planning("create", "instance"):
            cls: Any = self.cls
            if not (isinstance(cls, type) and issubclass(cls, DataSource)):
                raise mismatch("a subclass of DataSource", self.cls)
            if not inspect.ismethod(cls.name):  # type: ignore[attr-defined]
                raise mismatch("'name()' method to be a classmethod", cls.name)  # type: ignore[attr-defined]
            return cls(options=given)

    def relation(
        self,
        options: Mapping[str, str | None],
        paths: Sequence[str],
        schema: StructType | None,
        conf: Mapping[str, str],
    ) -> PythonRelation:
        """The relation of `spark.read.format(name)` or `spark.readStream.format(name)`."""
        source = self.open(options, paths)
        return PythonRelation(source, schema or _own_schema(source), conf)


def _own_schema(source: Any) -> StructType:
    with planning("create", "instance"):
        found = source.schema()
        if found is None:
            raise mismatch("schema() to give a StructType or a DDL string", found)
    return parse_schema(found) if isinstance(found, str) else found


@dataclass(frozen=True, eq=False)
class PythonRelation:
    """One instance of the user's class with its schema known; `filters` are pyspark's, which the reader may heed."""

    source: Any
    schema: StructType
    conf: Mapping[str, str]
    filters: tuple[Any, ...] = ()

    def with_filters(self, filters: Sequence[Any]) -> PythonRelation:
        """The same rows, of which only those are needed that the filters let through."""
        return replace(self, filters=(*self.filters, *filters))

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        """All partitions, one after the other."""
        reader = self._reader()
        with planning("plan", "read"):
            partitions = _partitions(reader)
        batches = [batch for partition in partitions for batch in read_partition(self, reader, partition)]
        return Scan(table=chosen(batches, self.schema, columns))

    def open_stream(self, context: StreamContext) -> StreamSource:
        from penstock.pyfn.data_source_streams import PythonStream

        return PythonStream(self, context)

    def _reader(self) -> Any:
        from pyspark.errors import PySparkAssertionError, PySparkValueError
        from pyspark.sql.datasource import DataSourceReader

        with planning("plan", "read"):
            reader = self.source.reader(schema=self.schema)
            if not isinstance(reader, DataSourceReader):
                raise mismatch("an instance of DataSourceReader", reader)
            pushes = getattr(reader.pushFilters, "__func__", None) is not DataSourceReader.pushFilters
            if pushes and not pushdown_enabled(self.conf):
                params = {"type": type(reader).__name__, "conf": PUSHDOWN}
                raise PySparkAssertionError(errorClass="DATA_SOURCE_PUSHDOWN_DISABLED", messageParameters=params)
            if self.filters:
                left = [id(kept) for kept in reader.pushFilters(list(self.filters))]
                if extra := set(left) - {id(given) for given in self.filters}:
                    params = {
                        "type": type(reader).__name__,
                        "input": str(list(self.filters)),
                        "extraneous": str(len(extra)),
                    }
                    raise PySparkValueError(errorClass="DATA_SOURCE_EXTRANEOUS_FILTERS", messageParameters=params)
        return reader


def pushdown_enabled(conf: Mapping[str, str]) -> bool:
    """Whether readers are told of filters."""
    return str(conf.get(PUSHDOWN, "false")).strip().lower() == "true"


def _partitions(reader: Any) -> list[Any]:
    from pyspark.sql.datasource import InputPartition

    try:
        partitions = reader.partitions()
    except NotImplementedError:  # what the base class of older programs raises
        partitions = []
    if not isinstance(partitions, list):
        raise mismatch("'partitions' to return a list", partitions)
    for partition in partitions:
        if not isinstance(partition, InputPartition):
            raise mismatch("elements in 'partitions' to be of type 'InputPartition'", partition)
    return partitions or [InputPartition(None)]


def read_partition(relation: PythonRelation, reader: Any, partition: Any) -> list[pa.RecordBatch]:
    """What a reader yields for a partition, tuples or Arrow batches, as Arrow batches of the schema."""
    from pyspark.errors import PySparkRuntimeError

    with user_code():
        rows = reader.read(partition)
        if not isinstance(rows, Iterator):
            params = {"type": type(rows).__name__, "name": relation.source.name(), "supported_types": "iterator"}
            raise PySparkRuntimeError(errorClass="DATA_SOURCE_INVALID_RETURN_TYPE", messageParameters=params)
        return as_batches(relation, rows)


def as_batches(relation: PythonRelation, rows: Iterator[Any]) -> list[pa.RecordBatch]:
    """Tuples, Rows, lists or Arrow batches as Arrow batches of the relation's schema."""
    from pyspark.sql.worker.plan_data_source_read import records_to_arrow_batches

    size = int(relation.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch", str(_BATCH_ROWS)) or 0)
    size = size if size > 0 else _BATCH_ROWS
    return list(records_to_arrow_batches(rows, size, relation.schema, relation.source))


def chosen(batches: Sequence[pa.RecordBatch], schema: StructType, columns: Sequence[tuple[str, str]]) -> pa.Table:
    """The columns asked for, (field name, SQL name), in the engine's types; names of fields may repeat."""
    arrow = arrow_schema(schema)
    table = pa.Table.from_batches(batches) if batches else arrow.empty_table()
    names = schema.fieldNames()
    places = [names.index(name) for name, _ in columns]
    wanted = StructType([schema[place] for place in places])
    return from_spark_arrow(table.select(places), wanted, [sql_name for _, sql_name in columns])
