"""The names of the options that each format has, to tell a program of one that is misspelled.

Spark takes no notice of an option that it does not know, and so does Penstock, as programs hand the same options to
several formats; but `rowPerSecond` for `rowsPerSecond` should not cost anybody an evening.  JDBC is not here: what it
does not know goes to the driver.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping

_log = logging.getLogger(__name__)

_TIMES = "dateFormat timestampFormat timestampNTZFormat timeZone locale"
_QUERY = (
    "path checkpointLocation queryName asyncProgressTrackingEnabled asyncProgressTrackingCheckpointIntervalMs "
    "asyncProgressTrackingOverrideSinkSupportCheck"
)
_FILES = (
    f"{_QUERY} basePath ignoreCorruptFiles ignoreMissingFiles modifiedAfter modifiedBefore pathGlobFilter "
    "recursiveFileLookup mergeSchema maxFilesPerTrigger maxBytesPerTrigger latestFirst maxFileAge maxCachedFiles "
    "discardCachedInputRatio fileNameOnly cleanSource sourceArchiveDir "
    "compression maxRecordsPerFile partitionOverwriteMode retention mergeSmallFiles"
)
_RECORDS = (
    f"{_FILES} {_TIMES} mode columnNameOfCorruptRecord samplingRatio singleVariantColumn encoding charset multiLine "
    "codec nullValue"
)
#: What a program may give when it reads a format or writes it: the options of a table are for both.
_NAMES: Mapping[str, str] = {
    "csv": f"{_RECORDS} lineSep charToEscapeQuoteEscaping columnPruning comment delimiter emptyValue "
    "enableDateTimeParsingFallback enforceSchema escape escapeQuotes extension header ignoreLeadingWhiteSpace "
    "ignoreTrailingWhiteSpace inferSchema maxCharsPerColumn maxColumns nanValue negativeInf positiveInf preferDate "
    "quote quoteAll sep unescapedQuoteHandling",
    "json": f"{_RECORDS} lineSep allowBackslashEscapingAnyCharacter allowComments allowNonNumericNumbers "
    "allowNumericLeadingZeros allowSingleQuotes allowUnquotedControlChars allowUnquotedFieldNames dropFieldIfAllNull "
    "enableDateTimeParsingFallback ignoreNullFields inferTimestamp maxNestingDepth maxNumLen maxStringLen "
    "prefersDecimal pretty primitivesAsString useUnsafeRow writeNonAsciiCharacterAsCodePoint",
    "text": f"{_FILES} codec encoding lineSep wholetext",
    "parquet": f"{_FILES} datetimeRebaseMode int96RebaseMode",
    "orc": _FILES,
    "xml": f"{_RECORDS} arrayElementName attributePrefix declaration excludeAttribute ignoreNamespace "
    "ignoreSurroundingSpaces indent inferSchema preferDate prefersDecimal rootTag rowTag rowValidationXSDPath "
    "validateName valueTag wildcardColName",
    "avro": f"{_FILES} avroSchema avroSchemaUrl datetimeRebaseMode enableStableIdentifiersForUnionType ignoreExtension "
    "mode positionalFieldMatching recordName recordNamespace recursiveFieldMaxDepth "
    "stableIdentifierPrefixForUnionType",
    "binaryfile": _FILES,
    "rate": "rowsPerSecond rampUpTime numPartitions",
    "rate-micro-batch": "rowsPerBatch numPartitions startTimestamp advanceMillisPerBatch",
    "socket": "host port includeTimestamp numPartitions",
    "console": f"{_QUERY} numRows truncate",
}
#: Each is told once: programs read the same files again and again.
_told: set[tuple[str, str]] = set()
_MOST_TOLD = 1000


def names(form: str) -> tuple[str, ...]:
    """The options of a format; none where they are not known."""
    return tuple(_NAMES.get(form, "").split())


def tell_unknown(form: str, given: Iterable[str]) -> None:
    """Warn of options that the format has not, with the name that may be meant."""
    if form not in _NAMES:
        return
    spelled = {name.lower(): name for name in names(form)}
    for key in given:
        if key.lower() in spelled or key.startswith("$") or (form, key.lower()) in _told or len(_told) >= _MOST_TOLD:
            continue
        _told.add((form, key.lower()))
        near = difflib.get_close_matches(key.lower(), spelled, n=1)
        meant = f" Did you mean {spelled[near[0]]}?" if near else ""
        _log.warning("The format %s has no option %s here: it has no effect.%s", form, key, meant)
