"""DuckDB's exceptions as Spark's errors.

Generated SQL raises Spark's conditions itself, as JSON between `⟦` and `⟧` (`penstock.functions.markers`).  What DuckDB
raises of its own accord is recognised by its text; everything else is INTERNAL_ERROR with that text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import duckdb

from penstock.core import errors
from penstock.core.errors import SparkError, sum_overflow
from penstock.functions.markers import CLOSE, OPEN

_ANSI_CONFIG = {"ansiConfig": '"spark.sql.ansi.enabled"'}

_KINDS: dict[str, tuple[str, ...]] = {
    "analysis": errors.ANALYSIS,
    "arithmetic": errors.ARITHMETIC,
    "number_format": errors.NUMBER_FORMAT,
    "date_time": errors.DATE_TIME,
    "illegal_argument": errors.ILLEGAL_ARGUMENT,
    "array_index": errors.ARRAY_INDEX,
    "unsupported": errors.UNSUPPORTED,
    "no_such_element": errors.NO_SUCH_ELEMENT,
    "runtime": errors.RUNTIME,
    "spark": errors.SPARK,
}


def to_spark_error(error: BaseException, sql: str = "") -> SparkError:
    """The Spark error that a DuckDB exception stands for; `sql` is the statement that raised it."""
    text = str(error)
    if (marked := _from_marker(text)) is not None:
        return marked
    if isinstance(error, duckdb.InterruptException):
        return SparkError(
            "OPERATION_CANCELED", "Operation has been canceled.", {}, sqlstate="HY008", classes=errors.SPARK
        )
    if (summed := _SUM.search(text)) is not None:
        return sum_overflow() if "GROUP BY" in sql and not _sums_in_window(sql) else _total_overflow(summed)
    for pattern, build in _TEXTS:
        if (match := pattern.search(text)) is not None:
            return build(match)
    if isinstance(error, duckdb.OutOfMemoryException):
        return _out_of_memory(text)
    if isinstance(error, duckdb.OutOfRangeException):
        return _overflow("value")
    return SparkError("INTERNAL_ERROR", f"DuckDB: {text}", {"message": text}, sqlstate="XX000", classes=errors.SPARK)


def _from_marker(text: str) -> SparkError | None:
    start, end = text.find(OPEN), text.rfind(CLOSE)
    if start < 0 or end < start:
        return None
    try:
        body = json.loads(text[start + 1 : end], strict=False)
    except ValueError:
        return None
    classes = _KINDS[body.get("kind", "runtime")]
    return SparkError(
        body["condition"], body["message"], body.get("params"), sqlstate=body["sqlstate"], classes=classes
    )


_WIDTHS = {"INT8": "tinyint", "INT16": "short", "INT32": "integer", "INT64": "long", "INT128": "long"}


def _overflow(what: str) -> SparkError:
    message = f'{what} overflow. If necessary set "spark.sql.ansi.enabled" to "false" to bypass this error.'
    params = {"message": f"{what} overflow", "alternative": "", "config": '"spark.sql.ansi.enabled"'}
    return SparkError("ARITHMETIC_OVERFLOW", message, params, sqlstate="22003", classes=errors.ARITHMETIC)


_TRY = {"addition": ("+", "try_add"), "subtraction": ("-", "try_subtract"), "multiplication": ("*", "try_multiply")}


def _small_overflow(match: re.Match[str]) -> SparkError:
    """Of TINYINT and SMALLINT Spark says the operands."""
    symbol, name = _TRY[match["operation"]]
    left, right = match["left"], match["right"]
    if symbol == "-" and left == "0" and right.startswith("-"):  # a negation
        return _overflow("integer")
    message = f"{left} {symbol} {right} caused overflow. Use `{name}` to get NULL instead."
    params = {"value1": f"{left}S", "symbol": symbol, "value2": f"{right}S", "functionName": f"`{name}`"}
    return SparkError("BINARY_ARITHMETIC_OVERFLOW", message, params, sqlstate="22003", classes=errors.ARITHMETIC)


def _arithmetic_overflow(match: re.Match[str]) -> SparkError:
    return _overflow(_WIDTHS.get(match["width"] or "", "value"))


def _decimal_overflow(_: re.Match[str]) -> SparkError:
    message = 'A decimal result does not fit its type. Set "spark.sql.ansi.enabled" to "false" to get NULL instead.'
    return SparkError(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", message, {}, sqlstate="22003", classes=errors.ARITHMETIC
    )


#: What the sum of decimals raises, and nothing else: DuckDB sums them in 128 bits and looks at the total's digits.
_SUM = re.compile(r"Overflow in HUGEINT addition: (?P<left>-?\d+) \+ (?P<right>-?\d+)|Overflow in SUM of DECIMAL")


def _sums_in_window(sql: str) -> bool:
    for found in re.finditer(r"\bsum\(", sql):
        depth, at = 1, found.end()
        while depth and at < len(sql):
            depth += (sql[at] == "(") - (sql[at] == ")")
            at += 1
        if sql.startswith(" OVER (", at):
            return True
    return False


def _total_overflow(match: re.Match[str]) -> SparkError:
    """Spark knows the total that does not fit in a window and, mostly, without groups; the total of a group it has lost
    by then.  The engine tells the two terms of only some, without their point."""
    terms = [match["left"], match["right"]]
    value = str(int(terms[0]) + int(terms[1])) if all(terms) else "A sum"
    message = f'{value} has more than 38 digits. Set "spark.sql.ansi.enabled" to "false" to get NULL instead.'
    params = {"value": value, "precision": "38", "scale": "0", "config": '"spark.sql.ansi.enabled"'}
    return SparkError(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", message, params, sqlstate="22003", classes=errors.ARITHMETIC
    )


def _cast_overflow(match: re.Match[str]) -> SparkError:
    source, target = _spark_name(match["source"]), _spark_name(match["target"])
    params = {"value": match["value"], "sourceType": f'"{source}"', "targetType": f'"{target}"', **_ANSI_CONFIG}
    message = f"The value {match['value']} of type {source} cannot be cast to {target}: it overflows. Use `try_cast`."
    return SparkError("CAST_OVERFLOW", message, params, sqlstate="22003", classes=errors.ARITHMETIC)


def _cast_invalid(match: re.Match[str]) -> SparkError:
    value, target = match["value"], _spark_name(match["target"])
    params = {"expression": f"'{value}'", "sourceType": '"STRING"', "targetType": f'"{target}"', **_ANSI_CONFIG}
    message = (
        f'The value \'{value}\' of the type "STRING" cannot be cast to "{target}": it is malformed. Use `try_cast`.'
    )
    return SparkError("CAST_INVALID_INPUT", message, params, sqlstate="22018", classes=errors.NUMBER_FORMAT)


def _missing_file(match: re.Match[str]) -> SparkError:
    path = match["path"]
    message = (
        f"Error while reading file {path}: the file does not exist any more. Put it back, or set "
        "spark.sql.files.ignoreMissingFiles to true to go on without it."
    )
    return SparkError(
        "FAILED_READ_FILE.FILE_NOT_EXIST", message, {"path": path}, sqlstate="KD001", classes=errors.SPARK
    )


def _scalar_subquery(_: re.Match[str]) -> SparkError:
    message = "More than one row returned by a subquery used as an expression."
    return SparkError("SCALAR_SUBQUERY_TOO_MANY_ROWS", message, {}, sqlstate="21000", classes=errors.RUNTIME)


def _divide_by_zero(_: re.Match[str]) -> SparkError:
    message = "Division by zero. Use `try_divide` to get NULL instead."
    params = {"config": '"spark.sql.ansi.enabled"'}
    return SparkError("DIVIDE_BY_ZERO", message, params, sqlstate="22012", classes=errors.ARITHMETIC)


def _duplicate_map_key(match: re.Match[str]) -> SparkError:
    message = 'Duplicate map key was found. Set "spark.sql.mapKeyDedupPolicy" to "LAST_WIN" to keep the last value.'
    params = {"key": match.groupdict().get("key") or "", "mapKeyDedupPolicy": '"spark.sql.mapKeyDedupPolicy"'}
    return SparkError("DUPLICATED_MAP_KEY", message, params, sqlstate="23505", classes=errors.RUNTIME)


def _null_map_key(_: re.Match[str]) -> SparkError:
    return SparkError("NULL_MAP_KEY", "Cannot use null as map key.", {}, sqlstate="2200E", classes=errors.RUNTIME)


def _out_of_memory(text: str) -> SparkError:
    message = f"The query needs more memory than `penstock.memory.limit` allows. {text}"
    return SparkError("UNABLE_TO_ACQUIRE_MEMORY", message, {"message": text}, sqlstate="53200", classes=errors.SPARK)


def _unknown_zone(match: re.Match[str]) -> SparkError:
    zone = match["zone"]
    message = f"The time zone {zone!r} is not known: give an offset like +02:00 or a name like Europe/Paris."
    return SparkError("INVALID_TIMEZONE", message, {"timeZone": zone}, sqlstate="22009", classes=errors.DATE_TIME)


def _open_escape(_: re.Match[str]) -> SparkError:
    message = "A LIKE pattern ends in its escape character."
    return SparkError("INVALID_FORMAT.ESC_AT_THE_END", message, {"format": ""}, sqlstate="42601")


_SPARK_NAMES = {
    "INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INT", "INT64": "BIGINT", "INT128": "DECIMAL(38,0)",
    "INTEGER": "INT",
    "VARCHAR": "STRING", "BLOB": "BINARY", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "BOOL": "BOOLEAN",
}  # fmt: skip


def _spark_name(duckdb_name: str) -> str:
    name = duckdb_name.strip().strip("'\"").upper()
    return _SPARK_NAMES.get(name, name)


_TEXTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], SparkError]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), build)
    for pattern, build in (
        (r"More than one row returned by a subquery", _scalar_subquery),
        (r"No files found that match the pattern \"(?P<path>[^\"]*)\"", _missing_file),
        (r"Cannot open file \"(?P<path>[^\"]*)\": No such file", _missing_file),
        (
            r"Overflow in (?P<operation>addition|subtraction|multiplication) of INT(?:8|16) "
            r"\((?P<left>-?\d+) [-+*] (?P<right>-?\d+)\)",
            _small_overflow,
        ),
        (r"Overflow in .* of (?P<width>INT\d+)", _arithmetic_overflow),
        (r"Overflow in (?:negation|abs).*?(?P<width>INT\d+)?", _arithmetic_overflow),
        (r"Overflow in .* of DECIMAL|Could not cast value .* to DECIMAL|[Dd]ecimal.*out of range", _decimal_overflow),
        (
            r"Type (?P<source>\S+) with value (?P<value>.*?) can't be cast because the value is out of range for the "
            r"destination type (?P<target>[^\n]+)",
            _cast_overflow,
        ),
        (r"Could not convert string ['\"](?P<value>.*?)['\"] to (?P<target>[^\n]+)", _cast_invalid),
        (r"Like pattern must not end with escape character", _open_escape),
        (r"Unknown TimeZone '(?P<zone>[^']*)'", _unknown_zone),
        (r"Map keys must be unique", _duplicate_map_key),
        (r"Map keys can not be NULL", _null_map_key),
        (r"Division by zero", _divide_by_zero),
    )
)
