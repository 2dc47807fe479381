"""The settings that Spark 4.2 defines and that programs, its client or Penstock read: default value and kind of each.

A key that is not here can still be set and read, as in Spark; it just has no default and is not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Entry:
    """One setting.  `default` None means undefined.  kind: "string", "int", "boolean", "double", "time", "bytes".
    `options`: the only values accepted (upper case), in the order in which Spark names them."""

    default: str | None
    kind: str = "string"
    options: tuple[str, ...] = ()
    positive: bool = False


def _flags(value: str, *keys: str) -> dict[str, Entry]:
    return {key: Entry(value, "boolean") for key in keys}


_SQL = "spark.sql."
_STREAMING = "spark.sql.streaming."

_CLIENT: dict[str, Entry] = {
    "spark.connect.session.planCompression.threshold": Entry("10485760", "int"),
    "spark.connect.session.planCompression.defaultAlgorithm": Entry("ZSTD", options=("ZSTD", "NONE")),
    _SQL + "session.localRelationCacheThreshold": Entry("1048576", "int"),
    _SQL + "session.localRelationSizeLimit": Entry("3221225472", "bytes"),
    _SQL + "session.localRelationChunkSizeRows": Entry("10000", "int", positive=True),
    _SQL + "session.localRelationChunkSizeBytes": Entry("16777216", "bytes", positive=True),
    _SQL + "session.localRelationBatchOfChunksSizeBytes": Entry("1073741824", "bytes", positive=True),
    _SQL + "execution.pandas.structHandlingMode": Entry("legacy", options=("LEGACY", "ROW", "DICT")),
    _SQL + "repl.eagerEval.maxNumRows": Entry("20", "int"),
    _SQL + "repl.eagerEval.truncate": Entry("20", "int"),
    _SQL + "pyspark.plotting.max_rows": Entry("1000", "int"),
    **_flags(
        "false",
        _SQL + "repl.eagerEval.enabled",
        _SQL + "execution.arrow.pyspark.selfDestruct.enabled",
        _SQL + "execution.arrow.useLargeVarTypes",
        _SQL + "execution.pandas.inferPandasDictAsMap",
        _SQL + "pyspark.inferNestedDictAsStruct.enabled",
        _SQL + "pyspark.jvmStacktrace.enabled",
        _SQL + "pyspark.legacy.inferArrayTypeFromFirstElement.enabled",
        _SQL + "pyspark.legacy.inferMapTypeFromFirstPair.enabled",
        # Spark's own default is true; the client then prints the server's frames below every message
        _SQL + "connect.serverStacktrace.enabled",
        _SQL + "pyspark.toJSON.returnDataFrame",
    ),
    **_flags(
        "true",
        _SQL + "execution.pythonUDF.arrow.enabled",
        _SQL + "execution.pythonUDTF.arrow.enabled",
        _SQL + "execution.pyspark.binaryAsBytes",
        _SQL + "execution.pandas.convertToArrowArraySafely",
        _SQL + "execution.arrow.pyspark.enabled",
        _SQL + "execution.arrow.pyspark.fallback.enabled",
    ),
}

_ANALYSIS: dict[str, Entry] = {
    _SQL + "session.timeZone": Entry("UTC", "timezone"),
    _SQL + "timestampType": Entry("TIMESTAMP_LTZ", options=("TIMESTAMP_NTZ", "TIMESTAMP_LTZ")),
    _SQL + "sources.default": Entry("parquet"),
    _SQL + "mapKeyDedupPolicy": Entry("EXCEPTION", options=("EXCEPTION", "LAST_WIN")),
    _SQL + "storeAssignmentPolicy": Entry("ANSI", options=("ANSI", "LEGACY", "STRICT")),
    _SQL + "columnNameOfCorruptRecord": Entry("_corrupt_record"),
    _SQL + "pivotMaxValues": Entry("10000", "int"),
    _SQL + "crossJoin.enabled": Entry("true", "boolean"),
    _SQL + "maxPlanStringLength": Entry("2147483632", "bytes"),
    _SQL + "debug.maxToStringFields": Entry("25", "int"),
    _SQL + "legacy.timeParserPolicy": Entry("CORRECTED", options=("EXCEPTION", "CORRECTED", "LEGACY")),
    _SQL + "parser.quotedRegexColumnNames": Entry("false", "boolean"),
    _SQL + "binaryOutputStyle": Entry(None, options=("UTF-8", "BASIC", "BASE64", "HEX", "HEX_DISCRETE")),
    **_flags(
        "true",
        _SQL + "ansi.enabled",
        _SQL + "groupByAliases",
        _SQL + "groupByOrdinal",
        _SQL + "orderByOrdinal",
        _SQL + "decimalOperations.allowPrecisionLoss",
        _SQL + "jsonGenerator.ignoreNullFields",
        _SQL + "runSQLOnFiles",
        _SQL + "variable.substitute",
    ),
    **_flags(
        "false",
        _SQL + "caseSensitive",
        _SQL + "ansi.doubleQuotedIdentifiers",
        _SQL + "ansi.enforceReservedKeywords",
        _SQL + "function.concatBinaryAsString",
        _SQL + "function.eltOutputAsString",
        _SQL + "legacy.sizeOfNull",
        _SQL + "charAsVarchar",
    ),
}

_FILES: dict[str, Entry] = {
    _SQL + "sources.partitionOverwriteMode": Entry("STATIC", options=("STATIC", "DYNAMIC")),
    _SQL + "sources.partitionColumnTypeInference.enabled": Entry("true", "boolean"),
    _SQL + "files.maxPartitionBytes": Entry("134217728b", "bytes", positive=True),
    _SQL + "files.maxRecordsPerFile": Entry("0", "int"),
    _SQL + "parquet.compression.codec": Entry(
        "snappy",
        options=("BROTLI", "UNCOMPRESSED", "LZ4", "LZ4_RAW", "GZIP", "LZO", "SNAPPY", "NONE", "ZSTD", "LZ4RAW"),
    ),
    _SQL + "parquet.outputTimestampType": Entry("INT96", options=("INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS")),
    **_flags(
        "false",
        _SQL + "files.ignoreCorruptFiles",
        _SQL + "files.ignoreMissingFiles",
        _SQL + "parquet.binaryAsString",
        _SQL + "parquet.mergeSchema",
    ),
    **_flags("true", _SQL + "parquet.inferTimestampNTZ.enabled", _SQL + "parquet.int96AsTimestamp"),
}

_STREAMS: dict[str, Entry] = {
    _STREAMING + "checkpointLocation": Entry(None),
    _STREAMING + "numRecentProgressUpdates": Entry("100", "int"),
    _STREAMING + "noDataProgressEventInterval": Entry("10000ms", "time"),
    _STREAMING + "pollingDelay": Entry("10ms", "time"),
    _STREAMING + "stopTimeout": Entry("0", "time"),
    _STREAMING + "minBatchesToRetain": Entry("100", "int", positive=True),
    _STREAMING + "multipleWatermarkPolicy": Entry("min", options=("MIN", "MAX")),
    _STREAMING + "fileSource.cleaner.numThreads": Entry("1", "int"),
    _STREAMING + "fileSource.log.compactInterval": Entry("10", "int", positive=True),
    _STREAMING + "fileSource.log.cleanupDelay": Entry("600000ms", "time"),
    _STREAMING + "fileSink.log.compactInterval": Entry("10", "int", positive=True),
    _STREAMING + "fileSink.log.cleanupDelay": Entry("600000ms", "time"),
    _STREAMING + "stateStore.providerClass": Entry(
        "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"
    ),
    _STREAMING + "stateStore.minDeltasForSnapshot": Entry("10", "int"),
    _STREAMING + "stateStore.maintenanceInterval": Entry("60000ms", "time", positive=True),
    _STREAMING + "ui.retainedProgressUpdates": Entry("100", "int"),
    _STREAMING + "ui.retainedQueries": Entry("100", "int"),
    **_flags(
        "true",
        _STREAMING + "noDataMicroBatches.enabled",
        _STREAMING + "stopActiveRunOnRestart",
        _STREAMING + "unsupportedOperationCheck",
        _STREAMING + "statefulOperator.checkCorrectness.enabled",
        _STREAMING + "statefulOperator.allowMultiple",
        _STREAMING + "fileSink.log.deletion",
        _STREAMING + "fileSource.log.deletion",
        _STREAMING + "validateEventTimeWatermarkColumn",
        _STREAMING + "ui.enabled",
    ),
    **_flags(
        "false",
        _STREAMING + "schemaInference",
        _STREAMING + "forceDeleteTempCheckpointLocation",
        _STREAMING + "metricsEnabled",
    ),
}

_EXECUTION: dict[str, Entry] = {
    _SQL + "shuffle.partitions": Entry("200", "int", positive=True),
    _SQL + "autoBroadcastJoinThreshold": Entry("10485760b", "bytes"),
    _SQL + "broadcastTimeout": Entry("300000ms", "time"),
    _SQL + "adaptive.advisoryPartitionSizeInBytes": Entry("67108864b", "bytes", positive=True),
    _SQL + "execution.arrow.maxRecordsPerBatch": Entry("10000", "int"),
    _SQL + "defaultCacheStorageLevel": Entry("MEMORY_AND_DISK"),
    **_flags(
        "true",
        _SQL + "adaptive.enabled",
        _SQL + "adaptive.coalescePartitions.enabled",
        _SQL + "adaptive.skewJoin.enabled",
    ),
    **_flags("false", _SQL + "cbo.enabled"),
}

ENTRIES: Mapping[str, Entry] = MappingProxyType({**_CLIENT, **_ANALYSIS, **_FILES, **_STREAMS, **_EXECUTION})

#: SQL settings that are fixed when the session's server starts.
STATIC: Mapping[str, str | None] = MappingProxyType(
    {
        _SQL + "warehouse.dir": None,
        _SQL + "extensions": None,
        _SQL + "catalogImplementation": "in-memory",
        _SQL + "globalTempDatabase": "global_temp",
        _SQL + "queryExecutionListeners": None,
        _SQL + "streaming.streamingQueryListeners": None,
        _SQL + "cache.serializer": None,
        _SQL + "event.truncate.length": "2147483647",
        _SQL + "ui.retainedExecutions": "1000",
        _SQL + "broadcastExchange.maxThreadThreshold": "128",
        _SQL + "subquery.maxThreadThreshold": "16",
        _SQL + "defaultUrlStreamHandlerFactory.enabled": "true",
        _SQL + "legacy.sessionInitWithConfigDefaults": "false",
        _SQL + "metadataCacheTTLSeconds": "-1000ms",
        _SQL + "sources.schemaStringLengthThreshold": "4000",
        _SQL + "filesourceTableRelationCacheSize": "1000",
        _SQL + "hive.thriftServer.singleSession": "false",
    }
)

#: Settings of the application, not of a session: a running session cannot change them.
CORE_PREFIXES = (
    "spark.executor.", "spark.driver.", "spark.cores.", "spark.task.", "spark.memory.", "spark.shuffle.",
    "spark.dynamicAllocation.", "spark.scheduler.", "spark.network.", "spark.rpc.", "spark.storage.",
    "spark.eventLog.", "spark.ui.", "spark.serializer", "spark.kryo.", "spark.kryoserializer.", "spark.rdd.",
    "spark.io.", "spark.speculation", "spark.locality.", "spark.broadcast.", "spark.submit.",
)  # fmt: skip
