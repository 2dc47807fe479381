"""The settings for streams that Spark 4.2 defines: their defaults and the values that they take, public or not.

Which of them Penstock heeds, which it refuses and which change no answer is told in docs/options.md.
"""

from __future__ import annotations

from penstock.core.config_entry import Entry, flags

_STREAMING = "spark.sql.streaming."
_STATE = _STREAMING + "stateStore."
_JAVA = "org.apache.spark.sql.execution.streaming."

_BATCHES: dict[str, Entry] = {
    _STREAMING + "checkpointLocation": Entry(None),
    _STREAMING + "numRecentProgressUpdates": Entry("100", "int"),
    _STREAMING + "noDataProgressEventInterval": Entry("10000ms", "time"),
    _STREAMING + "pollingDelay": Entry("10ms", "time"),
    _STREAMING + "stopTimeout": Entry("0ms", "time"),
    _STREAMING + "minBatchesToRetain": Entry("100", "int"),
    _STREAMING + "maxBatchesToRetainInMemory": Entry("2", "int"),
    _STREAMING + "ratioExtraSpaceAllowedInCheckpoint": Entry("0.3", "double"),
    _STREAMING + "multipleWatermarkPolicy": Entry("min", allowed=("min", "max")),
    _STREAMING + "offsetLog.formatVersion": Entry("1", "int", allowed=("1", "2")),
    _STREAMING + "realTimeMode.minBatchDuration": Entry("5000ms", "time"),
    _STREAMING + "continuous.epochBacklogQueueSize": Entry("10000", "int"),
    _STREAMING + "continuous.executorQueueSize": Entry("1024", "int"),
    _STREAMING + "continuous.executorPollIntervalMs": Entry("100ms", "time"),
    _STREAMING + "disabledV2Writers": Entry(""),
    _STREAMING + "disabledV2MicroBatchReaders": Entry(""),
    **flags(
        "true",
        "spark.sql.adaptive.streaming.stateless.enabled",
        _STREAMING + "asyncLogPurge.enabled",
        _STREAMING + "checkUnfinishedRepartitionOnRestart",
        _STREAMING + "checkpoint.escapedPathCheck.enabled",
        _STREAMING + "checkpoint.fileChecksum.enabled",
        _STREAMING + "checkpoint.fileChecksum.skipCreationIfFileMissingChecksum",
        _STREAMING + "checkpoint.verifyMetadataExists.enabled",
        _STREAMING + "metadataCache.enabled",
        _STREAMING + "noDataMicroBatches.enabled",
        _STREAMING + "realTimeMode.allowlistCheck",
        _STREAMING + "stopActiveRunOnRestart",
        _STREAMING + "unsupportedOperationCheck",
        _STREAMING + "validateEventTimeWatermarkColumn",
        _STREAMING + "verifyCheckpointDirectoryEmptyOnStart",
    ),
    **flags(
        "false",
        _STREAMING + "checkpoint.renamedFileCheck.enabled",
        _STREAMING + "forceDeleteTempCheckpointLocation",
        _STREAMING + "metricsEnabled",
        _STREAMING + "optimizeOneRowPlan.enabled",
        _STREAMING + "queryEvolution.enableSinkEvolution",
        _STREAMING + "queryEvolution.enableSourceEvolution",
        _STREAMING + "triggerAvailableNowWrapper.enabled",
    ),
}

_FILES: dict[str, Entry] = {
    _STREAMING + "commitProtocolClass": Entry(_JAVA + "ManifestFileCommitProtocol"),
    _STREAMING + "fileSource.cleaner.numThreads": Entry("1", "int"),
    _STREAMING + "fileSource.log.compactInterval": Entry("10", "int"),
    _STREAMING + "fileSource.log.cleanupDelay": Entry("600000ms", "time"),
    _STREAMING + "fileSink.log.compactInterval": Entry("10", "int"),
    _STREAMING + "fileSink.log.cleanupDelay": Entry("600000ms", "time"),
    **flags(
        "true",
        _STREAMING + "fileSink.log.deletion",
        _STREAMING + "fileSource.log.deletion",
        _STREAMING + "fileSource.schema.forceNullable",
    ),
    **flags(
        "false",
        _STREAMING + "fileStreamSink.ignoreMetadata",
        _STREAMING + "kafka.useDeprecatedOffsetFetching",
        _STREAMING + "schemaInference",
    ),
}

_OPERATORS: dict[str, Entry] = {
    _STREAMING + "aggregation.stateFormatVersion": Entry("2", "int", allowed=("1", "2")),
    _STREAMING + "flatMapGroupsWithState.stateFormatVersion": Entry("2", "int", allowed=("1", "2")),
    _STREAMING + "join.stateFormatVersion": Entry("2", "int", allowed=("1", "2", "3")),
    _STREAMING + "sessionWindow.stateFormatVersion": Entry("1", "int", allowed=("1",)),
    _STREAMING + "transformWithState.stateSchemaVersion": Entry("3", "int"),
    _STREAMING + "internal.stateStore.partitions": Entry(None, "int", least=1),
    **flags(
        "true",
        _STREAMING + "statefulOperator.allowMultiple",
        _STREAMING + "statefulOperator.checkCorrectness.enabled",
        _STREAMING + "statefulOperator.useStrictDistribution",
    ),
    **flags(
        "false",
        _STREAMING + "flatMapGroupsWithState.skipEmittingInitialStateKeys",
        _STREAMING + "join.stateFormatV4.enabled",
        _STREAMING + "sessionWindow.merge.sessions.in.local.partition",
    ),
}

_STORE: dict[str, Entry] = {
    _STATE + "providerClass": Entry(_JAVA + "state.HDFSBackedStateStoreProvider"),
    _STATE + "minDeltasForSnapshot": Entry("10", "int"),
    _STATE + "maintenanceInterval": Entry("60000ms", "time"),
    _STATE + "maintenanceForceShutdownTimeout": Entry("60000ms", "time"),
    _STATE + "maintenanceProcessingTimeout": Entry("30000ms", "time"),
    _STATE + "maintenanceShutdownTimeout": Entry("300000ms", "time"),
    _STATE + "snapshotLagReportInterval": Entry("300000ms", "time"),
    _STATE + "compression.codec": Entry("lz4"),
    _STATE + "encodingFormat": Entry("unsaferow", allowed=("unsaferow", "avro")),
    _STATE + "checkpointFormatVersion": Entry("1", "int"),
    _STATE + "autoSnapshotRepair.maxChangeFileReplay": Entry("500", "int", least=1),
    _STATE + "autoSnapshotRepair.numFailuresBeforeActivating": Entry("1", "int", least=1),
    _STATE + "fileChecksumThreadPoolSize": Entry("4", "int", least=0),
    _STATE + "maxLaggingStoresToReport": Entry("5", "int", least=0),
    _STATE + "maxNumStateSchemaFiles": Entry("128", "int"),
    _STATE + "maxVersionsToDeletePerMaintenance": Entry("-1", "int"),
    _STATE + "multiplierForMinTimeDiffToLog": Entry("10", "int", least=1),
    _STATE + "multiplierForMinVersionDiffToLog": Entry("5", "int", least=1),
    _STATE + "numStateStoreInstanceMetricsToReport": Entry("5", "int", least=0),
    _STATE + "numStateStoreMaintenanceThreads": Entry("1", "int", least=1),
    _STATE + "rocksdb.formatVersion": Entry("5", "int", least=0),
    _STATE + "rocksdb.mergeOperatorVersion": Entry("2", "int", allowed=("1", "2")),
    _STATE + "rowChecksum.readVerificationRatio": Entry("0", "int", least=0),
    _STATE + "valueStateSchemaEvolutionThreshold": Entry("16", "int"),
    **flags(
        "true",
        _STATE + "autoSnapshotRepair.enabled",
        _STATE + "commitValidation.enabled",
        _STATE + "coordinatorReportSnapshotUploadLag",
        _STATE + "forceSnapshotUploadOnLag",
        _STATE + "formatValidation.enabled",
        _STATE + "stateSchemaCheck",
    ),
    **flags(
        "false",
        _STATE + "rowChecksum.enabled",
        _STATE + "skipNullsForStreamStreamJoins.enabled",
        _STATE + "unloadOnCommit",
    ),
}

STREAM_ENTRIES: dict[str, Entry] = {**_BATCHES, **_FILES, **_OPERATORS, **_STORE}

#: Fixed when the session's server starts.
STATIC_STREAM_ENTRIES: dict[str, str | None] = {
    _STREAMING + "streamingQueryListeners": None,
    _STREAMING + "ui.enabled": "true",
    _STREAMING + "ui.enabledCustomMetricList": "",
    _STREAMING + "ui.retainedProgressUpdates": "100",
    _STREAMING + "ui.retainedQueries": "100",
}
