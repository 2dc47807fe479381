"""The settings that Spark 4.2 defines and that programs, its client or Penstock read: default value and kind of each.

A key that is not here can still be set and read, as in Spark; it just has no default and is not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from penstock.core.config_entry import Entry, flags
from penstock.core.streaming_entries import STATIC_STREAM_ENTRIES, STREAM_ENTRIES

_SQL = "spark.sql."

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
    **flags(
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
    **flags(
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
    **flags(
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
    **flags(
        "false",
        _SQL + "caseSensitive",
        _SQL + "legacy.allowStarWithSingleTableIdentifierInCount",
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
    **flags(
        "false",
        _SQL + "files.ignoreCorruptFiles",
        _SQL + "files.ignoreMissingFiles",
        _SQL + "parquet.binaryAsString",
        _SQL + "parquet.mergeSchema",
    ),
    **flags("true", _SQL + "parquet.inferTimestampNTZ.enabled", _SQL + "parquet.int96AsTimestamp"),
}

_EXECUTION: dict[str, Entry] = {
    _SQL + "shuffle.partitions": Entry("200", "int", positive=True),
    _SQL + "autoBroadcastJoinThreshold": Entry("10485760b", "bytes"),
    _SQL + "broadcastTimeout": Entry("300000ms", "time"),
    _SQL + "adaptive.advisoryPartitionSizeInBytes": Entry("67108864b", "bytes", positive=True),
    _SQL + "execution.arrow.maxRecordsPerBatch": Entry("10000", "int"),
    _SQL + "defaultCacheStorageLevel": Entry("MEMORY_AND_DISK"),
    **flags(
        "true",
        _SQL + "adaptive.enabled",
        _SQL + "adaptive.coalescePartitions.enabled",
        _SQL + "adaptive.skewJoin.enabled",
    ),
    **flags("false", _SQL + "cbo.enabled"),
}

ENTRIES: Mapping[str, Entry] = MappingProxyType({**_CLIENT, **_ANALYSIS, **_FILES, **STREAM_ENTRIES, **_EXECUTION})

#: SQL settings that are fixed when the session's server starts.
STATIC: Mapping[str, str | None] = MappingProxyType(
    {
        _SQL + "warehouse.dir": None,
        _SQL + "extensions": None,
        _SQL + "catalogImplementation": "in-memory",
        _SQL + "globalTempDatabase": "global_temp",
        _SQL + "queryExecutionListeners": None,
        **STATIC_STREAM_ENTRIES,
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
