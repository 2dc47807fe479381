"""XML text as the events that Spark's parser sees, and files as the texts of their records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError
from penstock.sources import options as opt
from penstock.sources.records.errors import Malformed

START, END, TEXT, OVER, BROKEN = "start", "end", "text", "over", "broken"


@dataclass(frozen=True)
class XmlSyntax:
    """The options that say what elements and attributes mean."""

    row_tag: str = "ROW"
    attribute_prefix: str = "_"
    value_tag: str = "_VALUE"
    exclude_attributes: bool = False
    trim: bool = False
    null: str | None = None
    ignore_namespace: bool = False
    wildcard: str = "xs_any"
    case_sensitive: bool = False

    @staticmethod
    def of(options: Mapping[str, str]) -> XmlSyntax:
        """`options` keys are lower-case; `$case` is spark.sql.caseSensitive."""
        made = XmlSyntax(
            options.get("rowtag", "ROW"), options.get("attributeprefix", "_"), options.get("valuetag", "_VALUE"),
            opt.boolean(options, "excludeAttribute", False), opt.boolean(options, "ignoreSurroundingSpaces", True),
            options.get("nullvalue"), opt.boolean(options, "ignoreNamespace", False),
            options.get("wildcardcolname", "xs_any"), options.get("$case") == "true",
        )  # fmt: skip
        for name, value, bad in (
            ("rowTag", made.row_tag, not made.row_tag or made.row_tag[0] == "<" or made.row_tag[-1] == ">"),
            ("valueTag", made.value_tag, not made.value_tag or made.value_tag == made.attribute_prefix),
        ):
            if bad:
                message = f"requirement failed: the option {name!r} cannot be {value!r}."
                raise SparkError("_LEGACY_ERROR_TEMP_3250", message, {}, classes=ILLEGAL_ARGUMENT)
        return made

    def name(self, tag: str) -> str:
        """An element's or attribute's name, without its namespace prefix if that is to be ignored."""
        return tag.rpartition(":")[2] if self.ignore_namespace else tag

    def attributes(self, pairs: list[tuple[str, str]]) -> dict[str, str | None]:
        """Field name -> text of an element's attributes."""
        if self.exclude_attributes:
            return {}
        texts = (
            (self.attribute_prefix + self.name(key), value.strip(_SPACES) if self.trim else value)
            for key, value in pairs
        )
        return {key: None if value == self.null else value for key, value in texts}


_SPACES = "".join(map(chr, range(33)))
Event = tuple[str, Any, Any]


class Events:
    """The events of one record: (START, name, attributes), (END, name, None), (TEXT, text, None); after the last one
    (OVER, ...), or an error where the text is broken."""

    def __init__(self, text: str) -> None:
        self._events = _events(text)
        self._at = 0

    def peek(self) -> Event:
        """The next event; Malformed where the text is broken."""
        event = self._events[self._at]
        if event[0] == BROKEN:
            raise Malformed
        return event

    def next(self) -> Event:
        """As `peek`, and goes on."""
        event = self.peek()
        if event[0] != OVER:
            self._at += 1
        return event


def _events(text: str) -> list[Event]:
    events: list[Event] = []
    parser = expat.ParserCreate(encoding="utf-8")
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartElementHandler = lambda name, pairs: events.append(
        (START, name, list(zip(pairs[::2], pairs[1::2], strict=True)))
    )
    parser.EndElementHandler = lambda name: events.append((END, name, None))
    parser.CharacterDataHandler = lambda data: events.append((TEXT, data, None))
    parser.CommentHandler = lambda _: None
    parser.ProcessingInstructionHandler = lambda *_: None
    try:
        parser.Parse(
            re.sub(r"^(<\?xml[^>]*?)\sencoding=(\"[^\"]*\"|'[^']*')", r"\1", text).encode("utf-8", "replace"), True
        )
    except expat.ExpatError:
        events.append((BROKEN, None, None))
    events.append((OVER, None, None))
    return events


def is_whole(record: str) -> bool:
    """Whether a record is well-formed."""
    return all(kind != BROKEN for kind, _, _ in _events(record))


def records(text: str, tag: str) -> Iterator[str]:
    """The texts of the elements `tag` of a file, the outermost ones; comments and CDATA between them are passed over,
    an element that never ends takes all the rest."""
    name = re.escape(tag)
    opening = re.compile(rf"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|(<{name}(?=[>\s/]))", re.DOTALL)
    inside = re.compile(
        rf"(?P<skip><!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z))|(?P<open><{name}(?=[>\s/])(?:[^>\"']|\"[^\"]*\"|'[^']*')*>)|(?P<close></{name}\s*>)",
        re.DOTALL,
    )
    at = 0
    while (match := opening.search(text, at)) is not None:
        at = match.end()
        if match[1] is not None:
            end = _end_of(text, match.start(), inside)
            yield text[match.start() : end]
            at = end


def _end_of(text: str, start: int, inside: re.Pattern[str]) -> int:
    depth = 0
    for match in inside.finditer(text, start):
        if match["close"]:
            depth -= 1
        elif match["open"] and not match["open"].endswith("/>"):
            depth += 1
        if depth == 0 and not match["skip"]:
            return match.end()
    return len(text)
