"""Errors in Spark's terms: every failure a user sees carries Spark's condition, SQLSTATE and Java class names.

The Connect service sends them to the client, which picks the Python class from `classes`
(`pyspark.errors.exceptions.connect`).  Messages are ours; conditions, parameters and SQLSTATEs are Spark's.
"""

from __future__ import annotations

from collections.abc import Mapping

_SPARK = "org.apache.spark."
ANALYSIS = (_SPARK + "sql.AnalysisException",)
PARSE = (_SPARK + "sql.catalyst.parser.ParseException", *ANALYSIS)
STREAMING = (_SPARK + "sql.streaming.StreamingQueryException",)
ARITHMETIC = (_SPARK + "SparkArithmeticException", "java.lang.ArithmeticException")
NUMBER_FORMAT = (
    _SPARK + "SparkNumberFormatException",
    "java.lang.NumberFormatException",
    "java.lang.IllegalArgumentException",
)
DATE_TIME = (_SPARK + "SparkDateTimeException", "java.time.DateTimeException")
ILLEGAL_ARGUMENT = (_SPARK + "SparkIllegalArgumentException", "java.lang.IllegalArgumentException")
ILLEGAL_STATE = (_SPARK + "SparkIllegalStateException", "java.lang.IllegalStateException")
ARRAY_INDEX = (_SPARK + "SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException")
UNSUPPORTED = (_SPARK + "SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException")
NO_SUCH_ELEMENT = (_SPARK + "SparkNoSuchElementException", "java.util.NoSuchElementException")
RUNTIME = (_SPARK + "SparkRuntimeException", "java.lang.RuntimeException")
SPARK = (_SPARK + "SparkException",)
PYTHON = (_SPARK + "api.python.PythonException", "java.lang.RuntimeException")


class SparkError(Exception):
    """One failure, as Spark would report it.

    condition: Spark's error condition (`UNRESOLVED_COLUMN.WITH_SUGGESTION`); params: its message parameters;
    sqlstate: five characters; classes: Java class names, most specific first.
    `str(error)` is `[CONDITION] message SQLSTATE: 42703`, as Spark prints it.
    """

    def __init__(
        self,
        condition: str,
        message: str,
        params: Mapping[str, object] | None = None,
        *,
        sqlstate: str = "XXKD0",
        classes: tuple[str, ...] = ANALYSIS,
    ) -> None:
        self.condition = condition
        self.message = message
        self.params = {key: str(value) for key, value in (params or {}).items()}
        self.sqlstate = sqlstate
        self.classes = classes
        super().__init__(f"[{condition}] {message} SQLSTATE: {sqlstate}")


def analysis_error(condition: str, message: str, sqlstate: str, **params: object) -> SparkError:
    """An AnalysisException: the program is wrong before any data is read."""
    return SparkError(condition, message, params, sqlstate=sqlstate, classes=ANALYSIS)


def parse_error(condition: str, message: str, sqlstate: str = "42601", **params: object) -> SparkError:
    """A ParseException: SQL, DDL or an identifier does not parse."""
    return SparkError(condition, message, params, sqlstate=sqlstate, classes=PARSE)


def not_streamed(name: str, operator: str) -> SparkError:
    """A format that Spark has for batches only, or in the other direction; `operator` is "reading" or "writing"."""
    message = f"The data source {name} does not support streamed {operator}: use another one, or a batch query."
    params = {"className": name, "operator": operator}
    return SparkError("_LEGACY_ERROR_TEMP_2049", message, params, classes=UNSUPPORTED)


def unsupported(feature: str, remedy: str = "") -> SparkError:
    """A thing that Spark has and Penstock does not have yet, named: never a silent fallback."""
    message = f"Penstock does not support {feature}." + (f" {remedy}" if remedy else "")
    return SparkError(
        "UNSUPPORTED_FEATURE.PENSTOCK", message, {"feature": feature}, sqlstate="0A000", classes=UNSUPPORTED
    )


def illegal_argument(condition: str, message: str, sqlstate: str = "22023", **params: object) -> SparkError:
    """A wrong option or argument value (java.lang.IllegalArgumentException)."""
    return SparkError(condition, message, params, sqlstate=sqlstate, classes=ILLEGAL_ARGUMENT)


def sum_overflow() -> SparkError:
    """A sum of decimals with more than 38 digits."""
    message = "Overflow in sum of decimals. Use 'try_sum' to get NULL instead."
    params = {
        "message": "Overflow in sum of decimals",
        "alternative": " Use 'try_sum' to tolerate overflow and return NULL instead.",
        "config": '"spark.sql.ansi.enabled"',
    }
    return SparkError("ARITHMETIC_OVERFLOW", message, params, sqlstate="22003", classes=ARITHMETIC)
