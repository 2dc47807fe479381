"""JSON text as a tree, with the liberties that Spark's options allow.

Well-formed text goes through Python's own scanner; what that refuses through the reader here, which knows single
quotes, comments, bare names and the like.

The tree: JsonObject (its members in order, repeated names too), JsonArray, str, Whole and Fraction (numbers, as
spelled), True, False and None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.sources import options as opt
from penstock.sources.records.errors import Malformed


class Whole(str):
    """A number without fraction and exponent."""

    __slots__ = ()


class Fraction(str):
    """A number with a fraction or an exponent, or one of the words NaN and Infinity."""

    __slots__ = ()


class JsonObject:
    """An object: (name, value) pairs; `raw` is its text where that is known."""

    __slots__ = ("pairs", "raw")

    def __init__(self, pairs: list[tuple[str, Any]], raw: str | None = None) -> None:
        self.pairs = pairs
        self.raw = raw


class JsonArray(list[Any]):
    """An array; `raw` is its text."""

    raw: str | None = None


@dataclass(frozen=True)
class JsonSyntax:
    """What the text may look like, by Spark's options."""

    comments: bool = False
    unquoted_names: bool = False
    single_quotes: bool = True
    leading_zeros: bool = False
    non_numeric: bool = True
    backslash_any: bool = False
    control_chars: bool = False

    @staticmethod
    def of(options: Mapping[str, str]) -> JsonSyntax:
        """`options` keys are lower-case."""
        return JsonSyntax(
            comments=opt.boolean(options, "allowComments", False),
            unquoted_names=opt.boolean(options, "allowUnquotedFieldNames", False),
            single_quotes=opt.boolean(options, "allowSingleQuotes", True),
            leading_zeros=opt.boolean(options, "allowNumericLeadingZeros", False),
            non_numeric=opt.boolean(options, "allowNonNumericNumbers", True),
            backslash_any=opt.boolean(options, "allowBackslashEscapingAnyCharacter", False),
            control_chars=opt.boolean(options, "allowUnquotedControlChars", False),
        )


_SCANNER = json.JSONDecoder(
    object_pairs_hook=JsonObject, parse_float=Fraction, parse_int=Whole, parse_constant=Fraction
)  # fmt: skip
_BLANK = re.compile(r"[ \t\n\r]*")
NOTHING = object()


def parse(text: str, syntax: JsonSyntax) -> Any:
    """The first value of a text (what follows it does not count); NOTHING for blank text; Malformed."""
    start = _BLANK.match(text).end()  # type: ignore[union-attr]
    if start == len(text):
        return NOTHING
    if syntax.non_numeric:
        try:
            return _SCANNER.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            pass
    return parse_slowly(text, syntax)


def parse_slowly(text: str, syntax: JsonSyntax) -> Any:
    """As `parse`, with the text of objects and arrays kept."""
    reader = _Reader(text, syntax)
    reader.skip_blanks()
    if reader.at >= len(text):
        return NOTHING
    try:
        return reader.value()
    except RecursionError:
        raise Malformed from None


_PLAIN = {'"': re.compile(r'[^"\\\x00-\x1f]*'), "'": re.compile(r"[^'\\\x00-\x1f]*")}
_NUMBER = re.compile(r"-?(\d+)(\.\d+)?([eE][+-]?\d+)?")
_WORD = re.compile(r"[\w$]*")
_NAME = re.compile(r"[\w$@*#+-]+")
_SPECIAL = re.compile(r"NaN|INF(?:inity)?|Infinity|[+-]INF|[+-]Infinity")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None}


class _Reader:
    """A recursive reader of one text."""

    def __init__(self, text: str, syntax: JsonSyntax) -> None:
        self.text = text
        self.at = 0
        self._syntax = syntax

    def skip_blanks(self) -> None:
        while True:
            self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
            if not self._syntax.comments or not self.text.startswith("/", self.at):
                return
            self._skip_comment()

    def _skip_comment(self) -> None:
        if self.text.startswith("//", self.at):
            ends = [end for end in (self.text.find(mark, self.at) for mark in "\r\n") if end >= 0]
            self.at = min(ends, default=len(self.text))
        elif self.text.startswith("/*", self.at) and (end := self.text.find("*/", self.at + 2)) >= 0:
            self.at = end + 2
        else:
            raise Malformed

    def _peek(self) -> str:
        self.skip_blanks()
        if self.at >= len(self.text):
            raise Malformed
        return self.text[self.at]

    def value(self) -> Any:
        character = self._peek()
        if character == "{":
            return self._object()
        if character == "[":
            return self._array()
        if character == '"' or (character == "'" and self._syntax.single_quotes):
            return self._string(character)
        if character == "-" or character.isdigit():
            return self._number()
        return self._word()

    def _object(self) -> JsonObject:
        start, pairs = self.at, []
        self.at += 1
        if self._peek() != "}":
            while True:
                name = self._name()
                if self._peek() != ":":
                    raise Malformed
                self.at += 1
                pairs.append((name, self.value()))
                if self._peek() == "}":
                    break
                self._comma()
        self.at += 1
        return JsonObject(pairs, self.text[start : self.at])

    def _array(self) -> JsonArray:
        start, items = self.at, JsonArray()
        self.at += 1
        if self._peek() != "]":
            while True:
                items.append(self.value())
                if self._peek() == "]":
                    break
                self._comma()
        self.at += 1
        items.raw = self.text[start : self.at]
        return items

    def _comma(self) -> None:
        if self._peek() != ",":
            raise Malformed
        self.at += 1

    def _name(self) -> str:
        character = self._peek()
        if character == '"' or (character == "'" and self._syntax.single_quotes):
            return self._string(character)
        match = _NAME.match(self.text, self.at)
        if not self._syntax.unquoted_names or match is None or character.isdigit():
            raise Malformed
        self.at = match.end()
        return match[0]

    def _string(self, mark: str) -> str:
        self.at += 1
        parts = []
        while True:
            match = _PLAIN[mark].match(self.text, self.at)
            assert match is not None
            parts.append(match[0])
            self.at = match.end()
            if self.at >= len(self.text):
                raise Malformed
            character = self.text[self.at]
            self.at += 1
            if character == mark:
                return _joined(parts)
            if character == "\\":
                parts.append(self._escape())
            elif self._syntax.control_chars:
                parts.append(character)
            else:
                raise Malformed

    def _escape(self) -> str:
        character = self.text[self.at : self.at + 1]
        self.at += 1
        if character in _ESCAPES and character:
            return _ESCAPES[character]
        if character == "u":
            digits = self.text[self.at : self.at + 4]
            if re.fullmatch("[0-9A-Fa-f]{4}", digits) is None:
                raise Malformed
            self.at += 4
            return chr(int(digits, 16))
        if character and (self._syntax.backslash_any or (character == "'" and self._syntax.single_quotes)):
            return character
        raise Malformed

    def _number(self) -> Any:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            return self._special()
        whole = match[1]
        if len(whole) > 1 and whole[0] == "0":
            if not self._syntax.leading_zeros:
                raise Malformed
            whole = whole.lstrip("0") or "0"
        self.at = match.end()
        text = ("-" if match[0][0] == "-" else "") + whole + (match[2] or "") + (match[3] or "")
        return Whole(text) if match[2] is None and match[3] is None else Fraction(text)

    def _special(self) -> Any:
        match = _SPECIAL.match(self.text, self.at)
        if match is None or not self._syntax.non_numeric:
            raise Malformed
        self.at = match.end()
        return Fraction(match[0])

    def _word(self) -> Any:
        match = _WORD.match(self.text, self.at)
        word = match[0] if match else ""
        if word in _WORDS:
            self.at += len(word)
            return _WORDS[word]
        if word in ("NaN", "Infinity", "INF") or not word:
            return self._special()
        raise Malformed


def _joined(parts: list[str]) -> str:
    """The text, with pairs of surrogates (from \\u escapes) as one character."""
    text = "".join(parts)
    if any("\ud800" <= c <= "\udfff" for c in text):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text


def compact(value: Any) -> str:
    """A value written anew without blanks; fractions as Java spells doubles."""
    from penstock.core.text import double_text

    if isinstance(value, JsonObject):
        return "{" + ",".join(f"{_quoted(name)}:{compact(one)}" for name, one in value.pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(one) for one in value) + "]"
    if isinstance(value, Fraction):
        if not value[-1].isdigit():
            return _quoted(double_text(float(_python_float(value))))
        return double_text(float(_python_float(value)))
    if isinstance(value, Whole):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    return {True: "true", False: "false", None: "null"}[value]


def pretty(text: str) -> str:
    """A JSON text over several lines, indented by two blanks."""
    return _pretty(json.loads(text, object_pairs_hook=JsonObject, parse_float=Fraction, parse_int=Whole), "")


def _pretty(value: Any, indent: str) -> str:
    deeper = indent + "  "
    if isinstance(value, JsonObject):
        if not value.pairs:
            return "{ }"
        members = (f"{deeper}{_quoted(name)} : {_pretty(one, deeper)}" for name, one in value.pairs)
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list):
        return "[ " + ", ".join(_pretty(one, indent) for one in value) + " ]" if value else "[ ]"
    return str(value) if isinstance(value, (Whole, Fraction)) else compact(value)


def _python_float(text: str) -> str:
    return text.replace("INF", "inf").replace("infinity", "inf").replace("Infinity", "inf")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
