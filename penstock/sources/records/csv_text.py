"""CSV text as tokens, as the parser that Spark uses takes it apart: quotes, escapes, and quotes that nobody escaped.

A token is None where nothing stands between two separators; a quoted one may be empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.core.errors import RUNTIME, SparkError, illegal_argument, unsupported
from penstock.sources import options as opt
from penstock.sources.records.errors import BadRecord

_HANDLINGS = ("stop_at_closing_quote", "stop_at_delimiter", "skip_value", "raise_error")


def one_character(options: Mapping[str, str], name: str, default: str) -> str:
    """An option of at most one character; empty for none."""
    text = options.get(name.lower(), default)
    if len(text) > 1:
        message = f"The option {name!r} must be one character, but is {text!r}."
        raise SparkError("_LEGACY_ERROR_TEMP_2145", message, {"paramName": name}, sqlstate="XXKD0", classes=RUNTIME)
    return text


_SEPARATORS = {
    "\\t": "\t",
    "\\r": "\r",
    "\\b": "\b",
    "\\f": "\f",
    '\\"': '"',
    "\\'": "'",
    "\\\\": "\\",
    "\\0": "\0",
    "\\u0000": "\0",
}


def separator(options: Mapping[str, str]) -> str:
    """The option sep (or delimiter), with `\\t` and its like read."""
    text = options.get("sep", options.get("delimiter", ","))
    if not text:
        raise illegal_argument("INVALID_DELIMITER_VALUE.EMPTY_STRING", "The separator must not be empty.", "42602")
    if text == "\\":
        message = "A separator may not be a single backslash: write two of them for one."
        raise illegal_argument("INVALID_DELIMITER_VALUE.SINGLE_BACKSLASH", message, "42602")
    return re.sub(r"\\u0000|\\[trbf\"'\\0]", lambda match: _SEPARATORS[match[0]], text)


@dataclass(frozen=True)
class CsvSyntax:
    """What the text looks like, by Spark's options; characters are empty where there is none."""

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    escape_of_escape: str = "\\"
    comment: str = ""
    trim_left: bool = False
    trim_right: bool = False
    handling: str = "stop_at_delimiter"
    max_columns: int = 20480
    max_characters: int = -1

    @staticmethod
    def of(options: Mapping[str, str]) -> CsvSyntax:
        """`options` keys are lower-case."""
        if options.get("unescapedquotehandling", "").lower() == "back_to_delimiter":
            raise unsupported("the option unescapedQuoteHandling='BACK_TO_DELIMITER'", "Use STOP_AT_DELIMITER.")
        quote, escape = one_character(options, "quote", '"'), one_character(options, "escape", "\\")
        own = one_character(options, "charToEscapeQuoteEscaping", "")
        return CsvSyntax(
            separator(options), quote, escape, own or ("" if quote == escape else escape),
            one_character(options, "comment", ""), opt.boolean(options, "ignoreLeadingWhiteSpace", False),
            opt.boolean(options, "ignoreTrailingWhiteSpace", False),
            opt.one_of(options, "unescapedQuoteHandling", _HANDLINGS, "stop_at_delimiter"),
            opt.at_least(options, "maxColumns", 1) or 20480, int(options.get("maxcharspercolumn", "-1")),
        )  # fmt: skip


class CsvRecords:
    """Reads one record after the other of a text.  `at` is where the next one begins."""

    def __init__(self, text: str, syntax: CsvSyntax, *, newline: str = "\n", at: int = 0) -> None:
        self.text = text
        self.at = at
        self._s = syntax
        self._newline = newline
        self._stop = re.compile(re.escape(syntax.separator) + "|" + re.escape(newline))
        special = "".join({re.escape(c) for c in (syntax.quote, syntax.escape, syntax.escape_of_escape) if c})
        self._special = re.compile(f"[{special}]") if special else None
        self._out: list[str | None] = []

    def done(self) -> bool:
        """Nothing is left."""
        return self.at >= len(self.text)

    def record(self) -> list[str | None]:
        """The tokens of the next record; its line end is passed."""
        self._out = []
        while True:
            self._skip_left()
            if self._s.quote and self.text.startswith(self._s.quote, self.at):
                self._quoted()
            else:
                self._plain()
            if self._over():
                return self._out

    def _over(self) -> bool:
        """Pass what ends a token; True at the end of the record."""
        text, sep = self.text, self._s.separator
        if len(self._out) > self._s.max_columns:
            raise BadRecord([], "columns")
        if text.startswith(sep, self.at):
            self.at += len(sep)
            if self.at >= len(text) or text.startswith(self._newline, self.at):
                self._emit(None)
                self.at += len(self._newline)
                return True
            return False
        self.at += len(self._newline)
        return True

    def _skip_left(self) -> None:
        if self._s.trim_left:
            while self.at < len(self.text) and self.text[self.at] <= " " and not self._stop.match(self.text, self.at):
                self.at += 1

    def _until_stop(self) -> str:
        match = self._stop.search(self.text, self.at)
        end = match.start() if match else len(self.text)
        found, self.at = self.text[self.at : end], end
        return found

    def _plain(self) -> None:
        token = self._until_stop()
        self._emit((_trimmed(token) if self._s.trim_right else token) or None)

    def _emit(self, token: str | None) -> None:
        if token is not None and 0 <= self._s.max_characters < len(token):
            raise BadRecord([], "characters")
        self._out.append(token)

    # ------------------------------------------------------------ quotes

    def _quoted(self) -> None:
        """A token that begins with a quote."""
        s, text = self._s, self.text
        self.at += len(s.quote)
        parts: list[str] = []
        while True:
            match = self._special.search(text, self.at) if self._special else None
            if match is None:  # the quote never ends
                parts.append(text[self.at :])
                self.at = len(text)
                self._emit("".join(parts))
                return
            parts.append(text[self.at : match.start()])
            self.at = match.end()
            character, following = match[0], text[match.end() : match.end() + 1]
            if character == s.escape_of_escape and following == s.escape and s.escape and s.escape_of_escape:
                parts.append(s.escape)
                self.at += 1
            elif character == s.escape and s.escape and following == s.quote and (s.escape != s.quote):
                parts.append(s.quote)
                self.at += 1
            elif character != s.quote:
                parts.append(character)
            elif s.escape == s.quote and following == s.quote:
                parts.append(s.quote)
                self.at += 1
            elif self._closed(parts):
                return

    def _closed(self, parts: list[str]) -> bool:
        """After a quote that nothing escapes: True when the token is over."""
        s, text = self._s, self.text
        end = self.at
        while end < len(text) and text[end] <= " " and not self._stop.match(text, end):
            end += 1
        if end >= len(text) or self._stop.match(text, end):
            self.at = end
            self._emit("".join(parts))
            return True
        if s.handling == "raise_error":
            raise BadRecord([], "quote")
        if s.handling == "stop_at_closing_quote":
            parts.append(s.quote + text[self.at : end])
            self.at = end
            return False
        return self._unescaped(parts)

    def _unescaped(self, parts: list[str]) -> bool:
        if self._s.handling == "skip_value":
            self._until_stop()
            self._emit(None)
            return True
        token = self._s.quote + "".join(parts) + self._s.quote + self._until_stop()
        self._emit((_trimmed(token) if self._s.trim_right else token) or None)
        return True


def _trimmed(text: str) -> str:
    return text.rstrip("".join(map(chr, range(33))))


def tokens(line: str, syntax: CsvSyntax) -> list[str | None]:
    """The tokens of one line; BadRecord for an empty one and for a comment."""
    if not line or (syntax.comment and line.startswith(syntax.comment)):
        raise BadRecord([], shown=False)
    if (syntax.quote and syntax.quote in line) or syntax.trim_left or syntax.trim_right or syntax.max_characters >= 0:
        return CsvRecords(line, syntax).record()
    found: list[str | None] = [token or None for token in line.split(syntax.separator)]
    if len(found) > syntax.max_columns:
        raise BadRecord([], "columns")
    return found
