"""What programs of classic PySpark call and the client, made for a server, has no more or never had: SQLContext and
HiveContext, the save mode's second names, RDDs of texts as what is read, `spark._jvm`, what spark-submit sets."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any

#: The settings of the command line, as spark-submit has them; those of the program come before them.
submitted: dict[str, str] = {}
_DEPRECATED = "{name} is deprecated: use SparkSession.builder.getOrCreate()."
_SAVE_MODES = {"errorifexists": "error", "default": "error"}


def patch(is_embedded: Callable[[Any], bool]) -> None:
    """Once, when the embedded engine takes the client over; `is_embedded` tells its sessions from a server's."""
    _patch_sql_context()
    _patch_save_modes()
    _patch_readers()
    _patch_jvm(is_embedded)


class _Tables:
    """What SQLContext asks of its counterpart in the JVM, answered by the session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def tableNames(self, database: str | None = None) -> list[str]:  # noqa: N802
        return [table.name for table in self._session.catalog.listTables(database)]

    def cacheTable(self, name: str) -> None:  # noqa: N802
        self._session.catalog.cacheTable(name)

    def uncacheTable(self, name: str) -> None:  # noqa: N802
        self._session.catalog.uncacheTable(name)

    def clearCache(self) -> None:  # noqa: N802
        self._session.catalog.clearCache()

    def refreshTable(self, name: str) -> None:  # noqa: N802
        self._session.catalog.refreshTable(name)


def _patch_sql_context() -> None:
    import pyspark
    from pyspark.sql.context import HiveContext, SQLContext

    pyspark.SQLContext, pyspark.HiveContext = SQLContext, HiveContext

    def begin(self: Any, sparkContext: Any, sparkSession: Any = None, jsqlContext: Any = None) -> None:  # noqa: N803
        if sparkSession is None:
            warnings.warn(_DEPRECATED.format(name=type(self).__name__), FutureWarning, stacklevel=2)
        context = getattr(sparkContext, "sparkContext", sparkContext)  # some programs give a session
        self._sc = context
        self.sparkSession = sparkSession if sparkSession is not None else context._session
        self._jsqlContext = _Tables(self.sparkSession)
        if SQLContext._instantiatedContext is None or SQLContext._instantiatedContext._sc is not context:
            SQLContext._instantiatedContext = self

    def get_or_create(cls: Any, /, sc: Any, **_: Any) -> Any:
        known = SQLContext._instantiatedContext
        return known if known is not None and known._sc is sc else cls(sc, sc._session)

    def tables(self: Any, dbName: str | None = None) -> Any:  # noqa: N803
        return self.sparkSession.sql(f"SHOW TABLES IN `{dbName}`" if dbName else "SHOW TABLES")

    def create(self: Any, data: Any, schema: Any = None, samplingRatio: Any = None, verifySchema: bool = True) -> Any:  # noqa: N803
        further = {} if verifySchema else {"verifySchema": False}  # the client warns of the mere argument
        return self.sparkSession.createDataFrame(data, schema, samplingRatio, **further)

    SQLContext.createDataFrame = create
    for kind in (SQLContext, HiveContext):
        kind.__init__ = begin
        kind._get_or_create = classmethod(get_or_create)
    SQLContext.tables = tables
    SQLContext.streams = property(lambda self: self.sparkSession.streams)


def _patch_save_modes() -> None:
    from pyspark.sql.connect.readwriter import DataFrameWriter

    mode = DataFrameWriter.mode

    def named(self: Any, saveMode: str | None) -> Any:  # noqa: N803
        return mode(self, _SAVE_MODES.get(saveMode.lower(), saveMode) if saveMode else saveMode)

    named.__doc__ = mode.__doc__
    DataFrameWriter.mode = named


def _patch_readers() -> None:
    """`spark.read.json(rdd)`, `.csv(rdd)` and `.xml(rdd)`: each element is a text, as in a DataFrame of one column."""
    from pyspark.sql.connect.readwriter import DataFrameReader

    for name in ("json", "csv", "xml"):
        setattr(DataFrameReader, name, _reads_texts(getattr(DataFrameReader, name)))


def _reads_texts(read: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(read)
    def reads(self: Any, path: Any, *args: Any, **options: Any) -> Any:
        rdds = sys.modules.get("penstock.rdd.rdd")  # not loaded: then nobody has an RDD
        return read(self, _texts(path) if rdds is not None and isinstance(path, rdds.RDD) else path, *args, **options)

    return reads


def _texts(rdd: Any) -> Any:
    rows = rdd.map(lambda element: (element if isinstance(element, str) else str(element),))
    return rdd.ctx._session.createDataFrame(rows, "value string")


def _patch_jvm(is_embedded: Callable[[Any], bool]) -> None:
    from pyspark.sql.connect.session import SparkSession
    from pyspark.sql.session import SparkSession as Entry

    def names(self: Any) -> Any:
        return self.sparkContext._jvm if is_embedded(self) else self.__getattr__("_jvm")

    SparkSession._jvm = property(names)
    Entry.newSession = SparkSession.newSession  # `SparkSession.newSession(spark)`
