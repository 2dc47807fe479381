"""LIKE and regular expressions.  Spark's are Java's; DuckDB's engine is RE2, which lacks some of Java's constructs:
those are refused by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from penstock.core.errors import SparkError, unsupported
from penstock.functions.literals import constant
from penstock.functions.markers import quote, raise_sql
from penstock.functions.rows import row
from penstock.functions.table import Function, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import BOOLEAN, INTEGER, STRING, ArrayType

_JAVA_ONLY = (
    (re.compile(r"\(\?(?:=|!|<=|<!|>)"), "lookaround or atomic groups"),
    (re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]"), "back-references"),
    (re.compile(r"(?<!\\)(?:\\\\)*(?:[*+?}])\+"), "possessive quantifiers"),
    (re.compile(r"&&\["), "intersections of character classes"),
    (re.compile(r"(?<!\\)(?:\\\\)*\\[hHRGXZ]"), "the escapes \\h, \\H, \\R, \\G, \\X and \\Z"),
    (re.compile(r"\\p\{java"), "Java's character properties"),
)


def java_pattern(e: Expression, name: str) -> str:
    """SQL text of a constant Java pattern for RE2; INVALID_PARAMETER_VALUE.PATTERN when it is malformed."""
    found = constant(e)
    assert found is not None
    pattern = str(found.value)
    for rule, what in _JAVA_ONLY:
        if rule.search(pattern):
            raise unsupported(f"{what} in the regular expression {pattern!r} of {name}")
    pattern = re.sub(r"\(\?<([a-zA-Z])", r"(?P<\1", pattern)
    pattern = re.sub(r"(?<![\\\[])\^[*?]", "", pattern)  # Java's `^*`: at the beginning or anywhere
    _check(pattern, name)
    return quote(pattern)


def _check(pattern: str, name: str) -> None:
    text = (
        pattern.replace("\\p{", "\\\\p{")
        .replace("\\P{", "\\\\P{")
        .replace("\\Q", "")
        .replace("\\E", "")
        .replace("\\z", "")
    )
    try:
        re.compile(re.sub(r"\[\[:\^?\w+:\]", "[a", text).replace("(?s)", "").replace("(?i)", ""))
    except re.error as error:
        raise SparkError(
            "INVALID_PARAMETER_VALUE.PATTERN", f"The regular expression {pattern!r} of `{name}` is not valid: {error}.",
            {"parameter": "`regexp`", "functionName": f"`{name}`", "value": f"'{pattern}'"}, sqlstate="22023",
            classes=("org.apache.spark.SparkRuntimeException", "java.lang.RuntimeException"),
        ) from error  # fmt: skip


def _pattern(args: list[str], call: FunctionCall, index: int = 1) -> str:
    """A constant pattern is checked and translated; others go to RE2 as they are, which raises on what it lacks."""
    found = constant(call.args[index])
    if found is None:
        return args[index]
    return "CAST(NULL AS VARCHAR)" if found.value is None else java_pattern(call.args[index], call.display)


def _groups(call: FunctionCall, index: int = 1) -> int | None:
    found = constant(call.args[index])
    if found is None or found.value is None:
        return None
    return len(re.findall(r"(?<!\\)\((?!\?)|\(\?P?<[a-zA-Z]", re.sub(r"\[[^\]]*\]", "", str(found.value))))


# ---------------------------------------------------------------- LIKE


def _bad_escape(pattern: str, letter: str) -> str:
    return raise_sql(
        "INVALID_FORMAT.ESC_IN_THE_MIDDLE",
        f"In {pattern!r} the escape character stands before {letter!r}: only '_', '%' and itself may follow it.",
        sqlstate="42601", kind="analysis", format=f"'{pattern}'", char=f"'{letter}'",
    )  # fmt: skip


def _ends_in_escape(pattern: str) -> str:
    return raise_sql(
        "INVALID_FORMAT.ESC_AT_THE_END", f"The pattern {pattern!r} ends in its escape character.",
        sqlstate="42601", kind="analysis", format=f"'{pattern}'",
    )  # fmt: skip


def _like(word: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        escape = constant(call.args[2]) if len(args) > 2 else None
        mark = str(escape.value) if escape is not None else "\\"
        return _matches(args[0], word, args[1], call.args[1], mark)

    return sql


def _matches(value: str, word: str, pattern_sql: str, pattern: Expression, mark: str) -> str:
    found = constant(pattern)
    if found is not None and isinstance(found.value, str):
        if mark not in found.value:
            return f"({value} {word} {pattern_sql})"
        if (error := _escape_error(found.value, mark)) is not None:
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE {error} END"
    return f"({value} {word} {pattern_sql} ESCAPE {quote(mark)})"


def _escape_error(pattern: str, mark: str) -> str | None:
    """SQL that raises for a pattern whose escape character stands before something else, or at the end."""
    i = 0
    while i < len(pattern):
        if pattern[i] == mark:
            if i + 1 == len(pattern):
                return _ends_in_escape(pattern)
            if pattern[i + 1] not in (mark, "_", "%"):
                return _bad_escape(pattern, pattern[i + 1])
            i += 1
        i += 1
    return None


def _show_like(call: FunctionCall, texts: Sequence[str]) -> str:
    text = f"{texts[0]} LIKE {texts[1]}"
    return text + (f" ESCAPE '{texts[2]}'" if len(texts) > 2 and texts[2] != "\\" else "")


def _show_ilike(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"ilike({texts[0]}, {texts[1]})"


# ---------------------------------------------------------------- matching


def _rlike(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"regexp_matches({args[0]}, {_pattern(args, call)})"


def _group_error(call: FunctionCall) -> str:
    return raise_sql(
        "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX", "The regular expression has no group of that number.",
        sqlstate="22023", kind="runtime", parameter="`idx`", functionName=f"`{call.name}`",
        groupCount=_groups(call) or 0, groupIndex="",
    )  # fmt: skip


def _with_group(args: list[str], call: FunctionCall, value: str) -> str:
    count = _groups(call)
    if count is None:
        return value
    index = constant(call.args[2])
    if index is not None and isinstance(index.value, int) and 0 <= index.value <= count:
        return value
    return f"CASE WHEN {args[2]} < 0 OR {args[2]} > {count} THEN {_group_error(call)} ELSE {value} END"


def _extract(function: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return _with_group(args, call, f"{function}({args[0]}, {_pattern(args, call)}, {args[2]})")

    return sql


def _replacement(e: Expression, sql: str) -> str:
    """Java's `$1` is RE2's `\\1`; a backslash before another character stands for that character."""
    found = constant(e)
    if found is None or found.value is None:
        return sql if found is not None else f"regexp_replace({sql}, '\\$(\\d)', '\\\\\\1', 'g')"
    text = str(found.value)
    if "${" in text:
        raise unsupported("named groups in the replacement of regexp_replace")
    out, i = "", 0
    while i < len(text):
        if text[i] == "\\" and i + 1 < len(text):
            out += "\\\\" if text[i + 1] == "\\" else text[i + 1]
            i += 1
        elif text[i] == "$" and i + 1 < len(text) and text[i + 1].isdigit():
            out += "\\" + text[i + 1]
            i += 1
        else:
            out += text[i]
        i += 1
    return quote(out)


def _regexp_replace(args: list[str], call: FunctionCall, context: Any) -> str:
    text, new = args[0], _replacement(call.args[2], args[2])
    start = constant(call.args[3])
    if start is not None and start.value == 1:
        return f"regexp_replace({text}, {_pattern(args, call)}, {new}, 'g')"
    rest = f"regexp_replace(substring({text}, {args[3]}), {_pattern(args, call)}, {new}, 'g')"
    return f"CASE WHEN {args[3]} > length({text}) THEN {text} ELSE left({text}, {args[3]} - 1) || {rest} END"


def _count(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CAST(len(regexp_extract_all({args[0]}, {_pattern(args, call)})) AS INTEGER)"


def _substr(args: list[str], call: FunctionCall, context: Any) -> str:
    pattern = _pattern(args, call)
    return f"CASE WHEN regexp_matches({args[0]}, {pattern}) THEN regexp_extract({args[0]}, {pattern}) END"


def _instr(args: list[str], call: FunctionCall, context: Any) -> str:
    pattern = _pattern(args, call)
    before = f"length(regexp_extract({args[0]}, '(?s)^(.*?)(?:' || {pattern} || ')', 1))"
    null = f"{args[0]} IS NULL OR {args[1]} IS NULL"
    found = f"regexp_matches({args[0]}, {pattern})"
    return f"CASE WHEN {null} THEN NULL WHEN {found} THEN CAST({before} + 1 AS INTEGER) ELSE 0 END"


def _split(args: list[str], call: FunctionCall, context: Any) -> str:
    pattern, limit = _pattern(args, call), constant(call.args[2])
    if limit is None or not isinstance(limit.value, int) or (limit.value > 0 and _groups(call) is None):
        return f"kernel_split({args[0]}, {args[1]}, {args[2]})"
    plain = f"regexp_split_to_array({args[0]}, {pattern})"
    found = constant(call.args[1])
    if found is not None and found.value == "":
        plain = f"string_split({args[0]}, '')"
    if limit.value <= 0:
        return plain
    groups = _groups(call)
    assert groups is not None
    n = limit.value
    heads = f"repeat('.*?(?:' || {pattern} || ')', {n - 1})"
    rest = f"regexp_extract({args[0]}, '(?s)^' || {heads} || '(.*)$', {groups * (n - 1) + 1})"
    return f"CASE WHEN len({plain}) <= {n} THEN {plain} ELSE list_append({plain}[:{n - 1}], {rest}) END"


def _quantified(word: str, joined: str) -> Function:
    """`x LIKE ANY (p, q)` of constants: LIKE with each pattern, joined by OR or AND; shows the value alone."""
    negation = "NOT " if word.startswith("$not") else ""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        patterns = zip(args[1:], call.args[1:], strict=True)
        tests = [f"{negation}{_matches(args[0], 'LIKE', text, pattern, chr(92))}" for text, pattern in patterns]
        return f"({f' {joined} '.join(tests)})"

    shown = word.removeprefix("$")
    return row(word, "string string string*", BOOLEAN, sql, nullable=True, display=lambda call, s: f"{shown}({s[0]})")


_RLIKE_NAMES = {name: name.upper() for name in ("rlike", "regexp", "regexp_like")}

register(
    row("like", "string string string?", BOOLEAN, _like("LIKE"), display=_show_like),
    row("ilike", "string string string?", BOOLEAN, _like("ILIKE"), display=_show_ilike),
    _quantified("$likeany", "OR"),
    _quantified("$likeall", "AND"),
    _quantified("$notlikeany", "OR"),
    _quantified("$notlikeall", "AND"),
    row("rlike regexp regexp_like", "string string", BOOLEAN, _rlike, shows=_RLIKE_NAMES),
    row("regexp_extract", "string string int?", STRING, _extract("regexp_extract"), defaults={2: Literal(1, INTEGER)}),
    row("regexp_extract_all", "string string int?", ArrayType(STRING, True), _extract("regexp_extract_all"),
        defaults={2: Literal(1, INTEGER)}),
    row("regexp_replace", "string string string int?", STRING, _regexp_replace, defaults={3: Literal(1, INTEGER)}),
    row("regexp_count", "string string", INTEGER, _count),
    row("regexp_substr", "string string", STRING, _substr, nullable=True),
    row("regexp_instr", "string string int?", INTEGER, _instr, defaults={2: Literal(0, INTEGER)}),
    row("split", "string string int?", ArrayType(STRING, False), _split, defaults={2: Literal(-1, INTEGER)}),
)  # fmt: skip
